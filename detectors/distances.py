"""Distances between an image and its reconstruction, each the mean of a map over the pixels.

All map ``(B, 3, H, W)`` and ``(B, 3, H, W)`` in [0, 1] to ``(B,)``, 0 for equal images, and compute in float32.
"""

import importlib.util
from pathlib import Path
from typing import Literal, get_args
from urllib.error import URLError

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as ms_ssim

from detectors.errors import OptionError, UnknownNameError, WeightsNotFoundError
from detectors.weights import load_strictly, read_weights

DistanceName = Literal["lpips-vgg", "lpips-alex", "lpips-squeeze", "dists", "ms-ssim", "mse", "gradient"]
MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
MS_SSIM_WINDOW = 11


class Mse(nn.Module):
    """Mean squared difference of the pixels."""

    def forward(self, images: Tensor, others: Tensor) -> Tensor:  # noqa: D102 - see the module
        return (images - others).square().mean(dim=(1, 2, 3))


class Gradient(nn.Module):
    """Relative difference of the gradients, ``|dx - dy|^2 / (|dx|^2 + |dy|^2 + c)`` at each pixel.

    It weighs a smooth region as much as a textured one, where the squared difference sees the texture alone.

    Args:
        floor: The constant ``c``: squared gradients far below it count for nothing.
    """

    def __init__(self, floor: float = 1e-4) -> None:
        super().__init__()
        self.floor = floor

    def forward(self, images: Tensor, others: Tensor) -> Tensor:  # noqa: D102 - see the module
        first, second = _gradients(images), _gradients(others)
        scale = first.square().sum(dim=1) + second.square().sum(dim=1) + self.floor
        return ((first - second).square().sum(dim=1) / scale).mean(dim=(1, 2))


class MsSsim(nn.Module):
    """One minus the multi-scale structural similarity, over as many of the five scales as the image allows."""

    def forward(self, images: Tensor, others: Tensor) -> Tensor:  # noqa: D102 - see the module
        side = min(images.shape[2:])
        scales = max(1, sum(side > (MS_SSIM_WINDOW - 1) * 2**scale for scale in range(len(MS_SSIM_WEIGHTS))))
        weights = torch.tensor(MS_SSIM_WEIGHTS[:scales])
        betas = tuple((weights / weights.sum()).tolist())
        similarity = ms_ssim(others, images, data_range=1.0, betas=betas, normalize="relu", reduction="none")
        assert isinstance(similarity, Tensor)  # it is a pair only with return_full_image
        return 1 - similarity.reshape(len(images))


class Features(nn.Module):
    """The layers of a torchvision network that LPIPS and DISTS compare, normalised as they want it.

    Args:
        net: ``vgg``, ``alex`` or ``squeeze``.
        weights: A file of torchvision's weights; by default the one in torch's hub cache, fetched where it is missing.
    """

    MODELS = {"vgg": "vgg16", "alex": "alexnet", "squeeze": "squeezenet1_1"}
    TAPS = {"vgg": (3, 8, 15, 22, 29), "alex": (1, 4, 7, 9, 11), "squeeze": (1, 4, 7, 9, 10, 11, 12)}

    def __init__(self, net: str, weights: str | Path | None) -> None:
        super().__init__()
        self.taps = self.TAPS[net]
        with torch.device("meta"):  # the classifier, most of the network, costs neither memory nor time
            layers = torchvision.models.get_model(self.MODELS[net], weights=None).features[: self.taps[-1] + 1]
        self.layers = layers.to_empty(device="cpu")
        file = Path(weights) if weights else _published_weights(self.MODELS[net])
        state = {key: value for key, value in read_weights(file).items() if key.startswith("features.")}
        state = {key.removeprefix("features."): value for key, value in state.items()}
        own = self.layers.state_dict()
        load_strictly(self.layers, {key: value for key, value in state.items() if key in own}, file)
        for layer in self.layers:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor, depth: int) -> list[Tensor]:
        """Returns the outputs of the first ``depth`` tapped layers."""
        outputs = []
        for index, layer in enumerate(self.layers[: self.taps[depth - 1] + 1]):
            images = layer(images)
            if index in self.taps:
                outputs.append(images)
        return outputs
