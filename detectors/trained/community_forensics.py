"""Community Forensics: images of thousands of generators teach a plain vision transformer.

``score(x) = sigmoid(ViT(x))``.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

import timm
from torch import Tensor, nn

from detectors.base import View
from detectors.errors import WeightsError
from detectors.trained.base import ReleasedFile, TrainedDetector
from detectors.trained.checkpoints import Checkpoint
from detectors.trained.pixels import imagenet_normalised, to_square

PREFIX = "vit."
VIEWS = {384: View(384, "short-side", scaled=440), 224: View(224, "short-side", scaled=256)}
"""By the side of the network's images, which its position embedding tells."""
HUB = "huggingface.co/OwensLab/commfor-model"
DROPBOX = "JeongsooP/Community-Forensics@6ef50e6, README (Dropbox, model_weights.tar)"
TRAINED_ON = ("communityforensics",)


class CommunityForensics(TrainedDetector):
    """A ViT-S/16 trained end to end on 2.7 million images of 4,782 generators.

    There are two networks, for images of 384 and of 224 pixels; the file tells which it is. Images are scaled to a
    short side of 440 or 256 pixels first: take ``--resize none``, so that they are scaled once.

    The 4,782 generators have no names here: the data set as a whole, ``communityforensics``, stands for them. Nearly
    all are latent diffusion models of the Hugging Face hub, Stable Diffusion and its offspring among them, beside 12
    GANs and 3 pixel diffusion models, so that a generator counted as unseen may be one of them.

    Score:
        Probability of being generated, in [0, 1]; higher means more likely generated.

    Args:
        checkpoint: File of the network, of the Hugging Face hub or of the authors' archive; both hold the same weights.
        trained_on: Generators that it was trained on, joined by ``+``, where the file is not a known one.
        seed: Nothing is drawn.

    References:
        Park and Owens, "Community Forensics: Using Thousands of Generators to Train Fake Image Detectors",
        arXiv 2411.04125; JeongsooP/Community-Forensics at 5e52ed6 (``models.py``, branch ``eval_single``) and d5d34bf
        (``dataloader.py``). The paper names another origin of the network's first weights than the code; what runs here
        is the code's. Sizes and checksums of the released files are from third parties' records.
    """

    name = "community-forensics"
    paper = "arXiv 2411.04125"
    citations = (
        {
            "key": "park2025community",
            "author": "Park, Jeongsoo and Owens, Andrew",
            "title": "Community Forensics: Using Thousands of Generators to Train Fake Image Detectors",
            "booktitle": "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)",
            "pages": "8245--8257",
            "year": "2025",
            "eprint": "2411.04125",
        },
    )
    view = VIEWS[384]
    unscaled = True
    released = (
        ReleasedFile(
            "model.safetensors",
            f"{HUB}-384@6076002",
            TRAINED_ON,
            87_262_324,
            "b89f36275f3bf5e2b040eee36597a8f19db051bff9a473a9cf7b2466284fb387",
            "MIT",
        ),
        ReleasedFile(
            "model.safetensors",
            f"{HUB}-224@26afc31",
            TRAINED_ON,
            86_678_644,
            "a6cc439d5a6d2dfadd60c77d27a2838ad55b34e601ecd30f46ad97266d6ac4e0",
            "MIT",
        ),
        ReleasedFile(
            "model_v11_ViT_384_base_ckpt.pt",
            DROPBOX,
            TRAINED_ON,
            261_947_930,
            "d134f6f2c6185c9146ed54e7ea1c43e9f67ea42d98e9bdc88791d4163095dcde",
            "MIT",
        ),
        ReleasedFile(
            "model_v11_ViT_224_base_ckpt.pt",
            DROPBOX,
            TRAINED_ON,
            260_193_218,
            "c6f398c3a2569b888b9516017a1949cca1b1410baf4fcfa10c05361d8ac820a9",
            "MIT",
        ),
    )
    architecture: ClassVar[Mapping[str, int]] = {"patch_size": 16, "embed_dim": 384, "depth": 12, "num_heads": 6}
    weaknesses = (
        "It has the best mean accuracy, 75 %, of the 23 released detectors of a study; Flux Dev, Firefly v4 and "
        "Midjourney v7 defeat most of them, at 18 to 30 % (arXiv 2602.07814).",
    )

    def __init__(self, *, checkpoint: str | None = None, trained_on: str | None = None, seed: int = 0) -> None:
        self.side = max(VIEWS)
        super().__init__(checkpoint=checkpoint, trained_on=trained_on, seed=seed)
        self.view = VIEWS[self.side]

    def adapt(self, checkpoint: Checkpoint) -> Mapping[str, Tensor]:
        """Takes ``vit.`` from the names, and reads the side of the network's images off its positions."""
        state = {name.removeprefix(PREFIX): value for name, value in checkpoint.state.items()}
        positions = state.get("pos_embed")
        if positions is not None and positions.ndim == 3:
            self.side = math.isqrt(positions.shape[1]) * self.architecture["patch_size"]
        if self.side not in VIEWS:
            raise WeightsError(
                f"{checkpoint.file} is a network for images of {self.side} px; expected "
                f"{' or '.join(map(str, sorted(VIEWS)))}."
            )
        return state

    def build(self) -> nn.Module:
        """Builds timm's ViT-S/16 with one logit."""
        network: nn.Module = timm.create_model(
            "vit_small_patch16_384", img_size=self.side, num_classes=1, **self.architecture
        )
        return network

    def prepared(self, images: Tensor) -> Tensor:
        """Normalises images, scaled to the network's size where the view has not done so."""
        return imagenet_normalised(to_square(images, self.side))
