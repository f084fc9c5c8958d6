"""Reads PyTorch files that hold tensors and plain containers, as training scripts write them; never runs their code.

torch's reader knows tensors, numbers and dictionaries. Training scripts also keep their options (timm an
``argparse.Namespace``, Lightning formerly an ``AttributeDict``), paths, and numbers of NumPy. These are read here, too,
where a class could do something as what cannot: a path as a pure one, a ``defaultdict`` as a dictionary without its
function. Nothing is registered for other readers.
"""

import argparse
import re
import types
import warnings
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch

_PATHS = {
    f"{module}.{name}": pure
    for module in ("pathlib", "pathlib._local")  # the latter in Python 3.13
    for pure, names in {PurePosixPath: ("Path", "PosixPath"), PureWindowsPath: ("WindowsPath",)}.items()
    for name in (*names, pure.__name__)
}
_ATTRIBUTE_DICTS = (
    "lightning.fabric.utilities.data.AttributeDict",
    "lightning.pytorch.utilities.parsing.AttributeDict",
    "lightning_fabric.utilities.data.AttributeDict",
    "pytorch_lightning.utilities.parsing.AttributeDict",
)
_NUMPY: dict[str, Any] = {
    "numpy.dtype": np.dtype,
    "numpy.ndarray": np.ndarray,
    **dict.fromkeys(("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"), np.float64(0).__reduce__()[0]),
    **dict.fromkeys(
        ("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"), np.empty(0).__reduce__()[0]
    ),
    **{f"numpy.dtypes.{type(np.dtype(code)).__name__}": type(np.dtype(code)) for code in "?bhilqBHILQefdg"},
}


def _without_function(*_: object) -> dict[Any, Any]:
    return {}


PLAIN: dict[str, Callable[..., Any]] = {
    "argparse.Namespace": argparse.Namespace,
    "types.SimpleNamespace": types.SimpleNamespace,
    "collections.defaultdict": _without_function,
    **{f"builtins.{kind.__name__}": kind for kind in (bool, dict, float, frozenset, int, list, str, tuple)},
    **dict.fromkeys(_ATTRIBUTE_DICTS, OrderedDict),
    **_PATHS,
    **_NUMPY,
}
"""By the name that a file has for it, what is made of an object."""


def load_plain(file: Path) -> object:
    """Reads a PyTorch file.

    Raises:
        UnpicklingError: It holds something else than tensors and plain objects; see :func:`refused_class`.
        Exception: It is damaged, or another file: torch's reader raises almost anything.
    """
    known = set(torch.serialization.get_safe_globals())  # leaving the context takes away what somebody else added
    allowed: list[Any] = [(made, name) for name, made in PLAIN.items() if (made, name) not in known]
    with warnings.catch_warnings(), torch.serialization.safe_globals(allowed):
        warnings.filterwarnings("ignore", "Detected pickle protocol")  # begs for a report to torch
        content: object = torch.load(file, map_location="cpu", weights_only=True)
    return content


def refused_class(error: UnpicklingError) -> str | None:
    """Tells the name of the class or function that torch's reader would not make, where it says one."""
    name = re.search(r"GLOBAL ([\w.]{1,100})", str(error))
    return name[1] if name else None
