"""F3-Net: bands of an image's cosine transform, judged by a convolutional network.

``score(x) = sigmoid(w . Xception(bands(x)) + b)``, the branch of frequency-aware decomposition.
"""

from torch import Tensor, nn
from torchvision.transforms.v2 import InterpolationMode  # type: ignore[import-untyped]

from detectors.base import View
from detectors.trained.base import TrainedDetector
from detectors.trained.networks.f3net import SIDE, FrequencyNetwork
from detectors.trained.pixels import to_square


class F3Net(TrainedDetector):
    """Frequency-aware decomposition and an Xception, trained.

    No checkpoint was found, neither of the authors nor of GenImage, whose tables have F3-Net. Files of the layout of a
    public implementation are read: its ``FAD`` mode with one logit, without the second branch (local frequency
    statistics) and without the cross attention of the paper. Its author says that it does not reproduce the paper.

    Score:
        Probability of being generated, in [0, 1]; higher means more likely generated.

    Args:
        checkpoint: File of the network.
        trained_on: Generators that it was trained on, joined by ``+``.
        seed: Nothing is drawn.

    References:
        Qian, Yin, Sheng, Chen and Shao, "Thinking in Frequency: Face Forgery Detection by Mining Frequency-aware
        Clues", arXiv 2007.09355; yyk-wew/F3Net at 01942ca for the layout, and at 2118a47, ``utils.py``, for the
        images: 299 x 299 without keeping the aspect, in [-1, 1], scaled as Pillow does by default, bicubic from its
        version 7.0 on.
    """

    name = "f3net"
    paper = "arXiv 2007.09355"
    citations = (
        {
            "key": "qian2020thinking",
            "author": "Qian, Yuyang and Yin, Guojun and Sheng, Lu and Chen, Zixuan and Shao, Jing",
            "title": "Thinking in Frequency: Face Forgery Detection by Mining Frequency-aware Clues",
            "booktitle": "European Conference on Computer Vision (ECCV)",
            "pages": "86--103",
            "year": "2020",
            "eprint": "2007.09355",
        },
    )
    view = View(SIDE, "resize", interpolation="bicubic")
    unscaled = True
    version = 2
    released = ()
    weaknesses = (
        "The public implementation whose layout is read does not reproduce the paper, says its author "
        "(yyk-wew/F3Net@06cec55, README).",
    )

    def __init__(self, *, checkpoint: str | None = None, trained_on: str | None = None, seed: int = 0) -> None:
        super().__init__(checkpoint=checkpoint, trained_on=trained_on, seed=seed)

    def build(self) -> nn.Module:
        """Builds the network."""
        return FrequencyNetwork()

    def prepared(self, images: Tensor) -> Tensor:
        """Takes images to [-1, 1]; those of another size than 299 x 299 are scaled to it."""
        return 2 * to_square(images, SIDE, InterpolationMode.BICUBIC).clamp(0, 1) - 1
