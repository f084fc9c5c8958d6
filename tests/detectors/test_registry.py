"""The tables of names agree with what they name."""

import subprocess
import sys

import pytest

from detectors import Detector, list_detectors
from detectors.backbones.catalogue import list_backbones
from detectors.registry import BACKBONES, DETECTORS, find_detector


@pytest.mark.parametrize("name", DETECTORS)
def test_each_name_is_that_of_its_class(name):
    cls = find_detector(name)
    assert issubclass(cls, Detector)
    assert cls.name == name
    assert DETECTORS[name] == f"{cls.__module__}:{cls.__qualname__}"


def test_every_detector_of_the_package_has_a_name_in_the_table():
    list_detectors()  # imports them
    found, open_classes = set(), [Detector]
    while open_classes:
        subclasses = open_classes.pop().__subclasses__()
        open_classes += subclasses
        found |= {cls.name for cls in subclasses if cls.__module__.startswith("detectors.") and "name" in vars(cls)}
    assert found == set(DETECTORS)


def test_the_backbones_are_those_of_the_catalogue():
    assert set(BACKBONES) == set(list_backbones())


def test_names_are_known_without_torch():
    code = (
        "import sys; from detectors.registry import detector_names, BACKBONES; from datamodules.registry import "
        "dataset_names; print(len(detector_names()) > 10, len(dataset_names()) > 4, 'torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "True True False\n"
