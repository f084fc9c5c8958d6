"""A text-to-image model of Stable Diffusion's kind and a CLIP, in the layout of diffusers and transformers."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError
from torch import Tensor, nn

from detectors.autoencoders import CONFIG, WEIGHTS, load_diffusers
from detectors.errors import OptionError, WeightsError, WeightsNotFoundError
from detectors.hub import HUB_FILES

TOKENIZER = ("tokenizer/vocab.json", "tokenizer/merges.txt")
SCHEDULER = "scheduler/scheduler_config.json"
PREPROCESSOR = "preprocessor_config.json"
DIFFUSION_FILES = (
    *(f"{part}/{file}" for part in ("unet", "vae") for file in (CONFIG, WEIGHTS)),
    *(f"text_encoder/{file}" for file in (CONFIG, *HUB_FILES)),
    *TOKENIZER,
    SCHEDULER,
)
"""What is read of a pipeline's folder."""
CLIP_FILES = (CONFIG, *HUB_FILES, PREPROCESSOR)
TOKENS = 77
"""Length of a caption, as CLIP's text encoders want it; longer ones are cut off."""
logger = logging.getLogger(__name__)


class LatentDiffusion(nn.Module):
    """The parts of a latent diffusion model.

    Args:
        model: A folder as diffusers saves a pipeline, or a hub repository ``owner/name``.

    Raises:
        OptionError: diffusers is not installed.
        WeightsNotFoundError: A file is neither there nor to be had.
        WeightsError: A file does not fit.
    """

    def __init__(self, model: str) -> None:
        super().__init__()
        try:
            from diffusers import DDPMScheduler
        except ImportError as error:
            raise OptionError(f"model={model} needs diffusers: pip install 'fauxbench[aeroblade]'") from error
        from transformers import CLIPTextModel, CLIPTokenizer

        folder = find_folder(model, "model", DIFFUSION_FILES)
        self.unet = load_diffusers(folder / "unet", ("UNet2DConditionModel",), f"model={model}")
        self.vae = load_diffusers(folder / "vae", ("AutoencoderKL",), f"model={model}")
        self.text_encoder = _load_transformers(CLIPTextModel, folder / "text_encoder")
        self.tokenizer = _loaded(CLIPTokenizer.from_pretrained, folder / "tokenizer")
        self.scheduler = _loaded(DDPMScheduler.from_pretrained, folder / "scheduler")
        self.files_sha256 = _files_sha256(folder / file for file in (*TOKENIZER, SCHEDULER))

    @property
    def steps(self) -> int:
        """Number of time steps that the model was trained on."""
        return int(self.scheduler.config.num_train_timesteps)

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Computes latents, scaled as the U-Net wants them.

        Args:
            images: ``(B, 3, H, W)`` in [0, 1].

        Returns:
            Their mean and their standard deviation, ``(B, C, h, w)`` both.
        """
        latents = self.vae.encode(2 * images - 1).latent_dist
        scale = self.vae.config.scaling_factor
        return latents.mean * scale, latents.std * scale

    def decode(self, latents: Tensor) -> Tensor:
        """Decodes latents that are not scaled.

        Args:
            latents: ``(B, C, h, w)``.

        Returns:
            ``(B, 3, H, W)``, about [-1, 1].
        """
        images: Tensor = self.vae.decode(latents).sample
        return images

    def predict_noise(self, latents: Tensor, noise: Tensor, step: int, caption: str) -> Tensor:
        """Adds noise to latents, and has the U-Net say which.

        Args:
            latents: ``(B, C, h, w)``, scaled.
            noise: As many.
            step: How far the noise has come, of :attr:`steps`.
            caption: Text that describes the image.

        Returns:
            ``(B, C, h, w)``.
        """
        times = torch.full((len(latents),), step, dtype=torch.long, device=latents.device)
        noisy = self.scheduler.add_noise(latents, noise, times)
        options = {"padding": "max_length", "max_length": TOKENS, "truncation": True, "return_tensors": "pt"}
        tokens = self.tokenizer([caption], **options).input_ids.to(latents.device)
        text = self.text_encoder(tokens).last_hidden_state.expand(len(latents), -1, -1)
        predicted: Tensor = self.unet(noisy, times, encoder_hidden_states=text).sample
        return predicted


class ClipImages(nn.Module):
    """CLIP's image features, from 8 bits and with the preprocessing that lies beside its weights.

    Args:
        model: A folder as transformers saves a CLIP, or a hub repository ``owner/name``.

    Raises:
        WeightsNotFoundError: A file is neither there nor to be had.
        WeightsError: A file does not fit.
    """

    def __init__(self, model: str) -> None:
        super().__init__()
        from transformers import CLIPImageProcessor, CLIPModel

        folder = find_folder(model, "clip_model", CLIP_FILES)
        clip = _load_transformers(CLIPModel, folder)
        self.vision, self.projection = clip.vision_model, clip.visual_projection
        self.processor = _loaded(CLIPImageProcessor.from_pretrained, folder)
        self.files_sha256 = _files_sha256([folder / PREPROCESSOR])

    def forward(self, levels: Tensor) -> Tensor:
        """Computes features.

        Args:
            levels: ``(B, 3, H, W)`` uint8.

        Returns:
            ``(B, D)`` features, not normalised, float32.
        """
        pictures = list(levels.cpu())  # the same pixels on every device
        pixels = self.processor(pictures, return_tensors="pt", input_data_format="channels_first").pixel_values
        features: Tensor = self.projection(self.vision(pixel_values=pixels.to(levels.device)).pooler_output)
        return features.float()


def find_folder(model: str, option: str, files: Iterable[str]) -> Path:
    """Finds a folder here or in the hub's cache, or fetches it.

    Args:
        model: A folder, or a hub repository ``owner/name``.
        option: The option that names it.
        files: What must lie in it.

    Raises:
        WeightsNotFoundError: There is neither, or a file is missing.
    """
    files = tuple(files)
    folder = Path(model) if Path(model).is_dir() else _fetch(model, option, files)
    missing = [file for file in files if not (folder / file).is_file()]
    if missing:
        raise WeightsNotFoundError(
            f"There is no {missing[0]} in {folder}: {option} must be a folder as diffusers or transformers saves it."
        )
    return folder


def _fetch(model: str, option: str, files: tuple[str, ...]) -> Path:
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its retries would print a dozen lines
    try:
        folder = Path(snapshot_download(model, allow_patterns=list(files), local_files_only=True))
        if all((folder / file).is_file() for file in files):
            return folder
    except (OSError, ValueError):
        pass  # not in the cache: the hub is asked next
    logger.warning("Fetching %s from the Hugging Face hub (up to half a minute if offline).", model)
    try:
        return Path(snapshot_download(model, allow_patterns=list(files)))
    except (OSError, ValueError, HfHubHTTPError) as error:
        raise WeightsNotFoundError(
            f"{option}={model} is no folder here, and on the Hugging Face hub it is neither cached nor reachable. Go "
            f"online once, or give a folder with {option}=FOLDER ({', '.join(files[:2])}, ...)."
        ) from error


def _load_transformers(kind: Any, folder: Path) -> Any:  # noqa: ANN401 - transformers has no types of ours
    with _quiet():
        network, loading = _loaded(kind.from_pretrained, folder, output_loading_info=True, use_safetensors=True)
    missing = sorted(loading["missing_keys"])
    if missing:
        raise WeightsError(f"{folder} does not fit {kind.__name__}: {len(missing)} missing (such as {missing[0]}).")
    return network.float().eval().requires_grad_(False)


def _loaded(load: Callable[..., Any], folder: Path, **options: bool) -> Any:  # noqa: ANN401 - see above
    try:
        return load(folder, local_files_only=True, **options)
    except Exception as error:  # a damaged file makes the libraries raise almost anything
        problem = str(error).strip().partition("\n")[0] or type(error).__name__
        raise WeightsError(f"{folder} cannot be loaded: {problem}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps transformers from a progress bar for each network, and from listing tensors that it leaves out."""
    from transformers.utils import logging as reports

    shown, level = reports.is_progress_bar_enabled(), reports.get_verbosity()
    reports.disable_progress_bar()
    reports.set_verbosity_error()
    try:
        yield
    finally:
        reports.set_verbosity(level)
        if shown:
            reports.enable_progress_bar()


def _files_sha256(files: Iterable[Path]) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()
