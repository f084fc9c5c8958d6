"""LGrad: gradients of a fixed discriminator show the traces of generators apart from an image's content.

``score(x) = sigmoid(ResNet50(G(x)))`` with the picture ``G(x)`` of the gradient ``d D(x) / dx``, stretched to 8 bits.
"""

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from detectors.base import View
from detectors.errors import WeightsError, WeightsNotFoundError
from detectors.trained.base import ReleasedFile, TrainedDetector
from detectors.trained.gradient_pictures import gradient_pictures
from detectors.trained.networks.resnet import resnet50
from detectors.trained.networks.stylegan_discriminator import StyleGANDiscriminator
from detectors.trained.pixels import imagenet_normalised, to_square
from detectors.weights import load_strictly, read_weights, state_sha256

SIDE = 256
DISCRIMINATOR = "karras2019stylegan-bedrooms-256x256_discriminator.pth"
SOURCE = "chuangchuangtan/LGrad@7cb5973, README (Google Drive)"
DISCRIMINATOR_SOURCE = "chuangchuangtan/LGrad@3471ec0, img2gad_pytorch/README.md"


class LGrad(TrainedDetector):
    """Learning on gradients.

    It needs two files: the classifier and StyleGAN's discriminator of bedrooms, whose gradient is the classifier's
    picture. An image of any size is scaled to 256 x 256 without keeping the aspect (take ``--resize none``). It costs a
    pass through the discriminator and back, and one through the classifier.

    Score:
        Probability of being generated, in [0, 1]; higher means more likely generated.

    Args:
        checkpoint: File of the classifier.
        discriminator: File of the discriminator; by default the one of the published name beside the classifier's.
        trained_on: Generators that the classifier was trained on, joined by ``+``, where the file is not a known one.
        seed: Nothing is drawn.

    References:
        Tan, Zhao, Wei, Gu and Wei, "Learning on Gradients: Generalized Artifacts Representation for GAN-Generated
        Images Detection", CVPR 2023; chuangchuangtan/LGrad at 7cb5973, ``img2gad_pytorch/gen_imggrad.py`` and
        ``CNNDetection/eval_test8gan.py``.
    """

    name = "lgrad"
    paper = "CVPR 2023, Tan et al."
    citations = (
        {
            "key": "tan2023learning",
            "author": "Tan, Chuangchuang and Zhao, Yao and Wei, Shikui and Gu, Guanghua and Wei, Yunchao",
            "title": "Learning on Gradients: Generalized Artifacts Representation for GAN-Generated Images Detection",
            "booktitle": "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)",
            "pages": "12105--12114",
            "year": "2023",
        },
    )
    view = View(SIDE, "resize")
    unscaled = True
    files = ("checkpoint", "discriminator")
    needs = f"StyleGAN's discriminator {DISCRIMINATOR} ({DISCRIMINATOR_SOURCE}) must lie beside it."
    own_passes = 2
    released = tuple(
        ReleasedFile(f"LGrad-{name}.pth", SOURCE, ("progan",))
        for name in (
            "1class-Trainon-Progan_horse",
            "2class-Trainon-Progan_chair_horse",
            "4class-Trainon-Progan_car_cat_chair_horse",
        )
    )

    def __init__(
        self,
        *,
        checkpoint: str | None = None,
        discriminator: str | None = None,
        trained_on: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(checkpoint=checkpoint, trained_on=trained_on, seed=seed)
        assert checkpoint is not None  # else the base has raised
        file = Path(discriminator) if discriminator else Path(checkpoint).with_name(DISCRIMINATOR)
        self.discriminator = file.name
        self.judge = read_discriminator(file)

    def build(self) -> nn.Module:
        """Builds the classifier, a ResNet-50 with one logit."""
        return resnet50()

    def prepared(self, images: Tensor) -> Tensor:
        """Makes the classifier's pictures; images of another size than 256 x 256 are scaled to it before."""
        return imagenet_normalised(gradient_pictures(self.judge, to_square(images, SIDE)))

    def covered(self, **run: str | int) -> dict[str, dict[str, Any]]:
        """Covers the discriminator's weights, too; see :meth:`TrainedDetector.covered`."""
        return super().covered(discriminator=state_sha256(self.judge.state_dict()), **run)


def read_discriminator(file: Path) -> nn.Module:
    """Reads StyleGAN's discriminator for 256 pixels.

    Raises:
        WeightsNotFoundError: There is no such file.
        WeightsError: It holds something else, or a network in the middle of its training.
    """
    if not file.is_file():
        raise WeightsNotFoundError(
            f"lgrad needs StyleGAN's discriminator, and there is no file {file}: put {DISCRIMINATOR} (from "
            f"{DISCRIMINATOR_SOURCE}) beside the checkpoint, or give its place as the option discriminator=FILE."
        )
    network = StyleGANDiscriminator(SIDE)
    load_strictly(network, read_weights(file), file)
    if network.lod != 0:
        raise WeightsError(
            f"{file} was saved at level of detail {network.lod.item():g}; lgrad takes one at 0, where training ends."
        )
    return network.requires_grad_(False).eval()
