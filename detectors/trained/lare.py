"""LaRE: how well a diffusion model predicts the noise in an image's latents, pixel by pixel, guides a classifier.

``score(x) = softmax(C(x, m(x)))`` of the second class, with the map ``m(x) = mean_k (e_k' - e_k)^2`` of the losses of
Stable Diffusion's U-Net at one time step, over noises ``e_k``.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from detectors.base import View
from detectors.errors import OptionError
from detectors.image_keys import key_of, start_of_sha256
from detectors.trained.base import TrainedDetector
from detectors.trained.checkpoints import Checkpoint
from detectors.trained.networks.lare import LareNetwork, used_tensors
from detectors.trained.pixels import imagenet_normalised

MAP = [4, 32, 32]
"""The shape of a map."""
MAKING = "a safetensors file with a tensor of 4 x 32 x 32 for each image, named by the sha256 of the image's file"


class Lare(TrainedDetector):
    """Latent reconstruction error, judged by a fine-tuned CLIP ResNet-50.

    Only the second stage is here: it takes the images, and their maps from a file. The published code makes a map of an
    image that is scaled to 256 x 256 without keeping the aspect: latents are drawn from Stable Diffusion 1.5's encoder,
    and losses averaged over 4 noises at time step 200. Its prompt names the ImageNet class that GenImage's file names
    contain; what to take for images without a class is not said. Maps belong to the images as they are: with
    ``--conditions`` or ``--match`` there is no score.

    The classifier sees the central 224 x 224 pixels (take ``--resize none``); smaller images are continued by their
    mirror image.

    Score:
        Probability of being generated, in [0, 1]; higher means more likely generated.

    Args:
        checkpoint: File of the classifier, with CLIP's weights among its own.
        maps: A safetensors file with a tensor of 4 x 32 x 32 for each image, named by the sha256 of the image's file,
            64 digits in lower case.
        trained_on: Generators that it was trained on, joined by ``+``.
        seed: Nothing is drawn.

    References:
        Luo, Du, Yan and Ding, "LaRE^2: Latent Reconstruction Error Based Method for Diffusion-Generated Image
        Detection", CVPR 2024, arXiv 2403.17465; the authors' code, luo3300612/LaRE, in the copy that
        bao-tg/LaRE_x_DIRE at 847d67a keeps: ``CLipClassifierWMapV6``, whose checkpoint the authors' test names
        (issue 2), though the training script there names ``V5``.
    """

    name = "lare"
    paper = "arXiv 2403.17465"
    citations = (
        {
            "key": "luo2024lare",
            "author": "Luo, Yunpeng and Du, Junlong and Yan, Ke and Ding, Shouhong",
            "title": "LaRE$^2$: Latent Reconstruction Error Based Method for Diffusion-Generated Image Detection",
            "booktitle": "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)",
            "year": "2024",
            "eprint": "2403.17465",
        },
    )
    view = View(fit="native")
    unscaled = True
    reads_beside = True
    files = ("checkpoint", "maps")
    needs = f"The maps of the images are needed, too: lare:maps=FILE, {MAKING}."
    unreleased = "No checkpoint was released, and the authors have deleted theirs (luo3300612/LaRE, issue 2)."
    architecture: ClassVar[Mapping[str, Any]] = {"side": 224}
    weaknesses = (
        "Its maps are made with the ImageNet class that is read off the file name, which GenImage's images alone have "
        "(bao-tg/LaRE_x_DIRE@847d67a, extract_lare.py).",
    )

    def __init__(
        self,
        *,
        checkpoint: str | None = None,
        maps: str | None = None,
        trained_on: str | None = None,
        seed: int = 0,
    ) -> None:
        if checkpoint is not None and maps is None:  # without either the message on the checkpoint names both
            raise OptionError(f"lare judges images by maps of losses: give lare:maps=FILE, {MAKING}.")
        super().__init__(checkpoint=checkpoint, trained_on=trained_on, seed=seed)
        assert maps is not None
        self.side, self.maps, self.loss_maps = self.architecture["side"], Path(maps).name, LossMaps(Path(maps))

    def build(self) -> nn.Module:
        """Builds the classifier."""
        return LareNetwork(**self.architecture)

    def adapt(self, checkpoint: Checkpoint) -> Mapping[str, Tensor]:
        """Leaves out CLIP's text encoder, which the file holds, too."""
        return used_tensors(checkpoint.state)

    def objective(self, images: Tensor | Sequence[Tensor], keys: Tensor) -> Tensor:
        """Judges images of any sizes with their maps.

        Args:
            images: ``(B, 3, H, W)``, or ``B`` times ``(3, H, W)``, in [0, 1].
            keys: ``(B,)`` integers that identify the images' bytes.

        Returns:
            ``(B,)`` logits; above 0 means generated.

        Raises:
            OptionError: The file of maps has none for an image.
        """
        maps = [self.loss_maps.find(key) for key in keys.tolist()]
        return self.logits(list(zip(images, maps, strict=True)))

    def logits(self, images: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Judges images ``(3, H, W)`` with their maps ``(4, 32, 32)``; a single one goes as a pair, as in the base.

        Returns:
            ``(B,)`` logits; above 0 means generated.
        """
        both = [*images, *images] if len(images) == 1 else images
        pictures = torch.stack([centre_of(image, self.side) for image, _ in both])
        maps = torch.stack([loss_map for _, loss_map in both]).to(pictures.device)
        return self.towards_generated(self.network(imagenet_normalised(pictures), maps)[: len(images)])

    def covered(self, **run: str | int) -> dict[str, dict[str, Any]]:
        """Covers the maps, too; see :meth:`TrainedDetector.covered`."""
        return super().covered(maps=self.loss_maps.sha256, **run)


class LossMaps:
    """The maps of a data set's images, read from a file as they are asked for.

    Args:
        file: Its safetensors file.

    Raises:
        OptionError: It cannot be read, has no maps, or a tensor that is none of an image.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            with file.open("rb") as opened:
                self.sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
            self._opened: Any = safe_open(file, "pt")
        except (OSError, SafetensorError) as error:
            raise OptionError(f"maps={file} cannot be read as a safetensors file: {error}") from error
        self._names = dict(self._keys_and_names())
        if not self._names:
            raise OptionError(f"maps={file} holds no maps: expected {MAKING}.")

    def _keys_and_names(self) -> Iterator[tuple[int, str]]:
        for name in self._opened.keys():  # noqa: SIM118 - no dictionary
            key, shape = key_of(name), self._opened.get_slice(name).get_shape()
            if key is None or shape != MAP:
                size = " x ".join(map(str, shape)) or "a single number"
                raise OptionError(f"maps={self.file}: {name!r} is {size}; expected {MAKING}.")
            yield key, name

    def find(self, key: int) -> Tensor:
        """Returns an image's map, ``(4, 32, 32)``, float32.

        Raises:
            OptionError: There is none, or it is not finite.
        """
        if key not in self._names:
            raise OptionError(
                f"maps={self.file} has no map of the image whose sha256 begins with {start_of_sha256(key)}."
            )
        loss_map: Tensor = self._opened.get_tensor(self._names[key]).float()
        if not loss_map.isfinite().all():
            raise OptionError(f"maps={self.file}: the map {self._names[key]} is not finite; make it again.")
        return loss_map


def centre_of(image: Tensor, side: int) -> Tensor:
    """Takes the central square out of an image, which is continued by its mirror image where it is smaller.

    Args:
        image: ``(3, H, W)``.
        side: Of the square in pixels.

    Returns:
        ``(3, side, side)``.
    """
    rows, columns = (_places(length, side).to(image.device) for length in image.shape[1:])
    return image[:, rows][:, :, columns]


def _places(length: int, side: int) -> Tensor:
    """Returns the places of the central pixels; beyond the border they go back, without repeating the last pixel."""
    first = (length - side) // 2 if length >= side else -((side - length) // 2)
    period = max(2 * (length - 1), 1)
    places = torch.arange(first, first + side) % period
    return torch.minimum(places, period - places)
