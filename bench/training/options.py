"""What to train and how, beside the options that all commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from bench.errors import BenchError
from bench.scoring.options import Count, Names, Whole, Written
from bench.training.recipes import RECIPES, Recipe

RESNET, DURALL = "resnet50", "durall"
AUGMENTATIONS = ("none", "blur-jpeg")
LOGISTIC, SVM = "logistic", "svm"
PRETRAINED, RANDOM = "pretrained", "random"


@dataclass(frozen=True)
class FitOptions:
    """What to train and how.

    Args:
        detector: Linear-probe, durall, frank, npr, spec, patchfor, resnet50 or timm:<model>.
        save: The file to write, .safetensors.
        train_share: Share of the groups to train on, by a hash of their names.
        also_seen: Further generators that are to count as seen, such as the trained one under another name.
        seed: Seed of all that training draws.
        c: Inverse strength of the L2 penalty, scikit-learn's C.
        classifier: Of durall: logistic, or svm, a linear support vector machine.
        epochs: Passes over the training images.
        lr: Learning rate of Adam; 1e-4 by default, npr 2e-4 and patchfor 1e-3, as published.
        augment: None, or blur-jpeg, each with probability 0.5, beside crops and flips.
        init: Weights to start from: pretrained, random or a file; npr and patchfor have random only.

    Raises:
        BenchError: A value cannot be.
    """

    detector: Annotated[str, Written("NAME")]
    save: Annotated[Path, Written("FILE")]
    train_share: Annotated[float, Written("SHARE")] = 0.5
    also_seen: Names = ()
    seed: Whole = 0
    c: Annotated[float, Written("STRENGTH")] = 1.0
    classifier: Annotated[str, Written(choices=(LOGISTIC, SVM))] = LOGISTIC
    epochs: Count = 10
    lr: Annotated[float | None, Written("RATE")] = None
    augment: Annotated[str, Written(choices=AUGMENTATIONS)] = "none"
    init: Annotated[str, Written(f"{PRETRAINED}|{RANDOM}|FILE")] = PRETRAINED

    def __post_init__(self) -> None:
        object.__setattr__(self, "save", Path(self.save))
        object.__setattr__(self, "also_seen", tuple(self.also_seen))
        if self.name not in RECIPES or (self.name == "timm") != bool(self.model):
            names = ", ".join(name for name in RECIPES if name != "timm")
            raise BenchError(
                f"--detector must be {names}, {RESNET} or timm:<model>, got {self.detector!r}; "
                f"the other detectors cannot be trained here."
            )
        if self.classifier not in (LOGISTIC, SVM) or (self.classifier == SVM and self.name != DURALL):
            raise BenchError(f"--classifier must be {LOGISTIC}, or {SVM} for {DURALL}, got {self.classifier!r}.")
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
        if self.recipe.linear and self.augment != "none":
            raise BenchError(f"--augment does not apply to {self.name}: its features are computed once.")

    @property
    def recipe(self) -> Recipe:
        """How the detector is trained."""
        return RECIPES[self.name]

    @property
    def name(self) -> str:
        """The name of the detector that the file is for."""
        return "timm" if self.detector == RESNET else self.detector.partition(":")[0]

    @property
    def model(self) -> str:
        """The timm model that the user names; empty where the detector has a network of its own."""
        return RESNET if self.detector == RESNET else self.detector.partition(":")[2]

    @property
    def learning_rate(self) -> float:
        """Of fine-tuning: the one given, or the published one."""
        return self.lr if self.lr is not None else self.recipe.lr

    @property
    def spec(self) -> str:
        """The trained detector as ``compare`` is asked for it."""
        model = f"model={self.model}," if self.model else ""
        return f"{self.name}:{model}checkpoint={self.save}"
