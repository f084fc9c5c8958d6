"""Where a number comes from: images, weights, options, versions, device, commit and command, from the store alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from bench.errors import BenchError
from bench.results.summary import MEAN, Row, summarise
from bench.scoring.machine.phases import phase
from bench.statistics.names import hash_of
from bench.store.contrasts import averaged
from bench.store.damage import PARTS
from bench.store.dataset import ConfiguredDetector, StoredDataset
from bench.store.findings import Finding
from bench.store.panel import Part
from bench.store.reader import read_parts, scan_rows
from bench.store.runs import Run, is_fused
from bench.store.schema import CLEAN, UNREADABLE
from bench.store.whole_store import read_store
from detectors.errors import did_you_mean

MOST_FILES_NAMED = 5
IMAGES = "Images"
NOTHING = ("facts", "not recorded: rows of an older version")


@dataclass(frozen=True)
class Explanation:
    """What a number was made from: by heading, lines of a name and what it is; and findings about the images."""

    title: str
    sections: Mapping[str, Sequence[tuple[str, str]]]
    findings: Sequence[Finding] = ()


def explain(
    output: Path, dataset: str, detector: str, generator: str, condition: str = CLEAN, protocol: str | None = None
) -> Explanation:
    """Explains the numbers of one detector against one generator, or ``mean``.

    A data set goes by its title, or by its kind where that is unique, and a detector by its label on the leaderboard,
    or by a fingerprint or the start of one. The protocol must be said where the store has several.

    Raises:
        BenchError: The store has no such number.
    """
    with phase("Reading the store"):
        datasets = read_store(output)
    stored = _dataset(datasets, dataset, protocol)
    label = _label(stored, detector)
    conditions = [where for name, where in stored.panel.cells if name == label]
    if condition not in conditions:
        raise BenchError(_unknown("condition", condition, conditions, f"of {label}"))
    rows = summarise(stored.panel).cells[label, condition]
    if generator not in rows:
        raise BenchError(_unknown("generator", generator, rows, f"of {stored.title}"))
    scores = stored.sources[label, condition]
    runs = [run for run in stored.runs if run.name in scores]
    return Explanation(
        f"{label} on {stored.title}, {condition}, against {generator}",
        {
            "Numbers": _numbers(rows[generator], stored, label, condition),
            IMAGES: _images(output, stored, label, condition, generator),
            "Detector": _detector(stored.detectors[label]),
            **{f"Run {run.name}": [("scores", f"{scores[run.name]:,}"), *_run(run)] for run in runs},
            **{f"Run {name}": [("scores", f"{n:,}"), NOTHING] for name, n in scores.items() if not runs},
        },
        stored.findings,
    )


def _dataset(stored: Sequence[StoredDataset], name: str, protocol: str | None) -> StoredDataset:
    named = [dataset for dataset in stored if dataset.title == name]
    named = named or [dataset for dataset in stored if dataset.name == name]
    titles = {dataset.title for dataset in named}
    if not named:
        raise BenchError(_unknown("data set", name, {dataset.title for dataset in stored}, "in the store"))
    chosen = [dataset for dataset in named if protocol in (None, dataset.protocol)]
    if len(chosen) != 1:
        there = "; ".join(repr(dataset.protocol if len(titles) == 1 else dataset.title) for dataset in named)
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
        if metric == "auroc" and number.chance_words:
            text += f", {number.chance_words}"
        elif number.chance not in (None, 0.5):
            text += f", chance {number.chance:.6f}"
        lines.append((metric, text + (f" ({number.remark})" if number.remark else "")))
    seeds = [stored.panel.scorings[at].seed for at in stored.panel.seeds(label, condition)]
    coverage = stored.coverage[label, condition]
    missing = [] if coverage.complete else [("not complete", str(coverage))]
    return [*lines, ("seeds", ", ".join(map(str, seeds))), *missing]


def _images(output: Path, stored: StoredDataset, label: str, condition: str, generator: str) -> list[tuple[str, str]]:
    panel = stored.panel
    rules = panel.contrasts.get(condition, ())
    chosen = averaged(rules) if generator == MEAN else [rule for rule in rules if rule.generator == generator]
    parts = [panel.part(label, condition, rule) for rule in chosen] or [panel.part(label, condition)]
    images = panel.images[np.unique(np.concatenate([part.rows for part in parts]))]
    sources = images.group_by("label", "generator").len().sort("label", "generator").iter_rows()
    return [
        ("data set", f"{stored.title} ({stored.name or 'kind not recorded'})"),
        ("protocol", stored.protocol),
        *((f"{rule.generator} faces", ", ".join(rule.reals)) for rule in chosen),
        *((f"{'generated' if is_generated else 'real'}, {name}", f"{n:,} images") for is_generated, name, n in sources),
        ("groups", f"{images['group'].n_unique():,}"),
        ("sha256 of the paths and contents", hash_of(f"{p} {h}" for p, h in images["path", "sha256"].iter_rows())),
        ("unreadable", _unreadable(output, parts, stored, label, condition)),
    ]


def _unreadable(output: Path, parts: Sequence[Part], stored: StoredDataset, label: str, condition: str) -> str:
    count = sum(part.n_unreadable for part in parts)
    if not count:
        return "0"
    wanted = (
        (pl.col("dataset") == stored.title)
        & (pl.col("fingerprint") == stored.detectors[label].fingerprint)
        & (pl.col("condition") == condition)
        & (pl.col("status") == UNREADABLE)
    )
    lost = read_parts(
        output / "scores",
        lambda parts: scan_rows(parts).filter(wanted).select("path", "reason").collect(),
        pattern=f"*/*/{PARTS}",
    )
    lost = lost.unique("path", keep="last", maintain_order=True).sort("path")
    named = "; ".join(f"{path} ({reason})" for path, reason in lost.head(MOST_FILES_NAMED).iter_rows())
    more = f"; and {len(lost) - MOST_FILES_NAMED} more" if len(lost) > MOST_FILES_NAMED else ""
    return f"{count}: {named}{more}"


def _detector(configured: ConfiguredDetector) -> list[tuple[str, str]]:
    facts = configured.facts
    if not facts:
        return [("fingerprint", configured.fingerprint), NOTHING]
    if imported := facts.get("imported"):
        direction = "real, and were negated" if imported.get("real_high") else "generated"
        return [
            ("fingerprint", configured.fingerprint),
            ("method", "not known: its scores were made elsewhere, and imported"),
            ("file", f"{imported.get('file')}, sha256 {imported.get('sha256')}"),
            ("high scores meant", direction),
        ]
    backbone = facts.get("backbone") or {}
    options = facts.get("options", {})
    return [
        ("fingerprint", configured.fingerprint),
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
    lines = [(name, str(facts[name])) for name in ("command", "time", "commit", "device", "machine") if facts.get(name)]
    lines.append(("versions", ", ".join(f"{name} {version}" for name, version in facts.get("versions", {}).items())))
    if is_fused(facts):
        return [*lines, ("finished", "yes: fused from stored scores")]
    if not run.finished:
        return [*lines, ("finished", "no: it was cut off")]
    if "imported" in facts:
        return [*lines, ("finished", "yes: scores were imported")]
    cost = [f"{name} {number}" for name, number in facts.get("cost", {}).items() if isinstance(number, int | float)]
    return [*lines, ("cost", ", ".join(cost))]
