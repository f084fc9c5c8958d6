"""HFI: an autoencoder of a latent diffusion model loses more of what is fine in photographs than in generated images.

``score(x) = -min_a (d(x, D_a(E_a(x))) - d(l, D_a(E_a(l))))`` over autoencoders ``a``, where ``l`` is the image without
its high frequencies.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms import functional as transforms  # type: ignore[import-untyped]

from detectors.base import View
from detectors.distances import DistanceName
from detectors.errors import OptionError, UnknownNameError
from detectors.reconstruction import LEAST_SIDE, ReconstructionDetector, extend

Filter = Literal["gaussian", "box", "median"]
Reduction = Literal["min", "mean"]
Preprocessing = Literal["native", "square-512", "square-256"]
LATER_CODE = {"filter": "gaussian", "kernel": 3, "sigma": 1.0, "layer": 0}
"""What a function for it in the authors' code of a later method, and the defaults beside it, have."""


class Hfi(ReconstructionDetector):
    """Influence of high frequencies on the reconstruction error of autoencoders.

    Which filter the paper takes, how several autoencoders make one score, and on which side generated images lie could
    not be read. Formula, distance and filter are those of a function in the authors' code of a later method, where
    nothing calls it. Minimum and sign are ours, those of AEROBLADE: what an autoencoder reconstructs well is generated.
    Reconstructions are neither clamped nor brought to 8 bits, and the latents' mean is taken, as there; that code
    computes in half precision, which is not done here by default.

    Score:
        Minus the smallest difference of distances over the autoencoders, of either sign; higher means more likely
        generated.

    Args:
        autoencoder: Names separated by commas: ``sd1``, ``sd2``, ``kandinsky-2.1`` or ``published`` for these three, a
            local folder, a hub repository such as ``owner/name/vae``; or ``embedded``, the two of the demo, which made
            the demo's own images and say nothing about other generators.
        distance: ``lpips-vgg`` as published, ``lpips-alex``, ``lpips-squeeze``, ``dists``, ``ms-ssim``, ``mse`` or
            ``gradient``; by default ``lpips-vgg``, and ``gradient``, which needs no download, for ``embedded`` alone.
        layer: Layer of LPIPS; 0, the sum of all, as published.
        filter: What takes the high frequencies away: ``gaussian`` or ``box`` with the border mirrored, ``median`` with
            zeros around.
        kernel: Side of the filter in pixels, odd.
        sigma: Standard deviation of ``gaussian`` in pixels; without effect on the others.
        reduction: How the autoencoders' differences become one: ``min`` or ``mean``.
        preprocessing: ``native``, or as the authors' later code prepares GenImage: ``square-512`` takes the centre
            where both sides are longer, and else scales the whole image to the square, bicubic; ``square-256``, too.
        tile: Longest side in pixels that is reconstructed at once. Larger images are cut into even tiles, whose
            distances are averaged by area, so that memory stays bounded.
        distance_weights: File of the weights of LPIPS's or DISTS's network, where torch's hub cache lacks it.
        seed: Nothing is drawn.

    References:
        Choi, Park, Lee, Kim, Choi and Lee, "HFI: A unified framework for training-free detection and implicit
        watermarking of latent diffusion model generated images", arXiv 2412.20704; ``lpf_lpips`` in
        sungikchoi/WaRPAD, ``utils.py`` at 994362d.
    """

    name = "hfi"
    paper = "arXiv 2412.20704"
    citations = (
        {
            "key": "choi2024hfi",
            "author": "Choi, Sungik and Park, S. and Lee, Jaehoon and Kim, Seunghyun and Choi, Stanley Jungkyu and "
            "Lee, Moontae",
            "title": "HFI: A unified framework for training-free detection and implicit watermarking of latent "
            "diffusion model generated images",
            "year": "2024",
            "eprint": "2412.20704",
        },
    )
    tuned_on = "not known here: on which images the paper chose its filter"
    view = View(fit="native")
    unscaled = True

    def __init__(
        self,
        *,
        autoencoder: str = "embedded",
        distance: DistanceName | None = None,
        layer: int = 0,
        filter: Filter = "gaussian",
        kernel: int = 3,
        sigma: float = 1.0,
        reduction: Reduction = "min",
        preprocessing: Preprocessing = "native",
        tile: int = 1024,
        distance_weights: str | None = None,
        seed: int = 0,
    ) -> None:
        choices = {"filter": (filter, Filter), "reduction": (reduction, Reduction)}
        for option, (value, known) in (choices | {"preprocessing": (preprocessing, Preprocessing)}).items():
            if value not in get_args(known):
                raise UnknownNameError(option, str(value), get_args(known))
        if kernel not in range(3, LEAST_SIDE, 2):
            raise OptionError(f"kernel must be an odd number within 3-{LEAST_SIDE - 1}, got {kernel}.")
        if not 0 < sigma < float("inf"):
            raise OptionError(f"sigma must be a number above 0, got {sigma}.")
        super().__init__(
            autoencoder=autoencoder,
            distance=distance,
            layer=layer,
            posterior="mean",
            tile=tile,
            distance_weights=distance_weights,
            seed=seed,
        )
        self.filter, self.kernel, self.sigma = filter, kernel, sigma
        self.reduction, self.preprocessing = reduction, preprocessing

    def forward(self, images: Tensor | Sequence[Tensor], keys: Tensor) -> Tensor:
        """Scores images of any sizes, one by one.

        Args:
            images: ``(B, 3, H, W)``, or ``B`` times ``(3, H, W)``, in [0, 1].
            keys: ``(B,)`` integers that identify the images' bytes; nothing is drawn from them.

        Returns:
            ``(B,)`` scores, float64.
        """
        pairs = zip(images, keys.tolist(), strict=True)
        differences = torch.stack([self.differences(image, key) for image, key in pairs])
        return -(differences.amin(dim=1) if self.reduction == "min" else differences.mean(dim=1))

    def differences(self, image: Tensor, key: int) -> Tensor:
        """Measures one image with and without its high frequencies.

        Args:
            image: ``(3, H, W)`` in [0, 1].
            key: Integer that identifies its bytes.

        Returns:
            ``(A,)`` differences of the distances by each autoencoder, float64.
        """
        if self.preprocessing != "native":
            image = central_square(image, int(self.preprocessing.partition("-")[2]))
        image = extend(image[None], LEAST_SIDE, 1)[0]
        return self.distances(image, key) - self.distances(low_pass(image, self.filter, self.kernel, self.sigma), key)

    @property
    def passes(self) -> int:
        """Reconstructions an image costs: of it and of its low frequencies."""
        return 2 * len(self.names)

    @property
    def sources(self) -> Mapping[str, str]:
        """Which settings are the authors', in the code of their later method, and which are ours."""
        of_the_code = LATER_CODE | {"distance": "lpips-vgg"}
        named = {name: self.settled[name] for name in (*of_the_code, "reduction", "preprocessing")}
        return {name: "later code" if of_the_code.get(name) == value else "ours" for name, value in named.items()}


def low_pass(image: Tensor, filter: Filter, kernel: int, sigma: float) -> Tensor:
    """Takes the high frequencies away.

    Args:
        image: ``(3, H, W)``, sides longer than half the kernel.
        filter: ``gaussian`` and ``box`` mirror the image at its border, ``median`` surrounds it by zeros.
        kernel: Side of the filter in pixels.
        sigma: Standard deviation of ``gaussian`` in pixels.

    Returns:
        ``(3, H, W)``.
    """
    half = kernel // 2
    if filter == "median":
        padded = F.pad(image, (half,) * 4)
        windows = (channel.unfold(0, kernel, 1).unfold(1, kernel, 1).flatten(2) for channel in padded)
        return torch.stack([window.median(dim=2).values for window in windows])
    offsets = torch.arange(-half, half + 1, dtype=image.dtype, device=image.device)
    weights = torch.exp(-offsets.square() / (2 * sigma**2)) if filter == "gaussian" else torch.ones_like(offsets)
    weights = weights / weights.sum()
    padded = F.pad(image[:, None], (half,) * 4, mode="reflect")
    smooth: Tensor = F.conv2d(F.conv2d(padded, weights.view(1, 1, 1, -1)), weights.view(1, 1, -1, 1))
    return smooth[:, 0]


def central_square(image: Tensor, side: int) -> Tensor:
    """Takes the centre of an image whose sides are both longer, and scales any other, whatever its aspect.

    Args:
        image: ``(3, H, W)`` in [0, 1].
        side: Side of the square in pixels.

    Returns:
        ``(3, side, side)``, of 8 bits.
    """
    if min(image.shape[1:]) > side:
        centre: Tensor = transforms.center_crop(image, [side, side])
        return centre
    levels = (image * 255).round().to(torch.uint8)
    bicubic = transforms.InterpolationMode.BICUBIC
    scaled: Tensor = transforms.resize(levels, [side, side], interpolation=bicubic, antialias=True)
    return scaled / 255
