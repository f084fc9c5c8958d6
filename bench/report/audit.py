"""An audit: the worst cues of each generator, and the correlations of scores with storage."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from bench.report.table import Table, columns_of, csv_text, print_tables, write_texts
from bench.results.cues.audit import GeneratorAudit
from bench.results.cues.study import CueStudy
from bench.statistics.bootstrap import Interval
from bench.statistics.number import finite

HEADER = ("condition", "generator", "kind of cue", "worst cue", "AUROC")
ALL = "all"
"""The kind of what was made of every cue."""
CORRELATIONS = ("detector", "fact", "real images", "Spearman's rho")
AUDIT_COLUMNS = (
    *("condition", "generator", "cue", "kind", "detail", "auroc", "low", "high", "apparent"),
    *("n_real", "n_generated", "reason"),
)
NOTE = (
    "AUROC free of direction, cross-fitted: direction, choice and combination are learned on other images than those "
    "they are measured on. 0.5 says nothing, 1 gives the label away. What was chosen, "
    "fitted or learned by category has no interval; audit.csv has single cues."
)


def audit_records(study: CueStudy) -> list[dict[str, object]]:
    """Makes a record for each condition, generator and cue, then for its worst cues and combinations."""
    return [
        {
            "condition": condition,
            "generator": audit.generator,
            "cue": result.name,
            **columns_of(result, "kind", "detail"),
            "auroc": finite(result.auroc),
            "low": result.interval and result.interval.low,
            "high": result.interval and result.interval.high,
            "apparent": finite(result.apparent),
            "n_real": int((audit.images["label"] == 0).sum()),
            "n_generated": int((audit.images["label"] == 1).sum()),
            "reason": result.reason,
        }
        for condition, audits in study.audits.items()
        for audit in audits
        for result in (*audit.cues, *audit.worst.values(), *audit.combined.values())
    ]


def correlation_records(study: CueStudy) -> list[dict[str, object]]:
    """Makes a record for each detector and fact."""
    return [
        {
            **columns_of(correlation, "detector", "fact"),
            "n_real": correlation.n,
            "spearman": correlation.rho,
            "low": correlation.interval and correlation.interval.low,
            "high": correlation.interval and correlation.interval.high,
            "reason": correlation.reason,
        }
        for correlation in study.correlations
    ]


def print_audit(study: CueStudy, console: Console) -> None:
    """Prints the worst cues and, where there are any, the correlations."""
    rows = [
        [condition, audit.generator, *cells]
        for condition, audits in study.audits.items()
        for audit in audits
        for cells in _cells(audit)
    ]
    tables = [Table(f"{study.title}: what trivia tell", HEADER, rows, NOTE, names=4)]
    if study.correlations:
        cells = [[c.detector, c.fact, str(c.n), _value(c.rho, c.interval)] for c in study.correlations]
        tables.append(Table("Scores and storage, within each source of real images", CORRELATIONS, cells, names=2))
    print_tables(tables, console, notes=[NOTE])


def audit_json(study: CueStudy) -> dict[str, object]:
    """Returns everything as plain values, for ``--json``."""
    return {
        "title": study.title,
        "cues": audit_records(study),
        "correlations": correlation_records(study),
        "notes": [NOTE],
    }


def write_audit(study: CueStudy, output: Path, raw_names: bool = False) -> tuple[Path, ...]:
    """Writes ``audit.csv`` and, where there are any, ``audit-correlations.csv``; ``raw_names`` as for `csv_line`."""
    texts = {"audit.csv": csv_text(audit_records(study), AUDIT_COLUMNS, raw_names)}
    if study.correlations:
        texts["audit-correlations.csv"] = csv_text(correlation_records(study), raw_names=raw_names)
    return write_texts(texts, output)


def _cells(audit: GeneratorAudit) -> Iterator[list[str]]:
    """Yields the worst cue of each kind, and all together."""
    for kind in (kind for kind in audit.worst if kind != ALL):
        cue = audit.worst[kind]
        yield [kind, cue.detail or cue.reason or "", _value(cue.auroc, cue.interval)]
    if ALL in audit.combined:
        yield ["all together", "", _value(audit.combined[ALL].auroc, audit.combined[ALL].interval)]


def _value(value: float, interval: Interval | None) -> str:
    if finite(value) is None:
        return "n/a"
    return f"{value:.3f}" + (f" [{interval.low:.3f}, {interval.high:.3f}]" if interval else " [no interval]")
