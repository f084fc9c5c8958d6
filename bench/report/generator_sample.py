"""Generators as a sample of their kind: a table, CSV and plain values."""

from collections.abc import Iterator, Sequence
from typing import Any

from bench.report.numbers import cell
from bench.report.table import Table, csv_text
from bench.results.generator_sample import GeneratorSample, generator_samples
from bench.results.leaderboard import Board
from bench.statistics.bootstrap import Interval
from bench.statistics.number import Number

TITLE = "Generators as a sample"
COLUMNS = (
    *("dataset", "protocol", "condition", "detector", "statistic", "generator", "generators"),
    *("value", "low", "high", "reason"),
)
NOTE = (
    "These generators: the usual interval, for exactly these. Their kind: the mean over all generators of which these "
    "are a random sample. One not seen: where the true AUROC on another generator of that kind lies (a prediction "
    "interval). Without: the mean without the generator that moves it most. Both are too short where most generators "
    "are alike and a few are missed (docs/statistics.md)."
)


def sample_tables(board: Board) -> list[Table]:
    """Makes the table, with what moves each detector's mean most; none where there are too few generators."""
    samples = generator_samples(board)
    rows = [row for sample in samples for row in _rows(sample)]
    known = any(sample.sample for sample in samples)
    return [Table(TITLE, ("detector", "over", "AUROC"), rows, NOTE, names=2)] if known else []


def refused_notes(board: Board) -> list[str]:
    """Says why there is no table, where there are several generators."""
    reasons = dict.fromkeys(sample.reason for sample in generator_samples(board))
    return [] if None in reasons else [f"{TITLE}: {reason}." for reason in reasons]


def sample_notes(board: Board) -> list[str]:
    """Says the same in a sentence for each detector; nothing of too few generators."""
    return [
        f"{sample.detector}, with its {len(sample.without)} generators as a sample of their kind: mean AUROC "
        f"{_ends(sample.sample.kind)}, one not seen {_ends(sample.sample.unseen)}; without {sample.moving} the mean is "
        f"{sample.without[sample.moving]:.3f}."
        for sample in generator_samples(board)
        if sample.sample is not None
    ]


def sample_records(board: Board) -> Iterator[dict[str, Any]]:
    """Yields the rows of ``leaderboard-generators.csv``."""
    stored = board.comparison.stored
    blank = dict.fromkeys(COLUMNS) | {"condition": board.condition}
    if stored is not None:
        blank |= {"dataset": stored.title, "protocol": stored.protocol}
    for sample in generator_samples(board):
        common = blank | {"detector": sample.detector, "generators": len(sample.without)}
        for statistic, number in _numbers(sample).items():
            yield common | {"statistic": statistic, **number.columns(), "reason": number.reason}
        for generator, value in sample.without.items():
            yield common | {"statistic": "without", "generator": generator, "value": value}


def sample_texts(boards: Sequence[Board], raw_names: bool = False) -> dict[str, str]:
    """Makes ``leaderboard-generators.csv``; nothing where no mean is over several generators."""
    records = [record for board in boards for record in sample_records(board)]
    return {"leaderboard-generators.csv": csv_text(records, COLUMNS, raw_names)} if records else {}


def sample_json(board: Board) -> list[dict[str, Any]]:
    """Returns the same as plain values."""
    return [
        {
            "detector": sample.detector,
            "generators": len(sample.without),
            **{name: number.columns() for name, number in _numbers(sample).items()},
            "without": dict(sample.without),
            "reason": sample.reason,
        }
        for sample in generator_samples(board)
    ]


def _numbers(sample: GeneratorSample) -> dict[str, Number]:
    known, reason, nothing = sample.sample, sample.reason, float("nan")
    return {
        "these generators": sample.mean,
        "their kind": Number(sample.mean.value, known.kind if known else None, reason=reason),
        "one not seen": Number(sample.mean.value, known.unseen if known else None, reason=reason),
        "spread": Number(known.spread if known else nothing, reason=reason),
    }


def _rows(sample: GeneratorSample) -> list[Sequence[str]]:
    known = sample.sample
    refused = sample.reason or ""
    return [
        (sample.detector, f"these {len(sample.without)} generators", cell(sample.mean)),
        (sample.detector, "their kind", _ends(known.kind) if known else refused),
        (sample.detector, "one not seen", _ends(known.unseen) if known else refused),
        (sample.detector, f"without {sample.moving}", f"{sample.without[sample.moving]:.3f}"),
    ]


def _ends(interval: Interval) -> str:
    return f"[{interval.low:.3f}, {interval.high:.3f}]"
