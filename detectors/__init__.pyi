from .aeroblade import Aeroblade
from .backbones import Backbone, create_backbone, list_backbones
from .base import Detector, View, create_detector
from .contrastive_blur import ContrastiveBlur
from .conv import ConV
from .ensemble import Ensemble
from .errors import OptionError, UnknownNameError, WeightsError, WeightsNotFoundError
from .fitting import Fittable, NotFittedError
from .fusion import create_fusion
from .gradient_cuff import GradientCuff, WepeGradientCuff
from .hfi import Hfi
from .manifold_bias import ManifoldBias
from .mc_dropout import McDropout
from .minder import Minder
from .perturbation import Perturbation
from .registry import detector_names, find_detector, list_detectors, register
from .rigid import Rigid
from .trained.b_free import BFree
from .trained.base import TrainedDetector
from .trained.checkpoints import ReleasedFile
from .trained.cnnspot import CnnSpot
from .trained.dire import Dire
from .trained.f3net import F3Net
from .trained.gramnet import GramNet
from .trained.lgrad import LGrad
from .trained.linear_probe import LinearProbe
from .trained.npr import Npr
from .trained.rine import Rine
from .trained.timm_classifier import TimmClassifier
from .trained.univfd import UnivFD
from .warpad import WaRPAD
from .wepe import WePe

__all__ = [
    "Aeroblade",
    "BFree",
    "Backbone",
    "CnnSpot",
    "ConV",
    "ContrastiveBlur",
    "Detector",
    "Dire",
    "Ensemble",
    "F3Net",
    "Fittable",
    "GradientCuff",
    "GramNet",
    "Hfi",
    "LGrad",
    "LinearProbe",
    "ManifoldBias",
    "McDropout",
    "Minder",
    "NotFittedError",
    "Npr",
    "OptionError",
    "Perturbation",
    "ReleasedFile",
    "Rigid",
    "Rine",
    "TimmClassifier",
    "TrainedDetector",
    "UnivFD",
    "UnknownNameError",
    "View",
    "WaRPAD",
    "WePe",
    "WeightsError",
    "WeightsNotFoundError",
    "WepeGradientCuff",
    "create_backbone",
    "create_detector",
    "create_fusion",
    "detector_names",
    "find_detector",
    "list_backbones",
    "list_detectors",
    "register",
]
