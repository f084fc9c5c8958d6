"""The main job, through the real Trainer, store and tables."""

import csv
import io
import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from stored_rows import stored_rows

from bench.errors import BenchError, DetectorFailedError
from bench.report.comparison import write_comparison
from bench.report.notes import comparison_notes, warnings_of
from bench.results.comparing import compare
from bench.results.comparison import Comparison
from bench.scoring.batches import plan_batches
from bench.scoring.options import RunOptions
from bench.statistics.metrics import METRICS
from detectors import Detector, View
from detectors.registry import _registered

pytestmark = pytest.mark.usefixtures("small_views")

TWO = ["wepe", "rigid"]


def run(root: Path, output: Path, detectors: list[str] = TWO, **options: object) -> Comparison:
    defaults: dict[str, object] = {"dataset": "folder", "data_root": str(root), "num_workers": 0}
    result = compare(detectors, RunOptions(output=output, **(defaults | options)))
    assert result is not None
    write_comparison(result, output)
    return result


def markdown(output: Path) -> str:
    return (output / "compare.md").read_text(encoding="utf-8")


def scores_of(comparison: Comparison) -> pl.DataFrame:
    return comparison.scores().select("path", "detector", "seed", "score").sort("path", "detector", "seed")


@pytest.mark.heavy
def test_every_number_is_in_the_table_and_the_files(image_folder, tmp_path):
    result = run(image_folder, tmp_path / "results")
    assert [(row.detector, row.generator) for row in result.summary.rows] == [
        (detector, generator) for detector in TWO for generator in ("blurry", "sharp", "mean")
    ]
    assert [(row.n_real, row.n_generated) for row in result.summary.rows[:3]] == [(12, 12), (12, 12), (12, 24)]
    with (tmp_path / "results" / "compare.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 6 * len(METRICS) + 6  # and the worst cue and all cues
    auroc = next(r for r in rows if (r["detector"], r["generator"], r["metric"]) == ("rigid", "mean", "auroc"))
    assert float(auroc["value"]) == result.summary.rows[-1].numbers["auroc"].value
    assert float(auroc["low"]) <= float(auroc["value"]) <= float(auroc["high"])
    text = markdown(tmp_path / "results")
    assert "rule=tensor\\_mean (code)" in text
    assert "Conditional on seed 0" in text


@pytest.mark.heavy
def test_tables_equal_what_torchmetrics_logged_fresh_resumed_and_cached(image_folder, tmp_path):
    fresh = run(image_folder, tmp_path / "fresh")
    run(image_folder, tmp_path / "resumed", detectors=["wepe"], limit=5)
    resumed = run(image_folder, tmp_path / "resumed")
    cached = run(image_folder, tmp_path / "resumed")
    assert (fresh.scored, resumed.scored, cached.scored) == (72, 72 - 15, 0)
    for result in (fresh, resumed, cached):
        for row in result.summary.rows:
            if row.generator == "mean":
                continue
            for metric in ("auroc", "ap_generated", "ap_real"):
                logged = result.logged[f"{row.detector}/{row.generator}/{metric}"]
                assert logged == pytest.approx(row.numbers[metric].value, abs=1e-6)
    # Batches of other sizes take other kernels, which round otherwise.
    np.testing.assert_allclose(scores_of(fresh)["score"], scores_of(resumed)["score"], rtol=1e-5)
    assert scores_of(resumed).equals(scores_of(cached))


@pytest.mark.heavy
@pytest.mark.parametrize("options", [{"batch_size": 1}, {"batch_size": 5, "num_workers": 2}, {"limit": 3}])
def test_score_does_not_depend_on_batch_workers_or_neighbours(image_folder, tmp_path, options):
    whole = scores_of(run(image_folder, tmp_path / "whole"))
    other = scores_of(run(image_folder, tmp_path / "other", **options))
    both = whole.join(other, on=["path", "detector", "seed"])
    assert len(both) == len(other)
    np.testing.assert_allclose(both["score_right"], both["score"], rtol=1e-5)


@pytest.mark.heavy
def test_a_clean_pass_is_shared_and_two_views_cost_one_each(image_folder, tmp_path, monkeypatch):
    import bench.scoring.plan as module

    seen = []
    create = module.create_backbone
    monkeypatch.setattr(module, "create_backbone", lambda *a: seen.append(create(*a)) or seen[-1])
    run(image_folder, tmp_path / "common", view="common", limit=4)
    run(image_folder, tmp_path / "method", detectors=["wepe:preset=text", "rigid"], view="method", limit=4)
    run(image_folder, tmp_path / "seeds", detectors=["wepe"], seeds=5, limit=4)
    assert [backbone.counter.images / 12 for backbone in seen] == [3, 4, 6]


@pytest.mark.heavy
def test_five_methods_share_one_clean_pass_an_image(image_folder, tmp_path, monkeypatch):
    import bench.scoring.plan as module

    seen = []
    create = module.create_backbone
    monkeypatch.setattr(module, "create_backbone", lambda *a: seen.append(create(*a)) or seen[-1])
    methods = ["wepe", "rigid", "mc-dropout:n=3", "gradient-cuff:directions=2", "wepe-gradient-cuff:directions=2"]
    run(image_folder, tmp_path / "common", detectors=methods, view="common", limit=1)
    assert seen[0].counter.images / 3 == 1 + 1 + 1 + 3 + 2 + (
        2 - 1
    )  # WePe's network is the first of its Gradient Cuff's


@pytest.mark.heavy
def test_seeds_are_averaged_as_aurocs_and_their_spread_is_shown(image_folder, tmp_path):
    result = run(image_folder, tmp_path / "results", detectors=["rigid"], seeds=3)
    number = result.summary.rows[0].numbers["auroc"]
    each = [result.logged[f"rigid/blurry/auroc/seed{seed}"] for seed in range(3)]
    assert number.value == pytest.approx(np.mean(each), abs=1e-6)
    assert number.seeds_sd == pytest.approx(np.std(each, ddof=1), abs=1e-6)
    assert any(note.startswith("Mean over 3 seeds") for note in comparison_notes(result))


def test_a_detector_may_come_twice_with_other_options(image_folder, tmp_path):
    result = run(image_folder, tmp_path / "r", detectors=["wepe", "wepe:rule=tensor_std,ratio=0.2"], limit=3)
    assert {row.detector for row in result.summary.rows} == {"wepe", "wepe:rule=tensor_std,ratio=0.2"}


def test_too_few_groups_print_no_interval_and_why(image_folder, tmp_path):
    (image_folder / "groups.csv").write_text(
        "path,group\n" + "".join(f"real/camera/{i:02d}.png,scene{i % 4}\n" for i in range(12))
    )
    result = run(image_folder, tmp_path / "results", detectors=["rigid"])
    assert result.summary.rows[0].numbers["auroc"].interval is None
    assert "[no interval]" in markdown(tmp_path / "results")
    assert "fewer than 10 independent groups among the real images (4)" in " ".join(warnings_of(result))


@pytest.mark.heavy
@pytest.mark.parametrize(("missing", "reason"), [("generated", "no generated images"), ("real", "no real images")])
def test_one_class_is_scored_and_its_metrics_are_not_available(image_folder, tmp_path, missing, reason):
    (image_folder / missing).rename(tmp_path / "away")
    result = run(image_folder, tmp_path / "results", allow_one_class=True)
    assert result.scored == len(result.scores()) > 0
    assert all(math.isnan(row.numbers["auroc"].value) for row in result.summary.rows)
    assert any(f"n/a, {reason}" in warning for warning in warnings_of(result))
    assert "n/a" in markdown(tmp_path / "results")


@pytest.mark.heavy
def test_every_odd_file_is_scored_or_counted_with_a_reason(image_folder, tmp_path):
    odd = image_folder / "generated" / "odd"
    odd.mkdir()
    picture = Image.open(image_folder / "real" / "camera" / "00.png")
    jpeg = io.BytesIO()
    picture.save(jpeg, "JPEG")
    (odd / "truncated.jpg").write_bytes(jpeg.getvalue()[:-200])
    (odd / "zero.png").touch()
    (odd / "text.png").write_text("not an image")
    picture.convert("CMYK").save(odd / "cmyk.jpg")
    Image.fromarray(np.full((40, 40), 40_000, np.uint16)).save(odd / "sixteen.png")
    picture.convert("RGBA").save(odd / "alpha.png")
    picture.convert("P").save(odd / "palette.gif")
    picture.convert("L").save(odd / "grey.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(odd / "rotated.jpg", exif=exif)
    picture.resize((3, 5)).save(odd / "tiny.png")
    picture.save(odd / "UPPER.JPEG")
    picture.save(odd / "a.b.webp")
    (odd / "notes.txt").write_text("hello")

    result = run(image_folder, tmp_path / "results", num_workers=2)
    rows = stored_rows(tmp_path / "results").filter(pl.col("generator") == "odd")
    unreadable = dict(rows.filter(pl.col("status") == "unreadable").select("path", "reason").unique().iter_rows())
    assert {Path(path).name: reason for path, reason in unreadable.items()} == {
        "truncated.jpg": "truncated",
        "zero.png": "empty file",
        "text.png": "not an image",
    }
    scored = rows.filter(pl.col("status") == "ok")
    assert len(scored) == 9 * 2
    assert scored["score"].is_finite().all()
    row = next(row for row in result.summary.rows if row.generator == "odd")
    assert (row.n_generated, row.n_unreadable) == (9, 3)
    notes = " ".join(comparison_notes(result))
    assert "generated/odd/truncated.jpg (truncated)" in notes
    assert "Ignored for their endings: 1 .txt" in notes
    again = run(image_folder, tmp_path / "results")
    assert again.scored == 0


def test_provenance_is_kept_beside_the_scores(image_folder, tmp_path):
    run(image_folder, tmp_path / "results", limit=2)
    (file,) = (tmp_path / "results").glob("scores/*/*/run.json")
    facts = json.loads(file.read_text())
    assert {"command", "options", "time", "commit", "versions", "device"} <= facts.keys()
    assert facts["options"]["limit"] == 2


class Broken(Detector):
    """Gives nan to one image, or raises."""

    name = "broken"
    paper = "none"
    view = View(32, "resize")

    def __init__(self, *, raises: bool = False, seed: int = 0) -> None:
        super().__init__()
        self.raises = raises

    passes = 0

    def forward(self, images, keys):
        if self.raises:
            raise RuntimeError("the method broke")
        scores = images.mean(dim=(1, 2, 3))
        scores[-1] = float("nan")
        return scores


@pytest.fixture
def _broken(monkeypatch):
    monkeypatch.setitem(_registered, "broken", Broken)


@pytest.mark.usefixtures("_broken")
def test_a_score_that_is_no_number_stops_the_run_with_the_path(image_folder, tmp_path):
    with pytest.raises(DetectorFailedError, match=r"broken gave the score nan for generated/blurry/01\.png"):
        run(image_folder, tmp_path / "results", detectors=["rigid", "broken"], batch_size=2)
    kept = pl.read_parquet(list((tmp_path / "results").glob("scores/*/*/part-*.parquet")))
    assert kept["detector"].unique().to_list() == ["rigid"]


@pytest.mark.usefixtures("_broken")
def test_a_detector_that_raises_stops_the_run_with_the_path(image_folder, tmp_path):
    with pytest.raises(DetectorFailedError, match=r"broken:raises=true failed on generated/blurry/00\.png.*broke"):
        run(image_folder, tmp_path / "results", detectors=["broken:raises=true"], batch_size=2)


def test_destroyed_features_are_a_warning_in_the_report(image_folder, tmp_path):
    result = run(image_folder, tmp_path / "results", detectors=["wepe:rule=block_absmean_var"], limit=3)
    assert any("rule block_absmean_var at ratio 0.1 destroys" in warning for warning in warnings_of(result))


def test_names_of_folders_do_not_become_markup(image_folder, tmp_path):
    (image_folder / "generated" / "sharp").rename(image_folder / "generated" / "a|b [red]<i>")
    run(image_folder, tmp_path / "results", detectors=["rigid"], limit=2)
    assert "a\\|b \\[red\\]\\<i>" in markdown(tmp_path / "results")


def test_batches_group_images_that_need_the_same_work():
    absent = np.array([[1, 1], [0, 1], [1, 1], [0, 0], [0, 1], [1, 1]], dtype=bool)
    batches = plan_batches(absent, 2)
    assert sorted(batch.tolist() for batch in batches) == [[0, 2], [1, 4], [5]]
    assert [batch.tolist() for batch in plan_batches(np.zeros((4, 2), dtype=bool), 2)] == [[]]


def test_options_that_cannot_be_are_refused():
    with pytest.raises(BenchError, match="--seeds must be at least 1, got 0"):
        RunOptions(seeds=0)
