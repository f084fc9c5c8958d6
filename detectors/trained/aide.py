"""AIDE: the noise of the smoothest and of the most detailed patches of an image, and its content.

``score(x) = softmax(M [P c(x), mean over four patches of R(h(p))])[generated]`` with CLIP's features ``c``, ResNets
``R`` and high-pass filters ``h``.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from detectors.backbones.base import CLIP_MEAN, CLIP_STD
from detectors.base import View
from detectors.trained.base import ReleasedFile, TrainedDetector
from detectors.trained.checkpoints import Checkpoint
from detectors.trained.networks.aide import AideNetwork
from detectors.trained.networks.unfilled import unfilled
from detectors.trained.pixels import imagenet_normalised
from detectors.trained.spectra import cosine_matrix

PATCH, STRIDE, BANDS = 32, 16, 6
PATCHES_AT_ONCE = 4096
UNUSED = ("model_min.fc.", "model_max.fc.")
"""Classifiers of ImageNet that a checkpoint holds and that nothing reads."""
SOURCE = "shilinyan99/AIDE@6c303ca, README (Google Drive)"


class Aide(TrainedDetector):
    """Four patches through noise filters and ResNets, and the whole image through OpenCLIP's ConvNeXt-XXL.

    Patches are taken of the pixels as they are: take ``--resize none``. The whole image is scaled to 256 x 256, without
    its aspect and, as with the versions of torchvision that the authors name, without antialiasing.

    The weights take 3.6 GB; loading a checkpoint takes twice as much for a moment. The noise filters are those that the
    checkpoint holds. An image with a side below 32 pixels, on which the published code fails, is continued by its last
    row or column.

    Score:
        Probability of being generated, in [0, 1]; higher means more likely generated.

    Args:
        checkpoint: File of the whole network, CLIP's part included.
        trained_on: Generators that it was trained on, joined by ``+``, where the file is not a known one.
        seed: Nothing is drawn.

    References:
        Yan, Li, Cai, Hao, Jiang, Hu and Xie, "A Sanity Check for AI-generated Image Detection", arXiv 2406.19435;
        shilinyan99/AIDE at cb3b4bc (``models/AIDE.py``, ``data/dct.py``, ``data/datasets.py``). The names of the files
        are those that users have of them; that of the one for both training sets, which the README links, is not known.
    """

    name = "aide"
    paper = "arXiv 2406.19435"
    citations = (
        {
            "key": "yan2025sanity",
            "author": "Yan, Shilin and Li, Ouxiang and Cai, Jiayin and Hao, Yanbin and Jiang, Xiaolong and Hu, Yao and "
            "Xie, Weidi",
            "title": "A Sanity Check for AI-generated Image Detection",
            "booktitle": "International Conference on Learning Representations (ICLR)",
            "year": "2025",
            "eprint": "2406.19435",
        },
    )
    view = View(fit="native")
    unscaled = True
    architecture: ClassVar[Mapping[str, Any]] = {
        "blocks": (3, 4, 6, 3),
        "depths": (3, 4, 30, 3),
        "dims": (384, 768, 1536, 3072),
        "projected": 256,
        "hidden": 1024,
        "side": 256,
    }
    released = (
        ReleasedFile("progan_train.pth", SOURCE, ("progan",), licence="MIT"),
        ReleasedFile("sd14_train.pth", SOURCE, ("sd14",), licence="MIT"),
    )
    weaknesses = (
        "A user who trained it by its scripts on Stable Diffusion 1.4 found 85 % correct on GenImage, below the paper, "
        "with 54 % on BigGAN (shilinyan99/AIDE, issue 24).",
    )
    own_passes = 5

    def __init__(self, *, checkpoint: str | None = None, trained_on: str | None = None, seed: int = 0) -> None:
        super().__init__(checkpoint=checkpoint, trained_on=trained_on, seed=seed)

    def adapt(self, checkpoint: Checkpoint) -> Mapping[str, Tensor]:
        """Leaves out what nothing reads."""
        return {name: value for name, value in checkpoint.state.items() if not name.startswith(UNUSED)}

    def build(self) -> nn.Module:
        """Builds the network."""
        sizes = dict(self.architecture)
        self.side = int(sizes.pop("side"))
        return unfilled(lambda: AideNetwork(**sizes))

    def logits(self, images: Tensor | Sequence[Tensor]) -> Tensor:
        """Judges images of any sizes at once; see :meth:`TrainedDetector.logits`."""
        return super().logits(torch.stack([self.five_of(image) for image in images]))

    def prepared(self, images: Tensor) -> Tensor:
        """Leaves inputs as :meth:`five_of` made them."""
        return images

    def five_of(self, image: Tensor) -> Tensor:
        """Makes the network's input of an image.

        Args:
            image: ``(3, H, W)`` in [0, 1].

        Returns:
            ``(5, 3, 256, 256)``: four patches, normalised as for ImageNet, and the image, normalised as for CLIP.
        """
        patches, whole = (
            F.interpolate(pixels, size=(self.side, self.side), mode="bilinear", align_corners=False)
            for pixels in (extreme_patches(image), image[None])
        )
        mean, std = (torch.tensor(values, device=image.device).reshape(3, 1, 1) for values in (CLIP_MEAN, CLIP_STD))
        return torch.cat([imagenet_normalised(patches), (whole - mean) / std])


def extreme_patches(image: Tensor) -> Tensor:
    """Takes the two patches with the least and the two with the most details.

    The published code also takes patches to their cosine transform and back, which leaves them as they are.

    Args:
        image: ``(3, H, W)`` in [0, 1].

    Returns:
        ``(4, 3, 32, 32)``: the least, the most, the second least, the second most. Where there is one patch alone, it
        is all four.
    """
    missing = [max(0, PATCH - length) for length in image.shape[1:]]
    image = F.pad(image[None], (0, missing[1], 0, missing[0]), mode="replicate")[0]
    patches = image.unfold(1, PATCH, STRIDE).unfold(2, PATCH, STRIDE).flatten(1, 2).movedim(0, 1)
    order = torch.cat([detail(some) for some in torch.split(patches, PATCHES_AT_ONCE)]).argsort(stable=True)
    second = min(1, len(order) - 1)
    return patches[order[[0, -1, second, -1 - second]]]


def detail(patches: Tensor) -> Tensor:
    """Grades patches by the logarithms of their cosine transforms.

    A band holds the coefficients whose row and column add up to a sixth of 64; those at its ends are in both bands. Its
    mean counts double that of the next lower one.

    Args:
        patches: ``(N, 3, 32, 32)``.

    Returns:
        ``(N,)``, in double precision: it decides between patches.
    """
    cosines = cosine_matrix(PATCH, torch.float64).to(patches.device)
    places = torch.arange(PATCH, device=patches.device)
    frequency = places + places[:, None]
    bands = [(frequency >= 64 / BANDS * band) & (frequency <= 64 / BANDS * (band + 1)) for band in range(BANDS)]
    weights = torch.stack([2**band * inside.double() / inside.sum() for band, inside in enumerate(bands)]).sum(dim=0)
    coefficients = cosines @ patches.double() @ cosines.T
    grades: Tensor = (coefficients.abs().log1p() * weights).sum(dim=(1, 2, 3))
    return grades
