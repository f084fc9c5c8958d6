"""What attacks do to detectors of the demo, on the embedded backbone at its full size."""

from pathlib import Path

import pytest

from bench.results.comparing import compare
from bench.scoring.options import RunOptions
from bench.training.fit import fit_detector
from bench.training.options import FitOptions

pytestmark = pytest.mark.heavy
LIMIT = 12


def aurocs(detector: str, output: Path, *conditions: str) -> list[float]:
    comparison = compare([detector], RunOptions(output=output, conditions=conditions, limit=LIMIT))
    assert comparison is not None
    return [row.numbers["auroc"].value for row in comparison.summary.means]


def test_a_linear_probe_falls_from_over_08_to_under_005_at_two_levels(tmp_path):
    file = tmp_path / "probe.safetensors"
    fit_detector(FitOptions("linear-probe", file), RunOptions(output=tmp_path))
    clean, attacked = aurocs(f"linear-probe:checkpoint={file}", tmp_path, "attack:pgd:2/255,steps=10")
    assert clean > 0.8
    assert attacked < 0.05


def test_rigid_falls_visibly_at_eight_levels(tmp_path):
    clean, attacked = aurocs("rigid", tmp_path, "attack:pgd:8/255,steps=10")
    assert attacked < clean - 0.2
