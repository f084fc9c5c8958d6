from pathlib import Path

import pytest

from bench.references.rivals import rivals_of
from bench.studies.rivals import rivals_table
from bench.studies.wepe import PAPER
from bench.training.options import FitOptions
from bench.training.recipes import RECIPES
from detectors import find_detector, list_detectors

RIVALS = rivals_of("wepe")
PRINTED = [
    *("CNNspot", "Ojha", "DIRE", "NPR", "Frank", "Durall", "Patchfor", "F3Net", "SelfBland", "GANDetection", "LGrad"),
    *("ResNet-50", "DeiT-S", "Swin-T", "Spec", "GramNet", "LaRE"),
]
"""The trained methods that the paper's section 4.1 and its Table 3 name, as it writes them."""


def test_every_trained_method_of_the_paper_is_there_by_its_name():
    assert [rival.printed for rival in RIVALS] == PRINTED
    assert len({rival.detector for rival in RIVALS}) == len(RIVALS) == 17


@pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: rival.printed)
def test_what_is_said_of_a_rival_is_so(rival, tmp_path):
    name, _, model = rival.detector.partition(":model=")
    assert find_detector(name).name == name
    assert rival.standing != "cannot be run" or rival.note
    if rival.standing == "run for real":
        fitted = FitOptions(f"{name}:{model}" if model else name, Path(tmp_path, "file.safetensors"))
        assert fitted.spec.startswith(rival.detector)


def test_detectors_that_say_that_they_are_fitted_here_are_those_with_a_recipe():
    fitted = {name for name, cls in list_detectors().items() if getattr(cls, "fitted_here", False)}
    assert fitted == set(RECIPES)


def test_a_paper_without_rivals_has_none():
    assert rivals_of("rigid") == ()


def test_the_table_has_a_row_a_rival_and_each_paper_once():
    table = rivals_table([PAPER, PAPER])
    assert len(table.rows) == 17
    assert table.rows[9][:4] == ["WePe", "GANDetection", "gandetection", "adapter checked on random weights"]
