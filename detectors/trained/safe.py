"""SAFE: crops in place of scaled images, and of them the finest diagonal details alone.

``score(x) = softmax(R(up(HH(x))))[generated]`` with the diagonal band ``HH`` of a wavelet transform (bior1.3), scaled
back to the size of the crop, judged by the first half of a ResNet-50.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from detectors.base import View
from detectors.trained.base import ReleasedFile, TrainedDetector
from detectors.trained.networks.half_resnet import HalfResNet50

SIDE = 256
ZEROS = 2
"""Before and after the two other coefficients of the high-pass filter."""


class SafeNetwork(HalfResNet50):
    """The first half of a ResNet-50 on diagonal details, with two logits."""

    def __init__(self) -> None:
        super().__init__(outputs=2)

    def forward(self, images: Tensor) -> Tensor:
        """Computes the logits of real and generated, ``(B, 2)``, of images ``(B, 3, H, W)`` in [0, 1]."""
        details = diagonal_details(images)
        size = images.shape[2:]
        return super().forward(F.interpolate(details, size=size, mode="bilinear", align_corners=False, antialias=True))


def diagonal_details(images: Tensor) -> Tensor:
    """Computes the diagonal band of one step of the wavelet transform bior1.3, the image mirrored at its borders.

    The high-pass filter of bior1.3 is that of Haar's wavelet with two zeros on either side, which add blocks of 2 x 2
    pixels beyond the border.

    Args:
        images: ``(..., H, W)``.

    Returns:
        ``(..., (H + 5) // 2, (W + 5) // 2)``: for each block half of the upper left pixel, minus the upper right, minus
        the lower left, plus the lower right one.

    Examples:
        >>> diagonal_details(torch.tensor([[1.0, 2.0], [3.0, 8.0]]))
        tensor([[ 2., -2.,  2.],
                [-2.,  2., -2.],
                [ 2., -2.,  2.]])
    """
    for axis in (-2, -1):
        length = images.shape[axis]
        places = torch.arange(-ZEROS, 2 * ((length + 5) // 2) - ZEROS, device=images.device) % (2 * length)
        places = torch.minimum(places, 2 * length - 1 - places)  # ... 1 0 | 0 1 2 | 2 1 ...
        images = images.index_select(axis, places[::2]) - images.index_select(axis, places[1::2])
    return images / 2


class Safe(TrainedDetector):
    """Diagonal details of a crop, judged by a small trained network.

    The published preprocessing takes the central 256 x 256 without scaling: take ``--resize none`` for it. Smaller
    images are surrounded by black.

    Score:
        Probability of being generated, in [0, 1]; higher means more likely generated.

    Args:
        checkpoint: File of the network.
        trained_on: Generators that it was trained on, joined by ``+``, where the file is not a known one.
        seed: Nothing is drawn.

    References:
        Li, Cai, Hao, Jiang, Hu and Feng, "Improving Synthetic Image Detection Towards Generalization: An Image
        Transformation Perspective", arXiv 2408.06741; Ouxiang-Li/SAFE at 78b2745 (``models/resnet.py``,
        ``data/datasets.py``, ``scripts/eval.sh``), with the wavelets of PyWavelets 1.8.
    """

    name = "safe"
    paper = "arXiv 2408.06741"
    citations = (
        {
            "key": "li2025improving",
            "author": "Li, Ouxiang and Cai, Jiayin and Hao, Yanbin and Jiang, Xiaolong and Hu, Yao and Feng, Fuli",
            "title": "Improving Synthetic Image Detection Towards Generalization: An Image Transformation Perspective",
            "booktitle": "ACM SIGKDD Conference on Knowledge Discovery and Data Mining (KDD)",
            "pages": "2405--2414",
            "doi": "10.1145/3690624.3709392",
            "year": "2025",
            "eprint": "2408.06741",
        },
    )
    view = View(SIDE, "centre-crop")
    unscaled = True
    released = (
        ReleasedFile(
            "checkpoint-best.pth",
            "Ouxiang-Li/SAFE@76b04b8, checkpoint/checkpoint-best.pth",
            ("progan",),
            licence="Apache-2.0",
        ),
    )
    weaknesses = (
        "It is not robust to JPEG, as the authors say: generated images from a web gallery were missed "
        "(Ouxiang-Li/SAFE, issue 3).",
        "Of ten images of FLUX.1-schnell that were stored as WebP a user found none (Ouxiang-Li/SAFE, issue 9).",
        "The real images that it was trained on were once JPEG files and the generated ones were not: of the PNG files "
        "of FFHQ a user found 57 % to be called real (Ouxiang-Li/SAFE, issue 7).",
    )

    def __init__(self, *, checkpoint: str | None = None, trained_on: str | None = None, seed: int = 0) -> None:
        super().__init__(checkpoint=checkpoint, trained_on=trained_on, seed=seed)

    def build(self) -> nn.Module:
        """Builds the network."""
        return SafeNetwork()

    def prepared(self, images: Tensor) -> Tensor:
        """Leaves images as they are: they are not normalised."""
        return images
