"""UnivFD: features that were never trained to tell real from generated images, and a linear layer that was.

``score(x) = sigmoid(w . f(x) + b)`` with the projected features ``f`` of CLIP's image encoder, not normalised.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from detectors.base import View
from detectors.trained.base import ReleasedFile
from detectors.trained.checkpoints import Checkpoint
from detectors.trained.on_clip import ClipDetector

WIDTH, HEAD = 768, "fc."


class UnivFD(ClipDetector):
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
    citations = (
        {
            "key": "ojha2023towards",
            "author": "Ojha, Utkarsh and Li, Yuheng and Lee, Yong Jae",
            "title": "Towards Universal Fake Image Detectors that Generalize Across Generative Models",
            "booktitle": "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)",
            "pages": "24480--24489",
            "year": "2023",
            "eprint": "2302.10174",
        },
    )
    view = View(224, "centre-crop")
    unscaled = True
    released = (
        ReleasedFile(
            "fc_weights.pth", "WisconsinAIVision/UniversalFakeDetect@76a0e3e, pretrained_weights", ("progan",), 4083
        ),
    )
    needs = (
        "It is the linear layer alone: CLIP's weights are needed, too, by --backbone clip-vitl14 or the option "
        "clip_weights=FILE."
    )
    reads = "the projected features"
    weaknesses = (
        "With another build of CLIP, such as that of Hugging Face, the results are not those published "
        "(WisconsinAIVision/UniversalFakeDetect, issue 4).",
    )

    def build(self) -> nn.Module:
        """Builds the linear layer."""
        return nn.Linear(WIDTH, 1)

    def adapt(self, checkpoint: Checkpoint) -> Mapping[str, Tensor]:
        """Takes ``fc.`` from the names."""
        return {name.removeprefix(HEAD): value for name, value in checkpoint.state.items()}

    def features(self, images: Tensor) -> Tensor:
        """Takes CLIP's projected features, ``(B, 768)``."""
        features: Tensor = self.backbone(images)
        return features
