from .chain import CLASSES, CLEAN, DegradationChain
from .grids import PRESETS
from .language import Parser, known, parse_condition, register_degradation
from .steps.base import BOTH, Axis, Degradation, stream
from .steps.codecs import Compression, encoded
from .steps.filters import Blur, Noise, kernel_of

__all__ = [
    "BOTH",
    "CLASSES",
    "CLEAN",
    "PRESETS",
    "Axis",
    "Blur",
    "Compression",
    "Degradation",
    "DegradationChain",
    "Noise",
    "Parser",
    "encoded",
    "kernel_of",
    "known",
    "parse_condition",
    "register_degradation",
    "stream",
]
