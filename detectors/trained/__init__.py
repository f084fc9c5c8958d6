"""Detectors with weights that others, or ``python -m bench fit``, trained; each needs its file."""

from detectors.trained.base import TrainedDetector
from detectors.trained.checkpoints import ReleasedFile
from detectors.trained.cnnspot import CnnSpot
from detectors.trained.dire import Dire
from detectors.trained.f3net import F3Net
from detectors.trained.gramnet import GramNet
from detectors.trained.lgrad import LGrad
from detectors.trained.linear_probe import LinearProbe
from detectors.trained.npr import Npr
from detectors.trained.timm_classifier import TimmClassifier
from detectors.trained.univfd import UnivFD

__all__ = [
    "CnnSpot",
    "Dire",
    "F3Net",
    "GramNet",
    "LGrad",
    "LinearProbe",
    "Npr",
    "ReleasedFile",
    "TimmClassifier",
    "TrainedDetector",
    "UnivFD",
]
