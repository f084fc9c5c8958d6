"""AEROBLADE: the autoencoder of a latent diffusion model reconstructs that model's images better than photographs.

``score(x) = -min_a d(x, D_a(E_a(x)))`` over autoencoders ``a``.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from detectors.autoencoders import EMBEDDED, Autoencoder, autoencoder_names, load_autoencoder
from detectors.base import Detector, View
from detectors.distances import DistanceName, create_distance
from detectors.errors import OptionError, UnknownNameError
from detectors.randomness import seeded_generator
from detectors.weights import state_sha256

Posterior = Literal["mean", "sample"]
EightBit = Literal["truncation", "rounding", "none"]
LEAST_SIDE = 32
"""Smaller images are repeated at their edges up to so many pixels: the networks can take nothing smaller."""
GRID = 32
"""Tiles begin at multiples of it, so that an image made on the autoencoder's grid meets the same grid again."""
CONTEXT = 64
"""Pixels around a tile that are reconstructed with it and left out of the distance."""


class Aeroblade(Detector):
    """Reconstruction error of autoencoders.

    Images keep their size, as published (take ``--resize none``); sides that the autoencoder cannot take are extended
    at the right and lower edge by repeating it, and cut back before the distance is taken. The published code samples
    the latents with one generator that runs on over all images, and stores distances in half precision; here the
    latents' mean is taken, or a sample seeded by image, and distances stay in float32.

    Score:
        Minus the smallest distance over the autoencoders, 0 or less; higher means more likely generated.

    Args:
        autoencoder: Names separated by commas: ``sd1``, ``sd2``, ``kandinsky-2.1`` or ``published`` for these three, a
            local folder, a hub repository such as ``owner/name/vae``; or ``embedded``, the two of the demo, which made
            the demo's own images and say nothing about other generators.
        distance: ``lpips-vgg`` as published, ``lpips-alex``, ``lpips-squeeze``, ``dists``, ``ms-ssim``, ``mse`` or
            ``gradient``; by default ``lpips-vgg``, and ``gradient``, which needs no download, for ``embedded`` alone.
        layer: Layer of LPIPS, 2 as published; 0 is the sum of all.
        posterior: ``mean`` of the latents, or a ``sample``.
        eight_bit: How the reconstruction comes to 8 bits: ``truncation`` cuts off, as the published code's way into a
            PNG file does, ``rounding`` goes to the nearest level, ``none`` leaves it as it is.
        tile: Longest side in pixels that is reconstructed at once. Larger images are cut into even tiles, whose
            distances are averaged by area, so that memory stays bounded.
        distance_weights: File of the weights of LPIPS's or DISTS's network, where torch's hub cache lacks it.
        seed: Seed of the sample, which also depends on the image's key; without effect on ``posterior=mean``.

    References:
        Ricker, Lukovnikov and Fischer, "AEROBLADE: Training-Free Detection of Latent Diffusion Images Using
        Autoencoder Reconstruction Error", arXiv 2401.17879; jonasricker/aeroblade at 50fc2b2.
    """

    name = "aeroblade"
    paper = "arXiv 2401.17879"
    tuned_on = "not known here: on which images the paper chose the distance and its layer (its Table 4)"
    view = View(fit="native")
    unscaled = True
    version = 2
    weaknesses = (
        "It is made for latent diffusion: on the 256 px images of ImageNet and LSUN its mean AUROC is 57.87 and 53.85 "
        "(arXiv 2412.05897) or 59.32 and 59.46 (arXiv 2405.20112), with autoencoders that neither names.",
        "LPIPS on VGG in place of AlexNet moves the AUROC by 0.085, and scaling to 512 px in place of the native size "
        "single generators' by up to 0.38 (arXiv 2606.20488).",
        "Midjourney 4 and 5 came out far below the paper; the author suspects a set of photographs that has shrunk "
        "since (jonasricker/aeroblade, issue 13).",
    )

    def __init__(
        self,
        *,
        autoencoder: str = "embedded",
        distance: DistanceName | None = None,
        layer: int = 2,
        posterior: Posterior = "mean",
        eight_bit: EightBit = "truncation",
        tile: int = 1024,
        distance_weights: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.names = autoencoder_names(autoencoder)
        if not self.names:
            raise OptionError("autoencoder names none; take embedded, published, a folder or a hub repository.")
        if posterior not in get_args(Posterior):
            raise UnknownNameError("posterior", str(posterior), get_args(Posterior))
        if eight_bit not in get_args(EightBit):
            raise UnknownNameError("eight_bit", str(eight_bit), get_args(EightBit))
        if tile < 2 * CONTEXT or tile % GRID:
            raise OptionError(f"tile must be a multiple of {GRID} and at least {2 * CONTEXT}, got {tile}.")
        self.seed, self.autoencoder, self.distance, self.layer = seed, autoencoder, distance, layer
        self.posterior, self.eight_bit, self.tile, self.distance_weights = posterior, eight_bit, tile, distance_weights
        self.measured = distance or ("gradient" if set(self.names) <= set(EMBEDDED) else "lpips-vgg")
        self.autoencoders = nn.ModuleList(load_autoencoder(name) for name in self.names)
        self.measure = create_distance(self.measured, layer, distance_weights)
        if posterior == "sample" and not any(each.sampling for each in self.autoencoders):
            raise OptionError(f"posterior=sample has nothing to sample from: {autoencoder} gives one latent an image.")

    def forward(self, images: Tensor | Sequence[Tensor], keys: Tensor) -> Tensor:
        """Scores images of any sizes, one by one.

        Args:
            images: ``(B, 3, H, W)``, or ``B`` times ``(3, H, W)``, in [0, 1].
            keys: ``(B,)`` integers that identify the images' bytes.

        Returns:
            ``(B,)`` scores, float64.
        """
        pairs = zip(images, keys.tolist(), strict=True)
        return torch.stack([-self.distances(image, key).min() for image, key in pairs])

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
        for number, (top, left) in enumerate(_tiles(image.shape[2:], self.tile)):
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
        other: Tensor = autoencoder(extend(image, 1, autoencoder.multiple), generator)
        other = other[:, :, : image.shape[2], : image.shape[3]]
        if self.eight_bit == "none":
            return other
        levels = other * 255
        return (levels.floor() if self.eight_bit == "truncation" else levels.round()) / 255

    @property
    def passes(self) -> int:
        """Reconstructions an image costs."""
        return len(self.names)

    @property
    def settled(self) -> dict[str, Any]:
        """The options, with the distance that was taken and whose autoencoders they are."""
        own = " (the demo's own)" if set(self.names) & set(EMBEDDED) else ""
        return self.options | {"autoencoder": ", ".join(self.names) + own, "distance": self.measured}

    def fingerprint(self, **run: str | int) -> str:
        """Covers the weights of the autoencoders and the distance, too; see :meth:`Detector.fingerprint`."""
        return super().fingerprint(weights=state_sha256(self.state_dict()), **run)


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
        self.length = stop - start
        first = max(0, start - CONTEXT)
        self.outer = slice(first, min(end, stop + CONTEXT))
        self.inner = slice(start - first, stop - first)


def _tiles(size: Sequence[int], longest: int) -> Iterator[tuple[Span, Span]]:
    rows, columns = (_spans(side, longest) for side in size)
    return ((row, column) for row in rows for column in columns)


def _spans(side: int, longest: int) -> list[Span]:
    """Cuts a side evenly into stretches that begin at multiples of the grid."""
    count = -(-side // longest)
    cells = -(-side // GRID)
    borders = [cells * index // count * GRID for index in range(count)] + [side]
    return [Span(start, stop, side) for start, stop in itertools.pairwise(borders)]
