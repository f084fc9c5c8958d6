"""The page's sections about several data sets together."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from bench.report.across import across_notes, across_tables
from bench.report.plots.across import across_svg
from bench.results.across.findings import AcrossSets


def shown_across(sections: Sequence[AcrossSets]) -> list[dict[str, Any]]:
    """Makes a section for each condition, as the template takes it."""
    shown = []
    for number, across in enumerate(sections, start=1):
        means, *others = across_tables(across)
        shown.append(
            {
                "prefix": f"a{number}",
                "title": means.title,
                "notes": across_notes(across),
                "svg": Markup(across_svg(across, f"a{number}-")),
                "tables": [replace(means, title="Means over sets"), *others],
            }
        )
    return shown
