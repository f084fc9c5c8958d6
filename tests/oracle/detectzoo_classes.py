"""Finds the detectors of the package ``detectzoo``, which ``make oracle`` installs beside the project's own packages.

Its own ``__init__`` imports detectors of texts and sounds and what these need; only its single files are wanted here.
"""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parents[2] / ".oracle"
PACKAGES = ("detectzoo", "detectzoo.detectors", "detectzoo.detectors.image", "detectzoo.datasets", "detectzoo.utils")


def detectzoo_module(name: str) -> ModuleType:
    """Imports ``detectzoo.detectors.image.<name>`` without what its packages import beside it."""
    if not (FOLDER / "detectzoo").is_dir():
        pytest.fail(f"There is no {FOLDER}/detectzoo: run `make oracle`.")
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))  # after the project's own packages
    for package in PACKAGES:
        if package not in sys.modules:
            bare = ModuleType(package)
            bare.__path__ = [str(FOLDER / package.replace(".", "/"))]
            sys.modules[package] = bare
    return importlib.import_module(f"detectzoo.detectors.image.{name}")
