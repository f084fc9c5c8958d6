"""NPR: generators scale images up in their last layers, which relates the pixels of a 2 x 2 block to each other.

``score(x) = sigmoid(R(2/3 (x - up(down(x)))))``: every pixel minus the first one of its block, judged by the first half
of a ResNet-50.
"""

from typing import Literal, get_args

from torch import Tensor, nn
from torch.nn import functional as F

from detectors.base import View
from detectors.errors import UnknownNameError
from detectors.trained.base import ReleasedFile, TrainedDetector
from detectors.trained.networks.half_resnet import HalfResNet50

Preprocessing = Literal["resize", "native", "crop"]
VIEWS = {"resize": View(256, "resize"), "native": View(fit="native"), "crop": View(224, "centre-crop", "tile")}
SOURCE = "chuangchuangtan/NPR-DeepfakeDetection@73cde1c"


class NprNetwork(HalfResNet50):
    """The first half of a ResNet-50 on differences between neighbours, with one logit."""

    def __init__(self) -> None:
        super().__init__(outputs=1)

    def forward(self, images: Tensor) -> Tensor:
        """Computes logits ``(B, 1)`` of images ``(B, 3, H, W)``, normalised as for ImageNet."""
        return super().forward(neighbour_difference(images) * (2 / 3))


def neighbour_difference(images: Tensor) -> Tensor:
    """Takes from every pixel the upper left one of its block of 2 x 2.

    The published code fails on an odd height or width, or needs its last row or column cut, which it has as a comment;
    here they are cut. A side of one pixel is doubled, so that every image has a score.

    Args:
        images: ``(B, C, H, W)``.

    Returns:
        ``(B, C, H', W')``, the largest even sides that are not longer, at least 2.

    Examples:
        >>> import torch
        >>> neighbour_difference(torch.tensor([[1.0, 2.0, 7.0], [4.0, 8.0, 7.0]]).reshape(1, 1, 2, 3)).reshape(2, 2)
        tensor([[0., 1.],
                [3., 7.]])
    """
    height, width = images.shape[2:]
    if min(height, width) < 2:
        images = F.pad(images, (0, int(width < 2), 0, int(height < 2)), mode="replicate")
        height, width = images.shape[2:]
    images = images[:, :, : height - height % 2, : width - width % 2]
    first = images[:, :, ::2, ::2]
    return images - first.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


class Npr(TrainedDetector):
    """Relations of neighbouring pixels, judged by a small trained network.

    The published preprocessing depends on the test set. None of them scales images with the aspect kept: take
    ``--resize none``, which keeps the pixels as they are in front of it.

    Score:
        Probability of being generated, in [0, 1]; higher means more likely generated.

    Args:
        checkpoint: File of the network.
        preprocessing: ``resize`` to 256 x 256 without keeping the aspect (ForenSynths and others), ``native``, images
            one by one at their own size (AIGCDetectBenchmark), or ``crop``, the central 224 x 224, smaller images
            tiled (GenImage).
        trained_on: Generators that it was trained on, joined by ``+``, where the file is not a known one.
        seed: Nothing is drawn.

    References:
        Tan, Zhao, Wei, Gu, Liu and Wei, "Rethinking the Up-Sampling Operations in CNN-based Generative Network for
        Generalizable Deepfake Detection", arXiv 2312.10461; chuangchuangtan/NPR-DeepfakeDetection at 73cde1c. Sizes and
        checksums of the released files are from a third party's report.
    """

    name = "npr"
    paper = "arXiv 2312.10461"
    citations = (
        {
            "key": "tan2024rethinking",
            "author": "Tan, Chuangchuang and Zhao, Yao and Wei, Shikui and Gu, Guanghua and Liu, Ping and Wei, Yunchao",
            "title": "Rethinking the Up-Sampling Operations in CNN-based Generative Network for Generalizable Deepfake "
            "Detection",
            "booktitle": "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)",
            "year": "2024",
            "eprint": "2312.10461",
        },
    )
    fitted_here = True
    view = VIEWS["resize"]
    unscaled = True
    version = 2
    released = (
        ReleasedFile(
            "NPR.pth",
            SOURCE,
            ("progan",),
            17_393_733,
            "3939297e9399e0b992f87211610769d87d899de50d56da0204d6cbda2d483a53",
        ),
        ReleasedFile(
            "model_epoch_last_3090.pth",
            SOURCE,
            ("progan",),
            5_842_385,
            "b67a91555ce786a6d0463ff0cb2b0b874d1c3f971b0e3febd2ae5618a80f7e8a",
        ),
        ReleasedFile(
            "NPR_GenImage_sdv4.pth",
            SOURCE,
            ("sd14",),
            5_842_385,
            "9bc961e7d643581aa0ea879cbd322dcc2e543877568a43d2f6cdb92906379015",
        ),
    )
    weaknesses = (
        "It was trained without JPEG: a user reports 30 % on a set of real images from the web alone "
        "(chuangchuangtan/NPR-DeepfakeDetection, issue 9).",
        "Users could not reproduce its tables, some with the checkpoint of another table "
        "(chuangchuangtan/NPR-DeepfakeDetection, issues 2, 14, 26, 35 and 36).",
    )

    def __init__(
        self,
        *,
        checkpoint: str | None = None,
        preprocessing: Preprocessing = "resize",
        trained_on: str | None = None,
        seed: int = 0,
    ) -> None:
        if preprocessing not in get_args(Preprocessing):
            raise UnknownNameError("preprocessing", str(preprocessing), get_args(Preprocessing))
        super().__init__(checkpoint=checkpoint, trained_on=trained_on, seed=seed)
        self.preprocessing = preprocessing
        self.view = VIEWS[preprocessing]

    def build(self) -> nn.Module:
        """Builds the network."""
        return NprNetwork()
