"""A transformer of DINOv2's class whose weights are drawn rather than trained: for checks of this suite alone.

It is as deep as DINOv2 ViT-L/14, whose blocks the papers perturb, and noise moves its features little (RIGID's
distances are about 1e-4). So what rests on the depth or on a cosine near 1 can be checked without a download.
"""

from pathlib import Path

import numpy as np
import torch
from timm.models.vision_transformer import VisionTransformer

from detectors.backbones.base import Backbone
from detectors.backbones.timm_models import timm_backbone
from detectors.errors import OptionError

DEPTH, WIDTH, HEADS, PATCH = 24, 48, 4, 28


def load_random_vit(name: str, weights: str | Path | None, image_size: int) -> Backbone:
    """Builds the transformer, the same one wherever and whenever.

    Weights are uniform with variance 1 over the number of inputs, scales (of norms and LayerScale) 1, and the class
    token and the positions uniform in [-0.5, 0.5].

    Raises:
        OptionError: A file of weights is given, or the images are smaller than a patch.
    """
    if weights:
        raise OptionError(f"{name} draws its weights and takes no file of them, got {weights}.")
    if image_size < PATCH:
        raise OptionError(f"{name} takes images of at least {PATCH} px, got {image_size}.")
    model = VisionTransformer(image_size, PATCH, 3, 0, "token", WIDTH, DEPTH, HEADS, init_values=1.0)
    stream = np.random.default_rng(0)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            drawn = torch.from_numpy(2 * stream.random(tuple(parameter.shape)) - 1)
            if key in ("cls_token", "pos_embed"):
                parameter.copy_(drawn / 2)
            elif parameter.ndim > 1:
                parameter.copy_(drawn * (3 / parameter[0].numel()) ** 0.5)
            elif key.endswith("bias"):
                parameter.zero_()
            else:
                parameter.fill_(1.0)
    return timm_backbone(name, model)
