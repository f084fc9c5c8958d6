"""Distances between an image and its reconstruction.

All map ``(B, 3, H, W)`` and ``(B, 3, H, W)`` in [0, 1] to ``(B,)``, 0 for equal images, and compute in float32.
"""

import importlib.util
from pathlib import Path
from typing import Literal, get_args

import torch
import torchvision  # type: ignore[import-untyped]
from torch import Tensor, nn
from torch.nn import functional as F

from detectors.errors import OptionError, UnknownNameError, WeightsNotFoundError
from detectors.weights import load_strictly, read_weights

DistanceName = Literal["lpips-vgg", "lpips-alex", "lpips-squeeze", "dists", "ms-ssim", "mse", "gradient"]
MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
MS_SSIM_WINDOW = 11
NETS = {
    "vgg": ("vgg16", (3, 8, 15, 22, 29)),
    "alex": ("alexnet", (1, 4, 7, 9, 11)),
    "squeeze": ("squeezenet1_1", (1, 4, 7, 9, 10, 11, 12)),
}
"""Name in torchvision, and the layers whose outputs LPIPS compares."""


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
        # Takes a second to import, and nothing else here needs it.
        from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as ms_ssim

        side = min(images.shape[2:])
        scales = max(1, sum(side > (MS_SSIM_WINDOW - 1) * 2**scale for scale in range(len(MS_SSIM_WEIGHTS))))
        weights = torch.tensor(MS_SSIM_WEIGHTS[:scales])
        betas = tuple((weights / weights.sum()).tolist())
        similarity = ms_ssim(others, images, data_range=1.0, betas=betas, normalize="relu", reduction="none")
        assert isinstance(similarity, Tensor)  # it is a pair only with return_full_image
        return 1 - similarity.reshape(len(images))


class Features(nn.Module):
    """The layers of a torchvision network that LPIPS and DISTS compare.

    Args:
        net: ``vgg``, ``alex`` or ``squeeze``.
        weights: A file of torchvision's weights; by default the one in torch's hub cache, fetched where it is missing.
    """

    def __init__(self, net: str, weights: str | Path | None) -> None:
        super().__init__()
        model, self.taps = NETS[net]
        with torch.device("meta"):  # the classifier, most of the network, costs neither memory nor time
            layers: nn.Sequential = torchvision.models.get_model(model, weights=None).features[: self.taps[-1] + 1]
        layers.to_empty(device="cpu")
        file = Path(weights) if weights else _published_weights(model)
        state = {key.removeprefix("features."): value for key, value in read_weights(file).items()}
        own = layers.state_dict()
        load_strictly(layers, {key: value for key, value in state.items() if key in own}, file)
        self.layers = nn.ModuleList(layers)

    def forward(self, images: Tensor, depth: int) -> list[Tensor]:
        """Returns the outputs of the first ``depth`` compared layers."""
        outputs = []
        for index, layer in enumerate(self.layers[: self.taps[depth - 1] + 1]):
            images = layer(images)
            if index in self.taps:
                outputs.append(images)
        return outputs


class Lpips(nn.Module):
    """LPIPS 0.1 at one layer, as AEROBLADE wants it: the map keeps its own resolution and is averaged.

    Args:
        net: ``vgg``, ``alex`` or ``squeeze``; the linear heads come with torchmetrics.
        layer: 1 is the first; 0 is the sum over all.
        weights: See :class:`Features`.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, net: str, layer: int = 2, weights: str | Path | None = None) -> None:
        super().__init__()
        depth = len(NETS[net][1])
        if not 0 <= layer <= depth:
            raise OptionError(f"layer of lpips-{net} must lie within 0-{depth} (0 is the sum of all), got {layer}.")
        self.chosen = range(depth) if layer == 0 else range(layer - 1, layer)
        self.features = Features(net, weights)
        self.heads = nn.ParameterList(lpips_heads(net))
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor, others: Tensor) -> Tensor:  # noqa: D102 - see the module
        pairs = zip(*(self._unit_features(each) for each in (images, others)), strict=True)
        changes = [(first - second).square() for first, second in pairs]
        maps = [F.conv2d(changes[index], self.heads[index]) for index in self.chosen]
        return torch.stack([one.mean(dim=(1, 2, 3)) for one in maps]).sum(dim=0)

    def _unit_features(self, images: Tensor) -> list[Tensor]:
        outputs = self.features((2 * images - 1 - self.shift) / self.scale, self.chosen[-1] + 1)
        return [output / (output.square().sum(dim=1, keepdim=True) + 1e-8).sqrt() for output in outputs]


def lpips_heads(net: str) -> list[Tensor]:
    """Returns the linear heads of LPIPS 0.1, which come with torchmetrics, each ``(1, C, 1, 1)``."""
    heads = read_weights(_torchmetrics_file("lpips_models", f"{net}.pth"))
    return [heads[f"lin{index}.model.1.weight"] for index in range(len(NETS[net][1]))]


class Dists(nn.Module):
    """DISTS: structure and texture in the features of VGG16, with the published weighting from torchmetrics.

    Args:
        weights: See :class:`Features`.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, weights: str | Path | None = None) -> None:
        from torchmetrics.functional.image.dists import L2pooling

        super().__init__()
        self.features = Features("vgg", weights)
        for pool, channels in ((4, 64), (9, 128), (16, 256), (23, 512)):
            self.features.layers[pool] = L2pooling(channels=channels)
        shares = read_weights(_torchmetrics_file("dists_models", "weights.pt"))
        total = shares["alpha"].sum() + shares["beta"].sum()
        self.alpha, self.beta = nn.Parameter(shares["alpha"] / total), nn.Parameter(shares["beta"] / total)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor, others: Tensor, floor: float = 1e-6) -> Tensor:  # noqa: D102 - see the module
        pairs = zip(*(self._maps(each) for each in (images, others)), strict=True)
        terms = []
        for first, second in pairs:
            means = first.mean(dim=(2, 3)), second.mean(dim=(2, 3))
            product, squares = means[0] * means[1], means[0].square() + means[1].square()
            covariance = (first * second).mean(dim=(2, 3)) - product
            variances = sum(each.var(dim=(2, 3), correction=0) for each in (first, second))
            terms.append(((2 * product + floor) / (squares + floor), (2 * covariance + floor) / (variances + floor)))
        texture, structure = (torch.cat(each, dim=1) for each in zip(*terms, strict=True))
        return 1 - (texture * self.alpha.flatten() + structure * self.beta.flatten()).sum(dim=1)

    def _maps(self, images: Tensor) -> list[Tensor]:
        return [images, *self.features((images - self.mean) / self.std, len(self.features.taps))]


def create_distance(name: str, layer: int = 2, weights: str | Path | None = None) -> nn.Module:
    """Builds a distance by name, in evaluation mode.

    Args:
        name: One of ``DistanceName``.
        layer: Layer of LPIPS; the others have none.
        weights: A file of the network's weights, for LPIPS and DISTS.

    Raises:
        UnknownNameError: No such distance.
        OptionError: No such layer.
        WeightsNotFoundError: The network's weights are neither given, nor cached, nor to be had.
        WeightsError: They do not fit.
    """
    if name not in get_args(DistanceName):
        raise UnknownNameError("distance", name, get_args(DistanceName))
    kind, _, net = name.partition("-")
    if kind == "lpips":
        distance: nn.Module = Lpips(net, layer, weights)
    else:
        distance = Dists(weights) if name == "dists" else {"ms-ssim": MsSsim, "mse": Mse, "gradient": Gradient}[name]()
    return distance.eval().requires_grad_(False)


def _gradients(images: Tensor) -> Tensor:
    """Returns ``(B, 6, H, W)``: differences to the right and the lower neighbour, 0 at the border."""
    right = F.pad(images[..., 1:] - images[..., :-1], (0, 1))
    below = F.pad(images[..., 1:, :] - images[..., :-1, :], (0, 0, 0, 1))
    return torch.cat([right, below], dim=1)


def _torchmetrics_file(*parts: str) -> Path:
    """Finds a small weights file that comes with torchmetrics, without importing it."""
    spec = importlib.util.find_spec("torchmetrics")
    if spec is None or spec.origin is None:
        raise WeightsNotFoundError(f"{parts[-1]} comes with torchmetrics: pip install torchmetrics")
    return Path(spec.origin).parent.joinpath("functional", "image", *parts)


def _published_weights(model: str) -> Path:
    """Finds torchvision's weights in torch's hub cache, or fetches them."""
    url = torchvision.models.get_model_weights(model).IMAGENET1K_V1.url
    file = Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2])
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(file), hash_prefix=file.stem.rpartition("-")[2], progress=False)
        except (OSError, RuntimeError) as error:
            raise WeightsNotFoundError(
                f"The {model} weights of this distance ({file.name}) are not in torch's hub cache, and {url} cannot be "
                f"fetched. Go online once, or give the file with distance_weights=FILE, or take a distance that needs "
                f"none: distance=gradient, mse or ms-ssim."
            ) from error
    return file
