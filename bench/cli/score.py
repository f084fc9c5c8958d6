"""``python -m bench score``: scores image files, and says how they stand among real images."""

import sys
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import (
    OneLineParser,
    add_detectors_option,
    add_plugin_option,
    non_negative,
    pixels_or_none,
    positive,
)
from bench.scoring.options import RunOptions

if TYPE_CHECKING:
    from bench.cli.score_output import Request

FORMATS = ("table", "csv", "json")
INTERRUPTED, CLOSED_PIPE = 130, 141
"""Exit codes as a shell gives them: 128 and the number of the signal, SIGINT or SIGPIPE."""
DESCRIPTION = (
    "Scores image files with detectors, one row an image, as batches are done. Higher means more likely generated; "
    "with --calibration each row also says how many real images of a data set score at least as high. There is no "
    "verdict. Exit code: 0, every image was scored; 1, some could not be read; 2, a mistake in the call; "
    f"{INTERRUPTED}, interrupted; {CLOSED_PIPE}, the reader of the rows has gone."
)


def make_parser() -> ArgumentParser:
    """Makes the parser of ``score``."""
    parser = OneLineParser(description=DESCRIPTION)
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="file, folder (with all below), quoted pattern such as 'a/**/*.png', or - for a list on stdin, one a line "
        "or each ended by a zero byte; before other options, or after --",
    )
    add_detectors_option(parser)
    add_plugin_option(parser)
    parser.add_argument("--config", action="config", help="YAML file with options; words after it override it")
    _add_row_options(parser)
    _add_model_options(parser)
    _add_machine_options(parser)
    return parser


def _add_row_options(parser: ArgumentParser) -> None:
    rows = parser.add_argument_group("rows")
    rows.add_argument(
        "--calibration",
        metavar="STORE",
        help="results folder of compare, or one data set's folder in its scores: the real images to compare with",
    )
    rows.add_argument(
        "--format",
        choices=FORMATS,
        default=FORMATS[0],
        help="table, csv, or json: one JSON object a line (JSON Lines)",
    )
    rows.add_argument("--output-file", metavar="FILE", help="write the rows there (default: stdout)")


def _add_model_options(parser: ArgumentParser) -> None:
    default, model = RunOptions(), parser.add_argument_group("model")
    model.add_argument("--backbone", default=default.backbone, help="vision model whose features are compared")
    model.add_argument("--weights", metavar="FILE", help="file with the backbone's weights (default: published)")
    model.add_argument(
        "--view", default=default.view, help="method: the picture of each paper's code; common: one crop for all"
    )
    model.add_argument("--seed", type=non_negative, default=0, metavar="N", help="seed of the detectors")
    model.add_argument(
        "--resize",
        type=pixels_or_none,
        default=default.resize,
        metavar="PIXELS|none",
        help="length of the short side before a view is cut; none keeps the native scale",
    )


def _add_machine_options(parser: ArgumentParser) -> None:
    default, machine = RunOptions(), parser.add_argument_group("machine")
    machine.add_argument(
        "--batch-size", type=positive, default=default.batch_size, metavar="N", help="images in a batch"
    )
    machine.add_argument(
        "--num-workers", type=non_negative, metavar="N", help="processes that decode (default: one a core)"
    )
    machine.add_argument("--accelerator", default=default.accelerator, help="kind of device: auto, cpu, gpu, mps")
    machine.add_argument(
        "--precision", default=default.precision, help="32-true, tf32, bf16-mixed or 16-mixed; moves the scores"
    )


def run(arguments: Namespace) -> int:
    """Runs ``score``; an interruption and a closed pipe end it without a word."""
    try:
        from bench.cli.score_output import write_scores
        from bench.scoring.machine.memory import keep_freed_memory

        keep_freed_memory()
        return write_scores(_request(arguments))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _leave_stdout()
        return CLOSED_PIPE


def _request(arguments: Namespace) -> "Request":
    from bench.cli.score_output import Request
    from bench.errors import BenchError
    from bench.scoring.specs import with_checkpoints

    if not arguments.paths:
        raise BenchError("Name a PATH before the other options, or after --: --detectors takes all words behind it.")
    names = ("backbone", "weights", "view", "batch_size", "num_workers", "accelerator", "precision")
    resize = None if arguments.resize == "none" else arguments.resize
    return Request(
        paths=arguments.paths,
        detectors=with_checkpoints(arguments.detectors, arguments.checkpoint),
        options=RunOptions(resize=resize, **{name: arguments[name] for name in names}),
        seed=arguments.seed,
        calibration=arguments.calibration,
        format=arguments.format,
        output_file=arguments.output_file,
    )


def _leave_stdout() -> None:
    """Lets go of a pipe that nobody reads, which Python would complain about at its end."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
