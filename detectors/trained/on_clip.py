"""Detectors whose trained part judges what CLIP ViT-L/14 gives, which they share with the run or have by themselves."""

from abc import abstractmethod
from typing import ClassVar
from weakref import WeakValueDictionary

import torch
from torch import Tensor

from detectors.backbones import Backbone, create_backbone
from detectors.backbones.base import rehearsing
from detectors.errors import OptionError
from detectors.trained.base import TrainedDetector

CLIP = "clip-vitl14"
PUBLISHED = "published"
_CLIPS: WeakValueDictionary[str, Backbone] = WeakValueDictionary()


class ClipDetector(TrainedDetector):
    """A trained part on the features of CLIP ViT-L/14, which are not trained.

    CLIP is the run's backbone, so that all who use it share one pass, or comes from ``clip_weights`` where the run has
    another; detectors that name the same file share that one, and its pass.

    Score:
        As of any trained detector.

    Args:
        backbone: ``clip-vitl14``; another one is not looked at if there are ``clip_weights``.
        checkpoint: File of the trained part.
        clip_weights: File of CLIP ViT-L/14, or ``published`` for that of the Hugging Face hub, where the run's backbone
            is another one.
        trained_on: Generators that it was trained on, joined by ``+``, where the file is not a known one.
        seed: Nothing is drawn.

    Raises:
        OptionError: The run has another backbone, and there are no ``clip_weights``.
    """

    files = ("checkpoint", "clip_weights")
    own_passes = 0
    takes_backbone: ClassVar[str] = CLIP
    reads: ClassVar[str]
    """What of CLIP it judges, for the message that the backbone is another."""

    def __init__(
        self,
        backbone: Backbone,
        *,
        checkpoint: str | None = None,
        clip_weights: str | None = None,
        trained_on: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(checkpoint=checkpoint, trained_on=trained_on, seed=seed)
        if clip_weights is None and not self.accepts(backbone.name):
            raise OptionError(
                f"{self.name} reads {self.reads} of {CLIP}, not {backbone.name}: give --backbone {CLIP}, or where "
                f"other detectors want another backbone {self.name}:clip_weights=FILE ({PUBLISHED} takes the hub's)."
            )
        self.shares_pass = clip_weights is None
        self.backbone = backbone if clip_weights is None else own_clip(clip_weights)
        self.clip_weights = clip_weights and clip_weights.rpartition("/")[2]

    @staticmethod
    def accepts(backbone: str) -> bool:
        """Says whether the backbone of that name gives what is judged."""
        return backbone == CLIP

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """Takes what is judged out of CLIP's pass: ``(B, ...)`` of images ``(B, 3, H, W)`` in [0, 1]."""

    def logits(self, images: Tensor) -> Tensor:
        """Judges features, ``(B,)``, in float32 whatever the features' precision."""
        features = self.features(images)
        if rehearsing():
            return torch.zeros(len(images), device=images.device)
        judged = torch.cat([features, features]) if len(features) == 1 else features  # see TrainedDetector.logits
        with torch.autocast(features.device.type, enabled=False):
            logits: Tensor = self.network(judged.float())
        return logits.flatten()[: len(images)]

    @property
    def passes(self) -> int:
        """Passes beside the shared clean one: one where it has a CLIP of its own."""
        return 0 if self.shares_pass else 1


def own_clip(weights: str) -> Backbone:
    """Builds CLIP, or finds the one that another detector or seed has built from the same file."""
    found = _CLIPS.get(weights)
    if found is None:
        found = _CLIPS[weights] = create_backbone(CLIP, None if weights == PUBLISHED else weights)
    return found
