"""Features of a block within a network, or of a place in it, out of the pass that gives its last ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

from torch import Tensor, nn

from detectors.errors import OptionError, UnknownNameError

Tokens = Literal["cls", "mean"]


@dataclass(frozen=True)
class Tap:
    """What is kept of the output of a block, or of a module within it.

    Args:
        module: The module's name.
        tokens: The class token, or the mean over the patches'.
        prefix: How many tokens stand before the patches'; None where the output is a map ``(B, C, H, W)``, whose mean
            over the places is taken.
    """

    module: str
    tokens: Tokens
    prefix: int | None

    @classmethod
    def of(
        cls, model: nn.Module, blocks: Sequence[str], block: int, tokens: Tokens, convolutional: bool, place: str = ""
    ) -> "Tap":
        """Describes a tap on a block, or on the module of that name within it.

        Raises:
            OptionError: There is no such block, no such place in it, or no such tokens.
        """
        if tokens not in get_args(Tokens):
            raise UnknownNameError("tokens", str(tokens), get_args(Tokens))
        if not 0 <= block < len(blocks):
            raise OptionError(f"layer must lie within 0-{len(blocks) - 1}, the blocks of the backbone, got {block}.")
        if convolutional and tokens == "mean":
            raise OptionError("tokens=mean wants a transformer: a convolutional network has no tokens.")
        tower = getattr(model, "trunk", model)  # open_clip wraps those of timm so
        prefix = getattr(tower, "num_prefix_tokens", 1)
        if not convolutional and tokens == "cls" and prefix == 0:
            raise OptionError("tokens=cls wants a class token, and this backbone has none: take tokens=mean.")
        if place and place not in dict(model.get_submodule(blocks[block]).named_modules()):
            raise OptionError(f"Block {blocks[block]} has no {place}.")
        return cls(".".join(filter(None, (blocks[block], place))), tokens, None if convolutional else prefix)

    def hook(self, model: nn.Module, kept: "Tapped") -> None:
        """Writes what the block gives into ``kept`` at every pass.

        A copy of the network, made together with ``kept``, writes into the copy.
        """
        model.get_submodule(self.module).register_forward_hook(partial(_keep, kept, self))

    def take(self, output: Tensor) -> Tensor:
        """Takes ``(B, C)`` of a block's output.

        Raises:
            OptionError: It is neither a sequence of tokens nor a map.
        """
        if self.prefix is None and output.ndim == 4:
            return output.mean(dim=(2, 3))
        if self.prefix is None or output.ndim != 3:
            raise OptionError(f"Block {self.module} gives {output.ndim} dimensions, of which no token can be taken.")
        # A copy: a view would keep every token alive for as long as the batch is remembered.
        return output[:, 0].clone() if self.tokens == "cls" else output[:, self.prefix :].mean(dim=1)


Tapped = dict[Tap, Tensor]


def _keep(kept: Tapped, tap: Tap, module: nn.Module, inputs: object, output: Tensor | tuple[Tensor, ...]) -> None:
    kept[tap] = tap.take(output[0] if isinstance(output, tuple) else output)
