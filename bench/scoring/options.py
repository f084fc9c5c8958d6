"""The options that all commands share, as they come from the command line or a configuration file."""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from bench.errors import BenchError
from datamodules.errors import UnknownDataNameError
from datamodules.reading import MAX_PIXELS
from datamodules.registry import dataset_names
from detectors.errors import MOST_DRAWS, UnknownNameError
from detectors.registry import BACKBONES

EXACT = "32-true"
PRECISIONS = (EXACT, "tf32", "bf16-mixed", "16-mixed")
CHOICES = {
    "groups": ("given", "duplicates", "none"),
    "view": ("method", "common"),
    "partial": ("rows", "leave-out", "as-generator"),
    "precision": PRECISIONS,
    "accelerator": ("auto", "cpu", "gpu", "mps"),
    "strategy": ("auto", "ddp"),
    "logger": ("csv", "wandb", "tensorboard"),
}
"""The values of the options that have a few; of a logger there may be several."""
MOST = 2**63 - 1
"""The largest whole number of a file or a command line."""
MARGIN = 0.02
"""A match with a paper's number counts where a difference of this size would have been found: ``--margin``."""


@dataclass(frozen=True)
class Written:
    """How the value of an option is written on a command line.

    Args:
        placeholder: What stands for it in the help.
        least: The least value of a whole number.
        most: The largest; a larger one is a slip of the finger.
        choices: The values, where there are a few.
    """

    placeholder: str | None = None
    least: int = 1
    most: int = MOST
    choices: tuple[str, ...] = ()


Count = Annotated[int, Written("N")]
"""A whole number of at least 1."""
Whole = Annotated[int, Written("N", least=0)]
"""A whole number of at least 0."""
Draws = Annotated[int, Written("N", most=MOST_DRAWS)]
"""A number of seeds."""
Side = Annotated[int, Written("PIXELS|none", most=16_384)]
"""Of an image, in pixels."""
Batch = Annotated[int, Written("N", most=65_536)]
"""Images at once."""
Places = Annotated[int, Written("N", most=4_096)]
"""Processes, devices or machines."""
Workers = Annotated[int, Written("N", least=0, most=4_096)]
"""Processes, or none."""
Folder = Annotated[str, Written("DIR")]
File = Annotated[str, Written("FILE")]
Names = Annotated[Sequence[str], Written("NAME")]


@dataclass(frozen=True)
class RunOptions:
    """What to compute on what, and with what.

    Args:
        dataset: Data set: demo, folder, imagenet, lsun-bedroom, genimage, shards, manifest, parquet, hf:OWNER/NAME of
            the Hugging Face hub, or a plugin's with its options, as in my-data:option=value.
        data_root: The data set's folder, .zip or .tar, or its file or pattern of files; not needed for demo and hf.
        generators: Generators to take; all by default.
        resize: Length of the short side before a view is cut; none keeps the native scale.
        name: What to call the data set in tables and in the store.
        real: For folder: folders, .zip or .tar files of real images, anywhere, each a source; with --generated, without
            --data-root. For manifest and parquet: such folders beside their own images.
        generated: For folder: the same of generated images, each a generator.
        split: For folder (train, val or test), manifest, parquet and hf: the split to take, of tables several with
            commas; all by default.
        columns: For manifest, parquet and hf: what is in which column, as in image=Image label=Label_A.
        image_root: For manifest: folder that relative paths count from; the manifest's own by default.
        generated_label: For manifest, parquet and hf: value of the label of generated images, where it is no word;
            partial=VALUE is one of edited images, and commas separate several.
        real_label: Likewise, of real images.
        label_from_path: For manifest, parquet and hf: pattern with groups real, generated, partial or skip that tells
            the class of an image by its path.
        partial: Edited images: rows of their own outside the mean, left out, or counted as their generator's.
        pairs: CSV file (generator, real source) that says who faces whom.
        pair_by_name: Let a generator face the real images of its own name.
        real_split: Split of a published data set's real images.
        protocol: For genimage: matched gives both classes one resize.
        real_fit: For genimage: how reals are brought to 256 px.
        content: For a folder: what its files hold, image by default.
        limit: At most N images of each source, by a hash of the path.
        balance: Equal numbers of real and generated images in every contrast.
        allow_one_class: Take a set that has real images alone, or generated ones alone; it has no AUROC.
        groups: Under which groups a note gives the intervals again: given (no note), duplicates (look-alikes merged),
            none (every image its own).
        conditions: Degradations to score beside the clean images: jpeg:75, blur:1.5, noise:0.1, phase-noise:0.1,
            resize:0.5, webp:80, crop:0.8, screenshot, vae:embedded-a, named chains such as social-x (all of them in
            docs/degradations.md), chained with +, limited by @real or @generated, placed by ,at=original; or an attack
            on generated images, attack:pgd:2/255, with ,source=DETECTOR or ,source=each.
        match: Also score with the same size and codec for both classes; reported beside the images as they are.
        backbone: Vision model whose features are compared, one of those that ``list backbones`` names.
        weights: File with the backbone's weights; the published ones by default.
        view: The picture of an image: method is that of each paper's code; common is one crop for all.
        seeds: Number of seeds, 0 to N - 1.
        crop_seeds: Cut another random crop for each seed, so that the spread over seeds takes in the crop's; costs a
            clean pass a seed.
        batch_size: Images in a batch.
        num_workers: Processes that decode; one a core by default.
        max_pixels: An image of more pixels is not read; it counts as unreadable.
        devices: Number of devices of a machine.
        num_nodes: Number of machines.
        strategy: How devices share the work: one process each.
        accelerator: Kind of device.
        precision: Of the arithmetic; all but 32-true move the scores, which is measured and printed.
        compile: Compile the backbone's blocks (torch.compile), cached between runs.
        output: Folder of the score store and tables.
        logger: Loggers of Lightning, one or several: csv (the default without --wandb), wandb, tensorboard.
        wandb: Log to this W&B project, offline without a key, beside what ``--logger`` names.

    Raises:
        BenchError: A value cannot be.
    """

    dataset: Annotated[str, Written("NAME[:OPTION=VALUE,...]")] = "demo"
    data_root: Folder | None = None
    generators: Names | None = None
    resize: Side | None = 256
    name: Annotated[str | None, Written("NAME")] = None
    real: Annotated[Sequence[str] | None, Written("DIR")] = None
    generated: Annotated[Sequence[str] | None, Written("DIR")] = None
    split: Annotated[str | None, Written("NAME")] = None
    columns: Annotated[Sequence[str] | None, Written("WHAT=COLUMN")] = None
    image_root: Folder | None = None
    generated_label: Annotated[str | None, Written("VALUE")] = None
    real_label: Annotated[str | None, Written("VALUE")] = None
    label_from_path: Annotated[str | None, Written("REGEX")] = None
    partial: Annotated[str, Written(choices=CHOICES["partial"])] = "rows"
    pairs: File | None = None
    pair_by_name: bool = False
    real_split: Annotated[str | None, Written("val|train")] = None
    protocol: Annotated[str | None, Written("paper|matched")] = None
    real_fit: Annotated[str | None, Written("square|short-side")] = None
    content: Annotated[str | None, Written("image|dire-map|face-crop")] = None
    limit: Count | None = None
    balance: bool = False
    allow_one_class: bool = False
    groups: Annotated[str, Written(choices=CHOICES["groups"])] = "given"
    conditions: Annotated[Sequence[str], Written("CONDITION")] = ()
    match: Annotated[str, Written("none|reencode:Q|unbiased")] = "none"
    backbone: Annotated[str, Written("NAME")] = "efficientnet-lite0"
    weights: File | None = None
    view: Annotated[str, Written(choices=CHOICES["view"])] = "method"
    seeds: Draws = 1
    crop_seeds: bool = False
    batch_size: Batch = 32
    num_workers: Workers | None = None
    max_pixels: Count = MAX_PIXELS
    devices: Places = 1
    num_nodes: Places = 1
    strategy: Annotated[str, Written(choices=CHOICES["strategy"])] = "auto"
    accelerator: Annotated[str, Written(choices=CHOICES["accelerator"])] = "auto"
    precision: Annotated[str, Written(choices=PRECISIONS)] = "32-true"
    compile: bool = False
    output: Annotated[Path, Written("DIR")] = Path("results")
    logger: Annotated[Sequence[str], Written(choices=CHOICES["logger"])] = ()
    wandb: Annotated[str | None, Written("PROJECT")] = None

    def __post_init__(self) -> None:
        for name, (written, may_be_none) in _whole_numbers().items():
            if not may_be_none or getattr(self, name) is not None:
                _check_whole(name, getattr(self, name), written)
        for name in ("generators", "conditions", "real", "generated", "columns", "logger"):
            if isinstance(getattr(self, name), str):
                raise BenchError(f"--{name} takes a list of names, got {getattr(self, name)!r}.")
        for name in ("data_root", "image_root", "pairs", "weights", "output"):
            if getattr(self, name) == "":
                raise BenchError(f"--{name.replace('_', '-')} needs a path, got ''.")
        object.__setattr__(self, "output", Path(self.output))
        for name in ("conditions", "logger"):
            object.__setattr__(self, name, tuple(getattr(self, name) or ()))

    @property
    def loggers(self) -> tuple[str, ...]:
        """What is logged to: ``--wandb`` adds W&B to those of ``--logger``, and stands alone without them."""
        project = () if self.wandb is None else ("wandb",)
        return tuple(dict.fromkeys([*self.logger, *project])) or ("csv",)

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


@cache
def _whole_numbers() -> dict[str, tuple[Written, bool]]:
    """Returns how the whole numbers among the options are written, and whether there may be none."""
    hints, kinds = get_type_hints(RunOptions, include_extras=True), dict[str, tuple[Written, bool]]()
    for name, hint in hints.items():
        for kind in (hint, *get_args(hint)):
            if get_origin(kind) is Annotated and get_args(kind)[0] is int:
                kinds[name] = (get_args(kind)[1], kind is not hint)
    return kinds


def _check_whole(name: str, value: object, written: Written) -> None:
    flag = f"--{name.replace('_', '-')}"
    if not isinstance(value, int) or isinstance(value, bool):
        raise BenchError(f"{flag} must be a whole number, got {value!r}.")
    if value < written.least:
        raise BenchError(f"{flag} must be at least {written.least}, got {value}.")
    if value > written.most:
        raise BenchError(f"{flag} must be at most {written.most:,}, got {value}.")


def check_names(options: RunOptions) -> None:
    """Looks for the dataset and the backbone by their names alone; nothing heavy is imported.

    Raises:
        UnknownDataNameError: There is no such dataset.
        UnknownNameError: There is no such backbone.
    """
    dataset, backbone = (text.partition(":")[0] for text in (options.dataset, options.backbone))
    if dataset not in dataset_names():
        raise UnknownDataNameError("data set", dataset, dataset_names())
    if backbone not in {name.partition(":<")[0] for name in BACKBONES}:
        raise UnknownNameError("backbone", backbone, BACKBONES)


def check_options(options: RunOptions) -> None:
    """Looks at what can be known to be wrong before any work.

    Raises:
        BenchError: A value is not among the choices.
        OptionError: Compiling is asked for without a compiler.
    """
    for name, known in CHOICES.items():
        given = getattr(options, name)
        for value in given if isinstance(given, tuple) else (given,):
            if value not in known:
                raise BenchError(f"--{name} must be one of {', '.join(known)}, got {value!r}.")
    if options.compile:
        from detectors.backbones.compiling import check_compiler

        check_compiler()
