"""Out of memory: a batch is scored in smaller parts, and every score is what it would have been."""

import json
from collections import Counter
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
import torch

from bench.errors import DetectorFailedError
from bench.results.comparing import compare
from bench.results.comparison import Comparison
from bench.scoring.machine.batch_limit import is_out_of_memory
from bench.scoring.options import RunOptions
from detectors import Detector, View
from detectors.registry import _registered

pytestmark = pytest.mark.usefixtures("small_views")

ERRORS = {
    "device": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
    "computer": RuntimeError(
        "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."
    ),
    "python": MemoryError(),
    "other": RuntimeError("mat1 and mat2 shapes cannot be multiplied (3x4 and 5x6)"),
}


class Greedy(Detector):
    """Scores the mean of the pixels; runs out of memory with more than ``most`` images at once."""

    name = "greedy"
    paper = "none"
    view = View(32, "resize")
    passes = 0
    sizes: ClassVar[list[int]] = []
    scored: ClassVar[Counter[int]] = Counter()

    def __init__(self, *, most: int = 99, error: str = "device", seed: int = 0) -> None:
        super().__init__()
        self.most, self.error = most, error

    def forward(self, images, keys):
        self.sizes.append(len(images))
        if len(images) > self.most:
            raise ERRORS[self.error]
        self.scored.update(keys.tolist())
        return images.mean(dim=(1, 2, 3)).double()


@pytest.fixture(autouse=True)
def _greedy(monkeypatch):
    monkeypatch.setitem(_registered, "greedy", Greedy)
    Greedy.sizes.clear()
    Greedy.scored.clear()


def run(root: Path, output: Path, *detectors: str, batch_size: int = 8) -> Comparison:
    options = RunOptions("folder", str(root), output=output, batch_size=batch_size, num_workers=0, accelerator="cpu")
    result = compare(detectors, options)
    assert result is not None
    return result


def scores_of(result: Comparison) -> pl.DataFrame:
    return result.scores().select("path", "detector", "score").sort("detector", "path")


def stored(output: Path) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(part) for part in output.glob("scores/*/*/part-*.parquet")])


def cost_of(output: Path) -> dict[str, object]:
    (file,) = output.glob("scores/*/*/run.json")
    return dict(json.loads(file.read_text())["cost"])


@pytest.mark.parametrize("error", ["device", "computer", "python"])
@pytest.mark.heavy
def test_a_batch_too_large_is_scored_in_halves_and_the_scores_are_the_same(image_folder, tmp_path, caplog, error):
    whole = run(image_folder, tmp_path / "whole", "greedy")
    parts = run(image_folder, tmp_path / "parts", f"greedy:most=3,error={error}")
    assert [record.getMessage() for record in caplog.records if record.name == "bench.scoring.machine.batch_limit"] == [
        "Out of memory with 8 images at once: going on with 4.",
        "Out of memory with 4 images at once: going on with 2.",
    ]
    first, second = scores_of(whole), scores_of(parts)
    assert len(second) == 36
    assert second["path"].equals(first["path"])
    np.testing.assert_allclose(second["score"], first["score"], rtol=1e-12)
    assert cost_of(tmp_path / "whole")["batch_size"] == 8
    assert cost_of(tmp_path / "parts")["batch_size"] == 2


def test_the_smaller_size_holds_for_the_rest_of_the_run(image_folder, tmp_path):
    run(image_folder, tmp_path / "results", "greedy:most=3")
    assert Greedy.sizes == [8, 4, *[2] * 18]


@pytest.mark.heavy
def test_nothing_is_scored_or_counted_twice(image_folder, tmp_path):
    """One detector has done its part of the batch when the other runs out of memory."""
    (image_folder / "generated" / "blurry" / "05.png").write_bytes(b"")
    result = run(image_folder, tmp_path / "results", "rigid", "greedy:most=3")
    assert set(Greedy.scored.values()) == {1}
    assert len(Greedy.scored) == 35
    rows = stored(tmp_path / "results")
    assert len(rows) == len(rows.unique(["path", "detector"])) == 2 * 36
    assert rows.filter(pl.col("status") == "unreadable")["path"].to_list() == 2 * ["generated/blurry/05.png"]
    for row in result.summary.rows:
        if row.generator != "mean":
            logged = result.logged[f"{row.detector}/{row.generator}/auroc"]
            assert logged == pytest.approx(row.numbers["auroc"].value, abs=1e-6)


@pytest.mark.heavy
def test_scores_of_a_backbone_do_not_change_when_a_neighbour_is_greedy(image_folder, tmp_path):
    """The features that the backbone remembers are those of the part, not of the whole batch."""
    alone = run(image_folder, tmp_path / "alone", "rigid", "wepe")
    beside = run(image_folder, tmp_path / "beside", "rigid", "greedy:most=3", "wepe")
    first = scores_of(alone)
    second = scores_of(beside).filter(pl.col("detector") != "greedy:most=3")
    assert second.select("path", "detector").equals(first.select("path", "detector"))
    np.testing.assert_allclose(second["score"], first["score"], rtol=1e-5)


def test_an_image_that_does_not_fit_even_alone_is_named(image_folder, tmp_path, caplog):
    with pytest.raises(DetectorFailedError, match=r"generated/blurry/00\.png needs more memory than there is, even al"):
        run(image_folder, tmp_path / "results", "greedy:most=0")
    assert Greedy.sizes == [8, 4, 2, 1]
    assert "going on with 0" not in caplog.text
    assert not list((tmp_path / "results").glob("scores/*/*/part-*"))


def test_another_failure_is_not_taken_for_a_lack_of_memory(image_folder, tmp_path, caplog):
    message = r"greedy:most=3,error=other failed on generated/blurry/00\.png .*mat1 and mat2"
    with pytest.raises(DetectorFailedError, match=message):
        run(image_folder, tmp_path / "results", "greedy:most=3,error=other")
    assert Greedy.sizes == [8]
    assert "Out of memory" not in caplog.text


@pytest.mark.parametrize(("name", "counts"), [("device", True), ("computer", True), ("python", True), ("other", False)])
def test_out_of_memory_is_told_from_other_errors(name, counts):
    assert is_out_of_memory(ERRORS[name]) is counts


@pytest.mark.parametrize("error", [ValueError("can't allocate memory"), OSError(12, "Cannot allocate memory")])
def test_only_torchs_own_errors_count_by_their_words(error):
    assert is_out_of_memory(error) is False
