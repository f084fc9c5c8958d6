"""DRCT: images that a diffusion model has reconstructed, real ones too, stand for generated ones in training.

``score(x) = softmax(W e(c(x)))[generated]`` with the central crop ``c`` and an embedding ``e`` of 1,024 numbers, the
last layer of ConvNeXt-B or a layer on the features of CLIP.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from detectors.base import View
from detectors.trained.base import ReleasedFile, TrainedDetector
from detectors.trained.checkpoints import Checkpoint
from detectors.trained.networks.unfilled import unfilled

SIDE = 224
INNER = "model.model."
"""What the names of OpenAI's CLIP begin with in a checkpoint."""
TEXT = tuple(
    f"{INNER}{part}"
    for part in (
        "transformer.",
        "token_embedding.",
        "ln_final.",
        "positional_embedding",
        "text_projection",
        "logit_scale",
    )
)
"""The tensors of CLIP that are not of its image encoder."""
SOURCE = "pretrained.zip of BokingChen/DRCT-2M at ModelScope"
SD14 = ("sd14", "stable-diffusion-inpainting")


class ClipEmbedding(nn.Module):
    """CLIP's image encoder and a linear layer on its projected features.

    Args:
        visual: The image encoder.
        width: Length of its features.
        embedding: Length of the embedding.
    """

    def __init__(self, visual: nn.Module, width: int, embedding: int) -> None:
        super().__init__()
        self.visual, self.fc = visual, nn.Linear(width, embedding)

    def forward(self, images: Tensor) -> Tensor:
        """Embeds images ``(B, 3, 224, 224)`` as ``(B, embedding)``."""
        embeddings: Tensor = self.fc(self.visual(images))
        return embeddings


class DrctNetwork(nn.Module):
    """An embedding of images and a linear layer with two logits; the published names, but for CLIP's.

    Args:
        model: Gives the embedding.
        embedding: Its length.
    """

    def __init__(self, model: nn.Module, embedding: int) -> None:
        super().__init__()
        self.model, self.fc = model, nn.Linear(embedding, 2)

    def forward(self, images: Tensor) -> Tensor:
        """Computes the logits of real and generated, ``(B, 2)``, of images ``(B, 3, 224, 224)``."""
        logits: Tensor = self.fc(self.model(images))
        return logits


class Drct(TrainedDetector):
    """ConvNeXt-B or CLIP ViT-L/14 that learnt from diffusion reconstructions.

    Which of the two networks it is follows from the checkpoint: of the released ones ``14_acc0.9996.pth``,
    ``16_acc0.9993.pth`` and ``last_acc0.9991.pth`` are ConvNeXts. Both want pixels as they are: take ``--resize none``.
    An image's central 224 x 224 is taken, smaller images are surrounded by black, and CLIP, too, gets pixels that are
    normalised as for ImageNet.

    Score:
        Probability of being generated, in [0, 1]; higher means more likely generated.

    Args:
        checkpoint: File of the network; that of CLIP holds all of CLIP.
        trained_on: Generators that it was trained on, joined by ``+``, where the file is not a known one.
        seed: Nothing is drawn.

    References:
        Chen, Zeng, Yang and Yang, "DRCT: Diffusion Reconstruction Contrastive Training towards Universal Detection of
        Diffusion Generated Images", ICML 2024, PMLR 235:7621-7639; beibuwandeluori/DRCT at 364012a
        (``network/models.py``, ``data/transform.py``, ``scripts/train.py``) and 01aa7d0 (README), with albumentations
        1.3.0 and timm 0.6.12. Of two files it is said that they learnt from reconstructions by Stable Diffusion 2
        (``16_acc0.9993.pth``, ``last_acc0.9112.pth``), and not from which generator's images. No licence is named.
    """

    name = "drct"
    paper = "ICML 2024, PMLR 235:7621"
    citations = (
        {
            "key": "chen2024drct",
            "author": "Chen, Baoying and Zeng, Jishen and Yang, Jianquan and Yang, Rui",
            "title": "DRCT: Diffusion Reconstruction Contrastive Training towards Universal Detection of Diffusion "
            "Generated Images",
            "booktitle": "International Conference on Machine Learning (ICML)",
            "volume": "235",
            "pages": "7621--7639",
            "year": "2024",
        },
    )
    view = View(fit="native")
    unscaled = True
    architecture: ClassVar[Mapping[str, Any]] = {
        "convnext": {"depths": (3, 3, 27, 3), "dims": (128, 256, 512, 1024)},
        "clip": {"layers": 24, "width": 1024, "patch_size": 14},
        "features": 768,
        "embedding": 1024,
    }
    released = tuple(
        ReleasedFile(name, SOURCE, trained_on)
        for name, trained_on in (
            ("14_acc0.9996.pth", SD14),
            ("16_acc0.9993.pth", ()),
            ("13_acc0.9664.pth", SD14),
            ("last_acc0.9112.pth", ()),
            ("last_acc0.9991.pth", SD14),
            ("2_acc0.9558.pth", SD14),
        )
    )
    weaknesses = (
        "On images of DALL-E 3, Imagen 3, Stable Diffusion 3 and FLUX a user found it poor, with many false alarms; "
        "the author agrees that it is weak on newer architectures (beibuwandeluori/DRCT, issue 18).",
        "Of BigGAN in GenImage ConvNeXt-B decides 59.81 % correctly, not what the paper prints "
        "(beibuwandeluori/DRCT@01aa7d0, README).",
    )

    def __init__(self, *, checkpoint: str | None = None, trained_on: str | None = None, seed: int = 0) -> None:
        super().__init__(checkpoint=checkpoint, trained_on=trained_on, seed=seed)

    def adapt(self, checkpoint: Checkpoint) -> Mapping[str, Tensor]:
        """Tells the two networks apart, and leaves CLIP's text encoder out."""
        self.on_clip = any(name.startswith(f"{INNER}visual.") for name in checkpoint.state)
        return {
            name.replace(INNER, "model.", 1) if self.on_clip else name: value
            for name, value in checkpoint.state.items()
            if not (self.on_clip and name.startswith(TEXT))
        }

    def build(self) -> nn.Module:
        """Builds the network that the checkpoint is of."""
        sizes = self.architecture
        embed = self._clip if self.on_clip else self._convnext
        return unfilled(lambda: DrctNetwork(embed(), sizes["embedding"]))

    def _convnext(self) -> nn.Module:
        sizes = self.architecture
        network: nn.Module = timm.create_model("convnext_base", num_classes=sizes["embedding"], **sizes["convnext"])
        return network

    def _clip(self) -> nn.Module:
        import open_clip  # takes seconds to import

        sizes = self.architecture
        vision, text = {**sizes["clip"], "image_size": SIDE}, {"width": 64, "heads": 1, "layers": 1}
        visual: nn.Module = open_clip.CLIP(sizes["features"], vision, text, quick_gelu=True).visual
        return ClipEmbedding(visual, sizes["features"], sizes["embedding"])

    def logits(self, images: Tensor | Sequence[Tensor]) -> Tensor:
        """Judges images of any sizes by their centres, all at once; see :meth:`TrainedDetector.logits`."""
        return super().logits(torch.stack([centre_of(image) for image in images]))


def centre_of(image: Tensor) -> Tensor:
    """Takes the central square of an image, black where it is smaller.

    Where a side is longer by an odd number the square lies half a pixel nearer to the upper left corner, as that of
    albumentations does; torchvision's lies now on this side and now on the other.

    Args:
        image: ``(3, H, W)``.

    Returns:
        ``(3, 224, 224)``.
    """
    height, width = image.shape[1:]
    top, left = (max(0, length - SIDE) // 2 for length in (height, width))
    image = image[:, top : top + SIDE, left : left + SIDE]
    above, before = ((SIDE - length) // 2 for length in image.shape[1:])
    below, behind = SIDE - image.shape[1] - above, SIDE - image.shape[2] - before
    return F.pad(image, (before, behind, above, below))
