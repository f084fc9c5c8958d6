"""Autoencoders that reconstruct an image, and where their weights come from."""

import importlib.util
import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import HfHubHTTPError
from safetensors import SafetensorError
from torch import Tensor, nn

from detectors.autoencoder_names import EMBEDDED, HUB_ADDRESS, PUBLISHED
from detectors.errors import OptionError, UnknownNameError, WeightsError, WeightsNotFoundError
from detectors.weights import load_strictly, read_weights

GROUPS = {"embedded": EMBEDDED, "published": tuple(PUBLISHED)}
CONFIG, WEIGHTS = "config.json", "diffusion_pytorch_model.safetensors"
logger = logging.getLogger(__name__)


class Autoencoder(nn.Module, ABC):
    """Maps an image to latents and back."""

    multiple: int = 8
    sampling: bool = False

    @abstractmethod
    def encode(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Returns the mean and, where the latents are a distribution, the standard deviation."""

    @abstractmethod
    def decode(self, latents: Tensor) -> Tensor:
        """Returns images, not yet clamped to [0, 1]."""

    def reconstruct(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Reconstructs images.

        Args:
            images: ``(B, 3, H, W)`` in [0, 1], sides divisible by :attr:`multiple`.
            generator: Draws the latents from their distribution, on the CPU; without it their mean is taken.

        Returns:
            ``(B, 3, H, W)``, a little beyond [0, 1] here and there.
        """
        latents, deviation = self.encode(images)
        if generator is not None and deviation is not None:
            latents = latents + deviation * torch.randn(latents.shape, generator=generator).to(latents.device)
        return self.decode(latents)

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Reconstructs images as :meth:`reconstruct` does, clamped to [0, 1]."""
        return self.reconstruct(images, generator).clamp(0, 1)


class EmbeddedAutoencoder(Autoencoder):
    """The small network that made the demo's own "autoencoder" images; it knows no other generator.

    Its definition repeats the one beside its weights, since detectors import nothing of the datasets; a test holds
    the two together.
    """

    def __init__(self) -> None:
        super().__init__()
        act = nn.LeakyReLU(0.1)
        stem, down = (nn.PixelUnshuffle(2), _conv(12, 32), act), (nn.Conv2d(32, 48, 4, 2, 1), act)
        self.encoder = nn.Sequential(*stem, *down, nn.Conv2d(48, 64, 4, 2, 1), _Residual(64), nn.Conv2d(64, 12, 1))
        up = (nn.ConvTranspose2d(64, 48, 4, 2, 1), _Residual(48), act, nn.ConvTranspose2d(48, 32, 4, 2, 1), act)
        self.decoder = nn.Sequential(_conv(12, 64), _Residual(64), *up, _conv(32, 12), nn.PixelShuffle(2))

    def encode(self, images: Tensor) -> tuple[Tensor, None]:  # noqa: D102 - see Autoencoder
        latents: Tensor = self.encoder(images - 0.5)
        return latents, None

    def decode(self, latents: Tensor) -> Tensor:  # noqa: D102 - see Autoencoder
        images: Tensor = self.decoder(latents)
        return images + 0.5


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        act = nn.LeakyReLU(0.1)
        self.layers = nn.Sequential(act, _conv(channels, channels), act, _conv(channels, channels))

    def forward(self, features: Tensor) -> Tensor:
        change: Tensor = self.layers(features)
        return features + change


def _conv(channels: int, out: int) -> nn.Conv2d:
    return nn.Conv2d(channels, out, 3, padding=1)


class DiffusersAutoencoder(Autoencoder):
    """A first stage of a latent diffusion model in diffusers' implementation: ``AutoencoderKL`` or ``VQModel``.

    Args:
        network: The model. The codes of a ``VQModel`` (MoVQ) are not quantised, as in the published code.
    """

    def __init__(self, network: Any) -> None:  # noqa: ANN401 - diffusers is optional
        super().__init__()
        self.network = network
        self.sampling = hasattr(network.config, "scaling_factor") and not hasattr(network, "quantize")
        self.multiple = max(8, 2 ** (len(network.config.block_out_channels) - 1))

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor | None]:  # noqa: D102 - see Autoencoder
        encoded = self.network.encode(2 * images - 1)
        if not self.sampling:
            return encoded.latents, None
        return encoded.latent_dist.mean, encoded.latent_dist.std

    def decode(self, latents: Tensor) -> Tensor:  # noqa: D102 - see Autoencoder
        how = {} if self.sampling else {"force_not_quantize": True}
        decoded: Tensor = self.network.decode(latents, **how).sample
        return decoded / 2 + 0.5


def autoencoder_names(text: str) -> tuple[str, ...]:
    """Reads names separated by commas, where ``embedded`` and ``published`` stand for all of a kind.

    Examples:
        >>> autoencoder_names("embedded,sd1")
        ('embedded-a', 'embedded-b', 'sd1')
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    return tuple(dict.fromkeys(one for name in names for one in GROUPS.get(name, (name,))))


def load_autoencoder(name: str) -> Autoencoder:
    """Builds an autoencoder with its weights.

    Args:
        name: ``embedded-a``, ``embedded-b``, a key of ``PUBLISHED``, a local folder in diffusers' layout (or that of
            a whole pipeline), or a hub repository ``owner/name`` with the folder in it, ``owner/name/vae``.

    Raises:
        UnknownNameError: It is none of these.
        OptionError: diffusers is not installed.
        WeightsNotFoundError: The weights are neither here nor to be had from the hub.
        WeightsError: They do not fit the network.
    """
    if name in EMBEDDED:
        return _load_embedded(name)
    if Path(name).is_dir():
        folder = next((part for part in (Path(name, "vae"), Path(name, "movq")) if part.is_dir()), Path(name))
    elif name not in PUBLISHED and not HUB_ADDRESS.fullmatch(name):
        raise UnknownNameError("autoencoder", name, (*GROUPS, *EMBEDDED, *PUBLISHED, "FOLDER", "owner/name/vae"))
    else:
        folder = _fetch(name, PUBLISHED.get(name, name))
    network = load_diffusers(folder, ("AutoencoderKL", "VQModel"), f"autoencoder={name}")
    return DiffusersAutoencoder(network).eval().requires_grad_(False)


def _load_embedded(name: str) -> Autoencoder:
    spec = importlib.util.find_spec("datamodules")
    home = next(iter(spec.submodule_search_locations or ()), None) if spec else None
    if home is None:
        raise WeightsNotFoundError(f"The autoencoder {name} comes with the demo data set, which is not installed.")
    file = Path(home, "demo_images", "weights", f"autoencoder-{name[-1]}.safetensors")
    network = EmbeddedAutoencoder()
    load_strictly(network, read_weights(file), file)
    return network.eval().requires_grad_(False)


def _fetch(name: str, address: str) -> Path:
    """Finds or fetches the two files of ``owner/name/folder`` and returns the folder that holds them."""
    owner, repository, *folder = address.split("/")
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its retries would print a dozen lines

    def both(local: bool) -> Path:
        config, _ = (
            hf_hub_download(f"{owner}/{repository}", "/".join([*folder, file]), local_files_only=local)
            for file in (CONFIG, WEIGHTS)
        )
        return Path(config).parent

    try:
        return both(local=True)
    except FileNotFoundError:
        logger.warning("Fetching the autoencoder %s from the hub (up to half a minute if offline).", address)
    try:
        return both(local=False)
    except (OSError, HfHubHTTPError) as error:
        raise WeightsNotFoundError(
            f"The autoencoder {name} is no folder here, and {address} on the Hugging Face hub ({CONFIG}, {WEIGHTS}) is "
            f"neither cached nor reachable. Go online once, or give a folder with autoencoder=FOLDER, or take the "
            f"demo's own with autoencoder=embedded."
        ) from error


def load_diffusers(folder: Path, kinds: Sequence[str], asked: str) -> Any:  # noqa: ANN401 - diffusers is optional
    """Loads a network that diffusers saved.

    Args:
        folder: Holds its description and its weights.
        kinds: Names of the classes that it may be of.
        asked: The option that asks for it.

    Raises:
        OptionError: diffusers is not installed.
        WeightsNotFoundError: A file is missing.
        WeightsError: It is of another class, or the weights do not fit.
    """
    try:
        import diffusers
    except ImportError as error:
        raise OptionError(f"{asked} needs diffusers: pip install 'fauxbench[aeroblade]'") from error
    for file in (CONFIG, WEIGHTS):
        if not (folder / file).is_file():
            raise WeightsNotFoundError(f"There is no {file} in {folder}: give a folder as diffusers saves it.")
    try:
        kind = json.loads((folder / CONFIG).read_text(encoding="utf-8")).get("_class_name")
    except (ValueError, AttributeError) as error:
        raise WeightsError(f"{folder / CONFIG} is not a description that diffusers saved: {error}") from error
    if kind not in kinds:
        raise WeightsError(f"{folder / CONFIG} describes a {kind}; expected {' or '.join(kinds)}.")
    options: dict[str, Any] = {"use_safetensors": True, "torch_dtype": torch.float32, "low_cpu_mem_usage": False}
    try:
        network, loading = getattr(diffusers, kind).from_pretrained(folder, output_loading_info=True, **options)
    except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        raise WeightsError(f"diffusers cannot load the {kind} in {folder}: {error}") from error
    wrong = [*loading["missing_keys"], *loading["unexpected_keys"]]
    if wrong:
        raise WeightsError(f"{folder / WEIGHTS} does not fit the {kind}: {len(wrong)} tensors (such as {wrong[0]}).")
    return network.eval().requires_grad_(False)
