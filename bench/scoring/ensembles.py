"""Fuses stored scores of several detectors: ``--detectors rigid+wepe fuse=minp:rigid+wepe``; no image is read."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import polars as pl
import torch

from bench.scoring.entry import Entry
from bench.scoring.findings import FittedEnsemble, TiedScores
from bench.scoring.specs import DetectorSpec
from bench.store.findings import Finding
from bench.store.schema import CLEAN, OK, SCHEMA, UNREADABLE, Scoring
from datamodules import GENERATED, REAL
from datamodules.keys import image_key
from detectors import Detector, Ensemble, create_fusion
from detectors.ensemble import member_names
from detectors.fusion import OfRanks

MOST_TIED = 0.05
"""Above this share of tied pairs the held-out reals are too few: AUROC could be half of it higher or lower."""
COMPARED = ("path", "group", "label", "generator", "sha256", "kind", "share", "score", "status", "reason")
"""Columns of the store that a comparison is made of; there may be many millions of rows."""


@dataclass(frozen=True)
class ScoreTable:
    """The scores that a comparison is about.

    Args:
        rows: Rows of the store, with the columns `COMPARED` and ``scoring``.
        scorings: The scorings by position.
        fused: Those of the rows that were fused just now, of all images.
        findings: How ensembles were set up.
    """

    rows: pl.DataFrame
    scorings: list[Scoring]
    fused: pl.DataFrame
    findings: list[Finding]


def columns_for(specs: Sequence[DetectorSpec]) -> Sequence[str]:
    """Returns the columns of the rows that `assemble` takes: those of an ensemble's members become rows of its own."""
    return tuple(SCHEMA) if any(spec.members for spec in specs) else COMPARED


def assemble(
    specs: Sequence[DetectorSpec],
    entries: Sequence[Entry],
    rows: pl.DataFrame,
    fit_groups: Mapping[str, frozenset[str]],
    run: dict[str, str],
    findings: Sequence[Finding],
) -> ScoreTable:
    """Puts the detectors asked for in order, and fuses the ensembles among them.

    Args:
        specs: What was asked for.
        entries: What was run, members of ensembles included; a member may go by another label.
        rows: Rows of the store, with `columns_for` the specs and ``scoring``, the position among the entries.
        fit_groups: Groups whose real images set an ensemble's scales, by its label.
        run: What a fingerprint covers beside the detector.
        findings: What there is to say of them already.
    """
    columns: list[tuple[Scoring, pl.DataFrame]] = []
    fused = [pl.DataFrame(schema=SCHEMA)]
    kept = list(findings)
    for spec in specs:
        positions = [[i for i, entry in enumerate(entries) if single.is_same(entry.spec)] for single in spec.singles]
        if spec.members:
            fused_columns, found = _fuse(spec, entries, rows, positions, fit_groups[spec.label], run)
            columns += fused_columns
            fused += [part for _, part in fused_columns]
            kept += found
        else:
            columns += [(entries[i].scoring, rows.filter(pl.col("scoring") == i)) for i in positions[0]]
    numbers = [pl.lit(number, dtype=pl.Int64).alias("scoring") for number in range(len(columns))]
    shown = pl.concat([part.select(*COMPARED, number) for number, (_, part) in zip(numbers, columns, strict=True)])
    return ScoreTable(shown, [scoring for scoring, _ in columns], pl.concat(fused), kept)


def _fuse(
    spec: DetectorSpec,
    entries: Sequence[Entry],
    rows: pl.DataFrame,
    positions: Sequence[Sequence[int]],
    fit_groups: frozenset[str],
    run: dict[str, str],
) -> tuple[list[tuple[Scoring, pl.DataFrame]], list[Finding]]:
    """Fuses the stored scores of an ensemble's members, for each seed and condition.

    The positions are those of each member's entries, in the same order of seeds and conditions.
    """
    columns, fitted = [], 0
    ensembles: dict[int, Ensemble] = {}
    for step in zip(*positions, strict=True):
        detectors = [entries[position].detector for position in step]
        table = _side_by_side(rows, step, member_names(detectors))
        scoring = entries[step[0]].scoring
        if scoring.condition == CLEAN:
            fit = (pl.col("label") == REAL) & pl.col("group").is_in(fit_groups) & (pl.col("status") == OK)
            chosen = table.filter(fit)
            ensembles[scoring.seed], fitted = Ensemble(detectors, create_fusion(**spec.fusion)), len(chosen)
            keys = torch.tensor([image_key(sha256) for sha256 in chosen["sha256"]])
            ensembles[scoring.seed].fit_scores(_member_scores(chosen, detectors), keys)
        ensemble = ensembles[scoring.seed]
        scoring = Scoring(spec.label, ensemble.fingerprint(**run), scoring.seed, scoring.condition)
        readable, lost = table.filter(pl.col("status") == OK), table.filter(pl.col("status") == UNREADABLE)
        readable = readable.with_columns(pl.Series("score", ensemble.fuse(_member_scores(readable, detectors)).numpy()))
        lost = lost.with_columns(pl.lit(None, dtype=pl.Float64).alias("score"))
        constants = {name: pl.lit(value) for name, value in asdict(scoring).items()}
        fused = pl.concat([readable, lost]).with_columns(**constants).select(*SCHEMA)
        columns.append((scoring, fused.cast(pl.Schema(SCHEMA))))
    findings: list[Finding] = [FittedEnsemble(spec.label, spec.fusion["name"], fitted, len(fit_groups))]
    if isinstance(ensemble.fusion, OfRanks):
        clean = next(part for scoring, part in columns if scoring.condition == CLEAN)
        tied = tied_pairs(clean.filter(~pl.col("group").is_in(fit_groups)))
        findings += [TiedScores(spec.label, fitted, tied)] if tied > MOST_TIED else []
    return columns, findings


def tied_pairs(rows: pl.DataFrame) -> float:
    """Returns the share of the pairs of a real and a generated image that have the same score; 0 without pairs.

    Examples:
        >>> tied_pairs(pl.DataFrame({"label": [0, 0, 1, 1], "score": [1.0, 2.0, 2.0, 3.0]}))
        0.25
    """
    scored = rows.drop_nulls("score")
    of_score = scored.group_by("score").agg(generated=pl.col("label").eq(GENERATED).sum(), images=pl.len())
    generated, images = of_score["generated"].to_numpy().astype(float), of_score["images"].to_numpy()
    real = images - generated
    pairs = real.sum() * generated.sum()
    return float((real * generated).sum() / pairs) if pairs else 0.0


def _side_by_side(rows: pl.DataFrame, positions: Sequence[int], names: Sequence[str]) -> pl.DataFrame:
    """Puts the members' scores of each image side by side; unreadable for one is unreadable."""
    parts = [rows.filter(pl.col("scoring") == position) for position in positions]
    table = parts[0].drop("scoring", "score")
    for name, part in zip(names, parts, strict=True):
        scores = part.select("path", pl.col("score").alias(f"score_{name}"))
        table = table.join(scores, on="path", maintain_order="left")
    return table


def _member_scores(table: pl.DataFrame, detectors: Sequence[Detector]) -> dict[str, torch.Tensor]:
    names = member_names(detectors)
    return {name: torch.from_numpy(table[f"score_{name}"].to_numpy().copy()) for name in names}
