"""The contract that every detector keeps."""

import hashlib
import inspect
import json
import linecache
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from torch import Tensor, nn

from detectors.backbones import Backbone, create_backbone
from detectors.errors import OptionError, UnknownNameError
from detectors.registry import find_detector

Fit = Literal["random-crop", "centre-crop", "resize", "short-side", "square", "native"]
Pad = Literal["zeros", "tile"]
Interpolation = Literal["bilinear", "bicubic", "lanczos"]


@dataclass(frozen=True)
class View:
    """The picture that a method wants of an image.

    Args:
        size: Side of the square in pixels; ignored by ``native``.
        fit: How the square is taken. ``resize`` scales both sides without keeping the aspect; ``short-side`` scales the
            short side, keeping the aspect, and takes the centre; the crops keep the pixels as they are. The other two
            leave images of different sizes: ``square`` keeps a square image as it is, and of another takes the largest
            centred square and scales it; ``native`` keeps the whole image.
        pad: What surrounds an image that is smaller than the crop: zeros, or ``tile``, whole copies of itself, of which
            the crop is taken.
        interpolation: The filter that scales, ``bilinear``, ``bicubic`` or ``lanczos``, all antialiased.
        scaled: The length in pixels that ``short-side`` gives the short side before it takes the centre; by default
            that of the square.
    """

    size: int = 224
    fit: Fit = "random-crop"
    pad: Pad = "zeros"
    interpolation: Interpolation = "bilinear"
    scaled: int | None = None

    def __post_init__(self) -> None:
        if self.size < 1:
            raise OptionError(f"A view's size must be at least 1 pixel, got {self.size}.")
        if self.scaled is not None and (self.fit != "short-side" or self.scaled < self.size):
            raise OptionError(
                f"A view's scaled is for fit short-side, and at least the size of {self.size} pixels; got "
                f"{self.scaled} with fit {self.fit}."
            )
        for field, kind in (("fit", Fit), ("pad", Pad), ("interpolation", Interpolation)):
            if getattr(self, field) not in get_args(kind):
                raise UnknownNameError(f"view {field}", str(getattr(self, field)), get_args(kind))

    def __str__(self) -> str:
        return self.fit if self.fit == "native" else f"{self.facts['fit']} {self.size}"

    @property
    def ragged(self) -> bool:
        """Whether images keep sizes of their own, so that a batch is a list."""
        return self.fit in ("square", "native")

    @property
    def facts(self) -> dict[str, int | str]:
        """What a fingerprint holds of it."""
        filtered = self.fit if self.interpolation == "bilinear" else f"{self.interpolation}-{self.fit}"
        fit = filtered if self.scaled is None else f"{filtered}-{self.scaled}"
        return {"size": self.size, "fit": fit, "pad": self.pad}


class Detector(nn.Module, ABC):
    """Gives every image one score: higher means more likely generated.

    A subclass states its ``name``, its ``paper`` and the ``view`` that the paper's code uses, and implements
    :meth:`forward`. Every option is a keyword argument of ``__init__`` that is kept under its own name (as in
    scikit-learn), so that :attr:`options` can list them; without options no ``__init__`` is needed. ``version`` is
    raised whenever a change moves the scores; of a detector from outside this package a change of its own file, or of
    its cell in a notebook, is noticed without.

    Randomness comes from ``(seed, key)`` alone, or from ``seed`` alone where the method holds a draw fixed over all
    images: never from the batch, its order, or torch's global generator.
    """

    name: ClassVar[str]
    paper: ClassVar[str]
    citations: ClassVar[tuple[Mapping[str, str], ...]] = ()
    """What to cite: the paper's fields as in BibTeX, with its ``key``, and those of others that it stands on."""
    tuned_on: ClassVar[str | None] = None
    """The images that the published settings, or those here, were chosen on; None where nothing is known of any."""
    weaknesses: ClassVar[tuple[str, ...]] = ()
    """What others, or the authors, found the method to fail at: a sentence each, which ends with its source."""
    unscaled: ClassVar[bool] = False
    """Whether the published code takes images as they are, or scales them itself: ``--resize none``."""
    reads_beside: ClassVar[bool] = False
    """Whether it reads something that was made of each file beforehand, and of degraded pixels is not."""
    version: ClassVar[int] = 1
    shared_draw: ClassVar[bool] = False
    """Whether a seed makes a draw that all images share, such as perturbed weights; its chance does not average out."""
    view: View = View()
    by_size: bool = False
    """Whether the view leaves images of their own sizes to a method that takes batches: then one size at a time."""

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()
        self.seed = seed

    @abstractmethod
    def forward(self, images: Tensor, keys: Tensor) -> Tensor:
        """Scores a batch.

        Args:
            images: ``(B, 3, H, W)`` in [0, 1], cut as :attr:`view` says.
            keys: ``(B,)`` integers that identify the images' bytes.

        Returns:
            ``(B,)`` scores, float32 or wider.
        """

    def objective(self, images: Tensor, keys: Tensor) -> Tensor:
        """Computes what an attack lowers: the score, or what grows with it and is not flat where the score is near 1.

        Arguments and shape as for a call.
        """
        scores: Tensor = self(images, keys)
        return scores

    @property
    def passes(self) -> int | None:
        """Forward passes an image costs beside the shared clean one; None where the class does not say."""
        return None

    @property
    def options(self) -> dict[str, Any]:
        """The options and their values, in the order of the constructor."""
        names = [name for name in inspect.signature(type(self).__init__).parameters if name not in _NOT_OPTIONS]
        return {name: getattr(self, name) for name in names}

    @property
    def settled(self) -> dict[str, Any]:
        """What a table names beside the score: the options, with defaults that depend on the backbone filled in."""
        return self.options

    @property
    def sources(self) -> Mapping[str, str]:
        """Where settled options come from, by name, for a method whose sources disagree or leave some open."""
        return {}

    @property
    def fingerprinted(self) -> dict[str, Any]:
        """The options that a score depends on: all, but for those that name what the fingerprint covers otherwise."""
        return self.options

    @property
    def source_sha256(self) -> str | None:
        """Sha256 of the file, or of a notebook's cells, of a detector from outside this package; None for its own.

        While a detector is being written its file changes from run to run, and scores of older code are not its own.
        """
        module = type(self).__module__
        if module.partition(".")[0] == __package__:
            return None
        file = getattr(sys.modules.get(module), "__file__", None)
        if file is None:
            source = _cells(type(self)).encode()
        else:
            source = Path(file).read_bytes() if Path(file).is_file() else b""
        return hashlib.sha256(source).hexdigest() if source else None

    def covered(self, **run: str | int) -> dict[str, dict[str, Any]]:
        """Returns everything but the image and the seed that a score depends on, as plain values.

        Args:
            **run: What the caller adds, for instance the numeric precision.

        Returns:
            ``detector``, what is of the method, and ``run``, the rest.
        """
        facts = {
            "detector": self.name,
            "version": self.version,
            "options": self.fingerprinted,
            "view": self.view.facts,
        }
        if self.source_sha256:
            facts["source"] = self.source_sha256
        backbone = getattr(self, "backbone", None)
        if isinstance(backbone, Backbone):
            facts["backbone"] = {"name": backbone.name, "weights": backbone.fingerprint}
        plain: dict[str, Any] = json.loads(json.dumps({"detector": facts, "run": run}, sort_keys=True, default=str))
        return plain

    def fingerprint(self, **run: str | int) -> str:
        """Identifies what is :meth:`covered`; arguments as there.

        Returns:
            64 hexadecimal digits: the sha256 of the two parts as one JSON list, keys sorted.
        """
        covered = self.covered(**run)
        facts = [covered["detector"], covered["run"]]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def concern(self, real_scores: Tensor) -> str | None:
        """Says in words when the scores of the real images show that the method cannot work as set up.

        Args:
            real_scores: ``(N,)`` scores of real images.

        Returns:
            One sentence, or nothing.
        """
        backbone = getattr(self, "backbone", None)
        name = backbone.name if isinstance(backbone, Backbone) else ""
        return self.concern_of(self.settled, name, real_scores)

    @classmethod
    def concern_of(cls, settled: Mapping[str, Any], backbone: str, real_scores: Tensor) -> str | None:
        """Says the same of a detector that is not built.

        Args:
            settled: Its :attr:`settled` options.
            backbone: Its vision model's name; empty where it has none.
            real_scores: As for :meth:`concern`.

        Returns:
            One sentence, or nothing.
        """
        return None

    def train(self, mode: bool = True) -> "Detector":
        """Stays in evaluation mode: a detector is not trained here."""
        return super().train(False)


_NOT_OPTIONS = ("self", "backbone", "seed")


def _cells(cls: type) -> str:
    """Returns the cells of a notebook that define a class, and its bases there; nothing where nobody keeps them.

    A notebook has no file, but IPython keeps the text of each cell under a name of its own, as ``linecache`` does.
    """
    members = (member for base in cls.__mro__ if base.__module__ == cls.__module__ for member in vars(base).values())
    functions = (member.fget if isinstance(member, property) else member for member in members)
    names = (function.__code__.co_filename for function in functions if inspect.isfunction(function))
    return "".join(line for name in dict.fromkeys(names) for line in linecache.getlines(name))


def create_detector(
    name: str,
    backbone: Backbone | str = "efficientnet-lite0",
    *,
    seed: int = 0,
    view: View | None = None,
    **options: Any,  # noqa: ANN401 - checked against the detector's own signature
) -> Detector:
    """Builds a detector by name.

    Args:
        name: A name from :func:`list_detectors`.
        backbone: The vision model, or the name of one; ignored by methods that use none.
        seed: Seed of the method's own randomness.
        view: The picture to score, where it is not the one of the paper's code.
        **options: Keyword arguments of the detector.

    Returns:
        The detector, in evaluation mode.

    Raises:
        UnknownNameError: No such detector, backbone or option.
        OptionError: An option has an impossible value.

    Examples:
        >>> import torch
        >>> from detectors import create_detector
        >>> detector = create_detector("rigid", backbone="efficientnet-lite0")
        >>> detector(torch.rand(2, 3, 224, 224), keys=torch.tensor([1, 2])).shape
        torch.Size([2])
    """
    cls = find_detector(name)
    parameters = inspect.signature(cls.__init__).parameters
    if "seed" not in parameters:
        raise OptionError(f"{name}: its __init__ must take seed; write def __init__(self, *, ..., seed: int = 0).")
    for option in options:
        if option in _NOT_OPTIONS or option not in parameters:
            raise UnknownNameError(f"option of {name}", option, set(parameters) - set(_NOT_OPTIONS))
    if "backbone" in parameters:
        options["backbone"] = create_backbone(backbone) if isinstance(backbone, str) else backbone
    detector = cls(seed=seed, **options)
    if view is not None:
        detector.view = view
    return detector.eval()
