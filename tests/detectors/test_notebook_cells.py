"""A detector that is defined in a notebook's cell: IPython keeps the cell's text where ``linecache`` finds it."""

import hashlib
import linecache
import sys

import pytest

from detectors import find_detector, registry

CELL = """
from detectors import Detector, View, register

@register
class Mine(Detector):
    name, paper, view = "mine-in-a-cell", "none", View(8)

    def __init__(self, *, seed=0):
        super().__init__()

    def forward(self, images, keys):
        return images.mean(dim=(1, 2, 3))
"""
DERIVED = """
class Derived(Mine):
    name = "derived-in-a-cell"

    @property
    def passes(self):
        return 0
"""


@pytest.fixture
def run_cell(monkeypatch):
    """Runs a cell as IPython does: in ``__main__``, which has no file."""
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    names = {"__name__": "__main__"}

    def run(text: str) -> dict[str, object]:
        name = f"<cell {hashlib.sha256(text.encode()).hexdigest()}>"
        monkeypatch.setitem(linecache.cache, name, (len(text), None, text.splitlines(keepends=True), name))
        exec(compile(text, name, "exec"), names)
        return names

    return run


def test_a_cell_that_is_run_again_is_the_same_detector_and_a_changed_one_another(run_cell):
    first = run_cell(CELL)["Mine"]()
    again = run_cell(CELL)["Mine"]()
    changed = run_cell(CELL.replace("(1, 2, 3)", "(3, 2, 1)"))["Mine"]()
    assert first.source_sha256 == hashlib.sha256(CELL.encode()).hexdigest()
    assert first.fingerprint() == again.fingerprint() != changed.fingerprint()
    assert find_detector("mine-in-a-cell") is type(changed)


def test_what_a_class_derives_from_counts_with_it(run_cell):
    run_cell(CELL)
    derived = run_cell(DERIVED)["Derived"]()
    assert derived.source_sha256 == hashlib.sha256((DERIVED + CELL).encode()).hexdigest()


def test_a_cell_does_not_take_the_name_of_another_class(run_cell):
    with pytest.raises(ValueError, match="'rigid' is taken by Rigid"):
        run_cell(CELL.replace("mine-in-a-cell", "rigid"))
    run_cell(CELL)
    with pytest.raises(ValueError, match="'mine-in-a-cell' is taken by Mine"):
        run_cell(CELL.replace("Mine", "Other"))


def test_a_text_that_nobody_keeps_has_no_source(run_cell, monkeypatch):
    detector = run_cell(CELL)["Mine"]()
    monkeypatch.delitem(linecache.cache, type(detector).forward.__code__.co_filename)
    assert detector.source_sha256 is None
