"""What a detector cannot do without beside a backbone, and where to get it, read off its class."""

import inspect
from collections.abc import Callable, Iterator, Mapping

import torchvision  # type: ignore[import-untyped]

from detectors import Detector
from detectors.autoencoder_names import PUBLISHED
from detectors.autoencoders import WEIGHTS
from detectors.distances import NETS
from detectors.facts import HUB, MODULE, NOWHERE, TORCH, Need
from detectors.latent_diffusion import CLIP_FILES, DIFFUSION_FILES
from detectors.manifold_bias import PUBLISHED_CLIP, PUBLISHED_MODEL
from detectors.trained.lgrad import DISCRIMINATOR, DISCRIMINATOR_SOURCE

_NOWHERE = ((NOWHERE,),)


def needs_of(cls: type[Detector]) -> Iterator[Need]:
    """Lists what a detector needs, for its defaults first."""
    for name in inspect.signature(cls).parameters:
        if name in _NEEDS:
            yield from _NEEDS[name](cls)


def _autoencoder_needs() -> Iterator[Need]:
    yield Need("autoencoders of the demo", "", "installed with the package", ((MODULE, "datamodules"),))
    yield Need("diffusers", "any other autoencoder", "pip install 'fauxbench[aeroblade]'", ((MODULE, "diffusers"),))
    for name, address in PUBLISHED.items():
        owner, repository, folder = address.split("/")
        place = (HUB, f"{owner}/{repository}", f"{folder}/{WEIGHTS}")
        yield Need(f"autoencoder {name}", f"autoencoder={name}", f"hub: {address}", (place,))


def _diffusion_needs() -> Iterator[Need]:
    yield Need("diffusers", "", "pip install 'fauxbench[aeroblade]'", ((MODULE, "diffusers"),))
    source = f"hub: {PUBLISHED_MODEL}, by model=FOLDER or model={PUBLISHED_MODEL}"
    places = tuple((HUB, PUBLISHED_MODEL, file) for file in DIFFUSION_FILES)
    yield Need("a Stable Diffusion as diffusers saves it", "", source, places)
    places = tuple((HUB, PUBLISHED_CLIP, file) for file in CLIP_FILES)
    yield Need("CLIP ViT-L/14 as transformers saves it", "", f"hub: {PUBLISHED_CLIP}, or clip_model=FOLDER", places)


def _distance_needs() -> Iterator[Need]:
    for net, (model, _) in NETS.items():
        url = torchvision.models.get_model_weights(model).IMAGENET1K_V1.url
        wanted_for = f"distance=lpips-{net}" + (", dists" if net == "vgg" else "")
        place = (TORCH, url.rpartition("/")[2])
        yield Need(f"weights of {model}", wanted_for, f"{url}, or distance_weights=FILE", (place,))


def _checkpoint_needs(cls: type[Detector]) -> Iterator[Need]:
    """Names the released files, of which one is enough; whether one is here only ``--checkpoint`` says."""
    files = [one.name for one in getattr(cls, "released", ())]
    sources = dict.fromkeys(one.source for one in getattr(cls, "released", ()))
    what = f"a checkpoint ({' or '.join(dict.fromkeys(files))})" if files else "a checkpoint of your own training"
    source = "; ".join(sources) or ("python -m bench fit" if getattr(cls, "fitted_here", False) else "no released file")
    yield Need(what, "", f"{source}, by --checkpoint {cls.name}=FILE", _NOWHERE)


# By the parameter that brings the need, so that a new detector with such a parameter has it, too.
_NEEDS: Mapping[str, Callable[[type[Detector]], Iterator[Need]]] = {
    "checkpoint": _checkpoint_needs,
    "discriminator": lambda cls: iter((Need(DISCRIMINATOR, "", DISCRIMINATOR_SOURCE, _NOWHERE),)),
    "maps": lambda cls: iter((Need("a map of losses for each image", "", "by lare:maps=FILE", _NOWHERE),)),
    "autoencoder": lambda cls: _autoencoder_needs(),
    "clip_model": lambda cls: _diffusion_needs(),
    "distance_weights": lambda cls: _distance_needs(),
}
