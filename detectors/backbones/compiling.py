"""Compiles blocks of networks with torch.compile, where a compiler is at hand."""

import logging
import os
import shutil
from pathlib import Path

import torch
from torch import nn

from detectors.errors import OptionError

COMPILERS = ("g++", "clang++")
DIFFERENT_BLOCKS = 64
"""Torch gives up after so many compilations of one function, by default 8: a CNN has more blocks of different make."""
CACHE = "TORCHINDUCTOR_CACHE_DIR"


def check_compiler() -> None:
    """Looks for what torch.compile needs, and keeps its results between runs.

    Raises:
        OptionError: There is no C++ compiler.
    """
    named = os.environ.get("CXX")
    if not any(shutil.which(name) for name in ((named,) if named else COMPILERS)):
        looked = f"CXX={named} is not there" if named else f"there is neither {' nor '.join(COMPILERS)}"
        raise OptionError(f"Compiling needs a C++ compiler, and {looked}: install one, or leave --compile out.")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    former = home / "aigi-bench" / "compiled"
    os.environ.setdefault(CACHE, str(former if former.is_dir() else home / "fauxbench" / "compiled"))


def compile_block(block: nn.Module) -> None:
    """Compiles a block at its first pass, unless it has hooks, which cannot be compiled in general.

    The module is compiled in place. Torch takes the parameters for inputs, so one compilation serves all blocks of the
    same make, whatever their weights.
    """
    if has_hooks(block):
        return
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # it says where there is no GPU
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, DIFFERENT_BLOCKS)
    block.compile(dynamic=False)


def has_hooks(block: nn.Module) -> bool:
    """Says whether something looks at, or changes, what modules of a block take or give."""
    return any(module._forward_hooks or module._forward_pre_hooks for module in block.modules())
