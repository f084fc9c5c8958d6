"""Vision towers of transformers: ``hf:<owner>/<model>``, such as ``hf:facebook/dinov2-large``.

Features are what transformers documents as the image's, by the model's type in its ``config.json``:

* DINOv2, with and without registers, and DINOv3: ``pooler_output``, the class token after the last norm.
* ViT and DeiT: the class token of ``last_hidden_state``, after the last norm; a pooler, a layer trained for
  classification, is left out.
* CLIP: ``pooler_output`` of the image encoder, the class token after the last norm, before the projection.
* SigLIP: ``pooler_output`` of the image encoder, from its attention head.

A block has queries, keys and values in three tensors here, so that a DINOv2 has 18 tensors a block where the authors'
code and timm have 14: noise whose scale follows from a tensor (WePe's ``tensor_*`` rules) is another one. The same file
given as ``--backbone dinov2-vitl14 --weights FILE`` has the authors' 14. For images of another size than a DINOv2 was
trained on, transformers resamples its positions a little differently from the authors, too.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from detectors.backbones.base import CLIP_MEAN, CLIP_STD, IMAGENET_MEAN, IMAGENET_STD, Backbone
from detectors.backbones.layouts import clip_to_transformers, dinov2_to_transformers
from detectors.backbones.sources import HF, HF_FILES
from detectors.errors import OptionError, WeightsError, WeightsNotFoundError
from detectors.hub import hub_file, is_cached
from detectors.weights import read_weights, refuse_misfits

CONFIG, PREPROCESSING = "config.json", "preprocessor_config.json"
HALF = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
CLASS_TOKEN, POOLED = "class token", "pooled"
KINDS = {
    "dinov2": (POOLED, (IMAGENET_MEAN, IMAGENET_STD)),
    "dinov2_with_registers": (POOLED, (IMAGENET_MEAN, IMAGENET_STD)),
    "dinov3_vit": (POOLED, (IMAGENET_MEAN, IMAGENET_STD)),
    "vit": (CLASS_TOKEN, HALF),
    "deit": (CLASS_TOKEN, (IMAGENET_MEAN, IMAGENET_STD)),
    "clip_vision_model": (POOLED, (CLIP_MEAN, CLIP_STD)),
    "siglip_vision_model": (POOLED, HALF),
}
"""By the model's type: its features, and the normalisation where there is no ``preprocessor_config.json``."""
_HEADS = ("classifier.", "cls_classifier.", "distillation_classifier.", "visual_projection.")


class HfFeatures(nn.Module):
    """Gives the features of a vision tower of transformers for images of any size that it takes.

    Args:
        vision: The tower.
        features: ``class token`` or ``pooled``.
        interpolating: Whether the tower must be asked to resample its positions.
    """

    def __init__(self, vision: Any, features: str, interpolating: bool) -> None:  # noqa: ANN401 - not typed
        super().__init__()
        self.vision, self.features = vision, features
        self.options = {"interpolate_pos_encoding": True} if interpolating else {}
        kind, registers = vision.config.model_type, getattr(vision.config, "num_register_tokens", 0)
        self.num_prefix_tokens = {"siglip_vision_model": 0, "deit": 2}.get(kind, 1 + registers)
        """Tokens before those of the patches: the class token, registers, DeiT's distillation token."""

    def forward(self, images: Tensor) -> Tensor:
        """Returns features ``(B, D)``."""
        output = self.vision(pixel_values=images, **self.options)
        features: Tensor = output.pooler_output if self.features == POOLED else output.last_hidden_state[:, 0]
        return features


def load_hf(name: str, weights: str | Path | None, image_size: int) -> Backbone:
    """Builds ``hf:<owner>/<model>`` from the hub or its cache, from a file, or from a folder that transformers saved.

    Args:
        name: The backbone's name.
        weights: A folder with ``config.json``, or a file; what ``config.json`` is not beside the file is looked for on
            the hub under the name. Tensors have the names of transformers; for a DINOv2 those of torch.hub or timm, for
            CLIP those of OpenAI or open_clip are taken as well.
        image_size: Side of the images in pixels.

    Raises:
        OptionError: The name is no repository's, the model is of an unknown type, or does not take images of this size.
        WeightsNotFoundError: The weights or their configuration are neither given, nor cached, nor to be had.
        WeightsError: The file does not fit the model.
    """
    repository = find_repository(name)
    file, config_file, preprocessing = _find_files(name, repository, weights)
    config = _read_json(config_file)
    whole = config.get("model_type", "")
    if "vision_config" in config:
        config = {"model_type": f"{whole}_vision_model"} | config["vision_config"]
    kind = config.pop("model_type", "")
    if kind not in KINDS:
        raise OptionError(f"{name} is of transformers' type {kind or whole!r}; known are {', '.join(sorted(KINDS))}.")
    features, (mean, std) = KINDS[kind]
    if preprocessing is not None:
        read = _read_json(preprocessing)
        mean, std = read.get("image_mean", mean), read.get("image_std", std)
    vision = _build(name, kind, config, image_size, read_weights(file), file)
    depth = vision.config.num_hidden_layers
    lists = ((key, module) for key, module in vision.named_modules() if isinstance(module, nn.ModuleList))
    container = next(key for key, module in lists if len(module) == depth)
    interpolating = kind not in ("dinov2", "dinov2_with_registers", "dinov3_vit")  # these do it anyway
    model = HfFeatures(vision, features, interpolating)
    return Backbone(name, model, [f"vision.{container}.{i}" for i in range(depth)], mean, std)


def find_repository(name: str) -> str:
    """Reads the hub's repository from a name.

    Raises:
        OptionError: There is none in it.

    Examples:
        >>> find_repository("hf:facebook/dinov2-large")
        'facebook/dinov2-large'
    """
    repository = name.partition(":")[2]
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise OptionError(f"{name} names no model: write {HF}:OWNER/MODEL, such as {HF}:facebook/dinov2-large.")
    return repository


def _find_files(name: str, repository: str, weights: str | Path | None) -> tuple[Path, Path, Path | None]:
    """Finds weights, configuration and, where there is one, the description of the preprocessing."""
    if weights is None:
        file = hub_file(repository, name, HF_FILES)
        config = hub_file(repository, name, (CONFIG,))
        here = file.parent / PREPROCESSING
        if not here.is_file() and not is_cached(repository, (PREPROCESSING,)):
            try:
                here = hub_file(repository, name, (PREPROCESSING,))
            except WeightsNotFoundError:
                return file, config, None  # not every repository has one
        return file, config, here
    given = Path(weights)
    home = given if given.is_dir() else given.parent
    file = given
    if given.is_dir():
        found = next((given / other for other in HF_FILES if (given / other).is_file()), None)
        if found is None or not (given / CONFIG).is_file():
            raise WeightsNotFoundError(f"{given} holds no {CONFIG} with {' or '.join(HF_FILES)} beside it.")
        file = found
    beside = home / CONFIG
    config = beside if beside.is_file() else hub_file(repository, name, (CONFIG,))
    preprocessing = config.parent / PREPROCESSING
    return file, config, preprocessing if preprocessing.is_file() else None


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WeightsError(f"{file} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise WeightsError(f"{file} is no description that transformers saved.")
    return content


def _build(
    name: str, kind: str, options: Mapping[str, Any], image_size: int, state: Mapping[str, Tensor], file: Path
) -> Any:  # noqa: ANN401 - transformers is not typed
    try:
        import transformers  # takes seconds to import
    except ImportError as error:
        raise OptionError(f"{name} needs transformers: pip install transformers") from error
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()  # it would report on its own what is refused below
    # Half-precision weights are widened: the type is the run's choice.
    options = {key: value for key, value in options.items() if key not in ("dtype", "torch_dtype")}
    try:
        config = transformers.AutoConfig.for_model(kind, **options)
    except ValueError as error:
        raise OptionError(f"{name}: transformers {transformers.__version__} does not know the type {kind}.") from error
    patch = config.patch_size
    if image_size < patch or image_size % patch:
        raise OptionError(f"{name} takes images whose side is a multiple of {patch} px, got {image_size}.")
    cls = transformers.MODEL_MAPPING[type(config)]
    pooler = {"add_pooling_layer": False} if KINDS[kind][0] == CLASS_TOKEN else {}
    own = _own_state(cls, kind, state)
    with torch.device("meta"):
        prefixed = any(key.startswith("vision_model.") for key in cls(config).state_dict())
    if prefixed:  # up to transformers 4
        own = {f"vision_model.{key}": value for key, value in own.items()}
    # Its own loading knows the names that files had in older releases.
    vision, loading = cls.from_pretrained(
        None,
        config=config,
        state_dict=own,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
        **pooler,
    )
    named = {key: [one if isinstance(one, str) else one[0] for one in names] for key, names in loading.items()}
    refuse_misfits(
        file,
        cls.__name__,
        missing=named["missing_keys"],
        unexpected=named["unexpected_keys"],
        reshaped=named["mismatched_keys"],
    )
    return vision


def _own_state(cls: Any, kind: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:  # noqa: ANN401 - not typed
    """Gives tensors transformers' names, and leaves out what is not the tower's."""
    whole = any(key.startswith("vision_model.") for key in state)
    own = {key: value.float() for key, value in state.items() if key.startswith("vision_model.") or not whole}
    prefixes = ("vision_model.", f"{cls.base_model_prefix}.")
    for prefix in prefixes:
        own = {key.removeprefix(prefix): value for key, value in own.items()}
    heads = (*_HEADS, "pooler.") if KINDS[kind][0] == CLASS_TOKEN else _HEADS
    own = {key: own[key] for key in own if not key.startswith(heads) and key != "embeddings.position_ids"}
    if kind.startswith("dinov2"):
        return dinov2_to_transformers(own)
    return clip_to_transformers(own) if kind == "clip_vision_model" else own
