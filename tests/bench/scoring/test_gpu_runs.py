"""Whole runs on a GPU: those of the CPU, within rounding."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bench.results.comparing import compare
from bench.results.comparison import Comparison
from bench.scoring.options import RunOptions

pytestmark = [
    pytest.mark.usefixtures("small_views"),
    pytest.mark.heavy,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
]
DETECTORS = ["wepe", "rigid", "gradient-cuff", "mc-dropout:n=2"]


def run(root: Path, output: Path, **more: object) -> Comparison:
    values: dict[str, object] = {"dataset": "folder", "data_root": str(root), "num_workers": 0, "limit": 4}
    result = compare(DETECTORS, RunOptions(output=output, **(values | more)))
    assert result is not None
    return result


def scores_of(comparison: Comparison) -> np.ndarray:
    return comparison.scores().sort("detector", "condition", "path")["score"].to_numpy()


@pytest.fixture
def on_cpu(image_folder, tmp_path) -> np.ndarray:
    return scores_of(run(image_folder, tmp_path / "cpu", accelerator="cpu"))


def test_exact_scores_are_those_of_the_cpu(image_folder, tmp_path, on_cpu):
    on_gpu = run(image_folder, tmp_path / "gpu", accelerator="gpu")
    assert on_gpu.run["cost"]["peak_device_bytes"] > 0
    np.testing.assert_allclose(scores_of(on_gpu), on_cpu, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(("precision", "compiled"), [("tf32", False), ("bf16-mixed", False), ("bf16-mixed", True)])
def test_a_lower_precision_moves_scores_a_little(precision, compiled, image_folder, tmp_path, on_cpu):
    more = {"precision": precision, "compile": compiled, "accelerator": "gpu"}
    scores = scores_of(run(image_folder, tmp_path / "gpu", **more))
    assert not np.array_equal(scores, on_cpu)
    assert np.corrcoef(scores, on_cpu)[0, 1] > 0.98


def test_what_is_scored_does_not_depend_on_the_batch(image_folder, tmp_path):
    one, many = (
        scores_of(run(image_folder, tmp_path / str(size), accelerator="gpu", batch_size=size)) for size in (1, 12)
    )
    np.testing.assert_allclose(one, many, rtol=1e-3, atol=1e-6)


def test_an_attack_lowers_the_scores_of_generated_images_alone(image_folder, tmp_path):
    attack = "attack:pgd:8/255,steps=3,step=4/255"
    rows = run(image_folder, tmp_path, accelerator="gpu", resize=64, conditions=(attack,)).scores()
    wepe = rows.filter(rows["detector"] == "wepe").sort("path").partition_by("condition", as_dict=True)
    (clean,), (attacked,) = ([wepe[name]] for name in (("clean",), (attack,)))
    change = attacked["score"].to_numpy() - clean["score"].to_numpy()
    labels = clean["label"].to_numpy()
    assert np.all(change[labels == 0] == 0)
    assert np.median(change[labels == 1]) < 0


def test_a_batch_that_the_gpu_cannot_hold_is_halved(image_folder, tmp_path, caplog):
    fraction = (torch.cuda.memory_allocated() + 200 * 2**20) / torch.cuda.get_device_properties(0).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(fraction)
    try:
        small = run(image_folder, tmp_path / "small", accelerator="gpu", batch_size=64, limit=12)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    whole = run(image_folder, tmp_path / "whole", accelerator="gpu", batch_size=64, limit=12)
    assert small.run["cost"]["batch_size"] <= whole.run["cost"]["batch_size"]
    np.testing.assert_allclose(scores_of(small), scores_of(whole), rtol=1e-3, atol=1e-6)
