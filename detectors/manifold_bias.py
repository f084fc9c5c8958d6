"""Manifold-induced bias: what a diffusion model takes for noise, decoded, looks more like a generated image itself.

``score(x) = 1 + (sqrt(512) b - D + k) / (sqrt(512) + 2)`` with ``b = mean cos(c(x), c(e_i))``,
``k = mean cos(c(e_i), c(u_i))`` and ``D = mean |c(e_i)|`` over noises ``u_i``, where ``e_i`` is the noise that the
U-Net predicts in the noisy latents of ``x``, and ``c`` are CLIP's features of a picture, for noises of the decoded one.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms import functional as transforms  # type: ignore[import-untyped]

from detectors.base import Detector, View
from detectors.errors import OptionError, WeightsNotFoundError, check_count
from detectors.image_keys import key_of, start_of_sha256
from detectors.latent_diffusion import ClipImages, LatentDiffusion
from detectors.randomness import seeded_generator
from detectors.reconstruction import extend
from detectors.weights import state_sha256

PUBLISHED_MODEL, PUBLISHED_CLIP = "CompVis/stable-diffusion-v1-4", "openai/clip-vit-large-patch14"
MARGIN = 3
"""The short side is scaled to so many pixels more than the square that is then cut out of the centre."""
GRID = 8
MOST_ASPECT = 64
"""Narrower strips are widened by repeating their edge, so that no image is scaled to more than memory holds."""
DIMENSION = 512
"""The published constant; the features of the published CLIP have 768 components."""


class ManifoldBias(Detector):
    """Bias, curvature and gradient of a diffusion model's manifold, compared in CLIP's space.

    The published code has LLaVA-1.5 describe each image, which is not done here: take one text for all images, or
    captions from a file. It computes in half precision, which is not done here by default, and draws its noise from one
    generator that runs on over all images. CLIP sees the whole image, the diffusion model its centre, as published.

    Score:
        The published criterion, under 2; higher means more likely generated.

    Args:
        model: A folder as diffusers saves a pipeline of Stable Diffusion, or a hub repository; the published one is
            ``CompVis/stable-diffusion-v1-4``.
        clip_model: A folder as transformers saves a CLIP, or a hub repository.
        prompt: One text for all images; the published code leaves the text of such a run to its user.
        captions: A file with a line for each image, its sha256, a tab and its caption, in place of ``prompt``.
        draws: Number of noises, 8 as published.
        timestep: How far the noise has come, of the model's steps; 10 of 1,000 as published.
        side: Side in pixels of the square that the diffusion model sees, 512 as published.
        seed: Seed of noises and latents, which also depend on the image's key.

    References:
        Brokman et al., "Manifold Induced Biases for Zero-shot and Few-shot Detection of Generated Images", ICLR 2025,
        arXiv 2504.15470; the authors' code, ``manifold_bias_criteria.py`` at 1e42a51.
    """

    name = "manifold-bias"
    paper = "arXiv 2504.15470"
    citations = (
        {
            "key": "brokman2025manifold",
            "author": "Brokman, Jonathan and Giloni, Amit and Hofman, Omer and Vainshtein, Roman and Kojima, Hisashi "
            "and Gilboa, Guy",
            "title": "Manifold Induced Biases for Zero-shot and Few-shot Detection of Generated Images",
            "booktitle": "International Conference on Learning Representations (ICLR)",
            "year": "2025",
            "eprint": "2504.15470",
        },
    )
    tuned_on = "not known here: on which images noises and time step were chosen"
    view = View(fit="native")
    unscaled = True
    own_passes: ClassVar[int] = 42
    """Those of :attr:`passes` with the default options, which need no weights to be counted."""

    def __init__(
        self,
        *,
        model: str | None = None,
        clip_model: str = PUBLISHED_CLIP,
        prompt: str = "a photo",
        captions: str | None = None,
        draws: int = 8,
        timestep: int = 10,
        side: int = 512,
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_count("draws", draws)
        if side < GRID or side % GRID:
            raise OptionError(f"side must be a multiple of {GRID}, got {side}.")
        if model is None:
            raise WeightsNotFoundError(
                f"manifold-bias needs the weights of a Stable Diffusion: give model=FOLDER, as diffusers saves a "
                f"pipeline, or model={PUBLISHED_MODEL}, the published one, which the Hugging Face hub has."
            )
        self.seed, self.model, self.clip_model, self.prompt, self.captions = seed, model, clip_model, prompt, captions
        self.draws, self.timestep, self.side = draws, timestep, side
        self.captions_by_key = read_captions(captions) if captions is not None else None
        self.diffusion = LatentDiffusion(model)
        if not 0 <= timestep < self.diffusion.steps:
            raise OptionError(f"timestep must lie within 0-{self.diffusion.steps - 1}, got {timestep}.")
        self.clip = ClipImages(clip_model)

    def forward(self, images: Tensor | Sequence[Tensor], keys: Tensor) -> Tensor:
        """Scores images of any sizes, one by one.

        Args:
            images: ``(B, 3, H, W)``, or ``B`` times ``(3, H, W)``, in [0, 1].
            keys: ``(B,)`` integers that identify the images' bytes.

        Returns:
            ``(B,)`` scores.

        Raises:
            OptionError: The file of captions has none for an image.
        """
        return torch.stack([self._score(image, key) for image, key in zip(images, keys.tolist(), strict=True)])

    def _score(self, image: Tensor, key: int) -> Tensor:
        image = extend(image[None], -(-max(image.shape[1:]) // MOST_ASPECT), 1)
        mean, deviation = self.diffusion.encode(scaled_centre(image, self.side))
        latents = mean + deviation * self._noise(mean, key, "latents")
        noises = torch.cat([spherical(self._noise(mean, key, draw)) for draw in range(self.draws)])
        latents = latents.expand(self.draws, -1, -1, -1)
        predicted = self.diffusion.predict_noise(latents, noises, self.timestep, self._caption(key))
        predicted = predicted / self.diffusion.vae.config.scaling_factor
        decoded = (self.clip(self._levels(self.diffusion.decode(latents))) for latents in (predicted, noises))
        return criterion(self.clip((image * 255).round().to(torch.uint8)), *decoded)

    def _noise(self, latents: Tensor, key: int, purpose: int | str) -> Tensor:
        generator = seeded_generator(self.name, self.seed, key, purpose)
        return torch.randn(latents.shape, generator=generator).to(latents.device)

    def _levels(self, decoded: Tensor) -> Tensor:
        """Brings decoded pictures to 8 bits, enlarged by the margin and cut back, as published."""
        pictures = scaled_centre(decoded.float(), self.side) / 2 + 0.5
        return (pictures.clamp(0, 1) * 255).round().to(torch.uint8)

    def _caption(self, key: int) -> str:
        if self.captions_by_key is None:
            return self.prompt
        if key not in self.captions_by_key:
            raise OptionError(
                f"captions={self.captions} has no line for the image whose sha256 begins with {start_of_sha256(key)}."
            )
        return self.captions_by_key[key]

    @property
    def passes(self) -> int:
        """Of all networks: the image encoded and seen by CLIP; for a noise the U-Net, two decoded and seen by CLIP."""
        return 2 + 5 * self.draws

    @property
    def settled(self) -> dict[str, Any]:
        """The options; a prompt that captions replace is none."""
        return self.options | ({} if self.captions is None else {"prompt": None})

    @property
    def sources(self) -> Mapping[str, str]:
        """The one setting that the published code leaves open."""
        return {"prompt": "ours"} if self.captions is None else {}

    @property
    def fingerprinted(self) -> dict[str, Any]:
        """The options but for names of files, whose content the fingerprint covers."""
        return {name: value for name, value in self.settled.items() if name not in ("model", "clip_model", "captions")}

    def covered(self, **run: str | int) -> dict[str, dict[str, Any]]:
        """Covers weights, tokens, preprocessing and captions, too; see :meth:`Detector.covered`."""
        more = {"files": self.diffusion.files_sha256 + self.clip.files_sha256}
        if self.captions_by_key is not None:
            more["captions"] = hashlib.sha256(repr(sorted(self.captions_by_key.items())).encode()).hexdigest()
        return super().covered(weights=state_sha256(self.state_dict()), **more, **run)


def scaled_centre(images: Tensor, side: int) -> Tensor:
    """Scales the short side to a little more than a square's and takes the square out of the centre.

    Args:
        images: ``(B, C, H, W)``.
        side: Side of the square in pixels.

    Returns:
        ``(B, C, side, side)``.
    """
    scaled: Tensor = transforms.resize(images, [side + MARGIN], antialias=True)
    top, left = ((length - side) // 2 for length in scaled.shape[2:])
    return scaled[:, :, top : top + side, left : left + side]


def spherical(noise: Tensor) -> Tensor:
    """Gives each noise the length that normal noise has on average, the square root of its dimension.

    Args:
        noise: ``(B, C, H, W)``.

    Returns:
        ``(B, C, H, W)``.
    """
    lengths: Tensor = noise.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return noise / (lengths + 1e-8) * math.sqrt(noise[0].numel())


def criterion(image: Tensor, predicted: Tensor, noise: Tensor) -> Tensor:
    """Computes the published criterion from features.

    Args:
        image: ``(1, D)`` of the image.
        predicted: ``(n, D)`` of the decoded predictions.
        noise: ``(n, D)`` of the decoded noises.

    Returns:
        A scalar.
    """
    bias = F.cosine_similarity(image, predicted, dim=1, eps=1e-6).mean()
    curvature = F.cosine_similarity(predicted, noise, dim=1, eps=1e-6).mean()
    gradient: Tensor = predicted.norm(dim=1).mean()
    root = math.sqrt(DIMENSION)
    return 1 + (root * bias + curvature - gradient) / (root + 2)


def read_captions(file: str) -> dict[int, str]:
    """Reads captions by the images' keys.

    Args:
        file: Has a line for each image: its sha256, a tab, its caption.

    Raises:
        OptionError: It cannot be read, or a line is none of that kind.
    """
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"captions={file} cannot be read: {error}") from error
    captions = {}
    for number, line in enumerate(lines, start=1):
        sha256, tab, caption = line.partition("\t")
        key = key_of(sha256)
        if not tab or key is None:
            raise OptionError(f"captions={file}, line {number}: expected a sha256, a tab and a caption, got {line!r}.")
        captions[key] = caption
    return captions
