"""Vision models whose features the detectors compare, and where their weights come from.

Each name is imported when it is first used.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from detectors.backbones.base import Backbone
    from detectors.backbones.blip import blip_backbone
    from detectors.backbones.catalogue import BackboneInfo, create_backbone, find_backbone, list_backbones
    from detectors.backbones.clip import clip_backbone
    from detectors.backbones.dinov2 import dinov2_backbone, resize_position_embedding
    from detectors.backbones.timm_models import timm_backbone

__all__ = [
    "Backbone",
    "BackboneInfo",
    "blip_backbone",
    "clip_backbone",
    "create_backbone",
    "dinov2_backbone",
    "find_backbone",
    "list_backbones",
    "resize_position_embedding",
    "timm_backbone",
]
__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "base": ["Backbone"],
        "blip": ["blip_backbone"],
        "catalogue": ["BackboneInfo", "create_backbone", "find_backbone", "list_backbones"],
        "clip": ["clip_backbone"],
        "dinov2": ["dinov2_backbone", "resize_position_embedding"],
        "timm_models": ["timm_backbone"],
    },
)
