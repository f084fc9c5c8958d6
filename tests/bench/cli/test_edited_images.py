"""From a data set that has edited images, release dates and images known from elsewhere to every table."""

import hashlib
import json
import sys

import pytest

import datamodules.registry
import detectors.registry
from bench.cli.app import main
from bench.store.runs import FACTS_FILE

pytestmark = pytest.mark.heavy  # whole runs, or networks of the published size

PLUGIN = '''
import torch

from datamodules import FolderDataModule, register_dataset
from detectors import Detector, View, register


@register
class Brightness(Detector):
    """The mean of all pixels."""

    name, paper, version, view, passes = "brightness-here", "none", 1, View(32, "centre-crop"), 0

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()
        self.seed = seed

    def forward(self, images, keys):
        return images.mean(dim=(1, 2, 3), dtype=torch.float64)


@register_dataset
class Edited(FolderDataModule):
    """A folder whose generator ``sharp`` edits photographs."""

    name = "edited-here"

    def list_items(self):
        self.release_dates = {"blurry": "2021-06", "sharp": "2023"}
        for item in super().list_items():
            yield type(item)(
                item.path, item.label, item.generator, item.group, item.bytes, item.mtime_ns,
                "partial" if item.generator == "sharp" else None,
            )

    def edited_share(self, path):
        return int(path[-6:-4]) / 100
'''


@pytest.fixture
def words(tmp_path, image_folder, monkeypatch):
    """The words of a comparison of these images."""
    for module in (detectors.registry, datamodules.registry):
        monkeypatch.setattr(module, "_registered", dict(module._registered))
    monkeypatch.setattr(sys, "path", list(sys.path))
    file = tmp_path / "edited_for_a_test.py"
    file.write_text(PLUGIN)
    yield [
        *("compare", "--plugin", str(file), "--detectors", "brightness-here", "--dataset", "edited-here"),
        *("--data-root", str(image_folder), "--num-workers", "0", "--output", str(tmp_path / "out"), "--json"),
    ]
    sys.modules.pop("edited_for_a_test", None)


def rows_of(result):
    return [row["generator"] for row in result["numbers"] if row["metric"] == "auroc" and row["detector"][0] != "("]


def test_edited_images_dates_and_hashes_reach_tables_and_the_store(words, tmp_path, image_folder, capsys):
    known = sorted((image_folder / "generated/blurry").iterdir())[:5]
    hashes = tmp_path / "training.txt"
    hashes.write_text("".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in known))
    assert main([*words, "--seen-hashes", str(hashes)]) == 0
    result = json.loads(capsys.readouterr().out)
    assert rows_of(result) == ["blurry", "sharp (partial)"]
    assert result["seen_images"]["images"] == [{"label": 1, "source": "blurry", "known": 5, "images": 12}]
    assert any("Known from" in note and "5 of 12 generated of blurry" in note for note in result["notes"])
    (area,) = result["edited_areas"]
    assert (area["generator"], area["images"], area["area_high"]) == ("sharp (partial)", 12, 0.11)
    assert area["reason"] == "fewer than 40 edited images with a known share (12)"
    (run,) = (tmp_path / "out").glob(f"scores/*/*/{FACTS_FILE}")
    assert json.loads(run.read_text())["data"]["release_dates"] == {"blurry": "2021-06", "sharp": "2023"}
    assert main(["leaderboard", "--output", str(tmp_path / "out"), "--by-date", "--json"]) == 0
    (board,) = json.loads(capsys.readouterr().out)["boards"]
    assert board["released"] == {"blurry": "2021-06", "sharp (partial)": "2023"}
    assert board["target"] == "blurry"


@pytest.mark.parametrize(("mode", "rows"), [("leave-out", ["blurry"]), ("as-generator", ["blurry", "sharp", "mean"])])
def test_what_becomes_of_edited_images_can_be_chosen(words, capsys, mode, rows):
    assert main([*words, "--partial", mode]) == 0
    result = json.loads(capsys.readouterr().out)
    assert rows_of(result) == rows
    assert result["edited_areas"] == []


def test_a_release_date_that_is_none_ends_before_anything_is_scored(words, tmp_path, capsys):
    file = tmp_path / "edited_for_a_test.py"
    file.write_text(file.read_text().replace('"2021-06"', '"June 2021"'))
    assert main(words) == 2
    assert "blurry was released on 'June 2021', which is no date" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("scores/*/*/*.parquet"))


def test_a_wrong_list_of_hashes_ends_before_anything_is_scored(words, tmp_path, capsys):
    hashes = tmp_path / "training.txt"
    hashes.write_text("# none\nd41d8cd98f00b204e9800998ecf8427e\n")
    assert main([*words, "--seen-hashes", str(hashes)]) == 2
    assert "training.txt, line 2: 'd41d8cd98f00b204e9800998ecf8427e' is no sha256" in capsys.readouterr().err
    assert not (tmp_path / "out/scores").exists()
