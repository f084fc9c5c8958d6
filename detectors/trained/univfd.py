"""UnivFD: features that were never trained to tell real from generated images, and a linear layer that was.

``score(x) = sigmoid(w . f(x) + b)`` with the projected features ``f`` of CLIP's image encoder, not normalised.
"""

from collections.abc import Mapping
from weakref import WeakValueDictionary

import torch
from torch import Tensor, nn

from detectors.backbones import Backbone, create_backbone
from detectors.base import View
from detectors.errors import OptionError
from detectors.trained.base import ReleasedFile, TrainedDetector
from detectors.trained.checkpoints import Checkpoint

CLIP, WIDTH, HEAD = "clip-vitl14", 768, "fc."
PUBLISHED = "published"
_CLIPS: WeakValueDictionary[str, Backbone] = WeakValueDictionary()


class UnivFD(TrainedDetector):
    """A trained linear layer on the features of CLIP ViT-L/14.

    The released file holds the linear layer alone, 769 numbers in 4 KB: CLIP's own weights come separately, as
    ``--backbone clip-vitl14`` or, where the other detectors of a comparison want another backbone, by
    ``clip_weights``. The published preprocessing does not scale images: take ``--resize none`` for it.

    Score:
        Probability of being generated, in [0, 1]; higher means more likely generated.

    Args:
        backbone: ``clip-vitl14`` with projected features; another one is not looked at if there are ``clip_weights``.
        checkpoint: File of the linear layer, ``weight`` and ``bias``, with or without ``fc.`` before the names.
        clip_weights: File of CLIP ViT-L/14, or ``published`` for that of the Hugging Face hub, where the run's backbone
            is another one.
        trained_on: Generators that it was trained on, joined by ``+``, where the file is not a known one.
        seed: Nothing is drawn.

    References:
        Ojha, Li and Lee, "Towards Universal Fake Image Detectors that Generalize Across Generative Models",
        arXiv 2302.10174; WisconsinAIVision/UniversalFakeDetect at 76a0e3e.
    """

    name = "univfd"
    paper = "arXiv 2302.10174"
    view = View(224, "centre-crop")
    unscaled = True
    files = ("checkpoint", "clip_weights")
    released = (
        ReleasedFile(
            "fc_weights.pth", "WisconsinAIVision/UniversalFakeDetect@76a0e3e, pretrained_weights", ("progan",), 4083
        ),
    )
    needs = (
        "It is the linear layer alone: CLIP's weights are needed, too, by --backbone clip-vitl14 or the option "
        "clip_weights=FILE."
    )
    own_passes = 0
    takes_backbone = CLIP
    weaknesses = (
        "With another build of CLIP, such as that of Hugging Face, the results are not those published "
        "(WisconsinAIVision/UniversalFakeDetect, issue 4).",
    )

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
        if backbone.name != CLIP and clip_weights is None:
            raise OptionError(
                f"univfd reads the projected features of {CLIP}, not {backbone.name}: give --backbone {CLIP}, or where "
                f"other detectors want another backbone univfd:clip_weights=FILE ({PUBLISHED} takes the hub's)."
            )
        self.shares_pass = clip_weights is None
        self.backbone = backbone if clip_weights is None else _own_clip(clip_weights)
        self.clip_weights = clip_weights and clip_weights.rpartition("/")[2]

    def build(self) -> nn.Module:
        """Builds the linear layer."""
        return nn.Linear(WIDTH, 1)

    def adapt(self, checkpoint: Checkpoint) -> Mapping[str, Tensor]:
        """Takes ``fc.`` from the names."""
        return {name.removeprefix(HEAD): value for name, value in checkpoint.state.items()}

    def logits(self, images: Tensor) -> Tensor:
        """Computes ``w . f(x) + b``, ``(B,)``, in float32 whatever the features' precision."""
        features: Tensor = self.backbone(images)
        with torch.autocast(features.device.type, enabled=False):
            logits: Tensor = self.network(features.float())
        return logits.flatten()

    @property
    def passes(self) -> int:
        """Passes beside the shared clean one: one where it has a CLIP of its own."""
        return 0 if self.shares_pass else 1


def _own_clip(weights: str) -> Backbone:
    """Builds CLIP, or finds the one that another seed of the detector has built."""
    found = _CLIPS.get(weights)
    if found is None:
        found = _CLIPS[weights] = create_backbone(CLIP, None if weights == PUBLISHED else weights)
    return found
