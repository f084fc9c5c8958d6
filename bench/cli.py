"""The command line, thin: it reads options, calls one function and prints. Nothing heavy is imported for help."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.options import RunOptions
from bench.parsing import OneLineParser, add_run_options, non_negative, positive, run_options

DESCRIPTION = "Compares detectors of AI-generated images: every number with its interval and its provenance."


def compare_parser() -> ArgumentParser:
    """Makes the parser of ``compare``."""
    parser = OneLineParser(description="Scores a dataset with detectors and compares them.")
    parser.add_argument(
        "--detectors",
        nargs="+",
        required=True,
        metavar="NAME[:OPTION=VALUE,...]",
        help="detectors to compare, for instance wepe:rule=tensor_std,ratio=0.2 rigid",
    )
    add_run_options(parser)
    return parser


def run_compare(arguments: Namespace) -> int:
    """Runs ``compare`` and prints its table."""
    from rich.console import Console

    from bench.compare import compare
    from bench.tables import print_report

    console = Console()
    result = compare(arguments.detectors, run_options(arguments), progress=console.is_terminal)
    if result is None:
        return 0  # another device of the run prints
    print_report(result.report, console)
    print(f"Scored now: {result.scored}. Written: {', '.join(map(str, result.files))}.")
    return 0


def audit_parser() -> ArgumentParser:
    """Makes the parser of ``audit``."""
    parser = OneLineParser(description="Measures how much of the label can be read from trivia, without any detector.")
    parser.add_argument(
        "--detectors",
        nargs="+",
        metavar="NAME[:OPTION=VALUE,...]",
        help="also correlate the scores of these, which must be in the store, with JPEG quality and size",
    )
    add_run_options(parser)
    return parser


def run_audit(arguments: Namespace) -> int:
    """Runs ``audit`` and prints its table."""
    from rich.console import Console

    from bench.audit_report import audit_dataset, print_audit

    report = audit_dataset(run_options(arguments), arguments.detectors or ())
    print_audit(report, Console())
    return 0


def pack_parser() -> ArgumentParser:
    """Makes the parser of ``pack``."""
    parser = OneLineParser(description="Writes a dataset as WebDataset tar files, which --dataset shards reads.")
    add_run_options(parser)
    parser.add_argument("--shard-bytes", type=positive, default=2**30, metavar="N", help="bytes of images in a shard")
    return parser


def run_pack(arguments: Namespace) -> int:
    """Runs ``pack`` and says what was written."""
    from bench.building import create_datamodule
    from datamodules.packing import pack

    options = run_options(arguments)
    result = pack(create_datamodule(options), options.make_output(), arguments.shard_bytes)
    print(f"{result.images} images in {len(result.shards)} shards under {options.output} ({result.kept} kept).")
    for path, reason in result.left_out.items():
        print(f"left out: {path} ({reason})")
    return 1 if result.left_out else 0


def data_parser() -> ArgumentParser:
    """Makes the parser of ``data``."""
    parser = OneLineParser(description="Lists the data sets there are, or examines every file of one.")
    parser.add_argument("action", choices=["list", "check"], help="list: what there is; check: what is wrong with it")
    add_run_options(parser)
    return parser


def run_data(arguments: Namespace) -> int:
    """Runs ``data``; a check that finds something wrong ends with exit code 1."""
    from rich.console import Console

    from bench.catalogue import list_entries, print_entries
    from bench.doctor import check, print_diagnosis, write_diagnosis

    options = run_options(arguments)
    if arguments.action == "list":
        root = Path(options.data_root) if options.data_root else None
        print_entries(list_entries(root), Console(), with_found=root is not None)
        return 0
    from bench.building import create_datamodule

    datamodule = create_datamodule(options)
    options.make_output()
    diagnosis = check(datamodule)
    print_diagnosis(diagnosis, Console())
    print(f"Written: {', '.join(map(str, write_diagnosis(diagnosis, options.output)))}.")
    return 0 if diagnosis.ok else 1


def probe_parser() -> ArgumentParser:
    """Makes the parser of ``probe``."""
    parser = OneLineParser(description="Perturbs each block of a backbone alone and ranks the blocks (WePe, Table 14).")
    noise = parser.add_argument_group("noise")
    noise.add_argument("--ratio", type=float, default=0.1, help="factor of the noise's scale")
    noise.add_argument("--rule", default="tensor_absmean", help="how the noise's scale follows from the parameters")
    noise.add_argument("--family", default="gaussian", help="gaussian, uniform or laplace")
    noise.add_argument("--noise-match", default="std", help="what families share: std or scale")
    noise.add_argument("--tensors", default="all", help="all parameters of a block, or its weights")
    noise.add_argument("--seed", type=non_negative, default=0, metavar="N", help="seed of the noise")
    add_run_options(parser)
    return parser


def run_probe(arguments: Namespace) -> int:
    """Runs ``probe`` and prints the blocks."""
    from rich.console import Console

    from bench.probe_report import print_probe, probe_dataset
    from detectors import Perturbation

    noise = {name: arguments[name] for name in ("ratio", "rule", "family", "tensors")}
    perturbation = Perturbation(**noise, match=arguments.noise_match)
    print_probe(probe_dataset(run_options(arguments), perturbation, arguments.seed), Console())
    return 0


def list_parser() -> ArgumentParser:
    """Makes the parser of ``list``."""
    parser = OneLineParser(description="Lists the detectors or the backbones, what they need, and whether it is here.")
    parser.add_argument("what", choices=["detectors", "backbones"], help="what to list")
    parser.add_argument("--long", action="store_true", help="also every option of every detector")
    parser.add_argument("--backbone", default=RunOptions.backbone, help="the backbone to look for")
    return parser


def run_list(arguments: Namespace) -> int:
    """Runs ``list``."""
    from rich.console import Console

    from bench.method_list import list_methods, print_backbones, print_methods

    if arguments.what == "backbones":
        print_backbones(Console())
    else:
        print_methods(list_methods(arguments.backbone), Console(), long=arguments.long)
    return 0


COMMANDS: dict[str, tuple[Callable[[], ArgumentParser], Callable[[Namespace], int], str]] = {
    "audit": (audit_parser, run_audit, "measure how much of the label can be read from trivia"),
    "compare": (compare_parser, run_compare, "score a data set with detectors and compare them"),
    "data": (data_parser, run_data, "list the data sets, or examine every file of one"),
    "list": (list_parser, run_list, "list the detectors or the backbones"),
    "pack": (pack_parser, run_pack, "write a data set as WebDataset tar files"),
    "probe": (probe_parser, run_probe, "rank the blocks of a backbone for perturbation"),
}


def build_parser() -> ArgumentParser:
    """Makes the whole parser."""
    parser = OneLineParser(prog="python -m bench", description=DESCRIPTION)
    commands = parser.add_subcommands(title="commands")
    for name, (make, _, summary) in COMMANDS.items():
        commands.add_subcommand(name, make(), help=summary)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: The words after ``python -m bench``; those of the process by default.

    Returns:
        The exit code: 0, or 2 for a user's mistake, which is told in one line.
    """
    parsed = build_parser().parse_args(arguments)
    command = COMMANDS[parsed.subcommand][1]
    try:
        return command(parsed[parsed.subcommand])
    except BrokenPipeError:
        return 0
    except Exception as error:
        if not is_users_mistake(error):
            raise
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


def is_users_mistake(error: Exception) -> bool:
    """Says whether an error's message is for the user, without a traceback."""
    import datamodules as data
    import datamodules.demo_images as demo
    import detectors as methods
    from bench.errors import BenchError

    return isinstance(
        error,
        BenchError
        | data.DataOptionError
        | data.DatasetNotFoundError
        | demo.DemoImageMismatchError
        | demo.PhotographMissingError
        | data.UnknownDataNameError
        | methods.OptionError
        | methods.UnknownNameError
        | methods.WeightsError
        | methods.WeightsNotFoundError,
    )
