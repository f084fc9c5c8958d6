"""``python -m bench probe``: ranks the blocks of a backbone for perturbation."""

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_run_options, add_shared_options, run_options
from bench.cli.printing import announce
from bench.cli.readers import whole
from bench.cli.shared import IMAGES

FIELDS = (
    *(*IMAGES, "resize", "backbone", "weights", "batch_size", "num_workers", "max_pixels", "accelerator", "output"),
)
"""The options of a run that mean something here."""

RULES = (
    *("tensor_mean", "tensor_mean_var", "tensor_absmean", "tensor_std"),
    *("block_absmean", "block_absmean_var", "block_mean_var"),
)
CHOICES = {
    "rule": (RULES, f"how the noise's scale follows from the parameters: {', '.join(RULES)}"),
    "family": (("gaussian", "uniform", "laplace"), "distribution of the noise"),
    "noise-match": (("std", "scale"), "what families share"),
    "tensors": (("all", "weights"), "all parameters of a block, or its weights"),
}
"""Of the noise: the values of an option, the first by default, and its meaning."""


def make_parser() -> ArgumentParser:
    """Makes the parser of ``probe``."""
    parser = OneLineParser(
        description="Perturbs each block of a backbone alone, on the real images of a data set, and ranks the blocks "
        "(WePe, Table 14).",
        examples=(
            "probe --limit 20",
            "probe --backbone dinov2-vits14 --dataset folder --data-root images --rule tensor_std --ratio 0.2",
        ),
    )
    noise = parser.titled("noise")
    noise.add_argument("--ratio", type=float, default=0.1, metavar="FACTOR", help="factor of the noise's scale")
    for name, (choices, meaning) in CHOICES.items():
        noise.add_argument(
            f"--{name}", choices=choices, default=choices[0], metavar="RULE" if name == "rule" else None, help=meaning
        )
    noise.add_argument("--seed", type=whole(0), default=0, metavar="N", help="seed of the noise")
    add_shared_options(parser, "plugin", "raw-names")
    add_run_options(parser, FIELDS)
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
