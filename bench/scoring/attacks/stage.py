"""The stage between a decoded batch and a detector: generated pictures are changed before their views are cut."""

import hashlib
from dataclasses import dataclass, field

import torch
from PIL import Image
from torch import Tensor

from bench.scoring.attacks.condition import Attack
from bench.scoring.attacks.pgd import descend
from datamodules import GENERATED, Batch
from datamodules.batch import Pixels
from datamodules.conditions import WHOLE, Picture
from datamodules.keys import image_key, sha256_of
from datamodules.tensor_pictures import TensorPicture
from datamodules.views import cut_view, fitted
from detectors import Detector, View
from detectors.randomness import seeded_generator


@dataclass(frozen=True)
class Shown:
    """What the detectors are shown of a batch.

    Args:
        batch: The batch, whose pictures are whole.
        pictures: After the attack; of real images as they were.
        keys: ``(B,)``, of an attacked picture from the sha256 of its RGB bytes.
        views: What was cut so far, so that detectors of one view share one tensor.
    """

    batch: Batch
    pictures: list[Image.Image]
    keys: Tensor
    views: dict[tuple[View, int], Pixels] = field(default_factory=dict)


class AttackedPictures:
    """The pictures of an attack on one detector with one seed, batch after batch.

    Each picture is attacked by itself, so that neither the batch nor its order matters. A gradient goes through the
    cut of the source's view, in which scaling is not rounded; each step draws crops and noise anew, since who attacks
    does not know which the finished picture will get.

    Args:
        attack: The budget and the steps.
        source: The detector whose score is lowered.
        crop_seed: Seed of random crops.
    """

    def __init__(self, attack: Attack, source: Detector, crop_seed: int) -> None:
        self.attack, self.source, self.crop_seed = attack, source, crop_seed
        self._shown: Shown | None = None

    def shown(self, batch: Batch, view: View, crop_seed: int) -> tuple[Pixels, Tensor]:
        """Attacks a batch, once for all detectors, and cuts a view.

        Returns:
            ``(B, 3, H, W)`` pixels in [0, 1], or for a native view ``B`` times ``(3, H, W)``, and ``(B,)`` keys, on the
            batch's device.
        """
        if self._shown is None or self._shown.batch is not batch:
            self._shown = self._attacked(batch)
        shown, crop = self._shown, crop_seed if view.fit == "random-crop" else 0
        if (view, crop) not in shown.views:
            keys, device = shown.keys.tolist(), shown.keys.device
            cuts = [cut_view(picture, view, key, crop) for picture, key in zip(shown.pictures, keys, strict=True)]
            cuts = [cut.to(device).float() / 255 for cut in cuts]
            shown.views[view, crop] = cuts if view.ragged else torch.stack(cuts)
        return shown.views[view, crop], shown.keys

    def _attacked(self, batch: Batch) -> Shown:
        pictures, keys = [], []
        for pixels, key, label in zip(
            batch.views[Picture(self.attack.name, WHOLE)], batch.key.tolist(), batch.label.tolist(), strict=True
        ):
            levels = (pixels * 255).round()
            if label == GENERATED:
                levels = self.lowered(levels, key)
            picture = Image.fromarray(levels.byte().permute(1, 2, 0).cpu().numpy())
            pictures.append(picture)
            keys.append(image_key(sha256_of(picture.tobytes())) if label == GENERATED else key)
        return Shown(batch, pictures, torch.tensor(keys, device=batch.key.device))

    def lowered(self, levels: Tensor, key: int) -> Tensor:
        """Attacks one picture.

        Args:
            levels: ``(3, H, W)`` whole levels from 0 to 255, as floats.
            key: The image's.

        Returns:
            The same shape and kind.
        """
        attack = self.attack
        start = 2 * torch.rand(levels.shape, generator=seeded_generator("pgd", self.source.seed, key)) - 1
        return descend(
            levels,
            lambda pixels, step: gradient_of(self.source, pixels, key_of_step(key, step), self.crop_seed),
            attack.budget,
            attack.steps,
            attack.step,
            start.to(levels.device),
        )


def gradient_of(detector: Detector, pixels: Tensor, key: int, crop_seed: int = 0) -> Tensor:
    """Computes the gradient of what grows with a detector's score.

    Args:
        detector: A method that has one.
        pixels: ``(3, H, W)`` in [0, 1], not cut.
        key: The image's.
        crop_seed: Seed of random crops.

    Returns:
        ``(3, H, W)``.

    Raises:
        RuntimeError: It has none.
    """
    with torch.enable_grad():
        variable = pixels.detach().clone().requires_grad_()
        view = fitted(TensorPicture(variable), detector.view, key, crop_seed).pixels
        images: Pixels = [view] if detector.view.ragged and not detector.by_size else view[None]
        objective = detector.objective(images, torch.tensor([key], device=pixels.device)).sum()  # type: ignore[arg-type]
        (gradient,) = torch.autograd.grad(objective, variable)
    return gradient


def key_of_step(key: int, step: int) -> int:
    """Returns another key of 63 bits for each step."""
    digest = hashlib.blake2b(f"pgd\x1f{step}\x1f{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1
