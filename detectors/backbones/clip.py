"""The image encoder of CLIP ViT-L/14 in open_clip's implementation.

The paper's Table 4 compares the projected features (768 numbers, what CLIP aligns with text), its Table 11 the ones
before the projection (1024 numbers, the class token after the last norm), which serve WePe better.
"""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from detectors.backbones.base import CLIP_MEAN, CLIP_STD, Backbone
from detectors.backbones.layouts import clip_from_transformers
from detectors.backbones.sources import CLIP_FILES, CLIP_REPOSITORY
from detectors.errors import OptionError
from detectors.hub import hub_file
from detectors.weights import load_strictly, read_weights

if TYPE_CHECKING:
    from open_clip import CLIP

Features = Literal["projected", "pre-projection"]
CLIP_MODEL = "ViT-L-14-quickgelu"  # OpenAI trained with this cheaper GELU; the plain one gives other features


def load_clip(name: str, weights: str | Path | None, image_size: int, features: Features = "projected") -> Backbone:
    """Builds the image encoder of OpenAI's CLIP ViT-L/14 from the hub or from a file."""
    try:
        import open_clip  # takes seconds to import
    except ImportError as error:
        raise OptionError(f"{name} needs open_clip: pip install open-clip-torch") from error
    file = Path(weights) if weights else hub_file(CLIP_REPOSITORY, name, CLIP_FILES)
    config = open_clip.get_model_config(CLIP_MODEL)
    config["vision_cfg"]["image_size"] = image_size
    with torch.device("meta"):  # the text encoder costs neither memory nor time
        clip = open_clip.CLIP(**config)
    clip.visual.to_empty(device="cpu")
    return clip_backbone(name, clip, file, features)


def clip_backbone(name: str, clip: "CLIP", file: Path, features: Features) -> Backbone:
    """Fills the image encoder of a CLIP with weights.

    Args:
        name: The backbone's name.
        clip: An open_clip model, built for the size of the images; only its image encoder is used.
        file: Weights of the whole CLIP or of its image encoder alone, with the names of open_clip or transformers.
        features: ``projected`` into the space shared with text, or ``pre-projection``.

    Raises:
        OptionError: The image size is not a multiple of the patch size.
        WeightsError: The file does not fit the model.
    """
    visual = clip.visual
    side, patch = visual.image_size[0], visual.patch_size[0]
    if side % patch:
        raise OptionError(f"{name} takes images whose side is a multiple of {patch} px, got {side}.")
    if features == "pre-projection":
        visual.proj = None
    fill_visual(visual, read_weights(file), file)
    blocks = [f"transformer.resblocks.{i}" for i in range(len(visual.transformer.resblocks))]
    return Backbone(name, visual, blocks, CLIP_MEAN, CLIP_STD)


def fill_visual(visual: nn.Module, state: Mapping[str, Tensor], file: Path) -> None:
    """Fills an image encoder of open_clip, which resamples a transformer's position embedding to its grid.

    Args:
        visual: The image encoder; where its ``proj`` is ``None``, that of the file is left out.
        state: Tensors of the whole model or of its image encoder, with the names of open_clip (those of OpenAI) or, for
            a plain CLIP, of transformers.
        file: Where they come from, for the message.

    Raises:
        WeightsError: They do not fit.
    """
    from open_clip.model import resize_pos_embed

    state = clip_from_transformers(state)
    whole = any(key.startswith("visual.") for key in state)
    own = {key.removeprefix("visual."): state[key].float() for key in state if key.startswith("visual.") or not whole}
    if getattr(visual, "proj", 0) is None:
        own.pop("proj", None)
    resampled = {f"visual.{key}": value for key, value in own.items()}
    resize_pos_embed(resampled, SimpleNamespace(visual=visual))
    load_strictly(visual, {key.removeprefix("visual."): value for key, value in resampled.items()}, file)
