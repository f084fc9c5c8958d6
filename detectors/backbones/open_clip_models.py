"""Any image encoder of open_clip: ``open-clip:<model>/<tag>``, such as ``open-clip:ViT-B-16-quickgelu/openai``.

The tag names weights that open_clip lists for the model, on the Hugging Face hub; with ``--weights FILE`` it may be
left out. Features are what open_clip aligns with text; by ``:features=pre-projection`` after the name those before the
linear projection, for models whose projection is a layer of its own. The normalisation is that of open_clip's
preprocessing for the tag.
"""

from pathlib import Path
from typing import Any, get_args

from torch import nn

from detectors.backbones.base import Backbone
from detectors.backbones.clip import Features, fill_visual
from detectors.backbones.sources import OPEN_CLIP, OPEN_CLIP_FILES
from detectors.backbones.timm_models import check_output, find_blocks, set_size
from detectors.errors import OptionError, UnknownNameError, WeightsNotFoundError
from detectors.hub import hub_file
from detectors.weights import read_weights

_WRITTEN = f"{OPEN_CLIP}:MODEL/TAG, such as {OPEN_CLIP}:ViT-B-16-quickgelu/openai"


def load_open_clip(name: str, weights: str | Path | None, image_size: int) -> Backbone:
    """Builds ``open-clip:<model>[/<tag>][:features=...]``.

    Args:
        name: The backbone's name.
        weights: A local file with the names of open_clip or, for a plain CLIP, of transformers; or nothing for the
            tag's file on the hub.
        image_size: Side of the images in pixels.

    Raises:
        UnknownNameError: open_clip has no such model, or no such weights of it.
        OptionError: The model does not take images of this size, has no vector of features or no projection to leave
            out, or has another activation than the weights were trained with.
        WeightsNotFoundError: The weights are neither given, nor cached, nor to be had.
        WeightsError: The file does not fit the model.
    """
    model, tag, features = split_name(name)
    config, preprocessing = _find_model(model), _find_preprocessing(model, tag)
    if tag and preprocessing.get("quick_gelu", False) != config.get("quick_gelu", False):
        kind = "with" if preprocessing.get("quick_gelu") else "without"
        raise OptionError(
            f"The weights {tag} of {model} were trained {kind} QuickGELU: take the model that has the same activation "
            f"(names that end in -quickgelu have it)."
        )
    if not tag and not weights:
        raise WeightsNotFoundError(f"{name} names no weights: write {_WRITTEN}, or give a file with --weights FILE.")
    visual = _build(name, config, image_size)
    if features == "pre-projection":
        _leave_projection_out(name, visual)
    file = Path(weights) if weights else hub_file(*hub_address(preprocessing, name))
    state = read_weights(file)
    if features == "pre-projection":
        state = {key: value for key, value in state.items() if not key.startswith(("visual.head.", "head."))}
    fill_visual(visual, state, file)
    if hasattr(visual, "trunk"):
        set_size(name, visual.trunk, image_size)
    check_output(name, visual, image_size)
    changed = f":features={features}" if features != get_args(Features)[0] else ""
    convolutional = not hasattr(getattr(visual, "trunk", visual), "patch_embed") and not hasattr(visual, "transformer")
    full = f"{OPEN_CLIP}:{model}{f'/{tag}' if tag else ''}{changed}"
    mean, std = preprocessing["mean"], preprocessing["std"]
    return Backbone(full, visual, _blocks(name, visual), mean, std, channels_last=convolutional)


def split_name(name: str) -> tuple[str, str, Features]:
    """Reads model, tag and features from a name.

    Raises:
        OptionError: No model is named.
        UnknownNameError: It names an unknown option.

    Examples:
        >>> split_name("open-clip:ViT-B-32/laion2b_s34b_b79k:features=pre-projection")
        ('ViT-B-32', 'laion2b_s34b_b79k', 'pre-projection')
    """
    address, _, option = name.partition(":")[2].partition(":")
    model, _, tag = address.partition("/")
    if not model:
        raise OptionError(f"{name} names no model: write {_WRITTEN}.")
    key, _, value = option.partition("=")
    if option and key != "features":
        raise UnknownNameError(f"option of {OPEN_CLIP}", key, ("features",))
    if option and value not in get_args(Features):
        raise UnknownNameError(f"features of {OPEN_CLIP}", value, get_args(Features))
    features: Features = "pre-projection" if value == "pre-projection" else "projected"
    return model, tag, features


def hub_address(preprocessing: dict[str, Any], name: str) -> tuple[str, str, tuple[str, ...]]:
    """Gives the hub's repository of a tag, the name for messages, and the files that its weights may have there."""
    owner, repository, *file = preprocessing["hf_hub"].strip("/").split("/")
    return f"{owner}/{repository}", name, tuple(file) or OPEN_CLIP_FILES


def find_repository(name: str) -> tuple[str, tuple[str, ...]] | None:
    """Says where the weights of a name are on the hub; nothing where it names none.

    Raises:
        UnknownNameError: open_clip has no such model, or no such weights of it.
    """
    model, tag, _ = split_name(name)
    _find_model(model)
    if not tag:
        return None
    repository, _, files = hub_address(_find_preprocessing(model, tag), name)
    return repository, files


def _find_model(model: str) -> dict[str, Any]:
    try:
        import open_clip  # takes seconds to import
    except ImportError as error:
        raise OptionError(f"{OPEN_CLIP}:{model} needs open_clip: pip install open-clip-torch") from error
    config: dict[str, Any] | None = open_clip.get_model_config(model)
    if config is None:
        raise UnknownNameError("open_clip model", model, open_clip.list_models())
    return config


def _find_preprocessing(model: str, tag: str) -> dict[str, Any]:
    """Returns what open_clip says of a tag; without one, the normalisation that all tags of the model share."""
    from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
    from open_clip.pretrained import get_pretrained_cfg, list_pretrained_tags_by_model

    tags: list[str] = list_pretrained_tags_by_model(model)
    if tag and tag not in tags:
        raise UnknownNameError(f"weights of {model}", tag, tags)
    if tag:
        known: dict[str, Any] = get_pretrained_cfg(model, tag)
        return known
    published = [get_pretrained_cfg(model, other) for other in tags]
    shared = {(tuple(one["mean"]), tuple(one["std"])) for one in published}
    if len(shared) > 1:
        raise OptionError(
            f"The weights of {model} differ in their normalisation: name the ones that yours is like, "
            f"{OPEN_CLIP}:{model}/TAG ({', '.join(tags)})."
        )
    # open_clip's own default, where it publishes no weights.
    mean, std = next(iter(shared), (OPENAI_DATASET_MEAN, OPENAI_DATASET_STD))
    return {"mean": mean, "std": std}


def _build(name: str, config: dict[str, Any], image_size: int) -> Any:  # noqa: ANN401 - open_clip is not typed
    # The text encoder would cost memory and time, and some fetch it from the hub.
    from open_clip.model import _build_vision_tower

    vision = dict(config["vision_cfg"])
    patch, native = vision.get("patch_size", 16), vision.get("image_size", 224)
    if isinstance(vision.get("layers"), list | tuple):
        if image_size != native:
            raise OptionError(f"{name} takes images of {native} px, got {image_size}.")
    elif "timm_model_name" not in vision:
        if image_size % patch:
            raise OptionError(f"{name} takes images whose side is a multiple of {patch} px, got {image_size}.")
        vision |= {"image_size": image_size, "output_tokens": False}
    return _build_vision_tower(config["embed_dim"], vision, config.get("quick_gelu", False))


def _leave_projection_out(name: str, visual: Any) -> None:  # noqa: ANN401 - open_clip is not typed
    if getattr(visual, "proj", None) is not None:
        visual.proj = None
    elif [key for key, _ in getattr(visual, "head", nn.Identity()).named_children()] in (["drop", "proj"], ["mlp"]):
        visual.head = nn.Identity()
    else:
        raise OptionError(f"{name}: this model has no projection that could be left out; leave out features=.")


def _blocks(name: str, visual: Any) -> list[str]:  # noqa: ANN401 - open_clip is not typed
    if hasattr(visual, "transformer"):
        return [f"transformer.resblocks.{i}" for i in range(len(visual.transformer.resblocks))]
    if hasattr(visual, "trunk"):
        return [f"trunk.{block}" for block in find_blocks(name, visual.trunk)]
    return find_blocks(name, visual)
