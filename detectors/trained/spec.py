"""Spec: upsampling repeats the spectrum of an image, which a network sees in the spectrum itself.

``score(x) = sigmoid(ResNet34(s(x)))`` with the scaled logarithm ``s`` of the spectra of the colours.
"""

from collections.abc import Mapping
from typing import ClassVar

import timm
import torch
from torch import Tensor, nn

from detectors.base import View
from detectors.trained.base import TrainedDetector
from detectors.trained.spectra import colour_spectrum

SIDE, CROP = 256, 224


class Spec(TrainedDetector):
    """A ResNet-34 that judges the spectra of an image's colours, trained here.

    ``python -m bench fit --detector spec`` trains a file. Images are scaled to 256 x 256 px, the aspect not kept, and
    the central 224 x 224 of them transformed; in training it is a random 224 x 224, as published. Pillow scales
    bilinearly, antialiased; the published code does it with OpenCV, without. The published network has two logits,
    which make one here.

    Score:
        Probability of being generated, in [0, 1]; higher means more likely generated.

    Args:
        checkpoint: File of the network, with timm's names.
        trained_on: Generators that it was trained on, joined by ``+``, where the file does not say.
        seed: Nothing is drawn.

    References:
        Zhang, Karaman and Chang, "Detecting and Simulating Artifacts in GAN Fake Images", arXiv 1907.06515;
        ColumbiaDVMM/AutoGAN at 69e691c (``code/GAN_Detection_Train.py``, ``code/cycleGAN_dataset.py``).
    """

    name = "spec"
    paper = "arXiv 1907.06515"
    citations = (
        {
            "key": "zhang2019detecting",
            "author": "Zhang, Xu and Karaman, Svebor and Chang, Shih-Fu",
            "title": "Detecting and Simulating Artifacts in GAN Fake Images",
            "booktitle": "IEEE International Workshop on Information Forensics and Security (WIFS)",
            "year": "2019",
            "eprint": "1907.06515",
        },
    )
    fitted_here = True
    view = View(SIDE, "resize")
    unscaled = True
    unreleased = "No classifier was ever released; its authors give the code, and generators that imitate GANs."
    architecture: ClassVar[Mapping[str, str]] = {"model": "resnet34"}

    def __init__(self, *, checkpoint: str | None = None, trained_on: str | None = None, seed: int = 0) -> None:
        super().__init__(checkpoint=checkpoint, trained_on=trained_on, seed=seed)

    def build(self) -> nn.Module:
        """Builds a ResNet-34 with one logit."""
        network: nn.Module = timm.create_model(self.architecture["model"], pretrained=False, num_classes=1)
        return network

    def prepared(self, images: Tensor) -> Tensor:
        """Takes the spectra of the central 224 x 224, or in training of a random one, blue first."""
        room = [max(length - CROP, 0) for length in images.shape[2:]]
        if self.training:
            starts = [tuple(int(torch.randint(free + 1, ())) for free in room) for _ in images]
        else:
            starts = [(room[0] // 2, room[1] // 2)] * len(images)
        crops = [
            image[:, top : top + CROP, left : left + CROP] for image, (top, left) in zip(images, starts, strict=True)
        ]
        return colour_spectrum(torch.stack(crops).flip(1))
