"""A lower precision moves the scores, and a run says by how much."""

import copy
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from bench.cli.app import main
from bench.errors import BenchError
from bench.report.notes import comparison_notes
from bench.results.comparing import compare
from bench.results.comparison import Comparison
from bench.scoring.machine.precision import has_instructions, set_tf32, slow_words
from bench.scoring.options import RunOptions
from detectors import Backbone

pytestmark = pytest.mark.usefixtures("small_views")

TWO = ["wepe", "rigid"]


def run(root: Path, output: Path, **more: object) -> Comparison:
    values: dict[str, object] = {"dataset": "folder", "data_root": str(root), "num_workers": 0}
    result = compare(TWO, RunOptions(output=output, **(values | more)))
    assert result is not None
    return result


def scores_of(result: Comparison, detector: str) -> pl.DataFrame:
    return result.scores().filter(pl.col("detector") == detector).select("path", "score").sort("path")


@pytest.mark.heavy
def test_the_effect_is_measured_on_images_that_are_scored_in_both(image_folder, tmp_path):
    low = run(image_folder, tmp_path, precision="bf16-mixed")
    exact = run(image_folder, tmp_path)  # has the very scores that the other was compared with
    assert (low.scored, exact.scored) == (72, 0)
    notes = [note for note in comparison_notes(low) if note.startswith("bf16-mixed against 32-true")]
    for row in exact.summary.rows:
        if row.generator != "mean":
            continue
        note = next(note for note in notes if row.detector in note)
        both = scores_of(exact, row.detector).join(scores_of(low, row.detector), on="path")
        moved = np.abs(both["score_right"] - both["score"]).to_numpy() / np.abs(both["score"].to_numpy())
        assert "on 36 images" in note
        assert f"move by {np.median(moved):.2%} (median; at most {moved.max():.2%})" in note
        assert np.median(moved) > 1e-4
        before, after = map(float, re.search(r"AUROC (\S+) -> (\S+) ", note).groups())
        assert before == pytest.approx(row.numbers["auroc"].value, abs=1e-4)
        own = next(r for r in low.summary.rows if (r.detector, r.generator) == (row.detector, "mean"))
        assert after == pytest.approx(own.numbers["auroc"].value, abs=1e-4)


@pytest.mark.heavy
def test_exact_scores_of_the_check_serve_a_later_exact_run(image_folder, tmp_path):
    run(image_folder, tmp_path, precision="bf16-mixed")
    assert run(image_folder, tmp_path).scored == 0
    assert "bf16" not in " ".join(comparison_notes(run(image_folder, tmp_path)))


@pytest.mark.heavy
def test_the_check_takes_at_most_so_many_images_of_a_source(image_folder, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.scoring.plan.LEAST_SAMPLE", 3)
    low = run(image_folder, tmp_path, precision="bf16-mixed")
    assert "on 9 images" in " ".join(comparison_notes(low))
    assert run(image_folder, tmp_path).scored == 2 * (36 - 9)


def test_weights_cast_once_give_the_features_of_autocast(vit: Backbone):
    images = torch.rand(3, 3, 56, 56, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        expected = vit.compute(images)
    own = copy.deepcopy(vit)
    own.cast_weights(torch.bfloat16)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(own.compute(images), expected)
    kinds = {name: parameter.dtype for name, parameter in own.model.named_parameters()}
    assert kinds["blocks.0.mlp.fc1.weight"] == torch.bfloat16
    assert kinds["blocks.0.norm1.weight"] == kinds["cls_token"] == torch.float32


def test_tf32_is_refused_where_there_is_none(image_folder, tmp_path):
    with pytest.raises(BenchError, match="tf32 needs an NVIDIA GPU"):
        run(image_folder, tmp_path, precision="tf32", accelerator="cpu")


def test_exact_precision_forbids_tf32():
    torch.set_float32_matmul_precision("high")
    set_tf32("32-true", torch.device("cpu"))
    assert torch.get_float32_matmul_precision() == "highest"


@pytest.mark.parametrize(
    ("precision", "processor", "has"),
    [
        ("32-true", {"bf16": False, "fp16": False}, True),
        ("bf16-mixed", {"bf16": True, "fp16": False}, True),
        ("bf16-mixed", {"bf16": False, "fp16": True}, False),
        ("16-mixed", {"bf16": True, "fp16": False}, False),
        ("16-mixed", {"bf16": False, "fp16": True}, True),
    ],
)
def test_a_processor_is_asked_for_its_instructions(monkeypatch, precision, processor, has):
    for kind, known in processor.items():
        monkeypatch.setattr(torch.ops.mkldnn, f"_is_mkldnn_{kind}_supported", lambda known=known: known)
    assert has_instructions(precision, torch.device("cpu")) is has


def test_a_gpu_that_emulates_bfloat16_has_none(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: including_emulation)
    assert not has_instructions("bf16-mixed", torch.device("cuda"))
    assert has_instructions("16-mixed", torch.device("cuda"))


@pytest.mark.heavy
def test_a_run_in_a_slow_precision_is_told_so_before_it_begins(image_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    words = ["compare", "--detectors", "rigid", "--dataset", "folder", "--data-root", str(image_folder), "--limit", "2"]
    words += ["--num-workers", "0", "--output", str(tmp_path), "--precision", "bf16-mixed"]
    assert main(words, speaks=True) == 0
    told = capsys.readouterr().err
    assert told.count(f"Warning: {slow_words('bf16-mixed')}") == 1
    assert main([*words, "--dry-run"]) == 0
    assert f"Warning: {slow_words('bf16-mixed')}" in capsys.readouterr().out
