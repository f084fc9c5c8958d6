"""GANDetection: five networks, each trained otherwise, look at many patches of an image, and one patch can decide.

``score(x) = sigmoid(mean_n s_n(x))``, where over all patches ``s_n`` is the highest logit for generated if network
``n`` calls any patch generated, else minus the highest logit for real.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from detectors.base import View
from detectors.errors import OptionError, WeightsNotFoundError, check_count
from detectors.randomness import seeded_generator
from detectors.trained.base import ReleasedFile, TrainedDetector
from detectors.trained.checkpoints import Checkpoint
from detectors.trained.networks.efficientnet import efficientnet, renamed
from detectors.trained.pixels import imagenet_normalised
from detectors.weights import check_fit, read_weights

FILES = tuple(f"method_{letter}.pth" for letter in "ABCDE")
LATTICE = 8
"""Side of JPEG's blocks, to which the patches of all networks but the first are aligned."""
TOGETHER = 32
"""Patches that go through a network at once."""


class GanDetection(TrainedDetector):
    """Orthogonal training of five EfficientNet-B4.

    The first network sees random patches of 128 x 128 pixels, the others a grid of them whose strides are multiples of
    8 pixels, so that they lie as JPEG's blocks do (take ``--resize none``). The published strides come to 0 below 148
    pixels of height or 138 of width, which stops the published code; here they are 8 there. An image below 128 pixels
    has no patch and no score, and stops the run. The published code refuses grey images and palettes, too; here they
    are colour images like any other. With 200 patches an image costs 800 to 1,100 passes.

    Which generators the released networks were trained on could not be read; StyleGAN3 is not among them. With
    ``efficientnet_pytorch`` 0.7 or later in place of the 0.6.3 that its environment names, one layer pads patches
    otherwise, and the logits are others.

    Score:
        The published score, whose decision is at 0, through a sigmoid, in [0, 1]; higher means more likely generated.
        The decision is at 0.5.

    Args:
        checkpoint: The folder of the five files ``method_A.pth`` to ``method_E.pth``, or one of them.
        patches: Patches for each network, 200 as published: so many random ones, and a grid of about as many, twice as
            many rows as columns.
        trained_on: Generators that they were trained on, joined by ``+``.
        seed: Seed of the random patches, which also depend on the image's key.

    References:
        Mandelli, Bonettini, Bestagini and Tubaro, "Detecting GAN-generated Images by Orthogonal Training of Multiple
        CNNs", arXiv 2203.02246; polimi-ispl/GAN-image-detection at 5105c39, ``gan_vs_real_detector.py``, with
        ``efficientnet_pytorch`` 0.6.3 and the networks of its copy in jonasricker/diffusion-model-deepfake-detection at
        3870bd2.
    """

    name = "gandetection"
    paper = "arXiv 2203.02246"
    citations = (
        {
            "key": "mandelli2022detecting",
            "author": r"Mandelli, Sara and Bonettini, Nicol{\`o} and Bestagini, Paolo and Tubaro, Stefano",
            "title": "Detecting GAN-generated Images by Orthogonal Training of Multiple CNNs",
            "booktitle": "IEEE International Conference on Image Processing (ICIP)",
            "pages": "3091--3095",
            "doi": "10.1109/ICIP46576.2022.9897310",
            "year": "2022",
            "eprint": "2203.02246",
        },
    )
    view = View(fit="native")
    unscaled = True
    own_passes = 1000
    needs = f"It is one of five files, {', '.join(FILES)}, which lie in one folder."
    architecture: ClassVar[Mapping[str, Any]] = {"width": 1.4, "depth": 1.8, "side": 128}
    released = tuple(
        ReleasedFile(name, "polimi-ispl/GAN-image-detection@b373e2f, README (Dropbox, weigths.zip)", ())
        for name in FILES[:1]
    )
    weaknesses = (
        "Detectors of GANs, this one among those that were tested, do not reliably tell real images from those of "
        "diffusion models (arXiv 2210.14571, abstract; jonasricker/diffusion-model-deepfake-detection, README).",
    )

    def __init__(
        self,
        *,
        checkpoint: str | None = None,
        patches: int = 200,
        trained_on: str | None = None,
        seed: int = 0,
    ) -> None:
        check_count("patches", patches)
        first = None if checkpoint is None else str(_first_file(Path(checkpoint)))
        super().__init__(checkpoint=first, trained_on=trained_on, seed=seed)
        self.patches, self.side = patches, self.architecture["side"]

    def build(self) -> nn.Module:
        """Builds five networks with two logits."""
        return nn.ModuleDict({Path(file).stem: self._network() for file in FILES})

    def adapt(self, checkpoint: Checkpoint) -> Mapping[str, Tensor]:
        """Reads the other files, too, and gives all tensors timm's names, behind the name of their network."""
        with torch.device("meta"):
            network = self._network()
        state: dict[str, Tensor] = {}
        for name in FILES:
            file = checkpoint.file.with_name(name)
            tensors = checkpoint.state if file == checkpoint.file else read_weights(file)
            tensors = {key.removeprefix("efficientnet."): tensor for key, tensor in tensors.items()}
            tensors = renamed(tensors, self.architecture["depth"])
            check_fit(network, tensors, file)
            state |= {f"{file.stem}.{key}": tensor for key, tensor in tensors.items()}
        return state

    def objective(self, images: Tensor | Sequence[Tensor], keys: Tensor) -> Tensor:
        """Computes the published scores of images of any sizes, one by one.

        Args:
            images: ``(B, 3, H, W)``, or ``B`` times ``(3, H, W)``, in [0, 1].
            keys: ``(B,)`` integers that identify the images' bytes.

        Returns:
            ``(B,)``; above 0 means generated.

        Raises:
            OptionError: An image is smaller than a patch.
        """
        return self.logits(list(zip(images, keys.tolist(), strict=True)))

    def logits(self, images: Sequence[tuple[Tensor, int]]) -> Tensor:
        """Computes the published scores, ``(B,)``, of images ``(3, H, W)`` with their keys; above 0 means generated."""
        return torch.stack([self._mean_judgement(image, key) for image, key in images])

    def _mean_judgement(self, image: Tensor, key: int) -> Tensor:
        side = self.side
        height, width = image.shape[1:]
        if min(height, width) < side:
            raise OptionError(
                f"{self.name} looks at patches of {side} x {side} pixels, and an image of {width} x {height} has none: "
                f"leave it out, or give --resize {side} or more."
            )
        pixels = imagenet_normalised(image)
        corners = random_corners(height - side, width - side, self.patches, seeded_generator(self.name, self.seed, key))
        grid = grid_corners(height - side, width - side, self.patches)
        networks = self.network.children()
        return torch.stack(
            [self._judge(network, pixels, grid if at else corners) for at, network in enumerate(networks)]
        ).mean()

    def _judge(self, network: nn.Module, pixels: Tensor, corners: Sequence[tuple[int, int]]) -> Tensor:
        side = self.side
        patches = torch.stack([pixels[:, top : top + side, left : left + side] for top, left in corners])
        return judgement(torch.cat([network(some) for some in torch.split(patches, TOGETHER)]))

    def _network(self) -> nn.Module:
        return efficientnet(self.architecture["width"], self.architecture["depth"])

    @property
    def passes(self) -> int:
        """Of five networks, for the default budget."""
        return len(FILES) * self.patches


def judgement(logits: Tensor) -> Tensor:
    """Makes one score of the logits of an image's patches.

    Args:
        logits: ``(P, 2)``, of real and of generated.

    Returns:
        A scalar; above 0 it need not be where a patch is called generated: both of its logits may be negative.

    Examples:
        >>> judgement(torch.tensor([[2.0, -1.0], [0.5, 1.5]])), judgement(torch.tensor([[2.0, -1.0], [0.5, 0.0]]))
        (tensor(1.5000), tensor(-2.))
    """
    real, generated = logits.unbind(1)
    return generated.amax() if bool((generated > real).any()) else -real.amax()


def random_corners(height: int, width: int, count: int, generator: torch.Generator) -> list[tuple[int, int]]:
    """Draws corners as albumentations 0.5.2 spreads them, which leaves the last row and column out.

    Args:
        height: Rows that a patch can be moved down.
        width: Columns that it can be moved to the right.
        count: Number of patches.
        generator: Of the draws.
    """
    shares = torch.rand(count, 2, dtype=torch.float64, generator=generator)
    rows, columns = (shares * torch.tensor([height, width])).long().unbind(1)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def grid_corners(height: int, width: int, count: int) -> list[tuple[int, int]]:
    """Lays a grid on the lattice of 8 x 8 pixels, as published for 200 patches.

    Args:
        height: Rows that a patch can be moved down.
        width: Columns that it can be moved to the right.
        count: Patches to come near to; there are more or less, as strides are rounded up to the lattice.

    Examples:
        >>> len(grid_corners(512 - 128, 512 - 128, 200)), grid_corners(16, 10, 200)
        (170, [(0, 0), (0, 8), (8, 0), (8, 8), (16, 0), (16, 8)])
    """
    down, across = (max(1, round((count * ratio) ** 0.5)) for ratio in (2, 0.5))
    rows, columns = (
        range(0, length + 1, _stride(length // parts)) for length, parts in ((height, down), (width, across))
    )
    return [(top, left) for top in rows for left in columns]


def _stride(pixels: int) -> int:
    """Rounds up to the lattice; never 0, at which the published code stops."""
    return max(LATTICE, -(-pixels // LATTICE) * LATTICE)


def _first_file(place: Path) -> Path:
    """Finds the first of the five files.

    Raises:
        WeightsNotFoundError: Others are missing, or the one that was given is none of them.
    """
    if not place.exists():
        return place  # the reader of checkpoints says so
    folder = place if place.is_dir() else place.parent
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise WeightsNotFoundError(
            f"{GanDetection.name} needs {len(FILES)} files, and {folder} lacks {', '.join(missing)}."
        )
    if place.is_file() and place.name not in FILES:
        raise WeightsNotFoundError(f"{place} is none of {', '.join(FILES)}: give their folder, or one of them.")
    return folder / FILES[0]
