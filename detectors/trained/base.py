"""What detectors with released weights have in common: a file is read, checked and loaded, and a logit made a score."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from detectors.base import Detector
from detectors.trained.checkpoints import Checkpoint, ReleasedFile, generator_names, read_checkpoint
from detectors.trained.pixels import imagenet_normalised
from detectors.weights import load_strictly, state_sha256

__all__ = ["ReleasedFile", "TrainedDetector"]


class TrainedDetector(Detector):
    """A classifier with released weights: ``score(x) = sigmoid(logit(x))``.

    A subclass states the files that were :attr:`released` and implements :meth:`build`, and where its pixels are not
    those of ImageNet's networks :meth:`prepared` or :meth:`logits`. Options that :meth:`build` or :meth:`adapt` look at
    are set before this constructor is called. A file that cannot be loaded is an error: there is no falling back on
    random weights.

    Score:
        A probability as published, in float64, so that large logits stay apart; higher means more likely generated.
        The published decision is at 0.5.

    Args:
        checkpoint: File of the weights.
        trained_on: Generators that it was trained on, joined by ``+``; what its release or its own record says by
            default.
        seed: Nothing is drawn.

    Raises:
        WeightsNotFoundError: There is no such file; says where to get one.
        WeightsError: It cannot be read, or does not fit the network.
        OptionError: ``trained_on`` is not written as names.
    """

    released: ClassVar[tuple[ReleasedFile, ...]] = ()
    unreleased: ClassVar[str] = ""
    """Where no checkpoint was ever released: a sentence that says so, for the card and for the message."""
    fitted_here: ClassVar[bool] = False
    """Whether ``python -m bench fit`` trains it."""
    architecture: ClassVar[Mapping[str, Any]] = {}
    """Sizes of the released network (width, depth and the like), which :meth:`build` reads: tests make it small."""
    consumes: ClassVar[Literal["image", "dire-map", "face-crop"]] = "image"
    """What the images of the data set must be."""
    files: ClassVar[tuple[str, ...]] = ("checkpoint",)
    """The options that name files: shown by the files' names, and no part of the fingerprint, which has the weights."""
    needs: ClassVar[str] = ""
    """A sentence on what is needed beside the checkpoint, for the message that it is missing."""
    own_passes: ClassVar[int] = 1
    """Passes of its own network for an image."""

    def __init__(self, *, checkpoint: str | None = None, trained_on: str | None = None, seed: int = 0) -> None:
        super().__init__()
        told = None if trained_on is None else generator_names(trained_on)
        loaded = read_checkpoint(checkpoint, self.name, self.released, " ".join(filter(None, self._ways())))
        state = self.adapt(loaded)
        self.network = self.build()
        load_strictly(self.network, state, loaded.file)
        self.network.eval().requires_grad_(False)
        self.seed, self.checkpoint, self.sha256, self.release = seed, loaded.file.name, loaded.sha256, loaded.released
        self._trained_on = loaded.trained_on if told is None else told

    def _ways(self) -> tuple[str, ...]:
        """Sentences on how to come by what it needs."""
        fit = f"python -m bench fit --detector {self.name} ... trains one." if self.fitted_here else ""
        return self.unreleased, fit, f"Give the file with --checkpoint {self.name}=FILE.", self.needs

    @abstractmethod
    def build(self) -> nn.Module:
        """Builds the network without its weights."""

    def adapt(self, checkpoint: Checkpoint) -> Mapping[str, Tensor]:
        """Renames a file's tensors as the network has them, before it is built; as they are by default."""
        return checkpoint.state

    def prepared(self, images: Tensor) -> Tensor:
        """Makes the network's input of images ``(B, 3, H, W)`` in [0, 1]: normalised as for ImageNet by default."""
        return imagenet_normalised(images)

    def logits(self, images: Any) -> Tensor:  # noqa: ANN401 - a subclass may take less
        """Judges images, those of several sizes one by one.

        Some convolution kernels take another path for a single image and move its last bits: in a batch of one a pair
        takes the path of every larger batch.

        Args:
            images: ``(B, 3, H, W)`` in [0, 1], or ``B`` times ``(3, H, W)``.

        Returns:
            ``(B,)`` logits; above 0 means generated.
        """
        if not isinstance(images, Tensor):
            return torch.cat([self.towards_generated(self.network(self.prepared(image[None]))) for image in images])
        inputs = self.prepared(images)
        outputs: Tensor = self.network(inputs.expand(2, *inputs.shape[1:]) if len(inputs) == 1 else inputs)
        return self.towards_generated(outputs[: len(images)])

    def towards_generated(self, outputs: Tensor) -> Tensor:
        """Makes one logit an image of what the network gives.

        Args:
            outputs: ``(B,)`` or ``(B, 1)`` logits of generated images, or ``(B, 2)`` logits of real and of generated
                ones, whose difference gives the probability of their softmax.

        Returns:
            ``(B,)``.
        """
        return outputs[:, 1] - outputs[:, 0] if outputs.ndim == 2 and outputs.shape[1] == 2 else outputs.flatten()

    def training_logits(self, images: Tensor) -> Tensor:
        """Computes what training compares with the label: the logits, or ``(B, P)`` where each patch has one."""
        return self.logits(images)

    def forward(self, images: Tensor | Sequence[Tensor], keys: Tensor) -> Tensor:
        """Scores a batch.

        Args:
            images: ``(B, 3, H, W)`` in [0, 1], or for a native view ``B`` times ``(3, H, W)``.
            keys: Not looked at.

        Returns:
            ``(B,)`` probabilities, float64.
        """
        return torch.sigmoid(self.objective(images, keys).double())

    def objective(self, images: Tensor | Sequence[Tensor], keys: Tensor) -> Tensor:
        """Computes the logits."""
        return self.logits(images)

    @property
    def trained_on(self) -> tuple[str, ...]:
        """Canonical names of the generators that the weights were trained on; empty where they are not known."""
        return self._trained_on

    @property
    def options(self) -> dict[str, Any]:
        """The options, with files by their names and what the weights were trained on."""
        return super().options | {"trained_on": "+".join(self.trained_on) or None}

    @property
    def fingerprinted(self) -> dict[str, Any]:
        """Leaves out names that a score does not depend on: of the files, and of what the weights were trained on."""
        aside = (*self.files, "trained_on")
        return {name: value for name, value in self.options.items() if name not in aside}

    @cached_property
    def weights_sha256(self) -> str:
        """Checksum of the loaded weights, the same for the same weights in another file or layout."""
        return state_sha256(self.network.state_dict())

    def covered(self, **run: str | int) -> dict[str, dict[str, Any]]:
        """Covers the loaded weights, not their file; see :meth:`Detector.covered`."""
        return super().covered(trained_weights=self.weights_sha256, **run)

    @property
    def passes(self) -> int:  # noqa: D102 - see Detector
        return self.own_passes
