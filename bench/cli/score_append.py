"""Gives scores back beside the rows of a table: ``score TABLE --append FILE``."""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rich.console import Console

from bench.cli.score_output import Request, is_among, other_inputs
from bench.errors import BenchError
from bench.report.appended import append_scores, check_target
from bench.report.escaping import printable
from bench.report.own_files import Tally, appended, notes_before, problems
from bench.report.table import print_line
from bench.scoring.files import Scorer
from datamodules.tables.columns import read_columns
from datamodules.tables.rows import RowsData, TableRows, read_rows_of


def append(request: Request, target: str) -> int:
    """Scores the images of a table, and writes a copy of it with a column for each detector.

    Returns:
        0 where every image was scored, 1 where some could not be read.

    Raises:
        BenchError: The call is mistaken; nothing was scored.
        DataError: The table is mistaken; nothing was scored.
    """
    options = request.options
    if len(request.paths) != 1:
        raise BenchError(f"--append takes one table, got {len(request.paths)} paths.")
    for flag, value in (("--calibration", request.calibration), ("--output-file", request.output_file)):
        if value is not None:
            raise BenchError(f"{flag} does not go with --append, which writes scores alone: drop one of the two.")
    root = Path(options.image_root) if options.image_root else None
    rows = read_rows_of(Path(request.paths[0]), read_columns(options.columns or ()), root)
    scorer = Scorer(request.detectors, options, request.seed, partial(RowsData, rows=rows))
    labels = [entry.scoring.detector for entry in scorer.entries]
    check_target(rows.table.file, Path(target), labels, rows.table.names)
    if is_among(Path(target), _inputs(request, rows)):
        raise BenchError(f"--append {target} is one of the images, or a file that the scores are made from.")
    console = Console()
    for note in notes_before(scorer, {}):
        print_line(note, console)
    tally, scores = Tally(), dict[str, dict[str, float]]()
    for row in scorer.score(rows.images):
        tally.add(row, {})
        scores[row.path] = dict(row.scores)
    columns = {label: [scores[path].get(label) for path in rows.paths] for label in labels}
    append_scores(rows.table.file, Path(target), columns)
    print_line(appended(target, labels, len(rows.paths), tally), console)
    for line in problems(tally, {}):
        print(printable(line), file=sys.stderr)
    return 1 if tally.unreadable else 0


def _inputs(request: Request, rows: TableRows) -> Iterator[str]:
    yield from (file for file in rows.files if Path(file).exists())
    yield from other_inputs(request)
