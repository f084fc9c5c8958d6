"""CNNspot: images of one generator, blurred and compressed in training, teach a network to see those of others.

``score(x) = sigmoid(ResNet50(x))``.
"""

from typing import Literal, get_args

from torch import nn

from detectors.base import View
from detectors.errors import UnknownNameError
from detectors.trained.base import ReleasedFile, TrainedDetector
from detectors.trained.networks.resnet import resnet50

Crop = Literal["none", "centre"]
SIDE = 224
SOURCE = "PeterWang512/CNNDetection@ea0b562, weights/download_weights.sh (Dropbox)"


class CnnSpot(TrainedDetector):
    """A ResNet-50 trained on ProGAN with blur and JPEG.

    The published preprocessing does not scale images: take ``--resize none`` for it. Crops of images below 224 pixels
    are surrounded by black, of which the network has seen none.

    Score:
        Probability of being generated, in [0, 1]; higher means more likely generated.

    Args:
        checkpoint: File of the network.
        crop: ``none``, images one by one at their own size, which the README recommends and ``demo.py`` does, or
            ``centre``, the central 224 x 224, as ``eval.py``.
        trained_on: Generators that it was trained on, joined by ``+``, where the file is not a known one.
        seed: Nothing is drawn.

    References:
        Wang, Wang, Zhang, Owens and Efros, "CNN-generated images are surprisingly easy to spot... for now",
        arXiv 1912.11035; PeterWang512/CNNDetection at ea0b562.
    """

    name = "cnnspot"
    paper = "arXiv 1912.11035"
    citations = (
        {
            "key": "wang2020cnn",
            "author": "Wang, Sheng-Yu and Wang, Oliver and Zhang, Richard and Owens, Andrew and Efros, Alexei A.",
            "title": "CNN-generated images are surprisingly easy to spot... for now",
            "booktitle": "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)",
            "pages": "8695--8704",
            "year": "2020",
            "eprint": "1912.11035",
        },
    )
    view = View(fit="native")
    unscaled = True
    released = (
        ReleasedFile("blur_jpg_prob0.5.pth", SOURCE, ("progan",)),
        ReleasedFile("blur_jpg_prob0.1.pth", SOURCE, ("progan",)),
    )
    weaknesses = (
        "It ranks well and decides badly: the accuracy at the published threshold is poor where the average precision "
        "is good, and real images must share the generator's history of resizing and cropping "
        "(PeterWang512/CNNDetection, issues 2 and 14).",
        "It fails on images below 256 pixels; the author scales up crops of such a size (PeterWang512/CNNDetection, "
        "issue 3).",
    )

    def __init__(
        self, *, checkpoint: str | None = None, crop: Crop = "none", trained_on: str | None = None, seed: int = 0
    ) -> None:
        if crop not in get_args(Crop):
            raise UnknownNameError("crop", str(crop), get_args(Crop))
        super().__init__(checkpoint=checkpoint, trained_on=trained_on, seed=seed)
        self.crop = crop
        self.view = View(fit="native") if crop == "none" else View(SIDE, "centre-crop")

    def build(self) -> nn.Module:
        """Builds a ResNet-50 with one logit."""
        return resnet50()
