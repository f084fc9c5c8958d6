"""SBI: faces blended with themselves teach a network to see the traces of blending, without any deepfake.

``score(x) = softmax(EfficientNetB4(x))`` of the second class.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor, nn

from detectors.base import View
from detectors.trained.base import ReleasedFile, TrainedDetector
from detectors.trained.checkpoints import Checkpoint
from detectors.trained.networks.efficientnet import efficientnet, renamed
from detectors.trained.opencv import resize_linear

SOURCE = "mapooon/SelfBlendedImages@9fe4efe, README (Google Drive)"
LICENCE = "research use, non-commercial"


class SelfBlend(TrainedDetector):
    """Detecting deepfakes with self-blended images.

    The images of the data set must be crops of faces, for which the published code takes the box of RetinaFace
    (``resnet50_2020-07-20``), widened on each side by an eighth of its width or height. It takes the highest score of
    an image's faces; here each file is one face. An image without a face has no score. A crop of any size is scaled to
    380 x 380 without keeping the aspect, as OpenCV does (take ``--resize none``), and is not normalised.

    Score:
        Probability that the face is blended, in [0, 1]; higher means more likely generated.

    Args:
        checkpoint: File of the network.
        trained_on: Generators that it was trained on, joined by ``+``, where the file is not a known one, whose fakes
            are self-blended frames of FaceForensics++.
        seed: Nothing is drawn.

    References:
        Shiohara and Yamasaki, "Detecting Deepfakes with Self-Blended Images", arXiv 2204.08376;
        mapooon/SelfBlendedImages at 9fe4efe, ``src/inference``, with ``efficientnet_pytorch`` 0.7.1.
    """

    name = "selfblend"
    paper = "arXiv 2204.08376"
    citations = (
        {
            "key": "shiohara2022detecting",
            "author": "Shiohara, Kaede and Yamasaki, Toshihiko",
            "title": "Detecting Deepfakes with Self-Blended Images",
            "booktitle": "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)",
            "pages": "18720--18729",
            "year": "2022",
            "eprint": "2204.08376",
        },
    )
    consumes = "face-crop"
    view = View(fit="native")
    unscaled = True
    architecture: ClassVar[Mapping[str, Any]] = {"width": 1.4, "depth": 1.8, "side": 380}
    released = (
        ReleasedFile("FFraw.tar", SOURCE, ("selfblended",), licence=LICENCE),
        ReleasedFile("FFc23.tar", SOURCE, ("selfblended",), licence=LICENCE),
    )
    weaknesses = (
        "It looks for traces of blended faces, and gives no score to an image in which RetinaFace finds no face "
        "(mapooon/SelfBlendedImages@b5079fe, src/inference/preprocess.py).",
    )

    def __init__(self, *, checkpoint: str | None = None, trained_on: str | None = None, seed: int = 0) -> None:
        super().__init__(checkpoint=checkpoint, trained_on=trained_on, seed=seed)
        self.side = self.architecture["side"]

    def build(self) -> nn.Module:
        """Builds an EfficientNet-B4 with two logits."""
        return efficientnet(self.architecture["width"], self.architecture["depth"])

    def adapt(self, checkpoint: Checkpoint) -> Mapping[str, Tensor]:
        """Gives the tensors timm's names."""
        return renamed(checkpoint.state, self.architecture["depth"])

    def prepared(self, images: Tensor) -> Tensor:
        """Scales crops ``(B, 3, H, W)`` to the network's size."""
        return resize_linear(images, self.side, self.side)
