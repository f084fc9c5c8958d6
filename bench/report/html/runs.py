"""What the runs behind a section cost, and where its numbers come from."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from bench.report.html.section import Section
from bench.report.table import Table
from bench.scoring.facts import NOT_KNOWN, TRAINED_ON
from bench.store.runs import Facts

MOST_RUNS = 20
Terms = list[tuple[str, str]]


def cost_tables(section: Section) -> list[Table]:
    """Makes the tables of what scoring took: by detector over all finished runs, and by run."""
    finished = [facts for facts in section.comparison.runs if "cost" in facts]
    tables = []
    if finished:
        rows = [_detector_cost(section, detector, finished) for detector in section.detectors]
        note = (
            "On the first device of each finished run. A clean pass that several detectors share is paid by the first "
            "of them, so seconds depend on its place; passes do not."
        )
        columns = ("detector", "passes per image", "scores", "seconds", "scores per second")
        tables.append(Table("By detector", columns, rows, note))
    if section.comparison.runs:
        names = (
            "run",
            "state",
            "device",
            "images",
            "seconds",
            "images per second",
            "backbone passes",
            "memory",
            "GPU memory",
        )
        note = (
            "Images: those of which a score was missing, under all conditions at once. Memory: the peak of the process."
        )
        tables.append(_without_empty(Table("By run", names, [_run_cost(facts) for facts in _latest(section)], note)))
    return tables


def detectors_of(section: Section) -> list[tuple[str, Terms]]:
    """Describes each detector as it was configured."""
    return [(detector, _detector(section, detector)) for detector in section.detectors]


def runs_of(section: Section) -> list[tuple[str, Terms]]:
    """Describes the latest runs, the last one first."""
    return [(_when(facts), list(_run(facts))) for facts in _latest(section)]


def older_runs(section: Section) -> int:
    """Counts the runs that are not described."""
    return max(0, len(section.comparison.runs) - MOST_RUNS)


def _latest(section: Section) -> list[Facts]:
    return list(section.comparison.runs)[::-1][:MOST_RUNS]


def _detector_cost(section: Section, detector: str, finished: list[Facts]) -> list[str]:
    fingerprint = section.scoring_of(detector).fingerprint
    scores, seconds = 0, 0.0
    for facts in finished:
        label = facts.get("detectors", {}).get(fingerprint, {}).get("label")
        scores += facts["cost"].get("scores_by_detector", {}).get(label, 0)
        seconds += facts["cost"].get("seconds_by_detector", {}).get(label, 0.0)
    passes = section.facts_of(detector).get("passes")
    return [detector, "" if passes is None else str(passes), f"{scores:,}", f"{seconds:,.1f}", _rate(scores, seconds)]


def _run_cost(facts: Facts) -> list[str]:
    cost, when = facts.get("cost"), _when(facts)
    device = str(facts.get("device", "not recorded"))
    if cost is None:
        return [when, "did not finish", device, *[""] * 6]
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
        _memory(cost.get("peak_bytes")),
        _memory(cost.get("peak_device_bytes")),
    ]


def _without_empty(table: Table) -> Table:
    kept = [column for column in range(len(table.columns)) if any(row[column] for row in table.rows)]
    rows = [[row[column] for column in kept] for row in table.rows]
    return replace(table, columns=[table.columns[column] for column in kept], rows=rows)


def _when(facts: Facts) -> str:
    return str(facts.get("time", "time not recorded")).replace("T", " ").replace("+00:00", " UTC")


def _rate(count: int, seconds: float) -> str:
    return f"{count / seconds:,.1f}" if count and seconds > 0 else ""


def _memory(peak: float | None) -> str:
    return f"{peak / 2**30:.2f} GiB" if peak else ""


def _detector(section: Section, detector: str) -> Terms:
    facts, scoring = section.facts_of(detector), section.scoring_of(detector)
    seeds = sorted({one.seed for one in section.comparison.panel.scorings if one.detector == detector})
    backbone = facts.get("backbone") or {}
    terms = [
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
        ("fingerprint", scoring.fingerprint),
    ]
    return [(name, str(text)) for name, text in terms if text not in (None, "")]


def _run(facts: Facts) -> Iterator[tuple[str, str]]:
    data: Mapping[str, Any] = facts.get("data", {})
    terms = [
        ("command", facts.get("command")),
        ("commit", facts.get("commit") or "not recorded"),
        ("device", facts.get("device")),
        ("machine", facts.get("machine")),
        ("versions", _listed(facts.get("versions", {}), " ")),
        ("images", f"{data['images']:,}, {data.get('preprocessing', '')}" if "images" in data else None),
        ("paths", f"sha256 {data['paths_sha256']}" if "paths_sha256" in data else None),
        ("options", _listed(facts.get("options", {}))),
    ]
    for name, text in terms:
        if text not in (None, ""):
            yield name, str(text)


def _listed(values: Mapping[str, Any], between: str = "=") -> str:
    return ", ".join(f"{name}{between}{value}" for name, value in values.items())
