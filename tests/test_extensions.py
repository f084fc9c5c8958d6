"""What docs/architecture.md says of additions: each, made from outside, is in every command, table, page and W&B."""

import csv
import sys
from pathlib import Path

import pytest
from wandb_reader import read_run

import datamodules.registry
import detectors.registry
from bench.cli.app import main
from bench.statistics.metrics import METRICS
from datamodules.degradations import language

pytestmark = pytest.mark.usefixtures("small_views")

PLUGIN = '''
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageOps

from bench.statistics.metrics import METRICS, Metric
from datamodules import FolderDataModule, register_dataset
from datamodules.degradations import Axis, Degradation, register_degradation
from detectors import Detector, View, register


@register
class Brightness(Detector):
    """The mean of all pixels."""

    name, paper, version, view, passes = "brightness-added", "none", 1, View(32, "centre-crop"), 0

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()
        self.seed = seed

    def forward(self, images, keys):
        return images.mean(dim=(1, 2, 3), dtype=torch.float64)


@register_dataset
class OnlyFirst(FolderDataModule):
    """A folder of which a number of files of each source is left out."""

    name = "skipping-added"

    def __init__(self, root, *, skip: int = 0, **options) -> None:
        super().__init__(root, **options)
        self.skip = skip

    @property
    def protocol(self):
        return super().protocol | {"skip": self.skip}

    def list_items(self) -> Iterator:
        for item in super().list_items():
            if int(item.path[-6:-4]) >= self.skip:
                yield item


@dataclass(frozen=True)
class Darken(Degradation):
    """Less light: the pixels times a factor."""

    factor: float
    name = "darken-added"
    axis = Axis("share of the light", untouched=1.0, falling=True)

    @property
    def level(self) -> float:
        return self.factor

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:
        return ImageEnhance.Brightness(image).enhance(self.factor)


class Mirror(Degradation):
    """Left and right exchanged: a step without a level."""

    name = "mirror-added"

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:
        return ImageOps.mirror(image)


register_degradation("darken-added", lambda amount, options, text: Darken(float(amount)))
register_degradation("mirror-added", lambda amount, options, text: Mirror())


def median_gap(labels, scores, weights=None):
    """Whether the median generated image scores above the median real one, without an interval of its own."""
    labels, scores = np.asarray(labels), np.asarray(scores)
    gap = float(np.median(scores[labels == 1]) > np.median(scores[labels == 0]))
    return gap if weights is None else np.full(len(weights), gap)


METRICS["median_gap_added"] = Metric("median_gap_added", "medians apart (added)", median_gap, shown=True)
'''
EVERYTHING = ("brightness-added", "darken-added", "mirror-added", "medians apart (added)")


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """The file of the additions, which are taken back at the end."""
    for module in (detectors.registry, datamodules.registry):
        monkeypatch.setattr(module, "_registered", dict(module._registered))
    monkeypatch.setattr(language, "_PARSERS", dict(language._PARSERS))
    monkeypatch.setattr(sys, "path", list(sys.path))
    kept = dict(METRICS)
    file = tmp_path / "additions_for_a_test.py"
    file.write_text(PLUGIN)
    yield file
    sys.modules.pop("additions_for_a_test", None)
    METRICS.clear()
    METRICS.update(kept)


@pytest.fixture
def words(plugin, image_folder, tmp_path):
    """The words of a command that uses all of them."""
    return [
        *("--plugin", str(plugin), "--detectors", "brightness-added", "rigid"),
        *("--dataset", "skipping-added:skip=2", "--data-root", str(image_folder), "--num-workers", "0"),
        *("--output", str(tmp_path / "results"), "--html", str(tmp_path / "page.html")),
    ]


def records(file: Path) -> list[dict[str, str]]:
    with file.open() as lines:
        return list(csv.DictReader(lines))


@pytest.mark.heavy
def test_additions_are_in_compare_its_page_and_wandb(words, tmp_path, offline_wandb, capsys):
    assert (
        main(["compare", *words, "--long", "--conditions", "darken-added:0.5", "mirror-added", "--wandb", "trial"]) == 0
    )
    printed, page = capsys.readouterr().out, (tmp_path / "page.html").read_text()
    markdown = (tmp_path / "results/compare.md").read_text()
    for name in EVERYTHING:
        assert name in printed
        assert name in page
        assert name in markdown.replace("\\", "")
    rows = records(tmp_path / "results/compare.csv")
    added = [row for row in rows if row["metric"] == "median_gap_added"]
    assert {(row["detector"], row["condition"]) for row in added} >= {
        ("brightness-added", "clean"),
        ("brightness-added", "darken-added:0.5"),
        ("brightness-added", "mirror-added"),
        ("rigid", "clean"),
    }
    assert {row["value"] for row in added} <= {"0.0", "0.5", "1.0"}
    assert {row["n_real"] for row in rows} == {"10"}  # twelve images of which the option leaves out two
    run = read_run(tmp_path / "results")
    assert "median_gap_added" in run.table("leaderboard")[0]
    assert "brightness-added/darken-added:0.5/mean/auroc" in run.summary
    assert "brightness-added/mirror-added/mean/auroc" in run.summary
    assert {row["lineKey"] for row in run.table("robustness/darken-added_table")} == {"brightness-added", "rigid"}


@pytest.mark.heavy
def test_additions_are_in_robustness_and_its_figure(words, tmp_path, capsys):
    conditions = ["darken-added:0.9", "darken-added:0.5", "mirror-added"]
    assert main(["robustness", *words, "--long", "--conditions", *conditions]) == 0
    printed, page = capsys.readouterr().out, (tmp_path / "page.html").read_text()
    for name in EVERYTHING:
        assert name in printed
        assert name in page
    assert "share of the light" in (tmp_path / "results/robustness-darken-added.svg").read_text()
    rows = [row for row in records(tmp_path / "results/robustness.csv") if row["detector"] == "rigid"]
    levels = {row["level"] for row in rows if row["kind"] == "darken-added"}
    assert levels == {"1.0", "0.9", "0.5"}  # the untouched level is the clean images
    mirrored = [row for row in rows if row["kind"] == "mirror-added"]
    assert {(row["condition"], row["level"], row["axis"]) for row in mirrored} == {("mirror-added", "", "")}
    assert {row["metric"] for row in mirrored} >= {"auroc", "median_gap_added"}
    changes = [row["change"] for row in mirrored if row["metric"] == "auroc"]
    assert len(changes) == 1
    assert changes[0]


def test_an_option_behind_a_datasets_name_is_checked(words, capsys):
    at = words.index("skipping-added:skip=2")
    for text, told in (
        ("skipping-added:skp=2", "error: Unknown option of skipping-added 'skp'. Did you mean 'skip'?"),
        ("skipping-added:skip=two", "error: skipping-added:skip takes int, got 'two'."),
        ("skipping-added:limit=2", "error: Unknown option of skipping-added 'limit'."),
        ("skipping-added:content=image", "error: --content dire-map and --dataset"),
    ):
        words[at] = text
        assert main(["compare", *words, *(["--content", "dire-map"] if "content" in text else [])]) == 2
        assert told in capsys.readouterr().err
