"""Panels with generators of edited images, for tests of what stands apart from means."""

from dataclasses import replace

import numpy as np
import polars as pl
from report_sections import made_panel

from bench.store.contrasts import rules_of

EDITED = "gan (partial)"


def made_apart(
    generators=("flow", "gan"), edited=(EDITED,), each=30, detectors=("good", "poor"), conditions=("clean",)
):
    """A panel of ``each`` images of a camera and of every generator; those edited are apart, and easier."""
    rng = np.random.default_rng(5)
    names = ("camera", *generators, *edited)
    sources = np.repeat(names, each)
    strength = np.repeat([0.0, *(0.5 for _ in generators), *(1.0 for _ in edited)], each)
    noise = rng.normal(size=(2, len(sources)))
    scores = {"good": noise[0] + 2 * strength, "poor": noise[1] + strength}
    panel = made_panel(scores, (sources != "camera").astype(int), sources, conditions=conditions)
    rules = rules_of({name: ["camera"] for name in names[1:]}, apart=edited)
    share = pl.when(pl.col("generator").is_in(list(edited))).then(pl.int_range(pl.len()) / len(sources))
    images = panel.images.with_columns(
        kind=pl.when(pl.col("generator").is_in(list(edited))).then(pl.lit("partial")), share=share
    )
    return replace(panel, images=images, contrasts=dict.fromkeys(conditions, rules))
