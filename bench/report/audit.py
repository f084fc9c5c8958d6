"""The ``audit`` command: the trivial cues of a dataset, and how far detectors' scores follow them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.text import Text

from bench.errors import BenchError
from bench.report.tables import make_table, print_tables
from bench.results.cues.audit import CueResult, GeneratorAudit, audit, audit_frame
from bench.scoring.build import create_datamodule, create_entries
from bench.scoring.conditions import assign_treatments
from bench.scoring.cues import cues_of
from bench.scoring.options import RunOptions
from bench.scoring.specs import parse_detectors
from bench.statistics.bootstrap import Interval
from bench.statistics.correlations import Correlation, score_correlations
from bench.store.schema import OK
from bench.store.writer import ScoreStore
from datamodules import DetectionDataModule
from datamodules.conditions import Reencoded, Unified
from detectors import create_backbone

HEADER = ("condition", "generator", "worst container cue", "AUROC", "worst content cue", "AUROC", "all cues together")
CORRELATION_HEADER = ("detector", "fact", "real images", "Spearman's rho")


@dataclass(frozen=True)
class AuditReport:
    """What an audit found.

    Args:
        title: The dataset.
        audits: For each condition (the images as they are, and matched) an audit of each generator.
        correlations: Detectors' scores against JPEG quality and size, within the real images.
        files: The files that were written.
    """

    title: str
    audits: dict[str, list[GeneratorAudit]]
    correlations: list[Correlation]
    files: tuple[Path, ...]


def audit_dataset(options: RunOptions, detectors: Sequence[str] = ()) -> AuditReport:
    """Audits a dataset as it is and, with ``--match``, matched.

    Args:
        options: The data.
        detectors: Detectors whose stored scores are correlated with facts of the real images.

    Raises:
        BenchError: A detector's scores are not in the store.
    """
    datamodule = create_datamodule(options)
    datamodule.setup()
    options.make_output()
    audits: dict[str, list[GeneratorAudit]] = {}
    for assignment in assign_treatments(options, datamodule):
        treatment = assignment.treatment
        if audits and not isinstance(treatment, Reencoded | Unified):
            continue
        cues = cues_of(datamodule, options.output, treatment)
        facts = (cues["label"].to_numpy(), cues["generator"].to_list(), cues["path"].to_list())
        audits[treatment.name] = [
            audited
            for rule in assignment.contrasts
            for audited in audit(cues.filter(pl.Series(rule.applies(*facts))), {rule.generator: rule.reals})
        ]
    correlations = _correlations(options, datamodule, detectors) if detectors else []
    return AuditReport(datamodule.title, audits, correlations, _write(audits, correlations, options.output))


def print_audit(report: AuditReport, console: Console) -> None:
    """Prints the worst cues and the correlations."""
    rows = [
        [
            condition,
            one.generator,
            *(text for kind in ("container", "content") for text in _worst(one.worst.get(kind))),
            _number(one.combined["all"].auroc, one.combined["all"].interval) if "all" in one.combined else "",
        ]
        for condition, audits in report.audits.items()
        for one in audits
    ]
    tables = [make_table(f"{report.title}: what trivia tell", HEADER, rows, 2)]
    if report.correlations:
        cells = [[c.detector, c.fact, str(c.n), _number(c.rho, c.interval)] for c in report.correlations]
        tables.append(make_table("Scores and storage, within the real images", CORRELATION_HEADER, cells, 2))
    print_tables(tables, console)
    console.print(
        Text(
            "- AUROC free of direction, cross-fitted: direction, choice and combination are learned on other images "
            "than those they are measured on. 0.5 says nothing, 1 gives the label away."
        ),
        soft_wrap=True,
    )
    print(f"Written: {', '.join(map(str, report.files))}.")


def _correlations(options: RunOptions, datamodule: DetectionDataModule, detectors: Sequence[str]) -> list[Correlation]:
    backbone = create_backbone(options.backbone, options.weights)
    clean = assign_treatments(options, datamodule)[:1]
    entries = create_entries(parse_detectors(list(detectors)), backbone, datamodule, clean, options)
    scorings = [entry.scoring for entry in entries]
    rows = ScoreStore(options.output, datamodule.title).known(datamodule.items, datamodule.read_bytes, scorings)
    scored = rows.filter(pl.col("status") == OK)
    for position, scoring in enumerate(scorings):
        if scored.filter(pl.col("scoring") == position).is_empty():
            raise BenchError(
                f"The store {options.output} has no scores of {scoring.detector}, seed {scoring.seed}, on these "
                f"images: run compare first."
            )
    means = scored.group_by("path", "detector", maintain_order=True).agg(pl.col("score").mean())
    return score_correlations(means, cues_of(datamodule, options.output))


def _write(
    audits: dict[str, list[GeneratorAudit]], correlations: Sequence[Correlation], output: Path
) -> tuple[Path, ...]:
    output.mkdir(parents=True, exist_ok=True)
    file = output / "audit.csv"
    frames = [audit_frame(of).insert_column(0, pl.lit(name).alias("condition")) for name, of in audits.items()]
    pl.concat(frames).write_csv(file)
    if not correlations:
        return (file,)
    second = output / "audit-correlations.csv"
    rows = [(c.detector, c.fact, c.n, c.rho, *(c.interval or (None, None)), c.reason) for c in correlations]
    names = ["detector", "fact", "n_real", "spearman", "low", "high", "reason"]
    pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None).write_csv(second)
    return (file, second)


def _worst(cue: CueResult | None) -> tuple[str, str]:
    if cue is None:
        return "", ""
    return cue.detail or cue.reason or "", _number(cue.auroc, cue.interval)


def _number(value: float, interval: Interval | None) -> str:
    if math.isnan(value):
        return "n/a"
    return f"{value:.3f}" + (f" [{interval.low:.3f}, {interval.high:.3f}]" if interval else " [no interval]")
