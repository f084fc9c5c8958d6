"""The command's work: from what was asked for to rows on a stream."""

import os
import stat
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import TextIO

from rich.console import Console

from bench.errors import BenchError
from bench.report.escaping import printable
from bench.report.explained_score import chance_warnings
from bench.report.own_files import Tally, notes_after, notes_before, problems
from bench.report.score_rows import FORMATS
from bench.report.table import hanging, width_of
from bench.results.reference_set import read_references
from bench.scoring.files import Scorer
from bench.scoring.options import RunOptions
from bench.scoring.specs import parse_detectors
from datamodules import find_files

STDIN = "-"


@dataclass(frozen=True)
class Request:
    """What the command was asked for.

    Args:
        paths: Files, folders and patterns; ``-`` stands for a list on stdin.
        detectors: As on the command line.
        options: Backbone, view, resize, batches and machine.
        seed: Seed of the detectors' own randomness.
        calibration: Folder of the scores to compare with.
        format: One of ``table``, ``csv`` and ``json``.
        output_file: Where the rows go; stdout by default.
        raw_names: As for :func:`bench.report.escaping.csv_line`.
        explain: Whether each row says in a sentence what its standing means.
        read: Files that the call itself was read from: its configuration and plugins.
    """

    paths: Sequence[str]
    detectors: Sequence[str]
    options: RunOptions
    seed: int = 0
    calibration: str | None = None
    format: str = "table"
    output_file: str | None = None
    raw_names: bool = False
    explain: bool = False
    read: Sequence[str] = ()


def write_scores(request: Request) -> int:
    """Scores images and writes the rows.

    Returns:
        0 where every image was scored, 1 where some could not be read.

    Raises:
        BenchError: The call is mistaken; nothing was scored.
        DatasetNotFoundError: A path does not exist or gives no image; nothing was scored.
    """
    ignored: Counter[str] = Counter()
    files = find_files(_with_list(request.paths), ignored)
    scorer = Scorer(request.detectors, request.options, request.seed)
    references = read_references(Path(request.calibration), scorer) if request.calibration else {}
    warnings = (f"Warning: {warning}" for warning in chance_warnings(references))
    _write_notes(sys.stderr, warnings, width_of(Console()))
    tally = Tally()
    with _sink(request.output_file, chain(files, other_inputs(request))) as sink:
        # A table's notes belong to it; a program reads the other formats and nothing else.
        notes = sink if request.format == "table" else sys.stderr
        width = None if request.output_file and notes is sink else width_of(Console())
        _write_notes(notes, notes_before(scorer, references), width)
        labels = [entry.scoring.detector for entry in scorer.entries]
        to_stdout = request.output_file is None
        rows = FORMATS[request.format]
        writer = rows(sink, labels, references, request.raw_names, to_stdout, width, request.explain)
        writer.begin(files)
        sink.flush()
        for row in scorer.score(files):
            tally.add(row, references)
            writer.write(row)
            if (tally.scored + tally.unreadable) % request.options.batch_size == 0:
                sink.flush()
        sink.flush()
        _write_notes(notes, notes_after(tally, references), width)
    for line in problems(tally, ignored):
        print(printable(line), file=sys.stderr)
    return 1 if tally.unreadable else 0


def _write_notes(stream: TextIO, notes: Iterable[str], width: int | None) -> None:
    """Writes sentences, folded for a terminal."""
    for note in map(printable, notes):
        stream.writelines(f"{line}\n" for line in ([note] if width is None else hanging("", note, width)))


def _with_list(paths: Sequence[str]) -> Iterator[str]:
    """Puts the names that stdin lists in the place of ``-``."""
    for path in paths:
        if path != STDIN:
            yield path
            continue
        data = sys.stdin.buffer.read()
        lines = data.split(b"\0") if b"\0" in data else [line.rstrip(b"\r") for line in data.split(b"\n")]
        names = [os.fsdecode(line) for line in lines if line]
        if not names:
            raise BenchError("The list on stdin names no file.")
        yield from names


def is_among(target: Path, inputs: Iterable[str]) -> bool:
    """Says whether a file is one of others, under whatever name or link."""
    try:
        there = target.stat()
    except OSError:
        return False  # a new file
    # A device, such as a terminal, loses nothing.
    return stat.S_ISREG(there.st_mode) and any(os.path.samestat(there, Path(file).stat()) for file in inputs)


def other_inputs(request: Request) -> Iterator[str]:
    """Yields the files beside the images that scores are made from, and those of the store they are compared with."""
    detectors = (single for spec in parse_detectors(list(request.detectors)) for single in spec.singles)
    files = (value for detector in detectors for value in detector.options.values() if isinstance(value, Path))
    for given in (*request.read, request.options.weights, request.calibration, *files):
        if given is not None:
            yield from map(str, Path(given).rglob("*") if Path(given).is_dir() else [given])


@contextmanager
def _sink(file: str | None, inputs: Iterable[str]) -> Iterator[TextIO]:
    """Opens what the rows are written to.

    Raises:
        BenchError: It cannot be written, or is one of the images.
    """
    if file is None:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may lack a letter of a name
        with nullcontext(sys.stdout) as stream:
            yield stream
        return
    target = Path(file)
    if is_among(target, inputs):
        raise BenchError(f"--output-file {file} is one of the images, or a file that the scores are made from.")
    try:
        stream = target.open("w", encoding="utf-8", errors="surrogateescape", newline="")
    except OSError as error:
        raise BenchError(f"Cannot write --output-file {file}: {error.strerror}.") from error
    try:
        with stream:
            yield stream
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is not None:
            raise  # of another file
        raise BenchError(f"Cannot write --output-file {file}: {error.strerror}.") from error
