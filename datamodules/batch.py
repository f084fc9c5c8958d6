"""What a dataloader hands to the detectors."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from datamodules.conditions import Picture
from datamodules.keys import image_key

Pixels = Tensor | list[Tensor]


@dataclass(frozen=True)
class Sample:
    """One image as a worker hands it on: its views, or the reason why there are none."""

    index: int
    path: str
    label: int
    generator: str
    group: str
    sha256: str
    views: dict[Picture, Tensor] | None
    reason: str | None = None
    kind: str | None = None
    share: float | None = None


@dataclass(frozen=True)
class Batch:
    """Images of one batch that could be read, and beside them those that could not.

    Args:
        views: For each condition and view ``(B, 3, H, W)`` float pixels in [0, 1]; for a ragged view a list of
            ``(3, H, W)``.
        label: ``(B,)``, 0 = real, 1 = generated.
        key: ``(B,)``, integers from the sha256 of each file.
        index: ``(B,)``, rows of the datamodule's items.
        generator: Name of the generator, or of the source of a real image.
        path: Path under the dataset's root.
        sha256: Of the file's bytes.
        group: What is not independent shares a group.
        share: Of an edited image, the share of its area that is generated, where it is known.
        unreadable: Images without pixels, each with its reason.
    """

    views: dict[Picture, Pixels]
    label: Tensor
    key: Tensor
    index: Tensor
    generator: list[str]
    path: list[str]
    sha256: list[str]
    group: list[str]
    share: list[float | None]
    unreadable: list[Sample]
    _stacked: dict[Picture, list[tuple[Tensor, Tensor]]] = field(init=False, default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.path)

    def by_size(self, picture: Picture) -> list[tuple[Tensor, Tensor]]:
        """Stacks the images of a ragged view size by size, the same tensors at each call: what is shared stays shared.

        Returns:
            ``(b,)`` positions in the batch and ``(b, 3, H, W)`` pixels, for each size.
        """
        if picture not in self._stacked:
            self._stacked[picture] = by_size(self.views[picture])
        return self._stacked[picture]

    def to(self, device: torch.device | str, non_blocking: bool = True) -> "Batch":
        """Moves the pixels, labels and keys to a device and the pixels to floats in [0, 1]."""
        return self._map(
            lambda pixels: _to_unit(pixels.to(device, non_blocking=non_blocking)),
            lambda tensor: tensor.to(device, non_blocking=non_blocking),
        )

    def part(self, start: int, stop: int) -> "Batch":
        """Takes some of the images that could be read, or all as they are; the unreadable ones stay behind."""
        if start == 0 and stop >= len(self):
            return self
        rows = slice(start, stop)
        return Batch(
            views={picture: pixels[rows] for picture, pixels in self.views.items()},
            label=self.label[rows],
            key=self.key[rows],
            index=self.index[rows],
            generator=self.generator[rows],
            path=self.path[rows],
            sha256=self.sha256[rows],
            group=self.group[rows],
            share=self.share[rows],
            unreadable=[],
        )

    def pin_memory(self) -> "Batch":
        """Pins the pixels, labels and keys, so that copies to a device need not wait."""
        return self._map(Tensor.pin_memory, Tensor.pin_memory)

    def _map(self, on_pixels: Callable[[Tensor], Tensor], on_facts: Callable[[Tensor], Tensor]) -> "Batch":
        views: dict[Picture, Any] = {
            picture: on_pixels(pixels) if isinstance(pixels, Tensor) else [on_pixels(one) for one in pixels]
            for picture, pixels in self.views.items()
        }
        return replace(self, views=views, label=on_facts(self.label), key=on_facts(self.key))


def by_size(images: Pixels) -> list[tuple[Tensor, Tensor]]:
    """Stacks images ``B`` times ``(3, H, W)`` size by size: ``(b,)`` positions and ``(b, 3, H, W)`` of each size."""
    sizes: dict[tuple[int, ...], list[int]] = {}
    for position, pixels in enumerate(images):
        sizes.setdefault(tuple(pixels.shape), []).append(position)
    device = images[0].device
    return [(torch.tensor(rows, device=device), torch.stack([images[row] for row in rows])) for rows in sizes.values()]


def collate(samples: list[Sample]) -> Batch:
    """Makes a batch of samples; pixels stay uint8 until they are on the device."""
    readable = [sample for sample in samples if sample.views is not None]
    wanted = readable[0].views if readable else None
    views: dict[Picture, Pixels] = {}
    for picture in wanted or {}:
        pixels = [sample.views[picture] for sample in readable if sample.views is not None]
        views[picture] = pixels if picture.view.ragged else torch.stack(pixels)
    return Batch(
        views=views,
        label=torch.tensor([sample.label for sample in readable], dtype=torch.long),
        key=torch.tensor([image_key(sample.sha256) for sample in readable], dtype=torch.long),
        index=torch.tensor([sample.index for sample in readable], dtype=torch.long),
        generator=[sample.generator for sample in readable],
        path=[sample.path for sample in readable],
        sha256=[sample.sha256 for sample in readable],
        group=[sample.group for sample in readable],
        share=[sample.share for sample in readable],
        unreadable=[sample for sample in samples if sample.views is None],
    )


def _to_unit(pixels: Tensor) -> Tensor:
    return pixels.float() / 255 if pixels.dtype == torch.uint8 else pixels
