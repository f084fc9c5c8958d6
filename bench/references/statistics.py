"""What the statistics make of locked scores: a change of theirs is seen here, though no score moves.

All numbers are from the locked scores, so that they depend on nothing but code: values of every metric, ends of
intervals, p-values. The first detector counts twice, the second time rounded to nine levels, so that there are ties.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from bench.references.locks import LockedNumber, rounded
from bench.results.estimates import INFLUENCES, influences_of
from bench.results.rankings import rankings_of
from bench.results.summary import MEAN, summarise
from bench.statistics.metrics import METRICS, shown_metrics
from bench.store.panel import Panel

Key = tuple[str, str, str, str]
ROUNDED, LEVELS = " (rounded)", 8
P, P_HOLM = "p", "p (Holm)"
FEW_DRAWS = 2
"""Intervals of the bootstrap are not locked, so no draws are wasted on them."""
RELATIVE, ABSOLUTE = 1e-5, 1e-9
AGREE = 1e-9


def locked_statistics(panel: Panel) -> tuple[LockedNumber, ...]:
    """Computes the statistics that a lock holds from its scores."""
    return tuple(LockedNumber(*key, rounded(value)) for key, value in _statistics(panel))


def moved_statistics(panel: Panel, locked: tuple[LockedNumber, ...]) -> dict[Key, float | None]:
    """Returns what the statistics are now, where they are not the locked ones; None where there are none."""
    now, moved = dict(_statistics(panel)), dict[Key, float | None]()
    for number in locked:
        key = (number.detector, number.condition, number.generator, number.metric)
        value, expected = now.get(key, math.nan), math.nan if number.value is None else number.value
        both = math.isnan(value) and math.isnan(expected) and key in now
        if not both and not math.isclose(value, expected, rel_tol=RELATIVE, abs_tol=ABSOLUTE):
            moved[key] = None if math.isnan(value) else value
    return moved


def computed_twice(panel: Panel) -> dict[Key, tuple[float, float]]:
    """Computes metrics by both of their implementations: `METRICS`, and the value that comes with influence values."""
    panel, values = _with_ties(panel), dict[Key, tuple[float, float]]()
    metrics = [name for name in METRICS if name in INFLUENCES]
    for detector, condition in panel.cells:
        for rule in panel.contrasts[condition]:
            part = panel.part(detector, condition, rule)
            if part.n_real and part.n_generated:
                influences = influences_of(part, metrics)
                for metric in metrics:
                    value = float(np.mean([METRICS[metric](part.labels, scores) for scores in part.scores]))
                    values[detector, condition, rule.generator, metric] = (value, influences[metric].value)
    return values


def _statistics(panel: Panel) -> Iterator[tuple[Key, float]]:
    panel = _with_ties(panel)
    summary = summarise(panel, draws=FEW_DRAWS)
    for row in summary.rows:
        for metric, number in row.numbers.items():
            yield (row.detector, row.condition, row.generator, metric), number.value
            if metric in shown_metrics():
                for end, value in zip(("low", "high"), number.interval or (math.nan, math.nan), strict=True):
                    yield (row.detector, row.condition, row.generator, f"{metric} {end}"), value
    for change in summary.changes:
        for end, value in zip(("low", "high"), change.auroc.interval or (math.nan, math.nan), strict=True):
            yield (change.detector, change.condition, MEAN, f"change {end}"), value
    for condition, ranking in rankings_of(summary, panel).items():
        for pair in (*ranking.pairs, *ranking.by_generator):
            names = " and ".join(sorted((pair.first, pair.second)))
            yield (names, condition, pair.generator, P), pair.test.p
            yield (names, condition, pair.generator, P_HOLM), pair.p_adjusted


def _with_ties(panel: Panel) -> Panel:
    """Adds the first detector again, its scores rounded to eighths of their range."""
    rows = [row for row, scoring in enumerate(panel.scorings) if scoring.detector == panel.scorings[0].detector]
    scores = panel.scores[rows]
    low, high = (limit(scores, axis=1, keepdims=True) for limit in (np.nanmin, np.nanmax))
    levels = np.round(LEVELS * (scores - low) / np.where(high > low, high - low, 1)) / LEVELS
    again = tuple(replace(panel.scorings[row], detector=panel.scorings[row].detector + ROUNDED) for row in rows)
    return replace(
        panel,
        scorings=(*panel.scorings, *again),
        scores=np.concatenate([panel.scores, levels]),
        present=np.concatenate([panel.present, panel.present[rows]]),
    )
