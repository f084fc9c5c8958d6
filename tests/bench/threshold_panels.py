"""Panels of given scores, for the tests of thresholds."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from scipy.stats import beta

from bench.results.thresholds.halves import Halves
from bench.results.thresholds.points import OperatingPoint, operating_points
from bench.results.thresholds.rules import is_held_out, parse_rule
from bench.store.contrasts import rules_of
from bench.store.panel import Panel
from bench.store.schema import Scoring

Seeds = Sequence[Sequence[float]]


def names(number: int, held: bool, start: int = 0) -> list[str]:
    """The first names of real images that are held out, or are not."""
    found = []
    while len(found) < number:
        if is_held_out(f"camera/{start}") == held:
            found.append(f"camera/{start}")
        start += 1
    return found


def panel_of(
    held: Seeds, measured: Seeds, generated: Mapping[str, Seeds], conditions: Sequence[str] = ("clean",)
) -> Panel:
    """Makes a panel of detector ``x``: scores by seed of held-out reals, of other reals and of each generator."""
    paths = [*names(len(held[0]), True), *names(len(measured[0]), False)]
    paths += [f"{name}/{i}" for name, seeds in generated.items() for i in range(len(seeds[0]))]
    label = [int(not path.startswith("camera/")) for path in paths]
    source = [path.split("/")[0] for path in paths]
    images = pl.DataFrame({"path": paths, "group": paths, "label": label, "generator": source})
    scores = np.concatenate([np.asarray(seeds, dtype=float) for seeds in (held, measured, *generated.values())], axis=1)
    order = images["path"].arg_sort().to_numpy()
    scores = np.concatenate([scores[:, order]] * len(conditions))
    scorings = tuple(Scoring("x", "f", seed, where) for where in conditions for seed in range(len(held)))
    rules = rules_of({name: ["camera"] for name in generated})
    return Panel(images[order], scorings, scores, np.isfinite(scores), dict.fromkeys(conditions, rules))


def points_of(panel: Panel, rule: str, draws: int = 1000, probability: bool = False) -> list[OperatingPoint]:
    """Measures detector ``x`` on clean images."""
    return operating_points(Halves(panel, draws), "x", "clean", parse_rule(rule), probability)


def exact_interval(count: int, n: int) -> tuple[float, float]:
    """The interval of Clopper and Pearson at 95 %, from the quantiles of the beta distribution."""
    low = float(beta.ppf(0.025, count, n - count + 1)) if count > 0 else 0.0
    return low, float(beta.ppf(0.975, count + 1, n - count)) if count < n else 1.0
