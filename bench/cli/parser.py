"""Parsers whose errors are one line, and the options that all commands share."""

import re
import sys
from argparse import SUPPRESS, Action, ArgumentDefaultsHelpFormatter, ArgumentTypeError
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

from jsonargparse import ArgumentParser, Namespace

from bench.scoring.options import RunOptions


class OptionValueError(ArgumentTypeError, ValueError):
    """A value that an option cannot take; a command line wants the first kind of error, a file the second."""


class HelpFormatter(ArgumentDefaultsHelpFormatter):
    """Shows defaults where there are any; types are said in words."""

    def _get_help_string(self, action: Action) -> str | None:
        return action.help if action.default in (None, SUPPRESS) else super()._get_help_string(action)


class OneLineParser(ArgumentParser):
    """A parser whose errors are one line and exit code 2."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - jsonargparse's own
        super().__init__(formatter_class=HelpFormatter, **options)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Prints what is wrong and ends the program."""
        words = re.sub(r"\b(compare|robustness|score|fit)\.(?=\w)", "--", " ".join(message.split()))
        print(f"error: {words}", file=sys.stderr)
        raise SystemExit(2)


def positive(value: str | int) -> int:
    """Reads a whole number of at least 1."""
    return _whole_number(value, least=1)


def non_negative(value: str | int) -> int:
    """Reads a whole number of at least 0."""
    return _whole_number(value, least=0)


def pixels_or_none(value: str | int) -> int | str:
    """Reads a number of pixels, or ``none``."""
    return "none" if str(value).lower() == "none" else _whole_number(value, least=1, other=" or none")


def _whole_number(value: str | int, least: int, other: str = "") -> int:
    if not str(value).isdigit() or int(value) < least:
        raise OptionValueError(f"expected a whole number of at least {least}{other}, got {value}")
    return int(value)


def add_run_options(parser: ArgumentParser) -> None:
    """Adds the options that all commands share."""
    default = RunOptions()
    parser.add_argument("--config", action="config", help="YAML file with options; words after it override it")
    data = parser.add_argument_group("data")
    data.add_argument(
        "--dataset", default=default.dataset, help="dataset: demo, folder, imagenet, lsun-bedroom, genimage, shards"
    )
    data.add_argument("--data-root", metavar="DIR", help="the dataset's folder; not needed for demo")
    data.add_argument("--generators", nargs="+", metavar="NAME", help="generators to take (default: all)")
    data.add_argument(
        "--resize",
        type=pixels_or_none,
        default=default.resize,
        metavar="PIXELS|none",
        help="length of the short side before a view is cut; none keeps the native scale",
    )
    data.add_argument("--real-split", metavar="val|train", help="split of a published dataset's real images")
    data.add_argument("--protocol", metavar="paper|matched", help="genimage: matched gives both classes one resize")
    data.add_argument("--real-fit", metavar="square|short-side", help="genimage: how reals are brought to 256 px")
    data.add_argument("--content", metavar="image|dire-map", help="folder: what its files hold (default: image)")
    data.add_argument(
        "--limit", type=positive, metavar="N", help="at most N images of each source, by a hash of the path"
    )
    data.add_argument("--balance", action="store_true", help="equal numbers of real and generated images")
    data.add_argument(
        "--conditions",
        nargs="+",
        metavar="TEXT",
        help="degradations to score beside the clean images: jpeg:75, blur:1.5, noise:0.1, resize:0.5, webp:80, "
        "crop:0.8, chained with +, limited by @real or @generated, placed by ,at=original",
    )
    data.add_argument(
        "--match",
        default=default.match,
        metavar="none|reencode:Q|unbiased",
        help="also score with the same size and codec for both classes; reported beside the images as they are",
    )
    model = parser.add_argument_group("model")
    model.add_argument("--backbone", default=default.backbone, help="vision model whose features are compared")
    model.add_argument("--weights", metavar="FILE", help="file with the backbone's weights (default: published)")
    model.add_argument(
        "--view", default=default.view, help="method: the picture of each paper's code; common: one crop for all"
    )
    model.add_argument("--seeds", type=positive, default=default.seeds, metavar="N", help="number of seeds, 0 to N - 1")
    model.add_argument(
        "--crop-seeds",
        action="store_true",
        help="cut another random crop for each seed, so that the spread over seeds takes in the crop's; costs a clean "
        "pass a seed",
    )
    machine = parser.add_argument_group("machine")
    machine.add_argument(
        "--batch-size", type=positive, default=default.batch_size, metavar="N", help="images in a batch"
    )
    machine.add_argument(
        "--num-workers", type=non_negative, metavar="N", help="processes that decode (default: one a core)"
    )
    machine.add_argument(
        "--devices", type=positive, default=default.devices, metavar="N", help="number of devices of a machine"
    )
    machine.add_argument(
        "--num-nodes", type=positive, default=default.num_nodes, metavar="M", help="number of machines"
    )
    machine.add_argument(
        "--strategy", default=default.strategy, metavar="auto|ddp", help="how devices share the work: one process each"
    )
    machine.add_argument("--accelerator", default=default.accelerator, help="kind of device: auto, cpu, gpu, mps")
    machine.add_argument(
        "--precision",
        default=default.precision,
        help="32-true, tf32, bf16-mixed or 16-mixed; all but the first move the scores, which is measured and printed",
    )
    machine.add_argument(
        "--compile", action="store_true", help="compile the backbone's blocks (torch.compile), cached between runs"
    )
    results = parser.add_argument_group("results")
    results.add_argument(
        "--output", default=str(default.output), metavar="DIR", help="folder of the score store and tables"
    )
    results.add_argument("--wandb", metavar="PROJECT", help="log to this W&B project (offline without a key)")


def add_detectors_option(parser: ArgumentParser) -> None:
    """Adds the detectors to be compared."""
    parser.add_argument(
        "--detectors",
        nargs="+",
        required=True,
        metavar="NAME[:OPTION=VALUE,...]",
        help="detectors to compare, for instance wepe:rule=tensor_std,ratio=0.2 rigid",
    )
    add_checkpoint_option(parser)


def add_checkpoint_option(parser: ArgumentParser) -> None:
    """Adds the option that names the files of trained detectors."""
    parser.add_argument(
        "--checkpoint",
        nargs="+",
        metavar="NAME=FILE",
        help="weights of the trained detectors, for instance npr=NPR.pth univfd=fc_weights.pth",
    )


def add_plugin_option(parser: ArgumentParser) -> None:
    """Adds the option that names files with detectors or data sets of one's own."""
    parser.add_argument(
        "--plugin",
        nargs="+",
        metavar="FILE",
        help="Python files that register detectors or data sets of your own; packages can do so by entry points",
    )


def add_dry_run_option(parser: ArgumentParser) -> None:
    """Adds the option that only plans."""
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="print the plan (images, conditions, passes, memory, what the store has) and score nothing",
    )


def add_page_option(parser: ArgumentParser) -> None:
    """Adds the option that asks for a page."""
    parser.add_argument("--html", metavar="FILE", help="also write everything as one page that opens from disk")


def run_options(arguments: Namespace) -> RunOptions:
    """Makes the shared options from parsed arguments."""
    values: dict[str, Any] = {field.name: arguments[field.name] for field in fields(RunOptions)}
    values["conditions"] = tuple(values["conditions"] or ())
    values["output"] = Path(values["output"])
    values["resize"] = None if values["resize"] == "none" else values["resize"]
    return RunOptions(**values)
