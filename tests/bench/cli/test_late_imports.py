"""A late name stands for the real one, which is imported when it is used."""

import subprocess
import sys

import pytest

from bench.cli.late_imports import LATE, _LateName, _replaced

INSTALLED = "from bench.cli import late_imports; late_imports.install()"


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_a_late_name_is_called_asked_and_compared_as_the_real_one():
    late = _LateName("Fraction", (), {"__module__": "fractions"})
    assert late(1, 3) == late.from_float(0.25) * 4 / 3
    assert isinstance(late(1, 3), late)
    assert not isinstance(3, late)


def test_a_module_is_replaced_while_it_is_not_there_yet(monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with _replaced("colorsys"):
        from colorsys import rgb_to_hsv
    assert "colorsys" not in sys.modules
    assert rgb_to_hsv(1.0, 0.0, 0.0) == (0.0, 1.0, 1.0)
    import colorsys

    with _replaced("colorsys"):
        assert sys.modules["colorsys"] is colorsys
    with _replaced("no_such_module"):
        assert "no_such_module" not in sys.modules


@pytest.mark.heavy
def test_what_was_replaced_is_itself_for_everybody_else():
    code = f"{INSTALLED}; import timm, sys; print('wandb' in sys.modules); import wandb; print(wandb.__version__ != '')"
    assert run(code) == "False\nTrue\n"


@pytest.mark.heavy
def test_the_library_still_does_what_it_needs_the_other_for():
    assert LATE == {"timm": "wandb", "torchmetrics": "transformers"}
    code = f"{INSTALLED}; from torchmetrics.functional.text import bert; import transformers; "
    told = "print(bert.AutoModel.from_config.__func__ is transformers.AutoModel.from_config.__func__)"
    assert run(code + told) == "True\n"
