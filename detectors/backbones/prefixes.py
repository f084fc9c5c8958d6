"""What a network and its perturbed copies share where the copy's first blocks are the network's own: their output.

A pass through such a copy begins where the two part. Its features are those of a whole pass, to the bit on the CPU.
"""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.utils.weak import WeakIdKeyDictionary

HOLD = 2**29
"""Bytes of tokens that are kept at once: those of 32 images take 13 MB for a ViT-S/14, and 34 MB for a ViT-L/14."""


class Prefixes:
    """The tokens after some first blocks, for batches that are still alive, as far as they fit.

    Attributes:
        places: After how many blocks copies part from the network.
    """

    def __init__(self) -> None:
        self.places: set[int] = set()
        self._kept: MutableMapping[Tensor, dict[int, Tensor]] = WeakIdKeyDictionary()

    def recall(self, images: Tensor, most: int) -> tuple[int, Tensor] | None:
        """Returns the tokens after as many blocks as are known for a batch, but no more than so many."""
        known = self._kept.get(images, {})
        place = max((place for place in known if place <= most), default=0)
        return (place, known[place]) if place else None

    @contextmanager
    def kept_of(self, images: Tensor, model: nn.Module, most: int) -> Iterator[None]:
        """Keeps the tokens after the first blocks, no more than so many, of a pass inside."""
        kept: dict[int, Tensor] = {}
        blocks = [(place, model.get_submodule(f"blocks.{place - 1}")) for place in self.places if place <= most]
        handles = [
            block.register_forward_hook(lambda module, inputs, output, place=place: kept.update({place: output}))
            for place, block in blocks
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
        if kept:
            self._kept[images] = self._kept.get(images, {}) | kept
            while len(self._kept) > 1 and self._bytes > HOLD:
                del self._kept[next(iter(self._kept))]  # the oldest

    @property
    def _bytes(self) -> int:
        return sum(tokens.nbytes for known in self._kept.values() for tokens in known.values())


def can_resume(model: nn.Module) -> bool:
    """Says whether a pass can begin after some blocks: in timm's transformers, which run them one after the other."""
    cls = type(model)  # timm itself is not asked, since it takes seconds to import
    return (cls.__module__, cls.__name__) == ("timm.models.vision_transformer", "VisionTransformer")


def resumed(model: Any, tokens: Tensor, place: int) -> Tensor:  # noqa: ANN401 - a timm VisionTransformer
    """Goes on with the tokens ``(B, N, C)`` that so many blocks gave, and returns features ``(B, D)``."""
    features: Tensor = model.forward_head(model.norm(model.blocks[place:](tokens)))
    return features
