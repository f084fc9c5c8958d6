"""What the runs behind a comparison cost, and where its numbers come from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.report.table import Table
from bench.results.comparison import Comparison
from bench.store.facts import NOT_KNOWN, TRAINED_ON, Facts
from bench.store.runs import is_fused

MOST_RUNS = 20
DETECTOR_COST = ("detector", "passes per image", "scores", "seconds", "scores per second")
DETECTOR_COST_NOTE = (
    "On the first device of each finished run. A clean pass that several detectors share is paid by the first of them, "
    "so seconds depend on its place; passes do not."
)
RUN_COST = (
    *("run", "state", "device", "images", "seconds", "images per second", "backbone passes", "memory", "GPU memory"),
)
RUN_COST_NOTE = (
    "Images: those of which a score was missing, under all conditions at once. Memory: the peak of the process."
)
Terms = list[tuple[str, str]]


def cost_tables(comparison: Comparison) -> list[Table]:
    """Makes the tables of what scoring took: by detector over all finished runs, and by run."""
    finished = [facts for facts in comparison.runs if "cost" in facts]
    tables = []
    if finished:
        rows = [_detector_cost(comparison, detector, finished) for detector in comparison.labels]
        tables.append(Table("By detector", DETECTOR_COST, rows, DETECTOR_COST_NOTE))
    if comparison.runs:
        rows = [_run_cost(facts) for facts in _latest(comparison)]
        tables.append(_without_empty(Table("By run", RUN_COST, rows, RUN_COST_NOTE)))
    return tables


def described(comparison: Comparison, detector: str) -> Terms:
    """Describes a detector as it was configured."""
    facts = comparison.detectors.get(detector, {})
    backbone = facts.get("backbone") or {}
    seeds = sorted({scoring.seed for scoring in comparison.panel.scorings if scoring.detector == detector})
    return _known(
        ("method", f"{facts['name']}, version {facts.get('version', '?')}" if "name" in facts else "not recorded"),
        ("source", f"sha256 {facts['source']}" if "source" in facts else None),
        ("paper", facts.get("paper")),
        ("options", _listed(facts.get("options", {}))),
        ("view", f"{facts['view']} ({facts.get('view_mode', '?')})" if "view" in facts else None),
        ("backbone", backbone.get("name")),
        ("weights", f"sha256 {backbone['weights']}" if "weights" in backbone else None),
        ("precision", facts.get("precision")),
        ("seeds", ", ".join(map(str, seeds))),
        ("tuned on", facts.get("tuned_on")),
        ("trained on", ", ".join(facts[TRAINED_ON]) or NOT_KNOWN if TRAINED_ON in facts else None),
        ("fitted to", f"{len(facts['held_out']):,} groups, which are left out" if facts.get("held_out") else None),
        ("fingerprint", _fingerprint(comparison, detector)),
    )


def runs_of(comparison: Comparison) -> list[tuple[str, Terms]]:
    """Describes the latest runs, the last one first."""
    return [(_when(facts), _run(facts)) for facts in _latest(comparison)]


def latest_run(comparisons: Sequence[Comparison]) -> str:
    """Returns the time of the latest run behind some comparisons; empty where none told."""
    times = [str(facts["time"]) for comparison in comparisons for facts in comparison.runs if "time" in facts]
    return _when({"time": max(times)}) if times else ""


def _latest(comparison: Comparison) -> Sequence[Facts]:
    return comparison.runs[::-1][:MOST_RUNS]


def _fingerprint(comparison: Comparison, detector: str) -> str:
    return next(scoring.fingerprint for scoring in comparison.panel.scorings if scoring.detector == detector)


def _detector_cost(comparison: Comparison, detector: str, finished: Sequence[Facts]) -> list[str]:
    fingerprint = _fingerprint(comparison, detector)
    scores, seconds = 0, 0.0
    for facts in finished:
        label = facts.get("detectors", {}).get(fingerprint, {}).get("label")
        scores += facts["cost"].get("scores_by_detector", {}).get(label, 0)
        seconds += facts["cost"].get("seconds_by_detector", {}).get(label, 0.0)
    passes = comparison.detectors.get(detector, {}).get("passes", "")
    known = NOT_KNOWN if passes is None else str(passes)
    return [detector, known, f"{scores:,}", f"{seconds:,.1f}", _rate(scores, seconds)]


def _run_cost(facts: Facts) -> list[str]:
    cost, when = facts.get("cost"), _when(facts)
    device = str(facts.get("device", "not recorded"))
    if cost is None:
        return [when, "fused from stored scores" if is_fused(facts) else "did not finish", device, *[""] * 6]
    images, seconds = int(cost.get("images", 0)), float(cost.get("seconds", math.nan))
    count = int(cost.get("devices", 1))
    return [
        when,
        "finished",
        f"{count} x {device}" if count > 1 else device,
        f"{images:,}",
        f"{seconds:,.1f}",
        _rate(images, seconds),
        f"{cost.get('backbone_passes', 0):,}",
        *(f"{peak / 2**30:.2f} GiB" if peak else "" for peak in map(cost.get, ("peak_bytes", "peak_device_bytes"))),
    ]


def _without_empty(table: Table) -> Table:
    kept = [column for column in range(len(table.columns)) if any(row[column] for row in table.rows)]
    rows = [[row[column] for column in kept] for row in table.rows]
    return replace(table, columns=[table.columns[column] for column in kept], rows=rows)


def _when(facts: Facts) -> str:
    return str(facts.get("time", "time not recorded")).replace("T", " ").replace("+00:00", " UTC")


def _rate(count: int, seconds: float) -> str:
    return f"{count / seconds:,.1f}" if count and seconds > 0 else ""


def _run(facts: Facts) -> Terms:
    data: Mapping[str, Any] = facts.get("data", {})
    return _known(
        ("command", facts.get("command")),
        ("commit", facts.get("commit") or "not recorded"),
        ("device", facts.get("device")),
        ("machine", facts.get("machine")),
        ("versions", _listed(facts.get("versions", {}), " ")),
        ("images", f"{data['images']:,}, {data.get('preprocessing', '')}" if "images" in data else None),
        ("paths", f"sha256 {data['paths_sha256']}" if "paths_sha256" in data else None),
        ("options", _listed(facts.get("options", {}))),
    )


def _known(*terms: tuple[str, object]) -> Terms:
    return [(name, str(text)) for name, text in terms if text not in (None, "")]


def _listed(values: Mapping[str, Any], between: str = "=") -> str:
    return ", ".join(f"{name}{between}{value}" for name, value in values.items())
