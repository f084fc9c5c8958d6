"""AEROBLADE: the autoencoder of a latent diffusion model reconstructs that model's images better than photographs.

``score(x) = -min_a d(x, D_a(E_a(x)))`` over autoencoders ``a``.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from detectors.base import View
from detectors.distances import DistanceName
from detectors.errors import UnknownNameError
from detectors.reconstruction import Posterior, ReconstructionDetector

EightBit = Literal["truncation", "rounding", "none"]


class Aeroblade(ReconstructionDetector):
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
    citations = (
        {
            "key": "ricker2024aeroblade",
            "author": "Ricker, Jonas and Lukovnikov, Denis and Fischer, Asja",
            "title": "AEROBLADE: Training-Free Detection of Latent Diffusion Images Using Autoencoder Reconstruction "
            "Error",
            "booktitle": "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)",
            "year": "2024",
            "eprint": "2401.17879",
        },
    )
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
        if eight_bit not in get_args(EightBit):
            raise UnknownNameError("eight_bit", str(eight_bit), get_args(EightBit))
        super().__init__(
            autoencoder=autoencoder,
            distance=distance,
            layer=layer,
            posterior=posterior,
            tile=tile,
            distance_weights=distance_weights,
            seed=seed,
        )
        self.eight_bit = eight_bit

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

    def finish(self, decoded: Tensor) -> Tensor:
        """Brings a reconstruction to 8 bits, as the option says."""
        decoded = decoded.clamp(0, 1)
        if self.eight_bit == "none":
            return decoded
        levels = decoded * 255
        return (levels.floor() if self.eight_bit == "truncation" else levels.round()) / 255

    @property
    def passes(self) -> int:
        """Reconstructions an image costs."""
        return len(self.names)
