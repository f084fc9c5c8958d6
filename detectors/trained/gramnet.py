"""Gram-Net: textures of generated images differ over long ranges, which Gram matrices measure.

``score(x) = sigmoid(GramNet(x))``, a ResNet-18 with Gram matrices of six stages beside it.
"""

from typing import Literal, get_args

from torch import nn

from detectors.base import View
from detectors.errors import UnknownNameError
from detectors.trained.base import ReleasedFile, TrainedDetector
from detectors.trained.networks.gramnet import GramNetwork

Preprocessing = Literal["resize", "native"]
SIDE = 299


class GramNet(TrainedDetector):
    """Global texture by Gram matrices, trained.

    The files of the authors' repository are pickled networks with two logits, for faces, which cannot be read without
    running code of the file. What is read here is the layout of AIGCDetectBenchmark: one logit, trained on ProGAN.

    Score:
        Probability of being generated, in [0, 1]; higher means more likely generated.

    Args:
        checkpoint: File of the network.
        trained_on: Generators that it was trained on, joined by ``+``, where the file is not a known one.
        preprocessing: ``resize`` to 299 x 299 without keeping the aspect, as users of SIDBench run this file, or
            ``native``, images one by one at their own size, as AIGCDetectBenchmark's ``--no_resize --no_crop``. What
            the file's authors took for it is not stated.
        seed: Nothing is drawn.

    References:
        Liu, Qi and Torr, "Global Texture Enhancement for Fake Face Detection in the Wild", arXiv 2002.00133;
        Ekko-zn/AIGCDetectBenchmark at cf3015c and mever-team/sidbench at ed89845 for the file.
    """

    name = "gramnet"
    paper = "arXiv 2002.00133"
    citations = (
        {
            "key": "liu2020global",
            "author": "Liu, Zhengzhe and Qi, Xiaojuan and Torr, Philip H. S.",
            "title": "Global Texture Enhancement for Fake Face Detection in the Wild",
            "booktitle": "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)",
            "pages": "8060--8069",
            "year": "2020",
            "eprint": "2002.00133",
        },
    )
    unscaled = True
    released = (
        ReleasedFile("Gram.pth", "Ekko-zn/AIGCDetectBenchmark@cf3015c, README (Google Drive, Baidu)", ("progan",)),
    )

    def __init__(
        self,
        *,
        checkpoint: str | None = None,
        trained_on: str | None = None,
        preprocessing: Preprocessing = "resize",
        seed: int = 0,
    ) -> None:
        if preprocessing not in get_args(Preprocessing):
            raise UnknownNameError("preprocessing", str(preprocessing), get_args(Preprocessing))
        super().__init__(checkpoint=checkpoint, trained_on=trained_on, seed=seed)
        self.preprocessing = preprocessing
        self.view = View(SIDE, "resize") if preprocessing == "resize" else View(fit="native")

    def build(self) -> nn.Module:
        """Builds the network."""
        return GramNetwork()
