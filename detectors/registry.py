"""The detectors and backbones by name; nothing heavy is imported before a class is asked for."""

import importlib
from typing import TYPE_CHECKING, TypeVar

from detectors.errors import UnknownNameError

if TYPE_CHECKING:
    from detectors.base import Detector

DETECTORS = {
    "aeroblade": "detectors.aeroblade:Aeroblade",
    "aide": "detectors.trained.aide:Aide",
    "b-free": "detectors.trained.b_free:BFree",
    "c2p-clip": "detectors.trained.c2p_clip:C2PClip",
    "cnnspot": "detectors.trained.cnnspot:CnnSpot",
    "community-forensics": "detectors.trained.community_forensics:CommunityForensics",
    "contrastive-blur": "detectors.contrastive_blur:ContrastiveBlur",
    "conv": "detectors.conv:ConV",
    "dda": "detectors.trained.dda:Dda",
    "dire": "detectors.trained.dire:Dire",
    "dmid": "detectors.trained.dmid:Dmid",
    "drct": "detectors.trained.drct:Drct",
    "durall": "detectors.trained.durall:Durall",
    "effort": "detectors.trained.effort:Effort",
    "f3net": "detectors.trained.f3net:F3Net",
    "frank": "detectors.trained.frank:Frank",
    "gandetection": "detectors.trained.gandetection:GanDetection",
    "gradient-cuff": "detectors.gradient_cuff:GradientCuff",
    "gramnet": "detectors.trained.gramnet:GramNet",
    "hfi": "detectors.hfi:Hfi",
    "lare": "detectors.trained.lare:Lare",
    "lgrad": "detectors.trained.lgrad:LGrad",
    "linear-probe": "detectors.trained.linear_probe:LinearProbe",
    "manifold-bias": "detectors.manifold_bias:ManifoldBias",
    "mc-dropout": "detectors.mc_dropout:McDropout",
    "minder": "detectors.minder:Minder",
    "npr": "detectors.trained.npr:Npr",
    "patchfor": "detectors.trained.patchfor:PatchFor",
    "rigid": "detectors.rigid:Rigid",
    "rine": "detectors.trained.rine:Rine",
    "safe": "detectors.trained.safe:Safe",
    "selfblend": "detectors.trained.selfblend:SelfBlend",
    "spec": "detectors.trained.spec:Spec",
    "timm": "detectors.trained.timm_classifier:TimmClassifier",
    "univfd": "detectors.trained.univfd:UnivFD",
    "warpad": "detectors.warpad:WaRPAD",
    "wepe": "detectors.wepe:WePe",
    "wepe-gradient-cuff": "detectors.gradient_cuff:WepeGradientCuff",
}
"""The module and the class of each detector of this package."""
BACKBONES = {
    "efficientnet-lite0": "detectors.backbones.efficientnet",
    **{
        f"dinov2-vit{size}14{registers}": "detectors.backbones.dinov2"
        for registers in ("", "-reg")
        for size in ("s", "b", "l", "g")
    },
    **{f"dinov3-vit{size}16": "detectors.backbones.dinov2" for size in ("s", "b", "l")},
    "dinov3-vith16plus": "detectors.backbones.dinov2",
    "clip-vitl14": "detectors.backbones.clip",
    "blip-base": "detectors.backbones.blip",
    "random-vit24": "detectors.backbones.random_vit",
    "timm:<model>": "detectors.backbones.timm_models",
    "open-clip:<model>/<tag>": "detectors.backbones.open_clip_models",
    "hf:<owner>/<model>": "detectors.backbones.hf_models",
}
"""The module of each backbone; those with ``<`` stand for all that a library has."""
DetectorT = TypeVar("DetectorT", bound="type[Detector]")
_registered: dict[str, "type[Detector]"] = {}


def register(cls: DetectorT) -> DetectorT:
    """Adds a detector's class under its ``name``, so that ``--detectors`` finds it.

    Args:
        cls: The class; usable as a decorator.

    Returns:
        The class itself.

    Raises:
        ValueError: The name is taken by another class; a notebook's cell that is run again defines the same one.
    """
    if cls.name in detector_names() and not _same_cell(_registered.get(cls.name), cls):
        raise ValueError(f"The detector name {cls.name!r} is taken by {find_detector(cls.name).__qualname__}.")
    _registered[cls.name] = cls
    return cls


def _same_cell(known: "type[Detector] | None", cls: "type[Detector]") -> bool:
    names = [(other.__module__, other.__qualname__) for other in (known, cls) if other]
    return names == [("__main__", cls.__qualname__)] * 2


def detector_names() -> tuple[str, ...]:
    """Returns the names of all detectors, in alphabetical order."""
    return tuple(sorted((*DETECTORS, *_registered)))


def find_detector(name: str) -> "type[Detector]":
    """Returns a detector's class by its name; no other detector is imported.

    Raises:
        UnknownNameError: There is none of that name.
    """
    if name in _registered:
        return _registered[name]
    if name not in DETECTORS:
        raise UnknownNameError("detector", name, detector_names())
    module, _, attribute = DETECTORS[name].partition(":")
    cls: type[Detector] = getattr(importlib.import_module(module), attribute)
    return cls


def list_detectors() -> dict[str, "type[Detector]"]:
    """Returns all detectors' classes by name, in alphabetical order."""
    return {name: find_detector(name) for name in detector_names()}
