"""The image encoder of CLIP with a linear layer behind it, in open_clip's implementation."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from detectors.backbones.layouts import clip_from_transformers
from detectors.errors import OptionError

VIT_L14 = {"image_size": 224, "patch_size": 14, "width": 1024, "layers": 24, "heads": 16, "output_dim": 768}
"""Sizes of CLIP ViT-L/14."""
TOWER = ("vision_model.", "visual_projection.")


class ClipClassifier(nn.Module):
    """Judges images by a linear layer on the features of CLIP's image encoder.

    Its tensors are empty until weights are loaded: a random start of 300 million numbers takes seconds.

    Args:
        outputs: Number of logits.
        projected: Whether features are projected into the space shared with text and scaled to unit length, or the
            class token after the last norm, which transformers calls ``pooler_output``.
        sizes: Arguments of open_clip's transformer, such as :data:`VIT_L14`.

    Raises:
        OptionError: open_clip is not installed.
    """

    def __init__(self, outputs: int, projected: bool, sizes: Mapping[str, int]) -> None:
        super().__init__()
        try:
            from open_clip.transformer import QuickGELU, VisionTransformer  # takes seconds to import
        except ImportError as error:
            raise OptionError("A classifier on CLIP needs open_clip: pip install open-clip-torch") from error
        self.projected, self.side = projected, sizes["image_size"]
        with torch.device("meta"):
            self.visual = VisionTransformer(mlp_ratio=4.0, act_layer=QuickGELU, **sizes)
            if not projected:
                self.visual.proj = None
            self.fc = nn.Linear(sizes["output_dim" if projected else "width"], outputs)
        self.to_empty(device="cpu")

    def forward(self, images: Tensor) -> Tensor:
        """Computes logits.

        Args:
            images: ``(B, 3, side, side)``, normalised.

        Returns:
            ``(B, outputs)``.
        """
        features: Tensor = self.visual(images)
        logits: Tensor = self.fc(F.normalize(features, dim=-1) if self.projected else features)
        return logits


def from_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Gives a classifier on a CLIP of transformers the names of :class:`ClipClassifier`.

    Args:
        state: Tensors by name: those of the image encoder begin with ``vision_model.`` or ``visual_projection.``, those
            of the linear layer with ``fc.``.
    """
    visual = {key: value for key, value in state.items() if key.startswith(TOWER)}
    renamed = {f"visual.{key}": value for key, value in clip_from_transformers(visual).items()}
    return renamed | {key: value for key, value in state.items() if key not in visual}
