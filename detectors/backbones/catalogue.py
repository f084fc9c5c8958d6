"""The backbones by name: what each is, and where its weights come from."""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from detectors.backbones.sources import (
    BLIP_FILES,
    BLIP_REPOSITORY,
    CLIP_FILES,
    CLIP_REPOSITORY,
    DINOV2_MODELS,
    DINOV3_MODELS,
    HF,
    HF_FILES,
    OPEN_CLIP,
    OPEN_CLIP_FILES,
    TIMM_FILES,
)
from detectors.errors import OptionError, UnknownNameError

if TYPE_CHECKING:
    from detectors.backbones.base import Backbone


@dataclass(frozen=True)
class BackboneInfo:
    """What a table says about a backbone.

    Args:
        description: The model and what it was trained on.
        paper: Where it was published.
        load: Builds it from ``(name, weights, image_size, **options)``.
        repository: Of its weights on the Hugging Face hub; nothing where they come with a package.
        files: The names that its weights may have there.
        package: Module that it needs, and that may be missing.
        options: Choices by option, the default first; written after the name, as in
            ``clip-vitl14:features=pre-projection``.
    """

    description: str
    paper: str
    load: "Callable[..., Backbone]"
    repository: str | None = None
    files: tuple[str, ...] = TIMM_FILES
    package: str | None = None
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """Where the weights come from."""
        return f"hub: {self.repository}" if self.repository else "installed with the package"

    @property
    def lacks_package(self) -> bool:
        """Whether the module that it needs is missing."""
        return self.package is not None and importlib.util.find_spec(self.package) is None

    @property
    def here(self) -> bool:
        """Whether it can be built without network: its module is installed and its weights are in the hub's cache.

        Never so for ``timm:<model>`` and the like, which stand for many.
        """
        if self.lacks_package:
            return False
        if self.repository is None:
            return True
        from detectors.hub import is_cached

        return "<" not in self.repository and is_cached(self.repository, self.files)


def create_backbone(name: str, weights: str | Path | None = None, image_size: int = 224) -> "Backbone":
    """Builds a backbone by name.

    Args:
        name: One of :func:`list_backbones`, with options after a colon (``clip-vitl14:features=pre-projection``), or
            a library and what it calls the model: ``timm:<model>``, ``open-clip:<model>/<tag>``,
            ``hf:<owner>/<model>``.
        weights: A local file to load instead of the published one.
        image_size: Side of the views it will see, in pixels.

    Returns:
        The backbone with its weights loaded.

    Raises:
        UnknownNameError: No backbone, option or model of a library has that name.
        OptionError: It does not take images of that size, or a package is missing.
        WeightsNotFoundError: The weights are neither in the cache nor to be had from the hub.
        WeightsError: The file does not fit the network.
    """
    base, _, text = name.partition(":")
    if library := _find_library(base):
        return library.load(name, weights, image_size)
    if base not in _BACKBONES:
        raise UnknownNameError("backbone", base, list_backbones())
    info = _BACKBONES[base]
    chosen = _read_options(base, text, info.options)
    # Two ways to write the same backbone must give one name, which is part of every fingerprint.
    changed = ",".join(f"{key}={value}" for key, value in chosen.items() if value != info.options[key][0])
    return info.load(f"{base}:{changed}" if changed else base, weights, image_size, **chosen)


def list_backbones() -> dict[str, BackboneInfo]:
    """Returns what is known of each backbone, by name; ``timm:<model>`` and the like stand for a few hundred more."""
    return _BACKBONES | _LIBRARIES


def find_backbone(name: str) -> BackboneInfo:
    """Returns what is known of a backbone, and where its weights are, without building it.

    Raises:
        UnknownNameError: There is no such backbone.
        OptionError: It names no model, or a package is missing.
    """
    base, _, rest = name.partition(":")
    if base in _BACKBONES:
        return _BACKBONES[base]
    info = _find_library(base)
    if info is None or not rest:
        raise UnknownNameError("backbone", base, list_backbones())
    if base == HF:
        from detectors.backbones.hf_models import find_repository

        return replace(info, repository=find_repository(name))
    if base == "timm":
        from timm.models import get_pretrained_cfg  # takes seconds to import

        return replace(info, repository=getattr(get_pretrained_cfg(rest), "hf_hub_id", None) or _NONE)
    from detectors.backbones.open_clip_models import find_repository as find_open_clip_repository

    repository, files = find_open_clip_repository(name) or (_NONE, info.files)
    return replace(info, repository=repository, files=files)


def _find_library(base: str) -> BackboneInfo | None:
    return next((info for name, info in _LIBRARIES.items() if name.startswith(f"{base}:")), None)


def _read_options(base: str, text: str, options: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    chosen = {key: choices[0] for key, choices in options.items()}
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if key not in options:
            raise UnknownNameError(f"option of {base}", key, options)
        if not equals:
            raise OptionError(f"An option of a backbone is written {base}:{key}=VALUE, got {part!r}.")
        if value not in options[key]:
            raise UnknownNameError(f"{key} of {base}", value, options[key])
        chosen[key] = value
    return dict(sorted(chosen.items()))


def _loader(place: str) -> "Callable[..., Backbone]":
    """Returns a function of one of our modules, which is imported when it is called: timm takes seconds."""
    module, _, function = place.partition(":")

    def load(*arguments: object, **options: object) -> "Backbone":
        backbone: Backbone = getattr(import_module(f"{__package__}.{module}"), function)(*arguments, **options)
        return backbone

    return load


_SIZES = {"s": "S", "b": "B", "l": "L", "g": "g", "h": "H+"}


def _size(name: str) -> str:
    return f"ViT-{_SIZES[name.split('-')[1].removeprefix('vit')[0]]}"


_BACKBONES = {
    "efficientnet-lite0": BackboneInfo(
        "EfficientNet-Lite0, ImageNet classifier without its head (embedded)",
        "arXiv 1905.11946",
        _loader("efficientnet:load_efficientnet_lite0"),
    ),
    **{
        name: BackboneInfo(
            f"DINOv2 {_size(name)}/14{' with registers' if name.endswith('-reg') else ''}, class token",
            "arXiv 2309.16588" if name.endswith("-reg") else "arXiv 2304.07193",
            _loader("dinov2:load_dinov2"),
            f"timm/{model}",
        )
        for name, model in DINOV2_MODELS.items()
    },
    **{
        name: BackboneInfo(
            f"DINOv3 {_size(name)}/16, class token",
            "arXiv 2508.10104",
            _loader("dinov2:load_dinov3"),
            f"timm/{model}",
        )
        for name, model in DINOV3_MODELS.items()
    },
    "clip-vitl14": BackboneInfo(
        "CLIP ViT-L/14 of OpenAI, image encoder",
        "arXiv 2103.00020",
        _loader("clip:load_clip"),
        CLIP_REPOSITORY,
        CLIP_FILES,
        "open_clip",
        {"features": ("projected", "pre-projection")},
    ),
    "blip-base": BackboneInfo(
        "BLIP base (ViT-B/16, captioning), image encoder",
        "arXiv 2201.12086",
        _loader("blip:load_blip"),
        BLIP_REPOSITORY,
        BLIP_FILES,
        "transformers",
    ),
    "random-vit24": BackboneInfo(
        "Transformer of 24 blocks with drawn weights, for checks (embedded)",
        "none",
        _loader("random_vit:load_random_vit"),
    ),
}
_NONE = "none <published>"
_LIBRARIES = {
    "timm:<model>": BackboneInfo(
        "Any vision transformer or CNN of timm with blocks",
        "named by timm",
        _loader("timm_models:load_timm"),
        "timm/<model>",
    ),
    f"{OPEN_CLIP}:<model>/<tag>": BackboneInfo(
        "Any image encoder of open_clip with blocks",
        "named by open_clip",
        _loader("open_clip_models:load_open_clip"),
        "<named by the tag>",
        OPEN_CLIP_FILES,
        "open_clip",
        {"features": ("projected", "pre-projection")},
    ),
    f"{HF}:<owner>/<model>": BackboneInfo(
        "A vision tower of transformers: DINOv2, DINOv3, ViT, DeiT, CLIP, SigLIP",
        "named by the repository",
        _loader("hf_models:load_hf"),
        "<owner>/<model>",
        HF_FILES,
        "transformers",
    ),
}
"""What is called as its library calls it."""
