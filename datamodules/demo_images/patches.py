"""Random patches of one half of the photographs, to train the generators on."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from datamodules.demo_images.generators import luminance
from datamodules.demo_images.photographs import PHOTOGRAPHS, Half, load_pictures

COLOUR_SHARE = 0.75
"""Share of patches from photographs in colour."""


class PatchSampler:
    """Draws augmented patches: scale, flips, transposition, order of the colour channels, saturation, contrast.

    A handful of photographs has few colours; without the changes of colour a network fails on the other half.

    Args:
        half: Half of the photographs to draw from.
        size: Side of a patch in pixels.
        generator: Source of all randomness.
    """

    def __init__(self, half: Half, *, size: int, generator: torch.Generator) -> None:
        self.size = size
        self.generator = generator
        self.pictures: dict[bool, list[list[Tensor]]] = {True: [], False: []}
        for photograph in PHOTOGRAPHS:
            if photograph.half == half:
                files = [torch.tensor(picture).permute(2, 0, 1) for picture in load_pictures(photograph)]
                self.pictures[photograph.colour].append(files)

    def draw(self, count: int) -> Tensor:
        """Return ``count`` patches ``(count, 3, size, size)`` in [0, 1], half of them at the original scale."""
        return torch.stack([self._draw_one() for _ in range(count)])

    def _uniform(self, low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=self.generator))

    def _integer(self, below: int) -> int:
        return int(torch.randint(below, (), generator=self.generator))

    def _draw_one(self) -> Tensor:
        photographs = self.pictures[self._uniform(0, 1) < COLOUR_SHARE]
        files = photographs[self._integer(len(photographs))]
        picture = files[self._integer(len(files))]
        side = round(self.size * self._uniform(1, 2)) if self._integer(2) else self.size
        top, left = (self._integer(length - side + 1) for length in picture.shape[1:])
        patch = picture[:, top : top + side, left : left + side].float() / 255
        if side != self.size:
            patch = F.interpolate(patch[None], size=self.size, mode="bilinear", antialias=True)[0]
        return self._change_colours(self._turn(patch))

    def _turn(self, patch: Tensor) -> Tensor:
        patch = torch.rot90(patch, self._integer(4), dims=(1, 2))
        return patch.flip(2) if self._integer(2) else patch

    def _change_colours(self, patch: Tensor) -> Tensor:
        patch = patch[torch.randperm(3, generator=self.generator)]
        patch = torch.lerp(luminance(patch[None])[0].expand_as(patch), patch, self._uniform(0.3, 1.3))
        gain, shift = self._uniform(0.7, 1.2), self._uniform(-0.15, 0.15)
        return ((patch - 0.5) * gain + 0.5 + shift).clamp(0, 1)
