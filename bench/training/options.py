"""What to train and how, beside the options that all commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from bench.errors import BenchError
from bench.scoring.options import Count, Names, Whole, Written

PROBE, RESNET = "linear-probe", "resnet50"
AUGMENTATIONS = ("none", "blur-jpeg")
LEARNING_RATE, LEARNING_RATES = 1e-4, {"npr": 2e-4}
PRETRAINED, RANDOM = "pretrained", "random"


@dataclass(frozen=True)
class FitOptions:
    """What to train and how.

    Args:
        detector: Linear-probe, resnet50, npr or timm:<model>.
        save: The file to write, .safetensors.
        train_share: Share of the groups to train on, by a hash of their names.
        also_seen: Further generators that are to count as seen, such as the trained one under another name.
        seed: Seed of all that training draws.
        c: Inverse strength of the L2 penalty, scikit-learn's C.
        epochs: Passes over the training images.
        lr: Learning rate of Adam; 1e-4 by default, npr 2e-4, as published.
        augment: None, or blur-jpeg, each with probability 0.5, beside crops and flips.
        init: Weights to start from: pretrained, random or a file; npr has random only.

    Raises:
        BenchError: A value cannot be.
    """

    detector: Annotated[str, Written("NAME")]
    save: Annotated[Path, Written("FILE")]
    train_share: float = 0.5
    also_seen: Names = ()
    seed: Whole = 0
    c: float = 1.0
    epochs: Count = 10
    lr: float | None = None
    augment: str = "none"
    init: str = PRETRAINED

    def __post_init__(self) -> None:
        object.__setattr__(self, "save", Path(self.save))
        object.__setattr__(self, "also_seen", tuple(self.also_seen))
        name, _, model = self.detector.partition(":")
        if self.detector not in (PROBE, RESNET, "npr") and not (name == "timm" and model):
            raise BenchError(
                f"--detector must be {PROBE}, {RESNET}, npr or timm:<model>, got {self.detector!r}; "
                f"the other detectors cannot be trained here."
            )
        if self.augment not in AUGMENTATIONS:
            raise BenchError(f"--augment must be one of {', '.join(AUGMENTATIONS)}, got {self.augment!r}.")
        if not 0 < self.train_share < 1:
            raise BenchError(f"--train-share must lie between 0 and 1, got {self.train_share}.")
        for option, value in (("c", self.c), ("lr", self.lr)):
            if value is not None and not 0 < value < float("inf"):
                raise BenchError(f"--{option} must be a number above 0, got {value}.")
        if self.epochs < 1:
            raise BenchError(f"--epochs must be at least 1, got {self.epochs}.")
        if self.save.suffix != ".safetensors":
            raise BenchError(f"--save takes a file that ends in .safetensors, got {self.save}.")
        if not self.save.parent.is_dir():
            raise BenchError(f"--save {self.save}: there is no folder {self.save.parent}.")
        if set(str(self.save)) & set("+,"):
            raise BenchError(f"--save {self.save}: --detectors could not name a file with + or a comma in its path.")
        if self.is_probe and self.augment != "none":
            raise BenchError("--augment does not apply to linear-probe: its features are computed once.")

    @property
    def is_probe(self) -> bool:
        """Whether a linear probe is asked for, rather than fine-tuning."""
        return self.detector == PROBE

    @property
    def name(self) -> str:
        """The name of the detector that the file is for."""
        return "timm" if self.detector == RESNET else self.detector.partition(":")[0]

    @property
    def model(self) -> str:
        """The timm model; empty where there is none."""
        return RESNET if self.detector == RESNET else self.detector.partition(":")[2]

    @property
    def learning_rate(self) -> float:
        """Of fine-tuning: the one given, or the published one."""
        return self.lr if self.lr is not None else LEARNING_RATES.get(self.name, LEARNING_RATE)

    @property
    def spec(self) -> str:
        """The trained detector as ``compare`` is asked for it."""
        model = f"model={self.model}," if self.model else ""
        return f"{self.name}:{model}checkpoint={self.save}"
