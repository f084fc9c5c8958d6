"""Where a number comes from: images, weights, options, versions, device, commit and command, from the store alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bench.errors import BenchError
from bench.results.summary import MEAN, Row, summarise
from bench.statistics.names import hash_of
from bench.store.dataset import StoredDataset, read_store
from bench.store.findings import Finding
from bench.store.panel import Part
from bench.store.reader import PARTS, scan_rows
from bench.store.runs import Facts, Run
from bench.store.schema import CLEAN, UNREADABLE
from detectors.errors import did_you_mean

MOST_FILES_NAMED = 5
IMAGES = "Images"
NOTHING = ("facts", "not recorded: rows of an older version")


@dataclass(frozen=True)
class Explanation:
    """What a number was made from.

    Args:
        title: Which number.
        sections: By heading, lines of a name and what it is.
        findings: What a reader must know of the images.
    """

    title: str
    sections: Mapping[str, Sequence[tuple[str, str]]]
    findings: Sequence[Finding] = ()


def explain(
    output: Path,
    dataset: str,
    detector: str,
    generator: str,
    condition: str = CLEAN,
    protocol: str | None = None,
) -> Explanation:
    """Explains the numbers of one detector against one generator.

    Args:
        output: The results' folder.
        dataset: The data set's title, or its kind where that is unique.
        detector: The label, as the leaderboard shows it, or a fingerprint or the start of one.
        generator: The generator, or ``mean``.
        condition: The degradation of the images.
        protocol: Which protocol, where the store has several.

    Raises:
        BenchError: The store has no such number.
    """
    stored = _dataset(read_store(output), dataset, protocol)
    label = _label(stored, detector)
    if not stored.panel.seeds(label, condition):
        there = [where for of, where in stored.panel.cells if of == label]
        raise BenchError(_unknown("condition", condition, there, f"of {label}"))
    rows = {
        row.generator: row
        for row in summarise(stored.panel).rows
        if (row.detector, row.condition) == (label, condition)
    }
    if generator not in rows:
        raise BenchError(_unknown("generator", generator, rows, f"of {stored.title}"))
    configured = stored.detectors[label]
    scores = stored.sources[label, condition]
    runs = [run for run in stored.runs if run.name in scores]
    return Explanation(
        f"{label} on {stored.title}, {condition}, against {generator}",
        {
            "Numbers": _numbers(rows[generator], stored, label, condition),
            IMAGES: _images(output, stored, label, condition, generator, configured.fingerprint),
            "Detector": _detector(configured.fingerprint, configured.facts, stored, label, condition),
            **{f"Run {run.name}": [("scores", f"{scores[run.name]:,}"), *_run(run)] for run in runs},
            **{f"Run {name}": [("scores", f"{n:,}"), NOTHING] for name, n in scores.items() if not runs},
        },
        stored.findings,
    )


def _dataset(stored: Sequence[StoredDataset], name: str, protocol: str | None) -> StoredDataset:
    named = [one for one in stored if one.title == name] or [one for one in stored if one.name == name]
    if not named:
        raise BenchError(_unknown("data set", name, {one.title for one in stored}, "in the store"))
    chosen = [one for one in named if protocol in (None, one.protocol)]
    if len(chosen) != 1:
        there = "; ".join(repr(one.protocol if len({o.title for o in named}) == 1 else one.title) for one in named)
        what = f"--protocol {protocol!r}" if protocol and not chosen else f"{name!r}"
        raise BenchError(f"{what} does not name one table of {name}: there are {there}. Choose one with --protocol.")
    return chosen[0]


def _label(stored: StoredDataset, name: str) -> str:
    if name in stored.detectors:
        return name
    started = [label for label, configured in stored.detectors.items() if configured.fingerprint.startswith(name)]
    if len(started) == 1:
        return started[0]
    several = [label for label in stored.detectors if label.split(" #")[0] == name]
    if several:
        raise BenchError(f"{name!r} names {len(several)} detectors of {stored.title}: {', '.join(several)}.")
    raise BenchError(_unknown("detector", name, stored.detectors, f"of {stored.title}"))


def _unknown(kind: str, name: str, known: Iterable[str], where: str) -> str:
    names = sorted(known)
    return f"There is no {kind} {name!r} {where}; there are: {', '.join(names)}.{did_you_mean(name, names)}"


def _numbers(row: Row, stored: StoredDataset, label: str, condition: str) -> list[tuple[str, str]]:
    lines = []
    for metric, number in row.numbers.items():
        text = f"{number.value:.6f}"
        if number.interval:
            text += f", 95 % interval [{number.interval.low:.6f}, {number.interval.high:.6f}]"
        if number.seeds_sd is not None:
            text += f", standard deviation over seeds {number.seeds_sd:.6f}"
        lines.append((metric, text + (f" ({number.reason})" if number.reason else "")))
    seeds = [stored.panel.scorings[at].seed for at in stored.panel.seeds(label, condition)]
    coverage = stored.coverage[label, condition]
    missing = [] if coverage.complete else [("not complete", str(coverage))]
    return [*lines, ("seeds", ", ".join(map(str, seeds))), *missing]


def _images(
    output: Path, stored: StoredDataset, label: str, condition: str, generator: str, fingerprint: str
) -> list[tuple[str, str]]:
    panel = stored.panel
    rules = {rule.generator: rule for rule in panel.contrasts.get(condition, ())}
    chosen = list(rules.values()) if generator == MEAN else [rules[generator]] if generator in rules else []
    parts = [panel.part(label, condition, rule) for rule in chosen] or [panel.part(label, condition)]
    rows = np.unique(np.concatenate([part.rows for part in parts]))
    images = panel.images[rows]
    lines = [
        ("data set", f"{stored.title} ({stored.name or 'kind not recorded'})"),
        ("protocol", stored.protocol),
        *((f"{rule.generator} faces", ", ".join(rule.reals)) for rule in chosen),
        *_sources(images),
        ("groups", f"{images['group'].n_unique():,}"),
        ("sha256 of the paths and contents", hash_of(f"{p} {h}" for p, h in images["path", "sha256"].iter_rows())),
        ("unreadable", _unreadable(output, parts, stored, fingerprint, condition)),
    ]
    return lines


def _sources(images: pl.DataFrame) -> list[tuple[str, str]]:
    counts = images.group_by("label", "generator").len().sort("label", "generator")
    return [(f"{'generated' if label else 'real'}, {name}", f"{n:,} images") for label, name, n in counts.iter_rows()]


def _unreadable(output: Path, parts: Sequence[Part], stored: StoredDataset, fingerprint: str, condition: str) -> str:
    count = sum(part.n_unreadable for part in parts)
    if not count:
        return "0"
    lost = (
        scan_rows(sorted((output / "scores").glob(f"*/*/{PARTS}")))
        .filter(
            pl.col("dataset") == stored.title,
            pl.col("fingerprint") == fingerprint,
            pl.col("condition") == condition,
            pl.col("status") == UNREADABLE,
        )
        .select("path", "reason")
        .collect()
        .unique("path", keep="last", maintain_order=True)
        .sort("path")
    )
    named = "; ".join(f"{path} ({reason})" for path, reason in lost.head(MOST_FILES_NAMED).iter_rows())
    more = f"; and {len(lost) - MOST_FILES_NAMED} more" if len(lost) > MOST_FILES_NAMED else ""
    return f"{count}: {named}{more}"


def _detector(
    fingerprint: str, facts: Facts, stored: StoredDataset, label: str, condition: str
) -> list[tuple[str, str]]:
    if not facts:
        return [("fingerprint", fingerprint), NOTHING]
    backbone: Mapping[str, Any] = facts.get("backbone") or {}
    options: Mapping[str, Any] = facts.get("options", {})
    return [
        ("fingerprint", fingerprint),
        ("method", f"{facts['name']}, version {facts['version']}, {facts['paper']}"),
        *([("source", f"sha256 {facts['source']}")] if "source" in facts else []),
        ("options", ", ".join(f"{name}={value}" for name, value in options.items()) or "none"),
        ("view", f"{facts['view']} ({facts['view_mode']})"),
        ("precision", str(facts["precision"])),
        ("backbone", f"{backbone['name']}, weights sha256 {backbone['weights']}" if backbone else "none"),
        ("held out", f"{len(facts['held_out'])} groups that it was fitted to" if facts.get("held_out") else "nothing"),
        *([("members", ", ".join(facts["members"]))] if "members" in facts else []),
    ]


def _run(run: Run) -> list[tuple[str, str]]:
    facts = run.facts
    cost = facts.get("cost", {})
    lines = [(name, str(facts[name])) for name in ("command", "time", "commit", "device", "machine") if facts.get(name)]
    lines.append(("versions", ", ".join(f"{name} {version}" for name, version in facts.get("versions", {}).items())))
    if not run.finished:
        return [*lines, ("finished", "no: it was cut off")]
    return [*lines, ("cost", ", ".join(f"{k} {v}" for k, v in cost.items() if isinstance(v, int | float)))]
