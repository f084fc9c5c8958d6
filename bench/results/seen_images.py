"""Images that are known from a training set, by their sha256: how many there are, and what they do to the numbers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from bench.errors import BenchError
from bench.results.comparison import Comparison
from bench.results.summary import Summary, main_row, summarise
from bench.statistics.bootstrap import Interval
from bench.statistics.intervals import paired_test
from bench.statistics.number import Number
from bench.store.findings import Finding
from bench.store.panel import Bools, Panel

COLUMN = "sha256"
TABLES = (".csv", ".parquet")
HASH = re.compile("[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class SeenCount:
    """How many images of one source are known, of those that it has; ``label`` is 0 for real, 1 for generated."""

    label: int
    source: str
    known: int
    images: int


@dataclass(frozen=True)
class WithoutSeen:
    """A detector's AUROC (the mean over generators, where there is one) with and without the known images.

    Args:
        difference: Without them minus with them, paired.
    """

    detector: str
    everything: Number
    without: Number
    difference: Number


@dataclass(frozen=True)
class SeenImages(Finding):
    """Images known from a training set, on a comparison's first condition.

    Args:
        file: The list of hashes.
        counts: Of the sources that have any.
        aurocs: One for each detector; none where no image is known.
    """

    file: str
    counts: Sequence[SeenCount]
    aurocs: Sequence[WithoutSeen]


@dataclass(frozen=True)
class TrainingImages:
    """Hashes of images that something was trained on, and the file that lists them."""

    file: str
    hashes: frozenset[str]


def read_hashes(file: Path) -> TrainingImages:
    """Reads a list of sha256: a line each, or the column ``sha256`` of a CSV or Parquet file.

    In a text ``#`` begins a comment, and what follows a hash, as a file's name does in what ``sha256sum`` prints, is
    passed over.

    Raises:
        BenchError: It cannot be read, or what should be a hash is none; the message has the line's number.
    """
    try:
        lines = list(_column(file) if file.suffix.lower() in TABLES else _lines(file))
    except OSError as error:
        raise BenchError(f"Cannot read --seen-hashes {file}: {error.strerror}.") from error
    except (UnicodeDecodeError, pl.exceptions.PolarsError) as error:
        reason = str(error).partition("\n")[0]
        raise BenchError(f"Cannot read --seen-hashes {file}: {reason}.") from error
    for number, text in lines:
        if HASH.fullmatch(text) is None:
            shown = text if len(text) < 80 else f"{text[:70]}..."
            raise BenchError(
                f"--seen-hashes {file}, line {number}: {shown!r} is no sha256. Write one a line, 64 digits of 0-9 and "
                "a-f, as sha256sum prints it."
            )
    if not lines:
        raise BenchError(f"--seen-hashes {file} holds no sha256: write one a line.")
    return TrainingImages(str(file), frozenset(text for _, text in lines))


def mark_seen(comparison: Comparison, training: TrainingImages | None) -> Comparison:
    """Adds what is known of the comparison's images to its findings; no score and no other number changes."""
    if training is None:
        return comparison
    seen = seen_images(comparison.panel, comparison.summary, training)
    return replace(comparison, findings=[*comparison.findings, seen])


def seen_images(panel: Panel, summary: Summary, training: TrainingImages) -> SeenImages:
    """Counts the known images, and computes each detector's AUROC of the first condition anew without them."""
    images = panel.images.with_columns(known=pl.col(COLUMN).is_in(list(training.hashes)).fill_null(value=False))
    table = images.group_by("label", "generator").agg(pl.col("known").sum(), pl.len().alias("images"))
    found = table.filter(pl.col("known") > 0).sort("label", "generator")
    counts = [SeenCount(*row) for row in found.iter_rows()]
    if not counts:
        return SeenImages(training.file, [], [])
    condition = panel.scorings[0].condition
    rest = _without(panel, images["known"].to_numpy(), condition)
    return SeenImages(training.file, counts, list(_aurocs(summary, summarise(rest, ["auroc"]), condition)))


def _aurocs(everything: Summary, rest: Summary, condition: str) -> Iterator[WithoutSeen]:
    for (detector, where), rows in rest.cells.items():
        without = main_row(rows.values())
        whole = everything.cells[detector, where].get(without.generator) if without else None
        if without is None or whole is None:
            continue
        numbers = whole.numbers["auroc"], without.numbers["auroc"]
        influences = [
            summary.influences.get((detector, where), {}).get(without.generator) for summary in (rest, everything)
        ]
        value = numbers[1].value - numbers[0].value
        first, second = influences
        if first is None or second is None:
            difference = Number(value, reason=numbers[1].reason or numbers[0].reason)
        else:
            test = paired_test(first, second, same_seeds=True)
            difference = Number(value, Interval(test.low, test.high))
        yield WithoutSeen(detector, *numbers, difference)


def _without(panel: Panel, known: Bools, condition: str) -> Panel:
    """Takes the scores of one condition, those of some images away; the groups keep their codes, which pair by."""
    rows = [number for number, scoring in enumerate(panel.scorings) if scoring.condition == condition]
    scorings = tuple(panel.scorings[number] for number in rows)
    scores, present = np.where(known, np.nan, panel.scores[rows]), panel.present[rows] & ~known
    return replace(panel, scorings=scorings, scores=scores, present=present)


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    with file.open(encoding="utf-8-sig") as stream:
        for number, line in enumerate(stream, start=1):
            words = line.partition("#")[0].split(maxsplit=1)
            if words:
                yield number, words[0].lower()


def _column(file: Path) -> Iterator[tuple[int, str]]:
    """Yields a table's hashes with the numbers of their lines; of a Parquet file, of its rows."""
    csv = file.suffix.lower() == ".csv"
    table = pl.read_csv(file, infer_schema=False) if csv else pl.read_parquet(file)
    if COLUMN not in table.columns:
        raise BenchError(f"--seen-hashes {file} has no column {COLUMN!r}; there are: {', '.join(table.columns)}.")
    first = 2 if csv else 1
    texts: Mapping[int, str | None] = dict(enumerate(table[COLUMN].cast(pl.String).to_list(), start=first))
    return ((number, (text or "").strip().lower()) for number, text in texts.items())
