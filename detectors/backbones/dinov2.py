"""DINOv2, with and without registers, and DINOv3, in timm's implementation.

Features are the class token after the last norm, which the published code calls ``x_norm_clstoken``. The published
files (``dinov2_vitl14_pretrain.pth``) and timm's copies of them on the hub load alike.
"""

from pathlib import Path

import timm
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F

from detectors.backbones.base import Backbone
from detectors.backbones.sources import DINOV2_MODELS, DINOV3_MODELS
from detectors.backbones.timm_models import adapted_state, load_into, timm_backbone, timm_hub_file
from detectors.errors import OptionError
from detectors.weights import built_unfilled, load_strictly, read_weights


def load_dinov2(name: str, weights: str | Path | None, image_size: int) -> Backbone:
    """Builds a DINOv2 from the hub or from a file."""
    model = built_unfilled(lambda: timm.create_model(DINOV2_MODELS[name], num_classes=0))
    return dinov2_backbone(name, model, Path(weights) if weights else timm_hub_file(model, name), image_size)


def dinov2_backbone(name: str, model: VisionTransformer, file: Path, image_size: int) -> Backbone:
    """Fills a transformer of DINOv2's class with weights and fits it to the image size.

    Args:
        name: The backbone's name.
        model: A timm vision transformer without classifier, built for the images it was trained on.
        file: Weights with the names of timm or of the published files.
        image_size: Side of the images in pixels, a multiple of the patch size.

    Raises:
        OptionError: The size is not a multiple of the patch size.
        WeightsError: The file does not fit the model.
    """
    load_strictly(model, adapted_state(model, read_weights(file)), file)
    resize_position_embedding(model, image_size)
    return timm_backbone(name, model)


def load_dinov3(name: str, weights: str | Path | None, image_size: int) -> Backbone:
    """Builds a DINOv3 from the hub or from a file; unlike timm's default it returns the class token, as published."""
    model = timm.create_model(DINOV3_MODELS[name], num_classes=0, global_pool="token")
    return load_into(name, model, weights, image_size)


def resize_position_embedding(model: VisionTransformer, image_size: int, offset: float = 0.1) -> None:
    """Fits a DINOv2 to another image size as the published code does.

    timm resamples antialiased; the published code scales bicubically, without antialiasing, by a factor made from the
    grid plus an offset of 0.1, and this gives other features (facebookresearch/dinov2 at b8931f7,
    ``interpolate_pos_encoding``). For the models with registers it does what timm does (``hub/backbones.py`` sets
    ``interpolate_antialias=True, interpolate_offset=0.0``).

    Args:
        model: A timm vision transformer with its pretrained position embedding.
        image_size: New side of the images in pixels, a multiple of the patch size.
        offset: Added to the new grid's side before the factor is taken.

    Raises:
        OptionError: The size is not a multiple of the patch size.
    """
    patch = model.patch_embed.patch_size[0]
    if image_size < patch or image_size % patch:
        raise OptionError(f"A DINOv2 takes images whose side is a multiple of {patch} px, got {image_size}.")
    published: Tensor = model.pos_embed.detach()
    grid = model.patch_embed.grid_size[0]
    model.set_input_size((image_size, image_size))
    new_grid = model.patch_embed.grid_size[0]
    if new_grid == grid or model.reg_token is not None:
        return
    prefix = model.num_prefix_tokens
    tokens = published[:, prefix:].reshape(1, grid, grid, -1).permute(0, 3, 1, 2)
    scale = (new_grid + offset) / grid
    tokens = F.interpolate(tokens, scale_factor=(scale, scale), mode="bicubic").permute(0, 2, 3, 1).flatten(1, 2)
    model.pos_embed = nn.Parameter(torch.cat([published[:, :prefix], tokens], dim=1), requires_grad=False)
