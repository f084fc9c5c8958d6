"""A vision model whose features the detectors compare."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakIdKeyDictionary

from detectors.backbones.compiling import compile_block
from detectors.backbones.prefixes import Prefixes, can_resume, resumed
from detectors.backbones.tapping import Tap, Tapped, Tokens
from detectors.weights import state_sha256

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


class PassCounter:
    """Counts images through a network and all its perturbed copies, so that sharing can be shown.

    Attributes:
        images: Those that passed.
        spared_blocks: For each of them the blocks that it need not pass, as their output was known; added up.
    """

    def __init__(self) -> None:
        self.images = self.spared_blocks = 0


_REHEARSAL: ContextVar[PassCounter | None] = ContextVar("rehearsal", default=None)


@contextmanager
def rehearsed() -> Iterator[PassCounter]:
    """Has every backbone count its passes and give zeros for features, to learn what a method costs."""
    counter = PassCounter()
    token = _REHEARSAL.set(counter)
    try:
        yield counter
    finally:
        _REHEARSAL.reset(token)


def rehearsing() -> bool:
    """Says whether passes are only counted: features are then zeros of width 1, whatever their real width."""
    return _REHEARSAL.get() is not None


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
        self.compiled = False
        self.fixed_batch: int | None = None
        self._remembered: WeakIdKeyDictionary = WeakIdKeyDictionary()
        self._tapped: Tapped = {}
        self._prefixes: Prefixes | None = Prefixes()
        self._shared_blocks = self.depth

    def forward(self, images: Tensor) -> Tensor:
        """Computes features, or recalls them when this very tensor has passed before.

        Args:
            images: ``(B, 3, H, W)``, pixels in [0, 1] (values beyond, as after added noise, are not clipped).

        Returns:
            ``(B, D)`` features, not normalised.
        """
        return self._features(images, None)

    def layer(self, images: Tensor, tap: Tap) -> Tensor:
        """Returns what a block gave in the very pass that gave the features; :meth:`tap` must have asked for it.

        Args:
            images: As for a call.
            tap: Which block or place in one, and what of it.

        Returns:
            ``(B, C)``, before the network's last norm, not normalised.
        """
        return self._features(images, tap)

    def tap(self, block: int, tokens: Tokens, place: str = "") -> Tap:
        """Has every pass from now on keep what a block gives, or a place within it, for :meth:`layer`.

        A block that is tapped is not compiled.

        Args:
            block: Its index.
            tokens: The class token, or the mean over the patches'. A convolutional network has neither: there it is
                the mean over the places of the map, and asked for as ``cls``.
            place: Name of a module within the block, such as ``ln_2``; the block itself by default.

        Raises:
            OptionError: There is no such block, no such place in it, or no such tokens.
        """
        tap = Tap.of(self.model, self.blocks, block, tokens, self.memory_format is torch.channels_last, place)
        if tap not in self._tapped:
            self._tapped[tap] = torch.empty(0)
            tap.hook(self.model, self._tapped)
        return tap

    def _features(self, images: Tensor, tap: Tap | None) -> Tensor:
        if images in self._remembered and tap in self._remembered[images]:
            recalled: Tensor = self._remembered[images][tap]
            return recalled
        shares = self._prefixes and self._prefixes.places and not (self._tapped or self.compiled)
        prefixes = self._prefixes if shares and not images.requires_grad else None
        kept: dict[Tap | None, Tensor] = {None: self._compute(images, prefixes)}
        kept |= {one: given[: len(images)] for one, given in self._tapped.items()}
        if not kept[None].requires_grad:
            self._remembered[images] = kept
        return kept[tap]

    def compute(self, images: Tensor) -> Tensor:
        """Computes features as a call does, without recalling or remembering them."""
        return self._compute(images, None)

    def _compute(self, images: Tensor, prefixes: Prefixes | None) -> Tensor:
        rehearsal = _REHEARSAL.get()
        if rehearsal is not None:
            rehearsal.images += len(images)
            zeros = torch.zeros(len(images), 1, device=images.device)
            self._tapped.update(dict.fromkeys(self._tapped, zeros))
            return zeros
        self.counter.images += len(images)
        known = prefixes.recall(images, self._shared_blocks) if prefixes else None
        if known is not None:
            self.counter.spared_blocks += len(images) * known[0]
            return resumed(self.model, known[1], known[0])[: len(images)]
        normalised = ((images - self.mean) / self.std).contiguous(memory_format=self.memory_format)
        # Some convolution kernels take another path for a single image and move its last bits (2e-7 of the features'
        # length): a pair takes the path of every larger batch. Compiled code is made for one size of batch. Where a
        # gradient is wanted, it is of one image, and always of one.
        size = max(len(images), self.fixed_batch or (1 if images.requires_grad else 2))
        if len(images) < size:
            repeated = normalised[-1:].expand(size - len(images), -1, -1, -1)
            normalised = torch.cat([normalised, repeated]).contiguous(memory_format=self.memory_format)
        with prefixes.kept_of(images, self.model, self._shared_blocks) if prefixes else nullcontext():
            features: Tensor = self.model(normalised)
        return features[: len(images)]

    def compile_blocks(self, batch_size: int) -> None:
        """Compiles each block at its first pass; blocks that are alike, and those of perturbed copies, share the code.

        A block with hooks (MC-Dropout's masks) is left as it is.

        Args:
            batch_size: Images in every pass from now on; smaller batches are filled up, larger ones compile anew.
        """
        from detectors.backbones.last_block import keep_whole  # and with it timm

        self.compiled, self.fixed_batch = True, batch_size
        for block in map(self.model.get_submodule, self.blocks):
            keep_whole(block)
            compile_block(block)

    def cast_weights(self, dtype: torch.dtype) -> None:
        """Converts the weights of linear layers and convolutions, once, as autocast would in each pass.

        What else there is (norms, scales, embeddings) keeps its type, so that features are the same as under autocast
        alone. The network must run under autocast of this type from now on, and so must its perturbed copies, which
        share tensors with it.
        """
        for module in self.model.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                module.to(dtype)

    def begin_with(self, blocks: int) -> None:
        """Says that the first blocks are still those of the network that this is a copy of, and shares their passes.

        A later pass of the same batch object begins after them, as far as their output is kept (see ``prefixes``).
        """
        if self._prefixes is not None and can_resume(self.model) and blocks > 0:
            self._shared_blocks = blocks
            self._prefixes.places.add(blocks)

    @property
    def depth(self) -> int:
        """Number of blocks."""
        return len(self.blocks)

    @cached_property
    def fingerprint(self) -> str:
        """Hexadecimal sha256 of the names, shapes, types and values of the weights."""
        return state_sha256(self.model.state_dict())

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
        memo: dict[int, Any] = {id(item): item for item in shared}
        memo[id(self._remembered)] = WeakIdKeyDictionary()
        memo[id(self._tapped)] = dict.fromkeys(self._tapped, torch.empty(0))  # which the copy's hooks write into
        is_copy = self._shared_blocks < self.depth  # what a copy of it shares with it, it does not share with the first
        memo[id(self._prefixes)] = None if is_copy else self._prefixes
        twin = copy.deepcopy(self, memo)
        twin._shared_blocks = 0
        twin.__dict__.pop("fingerprint", None)
        for key, value in replaced.items():
            owner, _, leaf = key.rpartition(".")
            if value.ndim == 4:
                value = value.contiguous(memory_format=self.memory_format)
            setattr(twin.model.get_submodule(owner), leaf, nn.Parameter(value, requires_grad=False))
        if self.compiled and self.fixed_batch is not None:
            twin.compile_blocks(self.fixed_batch)  # a copy has its module's own code
        return twin
