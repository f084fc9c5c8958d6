"""Detectors of AI-generated images behind one interface; usable with torch alone, without the rest of the suite."""

from detectors.aeroblade import Aeroblade
from detectors.backbones import Backbone, create_backbone, list_backbones
from detectors.base import Detector, View, create_detector, list_detectors, register
from detectors.ensemble import Ensemble, create_ensemble
from detectors.errors import OptionError, UnknownNameError, WeightsError, WeightsNotFoundError
from detectors.fitting import Fittable, NotFittedError
from detectors.gradient_cuff import GradientCuff, WepeGradientCuff
from detectors.mc_dropout import McDropout
from detectors.perturbation import Perturbation
from detectors.rigid import Rigid
from detectors.trained import (
    CnnSpot,
    Dire,
    F3Net,
    GramNet,
    LGrad,
    LinearProbe,
    Npr,
    ReleasedFile,
    TimmClassifier,
    TrainedDetector,
    UnivFD,
)
from detectors.wepe import WePe

__all__ = [
    "Aeroblade",
    "Backbone",
    "CnnSpot",
    "Detector",
    "Dire",
    "Ensemble",
    "F3Net",
    "Fittable",
    "GradientCuff",
    "GramNet",
    "LGrad",
    "LinearProbe",
    "McDropout",
    "NotFittedError",
    "Npr",
    "OptionError",
    "Perturbation",
    "ReleasedFile",
    "Rigid",
    "TimmClassifier",
    "TrainedDetector",
    "UnivFD",
    "UnknownNameError",
    "View",
    "WePe",
    "WeightsError",
    "WeightsNotFoundError",
    "WepeGradientCuff",
    "create_backbone",
    "create_detector",
    "create_ensemble",
    "list_backbones",
    "list_detectors",
    "register",
]
