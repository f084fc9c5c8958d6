"""C2P-CLIP: captions with a word common to a class are pulled towards images, and CLIP's image encoder is tuned by it.

``score(x) = sigmoid(w . f(x) / |f(x)| + b)`` with the projected features ``f`` of the tuned image encoder.
"""

from collections.abc import Mapping
from typing import Literal, get_args

from torch import Tensor, nn

from detectors.base import View
from detectors.errors import UnknownNameError
from detectors.trained.base import ReleasedFile, TrainedDetector
from detectors.trained.checkpoints import Checkpoint
from detectors.trained.networks.clip_classifier import VIT_L14, ClipClassifier, from_transformers
from detectors.trained.pixels import clip_normalised, to_square

Preprocessing = Literal["resize", "crop"]
VIEWS = {"resize": View(224, "short-side"), "crop": View(224, "centre-crop", "tile")}
REPOSITORY = "chuangchuangtan/C2P-CLIP-DeepfakeDetection"
LICENCE = "none stated"


class C2PClip(TrainedDetector):
    """A linear layer on a CLIP ViT-L/14 of its own, whose image encoder was tuned with LoRA.

    The released files hold the whole encoder with the LoRA in its weights, 1.2 GB; no other CLIP is needed. The
    published preprocessing scales images itself, or not at all: take ``--resize none``.

    Score:
        Probability of being generated, in [0, 1]; higher means more likely generated.

    Args:
        checkpoint: File of the encoder and the linear layer.
        preprocessing: ``resize``, a short side of 224 pixels and its centre, as the code that the first checkpoint was
            released with, or ``crop``, the central 224 x 224, smaller images tiled, as the training code that followed.
        trained_on: Generators that it was trained on, joined by ``+``, where the file is not a known one.
        seed: Nothing is drawn.

    References:
        Tan, Tao, Liu, Gu, Wu, Zhao and Wei, "C2P-CLIP: Injecting Category Common Prompt in CLIP to Enhance
        Generalization in Deepfake Detection", arXiv 2408.09647; chuangchuangtan/C2P-CLIP-DeepfakeDetection at dd138d5.
        The code that followed was read in a copy, tbtiberiu/C2P-CLIP at 7a920bf.
    """

    name = "c2p-clip"
    paper = "arXiv 2408.09647"
    citations = (
        {
            "key": "tan2025c2pclip",
            "author": "Tan, Chuangchuang and Tao, Renshuai and Liu, Huan and Gu, Guanghua and Wu, Baoyuan and Zhao, "
            "Yao and Wei, Yunchao",
            "title": "C2P-CLIP: Injecting Category Common Prompt in CLIP to Enhance Generalization in Deepfake "
            "Detection",
            "booktitle": "AAAI Conference on Artificial Intelligence",
            "volume": "39",
            "year": "2025",
            "eprint": "2408.09647",
        },
    )
    view = VIEWS["resize"]
    unscaled = True
    released = (
        *(
            ReleasedFile(name, f"{REPOSITORY}@dd138d5, inference.py (now61.com)", ("progan",), licence=LICENCE)
            for name in ("C2P_CLIP_release_20240901.zip", "C2P_CLIP_release_20240901.pth")
        ),
        ReleasedFile(
            "C2P_CLIP-GenImage_release_20250224.pth",
            f"{REPOSITORY}, README (Google Drive)",
            ("sd14",),
            licence=LICENCE,
        ),
    )
    architecture = VIT_L14
    weaknesses = (
        f"With the first checkpoint a user finds an accuracy of 60 % on diffusion models ({REPOSITORY}, issue 5).",
        f"On GenImage a user finds an accuracy of 72 % for BigGAN ({REPOSITORY}, issue 11).",
        "On images of the web it is at chance: an accuracy of 51.1 % on Chameleon and of 50.0 % on B-Free's images of "
        "the web, as the authors of a rival measured (roy-ch/Dual-Data-Alignment@cd1b9e0, README).",
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
        self.side: int = self.architecture["image_size"]
        super().__init__(checkpoint=checkpoint, trained_on=trained_on, seed=seed)
        self.preprocessing = preprocessing
        self.view = VIEWS[preprocessing]

    def build(self) -> nn.Module:
        """Builds CLIP's image encoder with one logit."""
        return ClipClassifier(1, projected=True, sizes=self.architecture)

    def adapt(self, checkpoint: Checkpoint) -> Mapping[str, Tensor]:
        """Renames the encoder's tensors, which are those of transformers."""
        return from_transformers(checkpoint.state)

    def prepared(self, images: Tensor) -> Tensor:
        """Normalises images, scaled to the network's size where the view has not done so."""
        return clip_normalised(to_square(images, self.side))
