"""``python -m bench pack``: writes a data set as tar files."""

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_run_options, add_shared_options, run_options
from bench.cli.printing import announce
from bench.cli.readers import whole
from bench.cli.shared import IMAGES
from bench.scoring.machine.phases import phase

FIELDS = (*IMAGES, "content", "max_pixels", "output")
"""The options of a run that mean something here."""


def make_parser() -> ArgumentParser:
    """Makes the parser of ``pack``."""
    parser = OneLineParser(
        description="Writes a data set as WebDataset tar files, which --dataset shards reads.",
        examples=(
            "pack --dataset folder --data-root images --output shards",
            "pack --dataset genimage --data-root GenImage --limit 1000 --shard-bytes 100000000 --output shards",
        ),
        partial="some images could not be opened, and are in no file",
    )
    add_shared_options(parser, "plugin")
    add_run_options(parser, FIELDS, output="Folder that the tar files are written into.")
    parser.titled("results").add_argument(
        "--shard-bytes", type=whole(1), default=2**30, metavar="N", help="most bytes of images in a file"
    )
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``pack`` and says what was written."""
    options = run_options(arguments)
    announce(f"Loading {options.dataset}")
    from rich.console import Console

    from bench.report.table import print_line
    from bench.scoring.build import create_datamodule
    from datamodules.packing import pack

    with phase("Packing the images"):
        result = pack(create_datamodule(options), options.output, arguments.shard_bytes)
    count = f"{result.images} images in {len(result.shards)} shards"
    console = Console()
    print_line(f"{count} under {options.output} ({result.kept} kept).", console)
    for path, reason in result.left_out.items():
        print_line(f"left out: {path} ({reason})", console)
    return 1 if result.left_out else 0
