"""``python -m bench score``: scores image files, and says how they stand among real images."""

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import (
    OneLineParser,
    add_options,
    add_shared_options,
    chosen_detectors,
    run_options,
)
from bench.cli.readers import path_text, whole
from bench.errors import BenchError
from bench.scoring.options import RunOptions

FORMATS = ("table", "csv", "json")
FIELDS = (
    "resize",
    "backbone",
    "weights",
    "view",
    "batch_size",
    "num_workers",
    "max_pixels",
    "columns",
    "image_root",
    "accelerator",
    "precision",
)
"""The options of a run that mean something without a data set."""
DESCRIPTION = (
    "Scores image files with detectors, one row an image, as batches are done. Higher means more likely generated; "
    "with --calibration each row also says how many real images of a data set score at least as high. There is no "
    "verdict."
)


def make_parser() -> ArgumentParser:
    """Makes the parser of ``score``."""
    parser = OneLineParser(
        description=DESCRIPTION,
        examples=(
            "score photo.jpg --detectors rigid wepe --calibration results",
            "score 'photos/**/*.png' --detectors rigid --format csv --output-file scores.csv",
        ),
        partial="some images could not be read",
    )
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="file, folder (with all below), quoted pattern such as 'a/**/*.png', or - for a list on stdin, one a line "
        "or each ended by a zero byte; before other options, or after --",
    )
    add_shared_options(parser, "detectors", "checkpoint", "plugin", "config")
    rows = parser.titled("rows")
    rows.add_argument(
        "--calibration",
        type=path_text,
        metavar="STORE",
        help="results folder of compare, or one data set's folder in its scores: the real images to compare with",
    )
    rows.add_argument(
        "--explain",
        action="store_true",
        help="with --calibration: say in a sentence under each row (in a column, under a key) what that does and does "
        "not mean",
    )
    rows.add_argument(
        "--format",
        choices=FORMATS,
        default=FORMATS[0],
        help="table, csv, or json: one JSON object a line (JSON Lines)",
    )
    add_shared_options(parser, "raw-names")
    rows.add_argument(
        "--append",
        type=path_text,
        metavar="FILE",
        help="PATH is one manifest (.csv, .tsv, .jsonl) or Parquet file: write a copy of it there that has a column of "
        "scores for each detector; --columns and --image-root are for it",
    )
    rows.add_argument("--output-file", type=path_text, metavar="FILE", help="write the rows there (default: stdout)")
    parser.titled("model").add_argument("--seed", type=whole(0), default=0, metavar="N", help="seed of the detectors")
    add_options(parser, RunOptions, FIELDS)
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``score``."""
    if not arguments.paths:
        raise BenchError("Name a PATH before the other options, or after --: --detectors takes all words behind it.")
    if arguments.explain and (arguments.calibration is None or arguments.append is not None):
        raise BenchError("--explain says how images stand among real ones: it takes --calibration, and no --append.")
    options = run_options(arguments)
    detectors = chosen_detectors(arguments, "Loading the networks")
    from bench.cli.score_output import Request, write_scores
    from bench.scoring.machine.memory import keep_freed_memory

    keep_freed_memory()
    names = ("paths", "seed", "calibration", "format", "output_file", "raw_names", "explain")
    given = {name: arguments[name] for name in names}
    read = [*map(str, arguments.config or ()), *(arguments.plugin or ())]
    request = Request(detectors=detectors, options=options, read=read, **given)
    if arguments.append is not None:
        from bench.cli.score_append import append

        return append(request, arguments.append)
    for flag, value in (("--columns", options.columns), ("--image-root", options.image_root)):
        if value is not None:
            raise BenchError(f"{flag} is for the rows of a table: score TABLE --append FILE.")
    return write_scores(request)
