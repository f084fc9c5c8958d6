"""The options that all commands share, as they come from the command line or a configuration file."""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError

PRECISIONS = ("32-true", "tf32", "bf16-mixed", "16-mixed")
CHOICES = {
    "view": ("method", "common"),
    "precision": PRECISIONS,
    "accelerator": ("auto", "cpu", "gpu", "mps"),
    "strategy": ("auto", "ddp"),
}
"""The values of the options that have a few."""


@dataclass(frozen=True)
class RunOptions:
    """What to compute on what, and with what.

    Args:
        dataset: Name of the dataset.
        data_root: The dataset's folder.
        generators: The generators to take; all by default.
        resize: Length in pixels of the short side before a view is cut; None keeps the native scale.
        real_split: Which split of the real images a published dataset takes, ``val`` or ``train``.
        protocol: For GenImage: ``paper``, or ``matched`` with the same resize for both classes.
        real_fit: For GenImage: how its real images are brought to 256 px, ``square`` or ``short-side``.
        content: For a folder: what its files hold, ``image`` or ``dire-map``.
        limit: At most so many images of each source.
        balance: Whether to keep equal numbers of real and generated images in every contrast.
        conditions: Degradations to compare with the clean images, such as ``jpeg:75``.
        match: How to give both classes the same container: ``none``, ``reencode:Q`` or ``unbiased``.
        backbone: Name of the vision model.
        weights: A file to load its weights from.
        view: ``method`` gives each detector the picture that its paper's code uses, ``common`` all the same crop.
        seeds: Number of seeds, 0 to N - 1.
        crop_seeds: Whether each seed cuts a random crop of its own, so that the crop's chance is in the spread.
        batch_size: Images in a batch.
        num_workers: Processes that decode; one a core by default.
        devices: Number of devices of each machine.
        num_nodes: Number of machines.
        strategy: How the devices share the work, in Lightning's words.
        accelerator: Kind of device, in Lightning's words.
        precision: Numeric precision of the networks, one of ``PRECISIONS``.
        compile: Whether the backbone's blocks are compiled.
        output: The results' folder.
        wandb: Name of a W&B project to log to; none by default.
    """

    dataset: str = "demo"
    data_root: str | None = None
    generators: Sequence[str] | None = None
    resize: int | None = 256
    real_split: str | None = None
    protocol: str | None = None
    real_fit: str | None = None
    content: str | None = None
    limit: int | None = None
    balance: bool = False
    conditions: Sequence[str] = ()
    match: str = "none"
    backbone: str = "efficientnet-lite0"
    weights: str | None = None
    view: str = "method"
    seeds: int = 1
    crop_seeds: bool = False
    batch_size: int = 32
    num_workers: int | None = None
    devices: int = 1
    num_nodes: int = 1
    strategy: str = "auto"
    accelerator: str = "auto"
    precision: str = "32-true"
    compile: bool = False
    output: Path = Path("results")
    wandb: str | None = None

    def __post_init__(self) -> None:
        for name in ("seeds", "devices", "num_nodes", "batch_size"):
            if getattr(self, name) < 1:
                raise BenchError(f"--{name.replace('_', '-')} must be at least 1, got {getattr(self, name)}.")

    def make_output(self) -> Path:
        """Makes the results' folder before any work is done for it.

        Raises:
            BenchError: It cannot be made or written to.
        """
        try:
            self.output.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.output):
                pass
        except OSError as error:
            raise BenchError(f"Cannot write to --output {self.output}: {error.strerror}.") from error
        return self.output

    def as_facts(self) -> dict[str, Any]:
        """Returns the options as plain values."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}


def check_options(options: RunOptions) -> None:
    """Looks at what can be known to be wrong before any work.

    Raises:
        BenchError: A value is not among the choices.
        OptionError: Compiling is asked for without a compiler.
    """
    for name, known in CHOICES.items():
        if getattr(options, name) not in known:
            raise BenchError(f"--{name} must be one of {', '.join(known)}, got {getattr(options, name)!r}.")
    if options.compile:
        from detectors.backbones.compiling import check_compiler

        check_compiler()
