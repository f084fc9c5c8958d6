"""What methods share that compare an image with its reconstruction by an autoencoder."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from detectors.autoencoder_names import EMBEDDED
from detectors.autoencoders import Autoencoder, autoencoder_names, load_autoencoder
from detectors.base import Detector
from detectors.distances import DistanceName, create_distance
from detectors.errors import OptionError, UnknownNameError
from detectors.randomness import seeded_generator
from detectors.weights import state_sha256

Posterior = Literal["mean", "sample"]
LEAST_SIDE = 32
"""Smaller images are repeated at their edges up to so many pixels: the networks can take nothing smaller."""
GRID = 32
"""Tiles begin at multiples of it, so that an image made on the autoencoder's grid meets the same grid again."""
CONTEXT = 64
"""Pixels around a tile that are reconstructed with it and left out of the distance."""


class ReconstructionDetector(Detector):
    """Measures images against their reconstructions, tile by tile; a subclass makes a score of the distances.

    Args:
        autoencoder: Names, see :func:`detectors.autoencoders.autoencoder_names`.
        distance: Name of a distance; by default ``lpips-vgg``, and ``gradient`` for the embedded autoencoders alone.
        layer: Layer of LPIPS.
        posterior: ``mean`` of the latents, or a ``sample``.
        tile: Longest side in pixels that is reconstructed at once.
        distance_weights: File of the weights of LPIPS's or DISTS's network.
        seed: Seed of the sample.

    Raises:
        OptionError: An option has an impossible value.
        UnknownNameError: No such autoencoder, distance or posterior.
    """

    def __init__(
        self,
        *,
        autoencoder: str,
        distance: DistanceName | None,
        layer: int,
        posterior: Posterior,
        tile: int,
        distance_weights: str | None,
        seed: int,
    ) -> None:
        super().__init__()
        self.names = autoencoder_names(autoencoder)
        if not self.names:
            raise OptionError("autoencoder names none; take embedded, published, a folder or a hub repository.")
        if posterior not in get_args(Posterior):
            raise UnknownNameError("posterior", str(posterior), get_args(Posterior))
        if tile < 2 * CONTEXT or tile % GRID:
            raise OptionError(f"tile must be a multiple of {GRID} and at least {2 * CONTEXT}, got {tile}.")
        self.seed, self.autoencoder, self.distance, self.layer = seed, autoencoder, distance, layer
        self.posterior, self.tile, self.distance_weights = posterior, tile, distance_weights
        self.measured = distance or ("gradient" if set(self.names) <= set(EMBEDDED) else "lpips-vgg")
        self.autoencoders = nn.ModuleList(load_autoencoder(name) for name in self.names)
        self.measure = create_distance(self.measured, layer, distance_weights)
        if posterior == "sample" and not any(each.sampling for each in self.autoencoders):
            raise OptionError(f"posterior=sample has nothing to sample from: {autoencoder} gives one latent an image.")

    def finish(self, decoded: Tensor) -> Tensor:
        """Makes of what an autoencoder decoded what the distance sees.

        Args:
            decoded: ``(1, 3, H, W)``, about [0, 1].
        """
        return decoded

    def distances(self, image: Tensor, key: int) -> Tensor:
        """Measures one image.

        Args:
            image: ``(3, H, W)`` in [0, 1].
            key: Integer that identifies its bytes.

        Returns:
            ``(A,)`` distances to the reconstruction by each autoencoder, float64.
        """
        whole = extend(image[None], LEAST_SIDE, 1)
        return torch.stack([self._distance(each, whole, key) for each in self.autoencoders])

    def _distance(self, autoencoder: nn.Module, image: Tensor, key: int) -> Tensor:
        total = torch.zeros((), dtype=torch.float64, device=image.device)
        for number, (top, left) in enumerate(tiles(image.shape[2:], self.tile)):
            piece = image[:, :, top.outer, left.outer]
            other = self._reconstruct(autoencoder, piece, key, number)
            pair = (each[:, :, top.inner, left.inner].float() for each in (piece, other))
            with torch.autocast(image.device.type, enabled=False):
                total += self.measure(*pair).double().squeeze() * top.length * left.length
        return total / image[0, 0].numel()

    def _reconstruct(self, autoencoder: nn.Module, image: Tensor, key: int, tile: int) -> Tensor:
        assert isinstance(autoencoder, Autoencoder)
        sampled = self.posterior == "sample"
        generator = seeded_generator(self.name, self.seed, key, tile) if sampled else None
        decoded = autoencoder.reconstruct(extend(image, 1, autoencoder.multiple), generator)
        return self.finish(decoded[:, :, : image.shape[2], : image.shape[3]])

    @property
    def settled(self) -> dict[str, Any]:
        """The options, with the distance that was taken and whose autoencoders they are."""
        own = " (the demo's own)" if set(self.names) & set(EMBEDDED) else ""
        return self.options | {"autoencoder": ", ".join(self.names) + own, "distance": self.measured}

    def covered(self, **run: str | int) -> dict[str, dict[str, Any]]:
        """Covers the weights of the autoencoders and the distance, too; see :meth:`Detector.covered`."""
        return super().covered(weights=state_sha256(self.state_dict()), **run)


def extend(images: Tensor, least: int, multiple: int) -> Tensor:
    """Repeats the right column and the lower row until both sides are large enough and divisible.

    Args:
        images: ``(B, C, H, W)``.
        least: Smallest side in pixels.
        multiple: What the sides must be divisible by.
    """
    height, width = (-(-max(side, least) // multiple) * multiple for side in images.shape[2:])
    if (height, width) == images.shape[2:]:
        return images  # padding by nothing would copy a large photograph
    return F.pad(images, (0, width - images.shape[3], 0, height - images.shape[2]), mode="replicate")


class Span:
    """A stretch of pixels and the context around it.

    Args:
        start: First pixel.
        stop: Pixel after the last.
        end: Length of the image's side.
    """

    def __init__(self, start: int, stop: int, end: int) -> None:
        self.length, self.own = stop - start, slice(start, stop)
        first = max(0, start - CONTEXT)
        self.outer = slice(first, min(end, stop + CONTEXT))
        self.inner = slice(start - first, stop - first)


def tiles(size: Sequence[int], longest: int) -> Iterator[tuple[Span, Span]]:
    """Yields the tiles of an image, each as its rows and its columns.

    Args:
        size: Height and width.
        longest: Longest side of a tile without its context.
    """
    rows, columns = (_spans(side, longest) for side in size)
    return ((row, column) for row in rows for column in columns)


def _spans(side: int, longest: int) -> list[Span]:
    """Cuts a side evenly into stretches that begin at multiples of the grid."""
    count = -(-side // longest)
    cells = -(-side // GRID)
    borders = [cells * index // count * GRID for index in range(count)] + [side]
    return [Span(start, stop, side) for start, stop in itertools.pairwise(borders)]
