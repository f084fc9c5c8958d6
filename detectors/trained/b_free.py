"""B-Free: a transformer trained on pictures that a diffusion model made anew, which differ in nothing but its traces.

``score(x) = sigmoid(mean_c logit(c))`` over the centre and the four corners ``c`` of the image.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import timm
import torch
from torch import Tensor, nn

from detectors.base import View
from detectors.reconstruction import extend
from detectors.trained.base import ReleasedFile, TrainedDetector
from detectors.trained.networks.five_crops import FiveCropEmbed

MODEL, PATCH = "vit_base_patch14_reg4_dinov2", 14


class BFree(TrainedDetector):
    """DINOv2 ViT-B/14 with registers, trained on its own remakings of photographs.

    An image of any size is taken as it is, so ``--resize none`` is the published preprocessing. Its patches of 14 px
    are embedded all at once (what is left over at the right and the bottom is not seen); five windows of 504 px, at the
    centre and the corners, are cut out of them, and their logits averaged. Where a side is shorter than 504 px the
    patches are repeated, as published. An image with a side below 14 px, where the published code fails, is continued
    by its last row or column.

    Score:
        Probability of being generated, in [0, 1]; higher means more likely generated. The published score is the logit.

    Args:
        checkpoint: File of the network with timm's names, under ``model`` as released.
        trained_on: Generators that it was trained on, joined by ``+``, where the file is not the released one.
        seed: Nothing is drawn.

    References:
        Guillaro et al., "A Bias-Free Training Paradigm for More General AI-generated Image Detection",
        arXiv 2412.17671. The released code, grip-unina/B-Free@c6a9f89, was read in its copy
        sunqi123-hub/B-Free@4c92151, code/networks/wrapper5crops.py; size, checksum and names of the released file are
        those that another project recorded.
    """

    name = "b-free"
    paper = "arXiv 2412.17671"
    citations = (
        {
            "key": "guillaro2025biasfree",
            "author": "Guillaro, Fabrizio and Zingarini, Giada and Usman, Ben and Sud, Avneesh and Cozzolino, Davide "
            "and Verdoliva, Luisa",
            "title": "A Bias-Free Training Paradigm for More General AI-generated Image Detection",
            "booktitle": "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)",
            "year": "2025",
            "eprint": "2412.17671",
        },
    )
    view = View(fit="native")
    unscaled = True
    own_passes = 5
    released = (
        ReleasedFile(
            "model_epoch_best.pth",
            "grip-unina/B-Free, www.grip.unina.it/download/prog/B-Free/weights/BFREE_dino2reg4.zip",
            ("sd21",),
            346_171_370,
            "5948ca78f4d94e820c250d24cdf155035b4a85960443800bfe6bb7f06bffe947",
            "nonprofit purposes alone (GRIP-UNINA)",
        ),
    )
    architecture: ClassVar[Mapping[str, Any]] = {"img_size": 504, "depth": 12, "embed_dim": 768, "num_heads": 12}
    weaknesses = (
        "Of an image with one side under 504 px only the first 504 px of the other are seen (the released code, in "
        "sunqi123-hub/B-Free@4c92151).",
        "It was trained on photographs of COCO and remakings by Stable Diffusion 2.1 alone (the training data's README "
        "in sunqi123-hub/B-Free@28cba6d).",
    )

    def build(self) -> nn.Module:
        """Builds timm's transformer, whose patch embedding gives five windows an image."""
        network: nn.Module = timm.create_model(MODEL, num_classes=1, embed_layer=FiveCropEmbed, **self.architecture)
        return network

    def logits(self, images: Tensor | Sequence[Tensor]) -> Tensor:
        """Judges images one by one: their five windows are a batch already."""
        return torch.cat([self.network(self.prepared(image[None])).mean(dim=0) for image in images])

    def prepared(self, images: Tensor) -> Tensor:
        """Normalises images as for ImageNet, of which the smallest are extended to a patch."""
        return super().prepared(extend(images, PATCH, 1))
