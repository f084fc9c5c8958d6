"""Noise on the weights of a network: which blocks, which scale, which distribution.

The paper (WePe, section 4.1) says that "the variance of the added Gaussian noise is proportional to the mean value of
the parameters in each block, with the ratio set to 0.1", which can be read in several ways; which one the authors
used is not published. Each reading is a rule here, and the rule is named wherever a number stands.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from detectors.backbones import Backbone
from detectors.errors import OptionError, UnknownNameError
from detectors.randomness import seeded_generator

Rule = Literal[
    "tensor_absmean",
    "block_absmean",
    "block_absmean_var",
    "tensor_mean_var",
    "block_mean_var",
    "tensor_mean",
    "tensor_std",
]
Family = Literal["gaussian", "uniform", "laplace"]
Match = Literal["std", "scale"]
Tensors = Literal["all", "weights"]
Blocks = int | str | Sequence[int] | None

PAPER_BLOCKS, PAPER_DEPTH = 19, 24

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
        tensors: ``all`` of a block, or only its ``weights`` (two and more dimensions); the paper does not say.
        blocks: A number (the first k), a text such as ``"0-4,7"``, or indices. Nothing means the paper's share of
            the depth, 19 of 24, rounded down: the paper spares the last blocks, which corrupt the features of real
            images.
    """

    ratio: float = 0.1
    rule: Rule = "tensor_absmean"
    family: Family = "gaussian"
    match: Match = "std"
    tensors: Tensors = "all"
    blocks: Blocks = None

    def __post_init__(self) -> None:
        if not 0 <= self.ratio < float("inf"):
            raise OptionError(f"ratio must be a number of at least 0, got {self.ratio}.")
        for field, choices in (("rule", Rule), ("family", Family), ("match", Match), ("tensors", Tensors)):
            if getattr(self, field) not in get_args(choices):
                raise UnknownNameError(field, str(getattr(self, field)), get_args(choices))

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
        replaced = {}
        for index in self.chosen_blocks(backbone.depth):
            parameters = backbone.block_parameters(index)
            values = {name: parameter.detach().float().cpu() for name, parameter in parameters.items()}
            block = torch.cat([value.flatten() for value in values.values()])
            for name, value in values.items():
                if self.tensors == "weights" and value.ndim < 2:
                    continue
                sigma = _SIGMA[self.rule](self.ratio, value, block)
                noise = self._noise(value.shape, seeded_generator("perturbation", seed, draw, name))
                replaced[name] = (value + sigma * noise).to(parameters[name].device, parameters[name].dtype)
        return backbone.with_parameters(replaced)

    def _noise(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        if self.family == "gaussian":
            return torch.randn(shape, generator=generator)
        if self.family == "uniform":
            half_width = 3**0.5 if self.match == "std" else 1.0
            return (2 * torch.rand(shape, generator=generator) - 1) * half_width
        # A difference of two exponentials: the inverse cumulative distribution is infinite once in 2^24 draws.
        first, second = (torch.empty(shape).exponential_(generator=generator) for _ in range(2))
        return (first - second) * (0.5**0.5 if self.match == "std" else 1.0)


def _parse_blocks(blocks: Blocks, depth: int) -> tuple[int, ...]:
    if blocks is None:
        return tuple(range(max(1, depth * PAPER_BLOCKS // PAPER_DEPTH)))
    if isinstance(blocks, int):
        return tuple(range(blocks)) if 1 <= blocks <= depth else ()
    if not isinstance(blocks, str):
        return tuple(sorted(set(blocks)))
    chosen: set[int] = set()
    for part in blocks.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdigit() or not (last or first).isdigit():
            raise OptionError(f"blocks takes a number (the first k) or a list such as 0-4,7; got {blocks!r}.")
        chosen.update(range(int(first), int(last or first) + 1))
    return tuple(sorted(chosen))
