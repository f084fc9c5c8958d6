"""A vision model whose features the detectors compare."""

import copy
import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakIdKeyDictionary

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


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
        features = self.compute(images)
        if not features.requires_grad:
            self._remembered[images] = features
        return features

    def compute(self, images: Tensor) -> Tensor:
        """Computes features as a call does, without recalling or remembering them."""
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
