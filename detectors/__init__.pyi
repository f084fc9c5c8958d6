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
from .trained.aide import Aide
from .trained.b_free import BFree
from .trained.base import TrainedDetector
from .trained.c2p_clip import C2PClip
from .trained.checkpoints import ReleasedFile
from .trained.cnnspot import CnnSpot
from .trained.community_forensics import CommunityForensics
from .trained.dda import Dda
from .trained.dire import Dire
from .trained.dmid import Dmid
from .trained.drct import Drct
from .trained.durall import Durall
from .trained.effort import Effort
from .trained.f3net import F3Net
from .trained.frank import Frank
from .trained.gandetection import GanDetection
from .trained.gramnet import GramNet
from .trained.lare import Lare
from .trained.lgrad import LGrad
from .trained.linear_probe import LinearProbe
from .trained.npr import Npr
from .trained.patchfor import PatchFor
from .trained.rine import Rine
from .trained.safe import Safe
from .trained.selfblend import SelfBlend
from .trained.spec import Spec
from .trained.timm_classifier import TimmClassifier
from .trained.univfd import UnivFD
from .warpad import WaRPAD
from .wepe import WePe

__all__ = [
    "Aeroblade",
    "Aide",
    "BFree",
    "Backbone",
    "C2PClip",
    "CnnSpot",
    "CommunityForensics",
    "ConV",
    "ContrastiveBlur",
    "Dda",
    "Detector",
    "Dire",
    "Dmid",
    "Drct",
    "Durall",
    "Effort",
    "Ensemble",
    "F3Net",
    "Fittable",
    "Frank",
    "GanDetection",
    "GradientCuff",
    "GramNet",
    "Hfi",
    "LGrad",
    "Lare",
    "LinearProbe",
    "ManifoldBias",
    "McDropout",
    "Minder",
    "NotFittedError",
    "Npr",
    "OptionError",
    "PatchFor",
    "Perturbation",
    "ReleasedFile",
    "Rigid",
    "Rine",
    "Safe",
    "SelfBlend",
    "Spec",
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
