"""What a detector cannot do without, where to get it, and whether it is here."""

import importlib.util
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import torchvision  # type: ignore[import-untyped]

from detectors import Detector
from detectors.autoencoder_names import PUBLISHED
from detectors.autoencoders import WEIGHTS
from detectors.backbones import BackboneInfo, find_backbone
from detectors.distances import NETS
from detectors.hub import is_cached
from detectors.latent_diffusion import CLIP_FILES, DIFFUSION_FILES
from detectors.manifold_bias import PUBLISHED_CLIP, PUBLISHED_MODEL
from detectors.trained.lgrad import DISCRIMINATOR, DISCRIMINATOR_SOURCE


@dataclass(frozen=True)
class Need:
    """Something that a detector cannot do without.

    Args:
        what: The thing.
        wanted_for: The option that wants it; empty for the defaults.
        source: Where to get it.
        here: Whether it is here, as far as can be told without network.
    """

    what: str
    wanted_for: str
    source: str
    here: bool


def needs_of(cls: type[Detector], backbone: Need) -> Iterator[Need]:
    """Lists what a detector needs, for its defaults first.

    Args:
        cls: The detector.
        backbone: The run's backbone, for a method that takes any.
    """
    own = getattr(cls, "takes_backbone", None)
    backbone = backbone_need(own) if own else backbone
    for name in inspect.signature(cls).parameters:
        if name in _NEEDS:
            yield from _NEEDS[name](cls, backbone)


def backbone_need(name: str) -> Need:
    """Describes the need of a backbone.

    Raises:
        UnknownNameError: There is no such backbone.
    """
    info = find_backbone(name)
    return Need(f"backbone {name}", "", _backbone_source(info), info.here)


def _backbone_source(info: BackboneInfo) -> str:
    return info.source if info.package is None else f"{info.source}; module {info.package}"


def _autoencoder_needs() -> Iterator[Need]:
    home = importlib.util.find_spec("datamodules") is not None
    yield Need("autoencoders of the demo", "", "installed with the package", home)
    extra = importlib.util.find_spec("diffusers") is not None
    yield Need("diffusers", "any other autoencoder", "pip install 'fauxbench[aeroblade]'", extra)
    for name, address in PUBLISHED.items():
        owner, repository, folder = address.split("/")
        here = is_cached(f"{owner}/{repository}", [f"{folder}/{WEIGHTS}"])
        yield Need(f"autoencoder {name}", f"autoencoder={name}", f"hub: {address}", here)


def _diffusion_needs() -> Iterator[Need]:
    extra = importlib.util.find_spec("diffusers") is not None
    yield Need("diffusers", "", "pip install 'fauxbench[aeroblade]'", extra)
    source = f"hub: {PUBLISHED_MODEL}, by model=FOLDER or model={PUBLISHED_MODEL}"
    here = all(is_cached(PUBLISHED_MODEL, [file]) for file in DIFFUSION_FILES)
    yield Need("a Stable Diffusion as diffusers saves it", "", source, here)
    here = all(is_cached(PUBLISHED_CLIP, [file]) for file in CLIP_FILES)
    yield Need("CLIP ViT-L/14 as transformers saves it", "", f"hub: {PUBLISHED_CLIP}, or clip_model=FOLDER", here)


def _distance_needs() -> Iterator[Need]:
    for net, (model, _) in NETS.items():
        url = torchvision.models.get_model_weights(model).IMAGENET1K_V1.url
        here = Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2]).is_file()
        wanted_for = f"distance=lpips-{net}" + (", dists" if net == "vgg" else "")
        yield Need(f"weights of {model}", wanted_for, f"{url}, or distance_weights=FILE", here)


def _checkpoint_needs(cls: type[Detector]) -> Iterator[Need]:
    """Names the released files, of which one is enough; whether one is here only ``--checkpoint`` says."""
    files = [one.name for one in getattr(cls, "released", ())]
    sources = dict.fromkeys(one.source for one in getattr(cls, "released", ()))
    what = f"a checkpoint ({' or '.join(dict.fromkeys(files))})" if files else "a checkpoint of your own training"
    source = "; ".join(sources) or ("python -m bench fit" if getattr(cls, "fitted_here", False) else "no released file")
    yield Need(what, "", f"{source}, by --checkpoint {cls.name}=FILE", False)


# By the parameter that brings the need, so that a new detector with such a parameter has it, too.
_NEEDS: Mapping[str, Callable[[type[Detector], Need], Iterator[Need]]] = {
    "backbone": lambda cls, backbone: iter((backbone,)),
    "checkpoint": lambda cls, backbone: _checkpoint_needs(cls),
    "discriminator": lambda cls, backbone: iter((Need(DISCRIMINATOR, "", DISCRIMINATOR_SOURCE, False),)),
    "maps": lambda cls, backbone: iter((Need("a map of losses for each image", "", "by lare:maps=FILE", False),)),
    "autoencoder": lambda cls, backbone: _autoencoder_needs(),
    "clip_model": lambda cls, backbone: _diffusion_needs(),
    "distance_weights": lambda cls, backbone: _distance_needs(),
}
