"""Noise on the weights of a network: which blocks, which scale, which distribution.

The paper (WePe, section 4.1) says that "the variance of the added Gaussian noise is proportional to the mean value of
the parameters in each block, with the ratio set to 0.1", which can be read in several ways. The authors' code
(junz-debug/WePe at c27e361) does something else: the standard deviation is 0.1 times the mean of each tensor, the rule
``tensor_mean``. Each reading is a rule here, and the rule is named wherever a number stands.
"""

import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args
from weakref import WeakKeyDictionary, WeakValueDictionary

import torch
from torch import Tensor, nn

from detectors.backbones import Backbone
from detectors.errors import OptionError, UnknownNameError, check_count
from detectors.published_stream import published_noise
from detectors.randomness import Family, Match, draw_noise, seeded_generator

Rule = Literal[
    "tensor_absmean",
    "block_absmean",
    "block_absmean_var",
    "tensor_mean_var",
    "block_mean_var",
    "tensor_mean",
    "tensor_std",
]
Tensors = Literal["all", "weights"]
Stream = Literal["own", "published"]
Blocks = int | str | Sequence[int] | None
CleanValues = dict[str, tuple[Tensor, Tensor]]

PAPER_BLOCKS, PAPER_DEPTH = 19, 24
HOLD = 4 * 2**30  # bytes of noisy tensors: four ViT-L with 19 perturbed blocks of 24

# Each rule maps (ratio, the tensor, all parameters of its block in one vector) to the scale of the noise.
_SIGMA: dict[str, Callable[[float, Tensor, Tensor], Tensor]] = {
    "tensor_absmean": lambda ratio, tensor, block: ratio * tensor.abs().mean(),
    "block_absmean": lambda ratio, tensor, block: ratio * block.abs().mean(),
    "block_absmean_var": lambda ratio, tensor, block: (ratio * block.abs().mean()).sqrt(),
    "tensor_mean_var": lambda ratio, tensor, block: (ratio * tensor.mean().abs()).sqrt(),
    "block_mean_var": lambda ratio, tensor, block: (ratio * block.mean().abs()).sqrt(),
    "tensor_mean": lambda ratio, tensor, block: ratio * tensor.mean().abs(),
    "tensor_std": lambda ratio, tensor, block: ratio * tensor.std(correction=0),
}


@dataclass(frozen=True)
class Perturbation:
    """A distribution over networks near a given one.

    Args:
        ratio: Factor of the noise's scale (or of its variance, for the rules that end in ``_var``).
        rule: How the scale follows from the parameters. ``tensor_*`` looks at each tensor, ``block_*`` at all
            parameters of the block; ``absmean`` and ``mean`` are of the values, ``std`` their deviation; ``_var``
            takes the result for the variance, so its root is the standard deviation.
        family: Distribution of the noise, always of zero mean.
        match: What the scale is for ``uniform`` and ``laplace``: ``std`` gives all families the same standard
            deviation, ``scale`` draws from U(-s, s) and Laplace(0, s).
        tensors: ``all`` of a block, as the authors' code, or only its ``weights`` (two and more dimensions).
        blocks: A number (the first k), a text such as ``"0-4,7"``, or indices. Nothing means the paper's share of
            the depth, 19 of 24, rounded down: the paper spares the last blocks, which corrupt the features of real
            images.
        stream: Where the random numbers come from: ``own``, a stream for each tensor, or ``published``, those of the
            authors' code (see ``detectors.published_stream``).
    """

    ratio: float = 0.1
    rule: Rule = "tensor_mean"
    family: Family = "gaussian"
    match: Match = "std"
    tensors: Tensors = "all"
    blocks: Blocks = None
    stream: Stream = "own"

    def __post_init__(self) -> None:
        if not 0 <= self.ratio < float("inf"):
            raise OptionError(f"ratio must be a number of at least 0, got {self.ratio}.")
        kinds = {"rule": Rule, "family": Family, "match": Match, "tensors": Tensors, "stream": Stream}
        for field, choices in kinds.items():
            if getattr(self, field) not in get_args(choices):
                raise UnknownNameError(field, str(getattr(self, field)), get_args(choices))
        drawn = (self.rule, self.family, self.tensors)
        if self.stream == "published" and drawn != ("tensor_mean", "gaussian", "all"):
            raise OptionError(
                f"stream=published is the noise of the authors' code, rule=tensor_mean, family=gaussian, tensors=all; "
                f"got rule={self.rule}, family={self.family}, tensors={self.tensors}."
            )

    def chosen_blocks(self, depth: int) -> tuple[int, ...]:
        """Returns the indices of the perturbed blocks in a network of this many blocks.

        Raises:
            OptionError: A block does not exist, or the text cannot be read.

        Examples:
            >>> Perturbation().chosen_blocks(24) == tuple(range(19))
            True
            >>> Perturbation(blocks="0-2,5").chosen_blocks(7)
            (0, 1, 2, 5)
        """
        chosen = _parse_blocks(self.blocks, depth)
        if not chosen or min(chosen) < 0 or max(chosen) >= depth:
            raise OptionError(f"blocks must lie within 0-{depth - 1} (first k: 1 to {depth}), got {self.blocks!r}.")
        return chosen

    def identity(self, depth: int) -> tuple[Hashable, ...]:
        """Returns what the noise follows from, beside the network, the seed and the draw."""
        blocks = self.chosen_blocks(depth)
        return self.ratio, self.rule, self.family, self.match, self.tensors, blocks, self.stream

    def perturb(self, backbone: Backbone, seed: int, draw: int = 0) -> Backbone:
        """Draws one perturbed network.

        Each tensor's noise depends on the seed, the draw and the tensor's own name, so the draw of one block is the
        same whichever others are perturbed, and on every device.

        Args:
            backbone: The clean network; it is left as it is.
            seed: Seed of the draw.
            draw: Number of the draw, where a method wants several.

        Returns:
            A backbone that shares all unperturbed tensors with the clean one.
        """
        return backbone.with_parameters(self._draw(backbone, self._clean(backbone), seed, draw))

    def models(self, backbone: Backbone, seed: int, n: int, hold: int = HOLD) -> "PerturbedModels":
        """Draws several perturbed networks, of which no more are kept than fit.

        Args:
            backbone: The clean network; it is left as it is.
            seed: Seed of the draws, whose numbers are 0 to ``n - 1``.
            n: How many.
            hold: Bytes that all perturbed tensors together may take.

        Returns:
            A sequence of backbones, each the same as :meth:`perturb` gives.
        """
        return PerturbedModels(self, backbone, seed, n, hold)

    def _clean(self, backbone: Backbone) -> CleanValues:
        """Returns what the draws start from: the tensors that they replace, and the scale of the noise on each."""
        clean = {}
        for index in self.chosen_blocks(backbone.depth):
            values = {key: value.detach().float().cpu() for key, value in backbone.block_parameters(index).items()}
            everything = values.values() if self.rule.startswith("block_") else ()
            block = torch.cat([torch.empty(0), *(value.flatten() for value in everything)])
            for name, value in values.items():
                if self.tensors == "all" or value.ndim >= 2:
                    clean[name] = (value, _SIGMA[self.rule](self.ratio, value, block))
        return clean

    def _draw(self, backbone: Backbone, clean: CleanValues, seed: int, draw: int) -> dict[str, Tensor]:
        if self.stream == "published":
            return self._draw_as_published(backbone, clean, seed, draw)
        noisy = {}
        for name, (value, sigma) in clean.items():
            generator = seeded_generator("perturbation", seed, draw, name)
            noise = draw_noise(value.shape, generator, self.family, self.match)
            parameter = backbone.model.get_parameter(name)
            noisy[name] = noise.mul_(sigma).add_(value).to(parameter.device, parameter.dtype)
        return noisy

    def _draw_as_published(self, backbone: Backbone, clean: CleanValues, seed: int, draw: int) -> dict[str, Tensor]:
        chosen = self.chosen_blocks(backbone.depth)
        if draw or chosen != tuple(range(len(chosen))):
            raise OptionError(
                f"stream=published draws one network, whose first blocks are perturbed; got network {draw + 1}, "
                f"blocks {', '.join(map(str, chosen))}."
            )
        noisy = {}
        for name, noise in published_noise(backbone.model, len(chosen), seed).items():
            value, _ = clean[name]
            parameter = backbone.model.get_parameter(name)
            noisy[name] = (value + noise * self.ratio * value.mean()).to(parameter.device, parameter.dtype)
        return noisy


class PerturbedModels(nn.Module):
    """Perturbed networks of one seed, one after the other.

    Only their noisy tensors take memory. As many networks as fit are kept; the others are drawn anew whenever they
    are asked for, with the same values. Where not all fit, room is left for two: a loop still holds the last network
    while the next is drawn.

    Args:
        perturbation: What is drawn.
        backbone: The clean network.
        seed: Seed of the draws.
        n: How many networks.
        hold: Bytes that their noisy tensors may take together (less than three networks' are taken in any case).

    Attributes:
        bytes_each: Bytes of one network that it does not share with the clean one.
    """

    def __init__(self, perturbation: Perturbation, backbone: Backbone, seed: int, n: int, hold: int = HOLD) -> None:
        super().__init__()
        check_count("n", n)
        self.perturbation, self.backbone, self.seed, self.n = perturbation, backbone, seed, n
        # Taken before the network moves to another device or type, so that a later draw sees the same values.
        self._clean = perturbation._clean(backbone)
        parameters = [backbone.model.get_parameter(name) for name in self._clean]
        self.bytes_each = sum(value.numel() * value.element_size() for value in parameters)
        kept = n if n == 1 or n * self.bytes_each <= hold else max(0, hold // self.bytes_each - 2)
        self.kept = nn.ModuleList(self._perturbed(draw) for draw in range(kept))
        if kept == n:
            self._clean.clear()

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[Backbone]:
        for draw in range(self.n):
            yield self[draw]

    def __getitem__(self, draw: int) -> Backbone:
        if not 0 <= draw < self.n:
            raise IndexError(f"There are {self.n} perturbed networks, from 0 on; got {draw}.")
        if draw < len(self.kept):
            kept = self.kept[draw]
            assert isinstance(kept, Backbone)
            return kept
        return self._perturbed(draw)

    def _perturbed(self, draw: int) -> Backbone:
        """Draws a network, or takes the same one where another method holds it."""
        alive = _ALIVE.setdefault(self.backbone, WeakValueDictionary())
        key = (self.perturbation.identity(self.backbone.depth), self.seed, draw, _state_of(self.backbone))
        drawn = alive.get(key)
        if drawn is None or _kinds_of(drawn) != _kinds_of(self.backbone):
            noisy = self.perturbation._draw(self.backbone, self._clean, self.seed, draw)
            alive[key] = drawn = self.backbone.with_parameters(noisy)
            drawn.begin_with(min(self.perturbation.chosen_blocks(self.backbone.depth)))
        return drawn


_ALIVE: WeakKeyDictionary[Backbone, WeakValueDictionary[Hashable, Backbone]] = WeakKeyDictionary()
"""Perturbed networks that are held somewhere, by the clean one: two methods share a draw, and the passes through it."""


def _state_of(backbone: Backbone) -> Hashable:
    """Identifies the values of the parameters for as long as the network lives: a change in place shows."""
    return tuple((p.data_ptr(), 0 if p.is_inference() else p._version) for p in backbone.parameters())


def _kinds_of(backbone: Backbone) -> list[tuple[torch.device, torch.dtype]]:
    """Returns where each parameter is, and of what type; a network may have been cast in part."""
    return [(parameter.device, parameter.dtype) for parameter in backbone.parameters()]


def _parse_blocks(blocks: Blocks, depth: int) -> tuple[int, ...]:
    if blocks is None:
        return tuple(range(max(1, depth * PAPER_BLOCKS // PAPER_DEPTH)))
    if isinstance(blocks, int):
        return tuple(range(blocks)) if 1 <= blocks <= depth else ()
    if not isinstance(blocks, str):
        return tuple(sorted(set(blocks)))
    chosen: set[int] = set()
    if blocks.startswith("probe"):
        raise OptionError(f"blocks={blocks} needs a probe of the backbone with real images first.")
    for part in blocks.split(","):
        found = re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", part.strip())
        if found is None:
            raise OptionError(f"blocks takes a number (the first k) or a list such as 0-4,7; got {blocks!r}.")
        chosen.update(range(int(found[1]), int(found[2] or found[1]) + 1))
    return tuple(sorted(chosen))
