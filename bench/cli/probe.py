"""``python -m bench probe``: ranks the blocks of a backbone for perturbation."""

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_run_options, add_shared_options, run_options, whole
from bench.cli.printing import announce


def make_parser() -> ArgumentParser:
    """Makes the parser of ``probe``."""
    parser = OneLineParser(description="Perturbs each block of a backbone alone and ranks the blocks (WePe, Table 14).")
    noise = parser.add_argument_group("noise")
    noise.add_argument("--ratio", type=float, default=0.1, help="factor of the noise's scale")
    noise.add_argument("--rule", default="tensor_mean", help="how the noise's scale follows from the parameters")
    noise.add_argument("--family", default="gaussian", help="gaussian, uniform or laplace")
    noise.add_argument("--noise-match", default="std", help="what families share: std or scale")
    noise.add_argument("--tensors", default="all", help="all parameters of a block, or its weights")
    noise.add_argument("--seed", type=whole(0), default=0, metavar="N", help="seed of the noise")
    add_shared_options(parser, "plugin", "raw-names")
    add_run_options(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``probe`` and prints the blocks."""
    options = run_options(arguments)
    announce(f"Loading {options.dataset} to probe {options.backbone}")
    from rich.console import Console

    from bench.report.block_probe import print_probe, write_probe
    from bench.report.table import print_files
    from bench.results.block_probe import probe_dataset
    from detectors import Perturbation

    noise = {name: arguments[name] for name in ("ratio", "rule", "family", "tensors")}
    perturbation = Perturbation(**noise, match=arguments.noise_match)
    result = probe_dataset(options, perturbation, arguments.seed)
    files, console = write_probe(result, options.output, arguments.raw_names), Console()
    print_probe(result, console)
    print_files(files, console)
    return 0
