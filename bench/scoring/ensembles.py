"""Fuses stored scores of several detectors: ``--detectors rigid+wepe``."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import torch

from bench.scoring.entry import Entry
from bench.scoring.specs import DetectorSpec
from bench.store.findings import Finding
from bench.store.schema import CLEAN, OK, SCHEMA, UNREADABLE, Scoring
from datamodules import REAL
from datamodules.batch import image_key
from detectors import Ensemble


@dataclass(frozen=True)
class FittedEnsemble(Finding):
    """An ensemble whose scales were set on the real images of some groups, which are left out of every number."""

    detector: str
    images: int
    groups: int


@dataclass(frozen=True)
class ScoreTable:
    """The scores that a comparison is about.

    Args:
        rows: Rows of the store, with ``scoring``.
        scorings: The scorings by position.
        fused: Those of the rows that were fused just now, of all images.
        findings: How ensembles were set up.
    """

    rows: pl.DataFrame
    scorings: list[Scoring]
    fused: pl.DataFrame
    findings: list[Finding]


def assemble(
    specs: Sequence[DetectorSpec],
    entries: Sequence[Entry],
    rows: pl.DataFrame,
    fit_groups: frozenset[str],
    run: dict[str, str],
    findings: Sequence[Finding] = (),
) -> ScoreTable:
    """Puts the detectors asked for in order, and fuses the ensembles among them.

    Args:
        specs: What was asked for.
        entries: What was run, members of ensembles included.
        rows: Rows of the store, with ``scoring``, the position among the entries.
        fit_groups: Groups that something was fitted to; they are left out of the table.
        findings: What there is to say of them already.
        run: What a fingerprint covers beside the detector.
    """
    parts: list[pl.DataFrame] = []
    fused = [pl.DataFrame(schema={**SCHEMA, "scoring": pl.Int64})]
    scorings: list[Scoring] = []
    kept = list(findings)
    for spec in specs:
        singles = spec.members or (spec,)
        positions = [[i for i, e in enumerate(entries) if _is(single, e)] for single in singles]
        if spec.members:
            result = fuse(spec, [[entries[i] for i in of] for of in positions], rows, positions, fit_groups, run)
            parts.append(result.rows.with_columns(pl.col("scoring") + len(scorings)))
            fused.append(result.rows)
            scorings += result.scorings
            kept.append(result.finding)
            continue
        for position in positions[0]:
            one = rows.filter(pl.col("scoring") == position)
            parts.append(one.with_columns(pl.lit(len(scorings), dtype=pl.Int64).alias("scoring")))
            scorings.append(entries[position].scoring)
    shown = pl.concat([part.select(*SCHEMA, "scoring") for part in parts])
    if fit_groups:  # else a copy of everything
        shown = shown.filter(~pl.col("group").is_in(fit_groups))
    return ScoreTable(shown, scorings, pl.concat(fused), kept)


def _is(spec: DetectorSpec, entry: Entry) -> bool:
    """Says whether an entry computes a detector; a member of an ensemble may go by another label."""
    return (spec.name, spec.options) == (entry.spec.name, entry.spec.options)


@dataclass(frozen=True)
class Fused:
    """Fused scores.

    Args:
        rows: Rows of the store, with ``scoring``, the position among the scorings.
        scorings: One for each seed and condition.
        finding: How the ensemble was set up.
    """

    rows: pl.DataFrame
    scorings: list[Scoring]
    finding: FittedEnsemble


def fuse(
    spec: DetectorSpec,
    members: Sequence[Sequence[Entry]],
    rows: pl.DataFrame,
    positions: Sequence[Sequence[int]],
    fit_groups: frozenset[str],
    run: dict[str, str],
) -> Fused:
    """Fuses the stored scores of an ensemble's members.

    Args:
        spec: The ensemble.
        members: The entries of each member, in the same order of seeds and conditions.
        rows: Rows of the store, with ``scoring``.
        positions: The scoring of each of those entries.
        fit_groups: Groups whose real images set the scales.
        run: What a fingerprint covers beside the detector.
    """
    fused, scorings, fitted = [], [], 0
    ensembles: dict[int, Ensemble] = {}
    for step, entries in enumerate(zip(*members, strict=True)):
        scoring = entries[0].scoring
        table = _joined(rows, [entry.detector.name for entry in entries], [of[step] for of in positions])
        if scoring.condition == CLEAN:
            chosen = table.filter(
                (pl.col("label") == REAL) & pl.col("group").is_in(fit_groups) & (pl.col("status") == OK)
            )
            ensembles[scoring.seed] = _fitted([entry.detector for entry in entries], chosen)
            fitted = len(chosen)
        ensemble = ensembles[scoring.seed]
        scorings.append(Scoring(spec.label, ensemble.fingerprint(**run), scoring.seed, scoring.condition))
        fused.append(_fused_rows(table, ensemble, scorings[-1], len(scorings) - 1))
    return Fused(pl.concat(fused), scorings, FittedEnsemble(spec.label, fitted, len(fit_groups)))


def _joined(rows: pl.DataFrame, names: Sequence[str], positions: Sequence[int]) -> pl.DataFrame:
    """Puts the members' scores of each image side by side; unreadable for one is unreadable."""
    parts = [rows.filter(pl.col("scoring") == position) for position in positions]
    table = parts[0].drop("scoring", "score")
    for name, part in zip(names, parts, strict=True):
        table = table.join(
            part.select("path", pl.col("score").alias(f"score_{name}")), on="path", maintain_order="left"
        )
    return table


def _fitted(detectors: Sequence[torch.nn.Module], chosen: pl.DataFrame) -> Ensemble:
    ensemble = Ensemble(detectors)  # type: ignore[arg-type] # entries hold detectors
    scores = {name: torch.from_numpy(chosen[f"score_{name}"].to_numpy().copy()) for name in ensemble.names}
    ensemble.fit_scores(scores, torch.tensor([image_key(sha256) for sha256 in chosen["sha256"]]))
    return ensemble


def _fused_rows(table: pl.DataFrame, ensemble: Ensemble, scoring: Scoring, position: int) -> pl.DataFrame:
    readable = table.filter(pl.col("status") == OK)
    scores = {name: torch.from_numpy(readable[f"score_{name}"].to_numpy().copy()) for name in ensemble.names}
    fused = readable.with_columns(pl.Series("score", ensemble.fuse(scores).numpy()))
    lost = table.filter(pl.col("status") == UNREADABLE).with_columns(pl.lit(None, dtype=pl.Float64).alias("score"))
    facts = {
        "detector": scoring.detector,
        "fingerprint": scoring.fingerprint,
        "condition": scoring.condition,
        "seed": scoring.seed,
        "scoring": position,
    }
    both = pl.concat([fused, lost]).with_columns(**{name: pl.lit(value) for name, value in facts.items()})
    return both.select(*SCHEMA, "scoring").cast(pl.Schema({**SCHEMA, "scoring": pl.Int64}))
