"""The image encoder of BLIP in transformers' implementation.

Features are the ``pooler_output``: the class token after the last norm, which transformers applies a second time.
The encoder was trained on images of 384 px; for other sizes transformers resamples the position embedding.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor, nn

from detectors.backbones.base import CLIP_MEAN, CLIP_STD, Backbone
from detectors.backbones.sources import BLIP_FILES, BLIP_REPOSITORY
from detectors.errors import OptionError, WeightsNotFoundError
from detectors.hub import hub_file
from detectors.weights import load_strictly, read_weights

if TYPE_CHECKING:
    from transformers import BlipVisionModel

_PREFIX = "vision_model."


class BlipFeatures(nn.Module):
    """Gives the pooled features of a BLIP image encoder for images of any size."""

    def __init__(self, vision: "BlipVisionModel") -> None:
        super().__init__()
        self.vision = vision

    def forward(self, images: Tensor) -> Tensor:
        """Returns the class token ``(B, D)``."""
        pooled: Tensor = self.vision(pixel_values=images, interpolate_pos_encoding=True).pooler_output
        return pooled


def load_blip(name: str, weights: str | Path | None, image_size: int) -> Backbone:
    """Builds BLIP's image encoder from the hub, from a file, or from a folder with ``config.json``."""
    try:
        from transformers import BlipVisionConfig, BlipVisionModel  # takes seconds to import
    except ImportError as error:
        raise OptionError(f"{name} needs transformers: pip install transformers") from error
    file = Path(weights) if weights else hub_file(BLIP_REPOSITORY, name, BLIP_FILES)
    config: dict[str, object] = {}
    if file.is_dir():
        file, config = _open_folder(file)
    vision = BlipVisionModel(BlipVisionConfig(**config))
    patch = vision.config.patch_size
    if image_size % patch:
        raise OptionError(f"{name} takes images whose side is a multiple of {patch} px, got {image_size}.")
    return blip_backbone(name, vision, file)


def blip_backbone(name: str, vision: "BlipVisionModel", file: Path) -> Backbone:
    """Fills a BLIP image encoder with weights.

    Args:
        name: The backbone's name.
        vision: A ``BlipVisionModel``.
        file: Weights of a whole BLIP (``vision_model.*``) or of its image encoder alone.

    Raises:
        WeightsError: The file does not fit the model.
    """
    state = read_weights(file)
    if any(key.startswith(_PREFIX) for key in state):
        state = {key.removeprefix(_PREFIX): value for key, value in state.items() if key.startswith(_PREFIX)}
    # Older files carry indices that are no weights.
    state.pop("embeddings.position_ids", None)
    load_strictly(vision, state, file)
    blocks = [f"vision.encoder.layers.{i}" for i in range(len(vision.encoder.layers))]
    return Backbone(name, BlipFeatures(vision), blocks, CLIP_MEAN, CLIP_STD)


def _open_folder(folder: Path) -> tuple[Path, dict[str, object]]:
    """Finds the weights and the image encoder's configuration in a folder that transformers saved."""
    file = next((folder / name for name in BLIP_FILES if (folder / name).is_file()), None)
    if file is None or not (folder / "config.json").is_file():
        raise WeightsNotFoundError(f"{folder} holds no config.json with {' or '.join(BLIP_FILES)} beside it.")
    config = json.loads((folder / "config.json").read_text())
    return file, config.get("vision_config", config)
