"""What a comparison tells W&B, read back from an offline run."""

import csv
import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import wandb
from PIL import Image
from robustness_panels import panel_of
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from wandb_reader import OfflineRun, read_run

from bench.report.comparison import write_comparison
from bench.report.loggers.curves import robustness_lines
from bench.report.loggers.numbers import comparison_numbers
from bench.report.loggers.session import compare_and_log
from bench.report.loggers.wandb import leaderboard_rows, point_rows, score_artifact
from bench.results.comparison import Comparison
from bench.results.robustness import Curve
from bench.results.summary import Row, Summary
from bench.scoring.options import RunOptions
from bench.statistics.number import Number
from datamodules.degradations import Axis

pytestmark = [pytest.mark.heavy, pytest.mark.usefixtures("small_views")]

DETECTORS, CONDITIONS, SEEDS = ("rigid", "wepe:ratio=0.2"), ("jpeg:75", "jpeg:50", "blur:1"), 2
METRICS = ("auroc", "ap_generated", "ap_real")


@dataclass(frozen=True)
class Logged:
    """A comparison that was logged offline."""

    output: Path
    comparison: Comparison
    run: OfflineRun

    def table(self) -> list[dict[str, str]]:
        """The rows of compare.csv about the logged metrics."""
        with (self.output / "compare.csv").open() as lines:
            return [row for row in csv.DictReader(lines) if row["metric"] in METRICS]

    def scores(self) -> pl.DataFrame:
        """The rows of the store."""
        return pl.concat([pl.read_parquet(part) for part in self.output.glob("scores/*/*/part-*.parquet")])


@pytest.fixture(scope="module")
def logged(
    offline_wandb: Path, tmp_path_factory: pytest.TempPathFactory, photograph: Callable[..., Image.Image]
) -> Logged:
    """Two detectors on two generators under four conditions with two seeds."""
    root, output = tmp_path_factory.mktemp("images"), tmp_path_factory.mktemp("output") / "results"
    for seed, source in enumerate(("real/camera", "generated/blurry", "generated/a.b [c]")):
        (root / source).mkdir(parents=True)
        for number in range(12):
            photograph(100 * seed + number).save(root / source / f"{number:02d}.png")
    options = options_for(root, output, conditions=CONDITIONS, seeds=SEEDS, wandb="trial")
    comparison = compare_and_log(list(DETECTORS), options)
    assert comparison is not None
    write_comparison(comparison, output)
    return Logged(output, comparison, read_run(output))


def options_for(root: Path, output: Path, **more: object) -> RunOptions:
    defaults = {"dataset": "folder", "data_root": str(root), "num_workers": 0, "wandb": "trial"}
    return RunOptions(output=output, **(defaults | more))


def number_of(text: str) -> float | None:
    return float(text) if text else None


@pytest.mark.heavy
def test_the_leaderboard_has_the_numbers_of_the_csv(logged):
    rows = {(row["detector"], row["condition"], row["generator"]): row for row in logged.run.table("leaderboard")}
    table = logged.table()
    assert len(rows) == 2 * 4 * 3 + 6  # and the worst cue and all cues on clean images
    assert {(row["detector"], row["condition"], row["generator"]) for row in table} == set(rows)
    for row in table:
        numbers = rows[row["detector"], row["condition"], row["generator"]]
        metric = row["metric"]
        for name, value in {metric: "value", f"{metric}_low": "low", f"{metric}_high": "high"}.items():
            assert numbers[name] == number_of(row[value])
        assert numbers[f"{metric}_seeds_sd"] == number_of(row["seeds_sd"])
        counts = (numbers["real"], numbers["generated"], numbers["unreadable"])
        assert counts == (int(row["n_real"]), int(row["n_generated"]), int(row["n_unreadable"]))
        if row["against_worst_cue"]:
            assert numbers["against worst cue"] == row["against_worst_cue"]


@pytest.mark.heavy
def test_metrics_of_the_test_loop_are_those_of_the_stored_scores(logged):
    scores = logged.scores()
    checked = 0
    for (detector, condition, seed), rows in scores.group_by("detector", "condition", "seed"):
        place = detector if condition == "clean" else f"{detector}/{condition}"
        for generator in ("blurry", "a.b [c]"):
            pair = rows.filter((pl.col("label") == 0) | (pl.col("generator") == generator))
            labels, values = pair["label"].to_numpy(), pair["score"].to_numpy()
            expected = {
                "auroc": roc_auc_score(labels, values),
                "ap_generated": average_precision_score(labels, values),
                "ap_real": average_precision_score(1 - labels, -values),
            }
            for metric, value in expected.items():
                assert logged.run.summary[f"{place}/{generator}/{metric}/seed{seed}"] == pytest.approx(value, abs=1e-6)
                checked += 1
    assert checked == 2 * 4 * SEEDS * 2 * 3
    assert checked == sum("/seed" in name for name in logged.run.summary)


@pytest.mark.heavy
def test_means_come_with_their_intervals(logged):
    means = [row for row in logged.table() if row["generator"] == "mean" and row["detector"] in DETECTORS]
    assert len(means) == 2 * 4 * 3
    for row in means:
        place = row["detector"] if row["condition"] == "clean" else f"{row['detector']}/{row['condition']}"
        name = f"{place}/mean/{row['metric']}"
        assert logged.run.summary[name] == float(row["value"])
        assert logged.run.summary[f"{name}_low"] == float(row["low"])
        assert logged.run.summary[f"{name}_high"] == float(row["high"])
        assert logged.run.summary[f"{name}_seeds_sd"] == float(row["seeds_sd"])


def test_roc_curves_are_charts_of_the_stored_scores(logged):
    scores = logged.scores()
    for condition in ("clean", *CONDITIONS):
        panel = logged.run.config["_wandb"]["visualize"][f"roc/{condition}"]["panel_config"]
        assert panel["panelDefId"] == "wandb/area-under-curve/v0"
        rows = logged.run.table(f"roc/{condition}_table")
        assert {row["detector"] for row in rows} == set(DETECTORS)
        for detector in DETECTORS:
            start, *points = [(row["fpr"], row["tpr"]) for row in rows if row["detector"] == detector]
            rates, shown = np.array(points).T
            expected = []
            of_seed = scores.filter(detector=detector, condition=condition).partition_by("seed")
            for part, generator in product(of_seed, ("blurry", "a.b [c]")):
                pair = part.filter((pl.col("label") == 0) | (pl.col("generator") == generator))
                fpr, tpr, _ = roc_curve(pair["label"], pair["score"], drop_intermediate=False)
                expected.append(tpr[np.searchsorted(fpr, rates, side="right") - 1])
            assert start == (0, 0)
            assert len(expected) == 2 * SEEDS
            np.testing.assert_allclose(shown, np.mean(expected, axis=0), atol=1e-12)


def test_robustness_curves_are_charts_of_the_means(logged):
    means = {
        (row["detector"], row["condition"]): float(row["value"])
        for row in logged.table()
        if (row["generator"], row["metric"]) == ("mean", "auroc")
    }
    visualize = logged.run.config["_wandb"]["visualize"]
    for kind, levels in {"jpeg": {50: "jpeg:50", 75: "jpeg:75"}, "blur": {0: "clean", 1: "blur:1"}}.items():
        chart = visualize[f"robustness/{kind}"]["panel_config"]
        assert chart["panelDefId"] == "wandb/lineseries/v0"
        points = {(row["lineKey"], row["step"]): row["lineVal"] for row in logged.run.table(f"robustness/{kind}_table")}
        expected = {(name, level): means[name, condition] for name in DETECTORS for level, condition in levels.items()}
        if kind == "jpeg":  # no quality leaves an image as it is, so the clean images are a line of their own
            expected |= {(f"{name}, clean", level): means[name, "clean"] for name in DETECTORS for level in levels}
        assert points == expected
    table = logged.run.table("robustness/points")
    assert {(row["detector"], row["condition"]): row["auroc"] for row in table} == {
        key: value for key, value in means.items() if key[0] in DETECTORS
    }
    assert all(row["auroc_low"] < row["auroc"] < row["auroc_high"] for row in table)
    changes = {(c.detector, c.condition): c for c in logged.comparison.summary.changes}
    cells = {(row["detector"], row["condition"]): row for row in logged.run.table("robustness/heatmap")}
    assert cells.keys() == changes.keys()
    for place, change in changes.items():
        assert cells[place]["change"] == change.auroc.value
        assert (cells[place]["change_p_adjusted"], cells[place]["separated"]) == (change.p_adjusted, change.separated)


def test_the_configuration_has_the_options_and_the_fingerprints_of_the_store(logged):
    config = logged.run.config
    assert (config["dataset"], config["seeds"], config["conditions"]) == ("folder", SEEDS, list(CONDITIONS))
    stored = dict(logged.scores().select("detector", "fingerprint").unique().iter_rows())
    assert {name: facts["fingerprint"] for name, facts in config["detectors"].items()} == stored
    (file,) = logged.output.glob("scores/*/*/run.json")
    facts = json.loads(file.read_text())
    assert config["versions"] == facts["versions"]
    assert config["data"]["paths_sha256"] == facts["data"]["paths_sha256"]
    assert config["detectors"]["rigid"]["backbone"] == facts["detectors"][stored["rigid"]]["backbone"]


def test_the_store_is_an_artifact(logged):
    (folder,) = logged.output.glob("scores/*")
    manifest = logged.run.artifacts[f"scores-{folder.name}"].manifest.contents
    assert {entry.path: entry.size for entry in manifest} == {
        path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()
    }
    assert all(Path(entry.local_path) == folder / entry.path for entry in manifest)


def test_a_finished_run_is_closed_and_leaves_nothing_outside_the_results(logged, offline_wandb):
    assert logged.run.exit_code == 0
    assert wandb.run is None
    assert [path for path in offline_wandb.rglob("*") if "wandb" in path.name or "not-here" in path.parts] == []
    assert not {"WANDB_CACHE_DIR", "WANDB_DATA_DIR"} & os.environ.keys()


def row_of(auroc: Number, detector: str = "rigid", condition: str = "clean", generator: str = "mean") -> Row:
    return Row(detector, condition, generator, 12, 12, 0, {"auroc": auroc})


def test_an_undefined_number_is_left_out_of_the_means_and_empty_in_the_tables():
    row = row_of(Number(math.nan, reason="no generated images"))
    assert comparison_numbers(Summary([row], [])) == {}
    comparison = Comparison("", panel_of({}, []), Summary([row], []))
    assert leaderboard_rows(comparison)[0]["auroc"] is None
    curve = Curve("blur", Axis("sigma in pixels", untouched=0.0), {"rigid": [(0.0, row)]}, {"rigid": row})
    assert [(point["level"], point["auroc"]) for point in point_rows([curve])] == [(0.0, None)]
    assert list(robustness_lines(curve)) == [("rigid", [])]


def test_where_no_level_leaves_an_image_as_it_is_the_clean_images_are_a_flat_line():
    clean, low, high = row_of(Number(0.9)), row_of(Number(0.5)), row_of(Number(0.75))
    curve = Curve("jpeg", Axis("quality"), {"rigid": [(50.0, low), (75.0, high)]}, {"rigid": clean})
    flat = ("rigid, clean", [(50.0, 0.9), (75.0, 0.9)])
    assert list(robustness_lines(curve)) == [("rigid", [(50.0, 0.5), (75.0, 0.75)]), flat]
    assert [(point["level"], point["auroc"]) for point in point_rows([curve])] == [(50, 0.5), (75, 0.75), (None, 0.9)]


@pytest.mark.usefixtures("offline_wandb")
def test_a_report_without_any_number_is_logged(image_folder, tmp_path):
    (image_folder / "generated").rename(tmp_path / "away")
    options = options_for(image_folder, tmp_path / "results", limit=2, allow_one_class=True)
    assert compare_and_log(["rigid"], options) is not None
    run = read_run(tmp_path / "results")
    assert run.exit_code == 0
    assert [row["auroc"] for row in run.table("leaderboard")] == [None]


@pytest.mark.usefixtures("offline_wandb")
def test_the_name_of_an_artifact_keeps_to_what_wandb_allows(tmp_path):
    folder = tmp_path / ("données d'été " + "x" * 200)
    (folder / "run").mkdir(parents=True)
    (folder / "run" / "run.json").write_text("{}")
    (folder / "run" / ".part-000-000000.parquet.0123").write_text("half")
    artifact = score_artifact(folder)
    assert artifact.name.startswith("scores-donn-es-d-t-xxx")
    assert set(artifact.manifest.entries) == {"run/run.json"}


def test_without_the_option_nothing_is_logged(image_folder, tmp_path):
    comparison = compare_and_log(["rigid"], options_for(image_folder, tmp_path / "results", limit=2, wandb=None))
    assert comparison is not None
    assert wandb.run is None
    assert not [path for path in (tmp_path / "results").rglob("*") if "wandb" in path.name]
