"""Detectors of AI-generated images behind one interface; usable with torch alone, without the rest of the suite."""

from detectors.backbones import Backbone, create_backbone, list_backbones
from detectors.base import Detector, View, create_detector, list_detectors, register
from detectors.errors import OptionError, UnknownNameError, WeightsError, WeightsNotFoundError
from detectors.perturbation import Perturbation
from detectors.rigid import Rigid
from detectors.wepe import WePe

__all__ = [
    "Backbone",
    "Detector",
    "OptionError",
    "Perturbation",
    "Rigid",
    "UnknownNameError",
    "View",
    "WePe",
    "WeightsError",
    "WeightsNotFoundError",
    "create_backbone",
    "create_detector",
    "list_backbones",
    "list_detectors",
    "register",
]
