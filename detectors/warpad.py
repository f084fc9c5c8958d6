"""WaRPAD: a generated image's features move more when its finest details are strengthened, patch by patch.

``score(x) = 1 - 1/P sum_p cos(f(x_p), f(x_p + level h_p))`` over the patches ``x_p`` of the enlarged image, where
``h_p`` is what two levels of a Haar wavelet transform leave of a patch without its low-pass part.
"""

import itertools

import torch
from torch import Tensor
from torch.nn import functional as F

from detectors.backbones import Backbone
from detectors.base import Detector, View
from detectors.errors import OptionError, check_count
from detectors.similarity import cosine_distance

LEVELS = 2


class WaRPAD(Detector):
    """Features of patches against those of patches with stronger details.

    Each patch fills the vision model's whole picture, so that an image costs as many passes as 32 images. Nothing is
    drawn. Details are taken of the pixels: as they have no mean, adding them before or after normalisation is the same.

    Score:
        Mean cosine distance over the patches, in [0, 2]; higher means more likely generated.

    Args:
        backbone: The vision model; the paper's is ``dinov2-vitl14``.
        grid: Patches along each side, 4 as published: of 896 px each patch has 224. A side must be divisible by four
            times as many.
        level: Factor of the details that are added, 0.1 as in the published code; a negative one takes them away.
        seed: Without effect: nothing is drawn.

    References:
        arXiv 2511.14030; the authors' code, sungikchoi/WaRPAD, ``final_imgn.py`` at 0d628d6, where what is called a
        minimum is the mean.
    """

    name = "warpad"
    paper = "arXiv 2511.14030"
    citations = (
        {
            "key": "choi2025training",
            "author": "Choi, Sungik and Lee, Hankook and Lee, Moontae",
            "title": "Training-free Detection of AI-generated images via Cropping Robustness",
            "booktitle": "Advances in Neural Information Processing Systems (NeurIPS)",
            "year": "2025",
            "eprint": "2511.14030",
        },
    )
    tuned_on = "not known here: on which images the sizes and the level were chosen"
    view = View(896, "resize", interpolation="bicubic")
    unscaled = True

    def __init__(self, backbone: Backbone, *, grid: int = 4, level: float = 0.1, seed: int = 0) -> None:
        super().__init__()
        check_count("grid", grid)
        if not abs(level) < float("inf"):
            raise OptionError(f"level must be a number, got {level}.")
        self.backbone, self.seed, self.grid, self.level = backbone, seed, grid, level

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:  # noqa: D102 - see Detector
        height, width = images.shape[2:]
        if height % (self.grid << LEVELS) or width % (self.grid << LEVELS):
            raise OptionError(
                f"grid={self.grid} wants pictures whose sides are divisible by {self.grid << LEVELS}, "
                f"got {width} x {height}."
            )
        rows, columns = height // self.grid, width // self.grid
        distances = []
        for row, column in itertools.product(range(self.grid), repeat=2):
            piece = images[:, :, row * rows : (row + 1) * rows, column * columns : (column + 1) * columns]
            patch = piece.contiguous()
            distances.append(cosine_distance(self.backbone(patch), self.backbone(patch + self.level * details(patch))))
        return torch.stack(distances).mean(dim=0)

    @property
    def passes(self) -> int:
        """Two for each patch; the image as a whole does not pass."""
        return 2 * self.grid**2


def details(images: Tensor) -> Tensor:
    """Inverts a Haar wavelet transform of two levels whose low-pass part was set to zero.

    A Haar transform's low-pass part of two levels is, up to a factor, the means of blocks of 4 x 4 pixels, and
    inverting it alone repeats them; so what is left is each pixel less the mean of its block.

    Args:
        images: ``(B, 3, H, W)``, sides divisible by 4.

    Returns:
        ``(B, 3, H, W)``; each block of 4 x 4 has the mean 0.
    """
    block = 1 << LEVELS
    means = F.avg_pool2d(images, block)
    return images - means.repeat_interleave(block, dim=2).repeat_interleave(block, dim=3)
