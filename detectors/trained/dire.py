"""DIRE: a diffusion model reconstructs its own images, and those of its kind, better than photographs.

``score(x) = sigmoid(ResNet50(d(x)))`` with the map ``d(x) = |x - R(x)|`` of the difference to a reconstruction.
"""

import torch
from torch import Tensor, nn
from torchvision.transforms.v2 import functional as transforms  # type: ignore[import-untyped]

from detectors.base import View
from detectors.trained.base import ReleasedFile, TrainedDetector
from detectors.trained.networks.resnet import resnet50
from detectors.trained.pixels import imagenet_normalised

SHORT_SIDE, CROP = 256, 224


class Dire(TrainedDetector):
    """Reconstruction by a diffusion model, judged by a trained classifier of difference maps.

    Only the second stage is here. The images of the data set must be DIRE maps, which the published code makes with
    an ADM of 256 px and 20 DDIM steps in either direction; :func:`dire_map` makes one from an image and a
    reconstruction. A photograph in place of a map gets a score without any meaning.

    The published code stores a map under its image's name and ending, so that maps of JPEG files are JPEG files and
    maps of PNG files PNG files, and the classifier can learn the format. Store all maps as PNG.

    Score:
        Probability that the map is that of a generated image, in [0, 1]; higher means more likely generated.

    Args:
        checkpoint: File of the classifier.
        trained_on: Generators that it was trained on, joined by ``+``, where the file is not a known one.
        seed: Nothing is drawn.

    References:
        Wang, Bao, Zhou, Wang, Hu, Chen and Li, "DIRE for Diffusion-Generated Image Detection", arXiv 2303.09295;
        ZhendongWang6/DIRE at 1f89fff.
    """

    name = "dire"
    paper = "arXiv 2303.09295"
    citations = (
        {
            "key": "wang2023dire",
            "author": "Wang, Zhendong and Bao, Jianmin and Zhou, Wengang and Wang, Weilun and Hu, Hezhen and Chen, "
            "Hong and Li, Houqiang",
            "title": "DIRE for Diffusion-Generated Image Detection",
            "booktitle": "IEEE/CVF International Conference on Computer Vision (ICCV)",
            "pages": "22445--22455",
            "year": "2023",
            "eprint": "2303.09295",
        },
    )
    consumes = "dire-map"
    view = View(fit="native")
    version = 2
    released = tuple(
        ReleasedFile(name, "ZhendongWang6/DIRE@1f89fff, README (Baidu, RecDrive)", trained_on)
        for name, trained_on in (
            ("lsun_adm.pth", ("adm",)),
            ("lsun_iddpm.pth", ("iddpm",)),
            ("lsun_pndm.pth", ("pndm",)),
            ("lsun_stylegan.pth", ("stylegan",)),
            ("imagenet_adm.pth", ("adm",)),
            ("celebahq_sdv2.pth", ("sd2",)),
        )
    )
    weaknesses = (
        "The format leaks into the maps: PNG maps are called generated and JPEG maps real, and of the maps of "
        "generated images that are stored as JPEG 95 it finds 0.2 % (ZhendongWang6/DIRE, issues 11, 30 and 41).",
        "With the official weights a user found 0.80 of the real images at the published threshold, at an average "
        "precision of 0.999 (ZhendongWang6/DIRE, issue 10).",
        "Images in place of maps get a probability of 1.0 throughout (ZhendongWang6/DIRE, issues 8 and 23).",
        "It reaches nearly 100 % on all eight subsets of GenImage as released (beibuwandeluori/DRCT, issue 13), where "
        "the two classes also differ in format and size (arXiv 2403.17608).",
    )

    def __init__(self, *, checkpoint: str | None = None, trained_on: str | None = None, seed: int = 0) -> None:
        super().__init__(checkpoint=checkpoint, trained_on=trained_on, seed=seed)

    def build(self) -> nn.Module:
        """Builds the classifier, a ResNet-50 with one logit."""
        return resnet50()

    def prepared(self, images: Tensor) -> Tensor:
        """Takes the centre of maps ``(B, 3, H, W)`` and normalises it."""
        return imagenet_normalised(torch.stack([centre_of(image) for image in images]))


def centre_of(image: Tensor) -> Tensor:
    """Scales the short side to 256 pixels and takes the central 224; a map of the published code is 256 x 256.

    Args:
        image: ``(3, H, W)`` in [0, 1], a map of 8 bits.

    Returns:
        ``(3, 224, 224)`` in [0, 1], of 8 bits, too: the published code scales files, before it makes tensors of them.
    """
    if min(image.shape[1:]) != SHORT_SIDE:
        picture = transforms.to_pil_image((image * 255).round().to(torch.uint8).cpu())  # a tensor is scaled otherwise
        image = transforms.pil_to_tensor(transforms.resize(picture, [SHORT_SIDE])).to(image.device) / 255
    cropped: Tensor = transforms.center_crop(image, [CROP, CROP])
    return cropped


def dire_map(image: Tensor, reconstruction: Tensor) -> Tensor:
    """Makes a DIRE map.

    Args:
        image: ``(..., 3, H, W)`` in [-1, 1].
        reconstruction: Of the same shape, in [-1, 1].

    Returns:
        ``(..., 3, H, W)`` of 8 bits: ``|image - reconstruction| * 255 / 2``, cut off, not rounded, as published.

    Examples:
        >>> dire_map(torch.tensor([1.0, 0.5, 0.0]), torch.tensor([-1.0, 0.25, 0.0]))
        tensor([255,  31,   0], dtype=torch.uint8)
    """
    return ((image - reconstruction).abs() * 255 / 2).clamp(0, 255).to(torch.uint8)
