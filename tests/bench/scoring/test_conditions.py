"""Degradations, matching and the audit, through the real comparison."""

import math
from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from bench.cli.app import main
from bench.errors import BenchError
from bench.report.comparison import comparison_tables
from bench.report.notes import comparison_notes
from bench.results.comparing import compare
from bench.results.comparison import Comparison
from bench.results.cues.study import audit_dataset
from bench.scoring.cues import cues_of
from bench.scoring.options import RunOptions
from datamodules import DataOptionError, FolderDataModule

pytestmark = pytest.mark.usefixtures("small_views")


def options_of(root: Path, output: Path, **more: object) -> RunOptions:
    return RunOptions(**({"dataset": "folder", "data_root": str(root), "num_workers": 0, "output": output} | more))


def run(root: Path, output: Path, **more: object) -> Comparison:
    result = compare(["rigid"], options_of(root, output, **more))
    assert result is not None
    return result


@pytest.fixture
def biased(photograph, tmp_path: Path) -> Path:
    """Real images are JPEG of quality 96, generated ones PNG: the same pictures otherwise."""
    root = tmp_path / "biased"
    for number in range(36):
        picture = photograph(number, (300, 280))
        for place, ending in (("real/camera", "jpg"), ("generated/model", "png")):
            (root / place).mkdir(parents=True, exist_ok=True)
            if (number % 3 == 0) == (ending == "png"):
                picture.save(root / place / f"{number:02d}.{ending}", quality=96)
    return root


@pytest.mark.heavy
def test_conditions_are_scored_beside_the_clean_images(image_folder, tmp_path):
    result = run(image_folder, tmp_path / "r", conditions=("jpeg:30", "noise:0.1@generated"))
    assert result.scored == 36 * 3
    assert [row.condition for row in result.summary.rows if row.generator == "mean"] == [
        "clean",
        "jpeg:30",
        "noise:0.1@generated",
    ]
    changes = {change.condition: change.auroc for change in result.summary.changes}
    means = {row.condition: row.numbers["auroc"].value for row in result.summary.rows if row.generator == "mean"}
    for condition, change in changes.items():
        assert change.value == pytest.approx(means[condition] - means["clean"])
    for row in result.summary.rows:
        if row.generator != "mean":
            prefix = "" if row.condition == "clean" else f"{row.condition}/"
            logged = result.logged[f"rigid/{prefix}{row.generator}/auroc"]
            assert logged == pytest.approx(row.numbers["auroc"].value, abs=1e-6)


@pytest.mark.heavy
def test_a_condition_limited_to_a_class_leaves_the_other_as_it_was(image_folder, tmp_path):
    rows = run(image_folder, tmp_path / "r", conditions=("noise:0.2@generated",)).scores()
    both = rows.filter(pl.col("condition") == "clean").join(
        rows.filter(pl.col("condition") != "clean"), on="path", suffix="_noisy"
    )
    same = both["score"] == both["score_noisy"]
    assert same.filter(both["label"] == 0).all()
    assert not same.filter(both["label"] == 1).any()


@pytest.mark.heavy
def test_a_condition_added_later_computes_only_itself(image_folder, tmp_path):
    run(image_folder, tmp_path / "r")
    assert run(image_folder, tmp_path / "r", conditions=("blur:1",)).scored == 36
    assert run(image_folder, tmp_path / "r", conditions=("blur:1",)).scored == 0


def test_a_wrong_condition_is_one_line(image_folder, tmp_path, capsys):
    with pytest.raises(DataOptionError, match="Did you mean 'jpeg'"):
        run(image_folder, tmp_path / "r", conditions=("jpg:30",))
    with pytest.raises(BenchError, match="'jpeg:30' is given twice"):
        run(image_folder, tmp_path / "r", conditions=("jpeg:30", "jpeg:30"))
    arguments = ["compare", "--detectors", "rigid", "--dataset", "folder", "--data-root", str(image_folder)]
    assert main([*arguments, "--match", "same"]) == 2
    assert "--match must be none, reencode:Q" in capsys.readouterr().err


@pytest.mark.heavy
def test_the_worst_cue_stands_beside_the_detectors_and_marks_them(biased, tmp_path):
    result = run(biased, tmp_path / "r", match="reencode:75")
    clean, matched = (row for row in result.cues.rows if row.detector == "(worst cue)")
    assert clean.numbers["auroc"].value == 1.0
    assert matched.numbers["auroc"].value < 0.9
    assert result.cues.verdicts["rigid", "clean", "model"] == "below"
    assert result.cues.names["clean", "model"] in ("ending", "format", "jpeg_quality")
    text = " ".join(" ".join(cells) for cells in comparison_tables(result)[0].rows)
    assert "(worst cue)" in text
    assert "(all cues)" in text
    assert "below" in text


@pytest.mark.heavy
def test_reencoding_leaves_nothing_in_the_container(biased, tmp_path):
    report = audit_dataset(options_of(biased, tmp_path / "r", match="reencode:75"))
    raw, matched = ({cue.name: cue.auroc for cue in audits[0].cues} for audits in report.audits.values())
    assert raw["format"] == raw["ending"] == 1.0
    for cue in ("format", "ending", "jpeg_quality", "width", "height", "aspect", "size"):
        assert matched[cue] == 0.5


@pytest.mark.heavy
def test_unbiased_keeps_reals_of_quality_96_and_the_generators_size(photograph, tmp_path):
    root = tmp_path / "sets"
    for number in range(24):
        for place, size, options in (
            ("real/good", (310, 300), {"format": "JPEG", "quality": 96}),
            ("real/poor", (310, 300), {"format": "JPEG", "quality": 60}),
            ("real/large", (640, 480), {"format": "JPEG", "quality": 96}),
            ("generated/model", (300, 300), {"format": "PNG"}),
        ):
            (root / place).mkdir(parents=True, exist_ok=True)
            photograph(hash(place) % 1000 + number, size).save(root / place / f"{number}.img.jpg", **options)
    result = run(root, tmp_path / "r", match="unbiased")
    (row,) = (row for row in result.summary.rows if row.condition != "clean")
    assert row.condition == "unbiased:270x270"
    assert (row.n_real, row.n_generated) == (24, 24)
    assert set(result.scores().filter(pl.col("condition") == row.condition)["generator"]) == {"good", "model"}
    assert any(note.startswith("unbiased:270x270 keeps 48 images") for note in comparison_notes(result))


def test_unbiased_without_a_match_says_so(biased, tmp_path):
    for file in (biased / "real" / "camera").iterdir():
        Image.open(file).save(file, quality=50)
    with pytest.raises(BenchError, match="unbiased keeps no image"):
        run(biased, tmp_path / "r", match="unbiased")


def test_cues_are_measured_once(biased, tmp_path, monkeypatch):
    data = FolderDataModule(biased, num_workers=0)
    data.setup()
    monkeypatch.setattr("bench.scoring.cues._PART", 10)
    first = cues_of(data, tmp_path / "r")
    assert len(first) == 36
    monkeypatch.setattr("bench.scoring.cues._Measure", None)  # a second measurement would now fail
    assert cues_of(data, tmp_path / "r").equals(first)
    assert set(first["format"]) == {"JPEG", "PNG"}


@pytest.mark.heavy
def test_audit_correlates_stored_scores_within_the_real_images(biased, tmp_path, capsys):
    options = options_of(biased, tmp_path / "r")
    with pytest.raises(BenchError, match="no scores of rigid, seed 0"):
        audit_dataset(options, ["rigid"])
    run(biased, tmp_path / "r")
    report = audit_dataset(options, ["rigid"])
    assert [(c.detector, c.fact) for c in report.correlations] == [("rigid", "jpeg_quality"), ("rigid", "pixels")]
    assert all(math.isnan(c.rho) for c in report.correlations)  # all reals are alike in both
    arguments = ["audit", "--dataset", "folder", "--data-root", str(biased), "--output", str(tmp_path / "r")]
    assert main([*arguments, "--num-workers", "0"]) == 0
    assert "what trivia tell" in capsys.readouterr().out
    assert (tmp_path / "r" / "audit.csv").is_file()
