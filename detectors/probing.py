"""Which blocks to perturb, found with real images alone (WePe, appendix A.15).

Each block is perturbed alone; a block whose noise leaves the features of real images nearly as they are is a good one
to perturb, one that corrupts them is not. The paper's Table 14 prints the mean cosine similarities in per cent and
their ranks; its Table 15 perturbs the blocks of the first k ranks.

What comes before the perturbed block is clean, so its output is remembered instead of computed: with L blocks a probe
costs ``L + L (L + 1) / 2`` block passes instead of ``L + L^2``.
"""

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from detectors.backbones import Backbone
from detectors.errors import OptionError
from detectors.perturbation import Perturbation
from detectors.similarity import cosine_distance


@dataclass(frozen=True)
class Probe:
    """The result of a probe.

    Args:
        similarities: Mean cosine similarity of clean and perturbed features, per block in depth order, in [-1, 1].
        images: Number of real images.
        split: Whether the clean prefix could be re-used. It cannot where a network does not run its blocks one after
            the other, each once, or changes their outputs in place; then every block costs a full pass.
    """

    similarities: tuple[float, ...]
    images: int
    split: bool

    @property
    def block_passes(self) -> int:
        """Passes of one image through one block that the probe costs per image, the clean pass among them."""
        depth = len(self.similarities)
        return depth + depth * (depth + 1) // 2 if self.split else self.full_block_passes

    @property
    def full_block_passes(self) -> int:
        """What it would cost without re-use of the clean prefix."""
        depth = len(self.similarities)
        return depth + depth**2

    def rows(self) -> list[tuple[int, float, int]]:
        """Returns Table 14: per block its number, the mean similarity in per cent, and its rank, 1 the most similar."""
        order = ranking(self.similarities)
        return [(block, 100 * value, order.index(block) + 1) for block, value in enumerate(self.similarities)]


def ranking(similarities: Sequence[float]) -> list[int]:
    """Orders blocks by falling similarity; of equal ones the first comes first."""
    return sorted(range(len(similarities)), key=lambda block: -similarities[block])


def top_blocks(similarities: Sequence[float], k: int) -> tuple[int, ...]:
    """Chooses the blocks to perturb.

    Args:
        similarities: Mean cosine similarity per block, in depth order.
        k: How many blocks.

    Returns:
        The k blocks of the highest similarity, in depth order.

    Raises:
        OptionError: There are not so many.

    Examples:
        >>> top_blocks([0.9, 0.99, 0.5, 0.95], 2)
        (1, 3)
    """
    if not 1 <= k <= len(similarities):
        raise OptionError(f"probe:k takes a k from 1 to {len(similarities)}, the number of blocks, got {k}.")
    return tuple(sorted(ranking(similarities)[:k]))


def probed_count(blocks: object) -> int | None:
    """Reads the k of ``probe:k``.

    Returns:
        k, or nothing where the blocks are not to be probed.

    Raises:
        OptionError: It begins like that, but is something else.

    Examples:
        >>> probed_count("probe:12"), probed_count("0-4"), probed_count(None)
        (12, None, None)
    """
    if not isinstance(blocks, str) or not blocks.startswith("probe"):
        return None
    found = re.fullmatch(r"probe:(\d+)", blocks)
    if found is None:
        raise OptionError(f"blocks chosen by a probe are written probe:k, such as probe:12; got {blocks!r}.")
    return int(found[1])


@torch.inference_mode()
def probe(backbone: Backbone, batches: Iterable[Tensor], perturbation: Perturbation, seed: int = 0) -> Probe:
    """Perturbs each block alone and measures how little the features of real images move.

    Args:
        backbone: The clean network; it is left as it is.
        batches: Batches ``(B, 3, H, W)`` of real images in [0, 1]. The outputs of all blocks for one batch are kept
            at a time: for a ViT-L about 25 MB an image.
        perturbation: The noise; its ``blocks`` do not matter.
        seed: Seed of the noise. A block's noise is the same as when it is perturbed together with others.

    Returns:
        The mean cosine similarities.

    Raises:
        OptionError: There are no images.
    """
    recording = Recording(backbone)
    twins: list[Backbone] = []
    sums, images, split = torch.zeros(backbone.depth, dtype=torch.float64), 0, False
    for batch in batches:
        clean = recording.record(batch)
        if not twins:
            split, recording.copies = recording.can_replay, None
            twins = [_perturbed_alone(backbone, perturbation, seed, i) for i in range(backbone.depth)]
            for block, twin in enumerate(twins if split else ()):
                recording.replay_before(twin, block)
        distances = [cosine_distance(clean, twin.compute(batch)).sum() for twin in twins]
        sums += len(batch) - torch.stack(distances).cpu()
        images += len(batch)
    if not images:
        raise OptionError("A probe needs real images, got none.")
    return Probe(tuple((sums / images).tolist()), images, split)


def _perturbed_alone(backbone: Backbone, perturbation: Perturbation, seed: int, block: int) -> Backbone:
    return replace(perturbation, blocks=(block,)).perturb(backbone, seed)


class Recording:
    """The outputs of a network's blocks for one batch."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone
        self.order: list[int] = []
        self.outputs: dict[int, object] = {}
        self.copies: dict[int, list[Tensor]] | None = {}  # for the first batch

    @property
    def can_replay(self) -> bool:
        """Whether the blocks ran one after the other, each once, and nothing changed their outputs in place."""
        intact = all(
            torch.equal(tensor, copy)
            for block, copies in (self.copies or {}).items()
            for tensor, copy in zip(_tensors(self.outputs[block]), copies, strict=True)
        )
        return intact and self.order == list(range(self.backbone.depth))

    def record(self, images: Tensor) -> Tensor:
        """Passes images through the clean network, and keeps what its blocks give."""
        self.order.clear()
        handles: list[RemovableHandle] = []
        for block, name in enumerate(self.backbone.blocks):
            hook = functools.partial(self._keep, block)
            handles.append(self.backbone.model.get_submodule(name).register_forward_hook(hook))
        try:
            return self.backbone.compute(images)
        finally:
            for handle in handles:
                handle.remove()

    def replay_before(self, twin: Backbone, block: int) -> None:
        """Makes the blocks before this one give their remembered outputs instead of computing them."""
        for earlier in range(block):
            module = twin.model.get_submodule(twin.blocks[earlier])
            module.forward = self._recaller(earlier)

    def _keep(self, block: int, module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        self.order.append(block)
        self.outputs[block] = output
        if self.copies is not None:
            self.copies[block] = [tensor.clone() for tensor in _tensors(output)]

    def _recaller(self, block: int) -> Callable[..., object]:
        return lambda *inputs, **options: self.outputs[block]


def _tensors(output: object) -> list[Tensor]:
    if isinstance(output, Tensor):
        return [output]
    return [tensor for part in output for tensor in _tensors(part)] if isinstance(output, (tuple, list)) else []
