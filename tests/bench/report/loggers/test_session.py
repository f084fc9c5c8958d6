"""What all loggers of a run are told, read back from their files, and that they end with the run."""

import csv
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from wandb_reader import OfflineRun, read_run

from bench.cli.app import main
from bench.errors import BenchError
from bench.report.loggers.session import logging_session
from bench.report.loggers.wandb_session import PROJECT
from bench.scoring.options import RunOptions, check_options

ALL = ("csv", "wandb", "tensorboard")
DETECTORS, CONDITIONS, SEEDS = ("rigid", "wepe:ratio=0.2"), ("jpeg:75", "jpeg:50", "blur:1"), 2
OWN = {"epoch", "step", "trainer/global_step", "_step", "_runtime", "_timestamp", "_wandb"}
"""What loggers add themselves."""


@dataclass(frozen=True)
class Logged:
    """A robustness run that was logged to all loggers, with what it printed."""

    printed: dict[str, list[dict[str, object]]]
    metrics: dict[str, float]
    board: EventAccumulator
    run: OfflineRun


@pytest.fixture(scope="module")
def logged(offline_wandb, tmp_path_factory, photograph) -> Logged:
    root, output = tmp_path_factory.mktemp("images"), tmp_path_factory.mktemp("output") / "results"
    for seed, source in enumerate(("real/camera", "generated/blurry", "generated/a.b [c]")):
        (root / source).mkdir(parents=True)
        for number in range(12):
            photograph(100 * seed + number).save(root / source / f"{number:02d}.png")
    words = ["--dataset", "folder", "--data-root", str(root), "--num-workers", "0", "--seeds", str(SEEDS)]
    words += ["--conditions", *CONDITIONS, "--output", str(output), "--logger", *ALL, "--json"]
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", printed)
        assert main(["robustness", "--detectors", *DETECTORS, *words]) == 0
    return Logged(
        json.loads(printed.getvalue()), metrics_of(output), events_of(output / "tensorboard"), read_run(output)
    )


def metrics_of(output: Path) -> dict[str, float]:
    """The last value of each column of Lightning's CSV file."""
    (file,) = output.glob("logs/*/metrics.csv")
    with file.open() as lines:
        return {name: float(value) for row in csv.DictReader(lines) for name, value in row.items() if value}


def events_of(folder: Path) -> EventAccumulator:
    (version,) = folder.iterdir()
    events = EventAccumulator(str(version))
    events.Reload()
    return events


@pytest.mark.heavy
def test_all_loggers_have_the_same_numbers_under_the_same_names(logged):
    metrics = {name: value for name, value in logged.metrics.items() if name not in OWN}
    scalars = {name: logged.board.Scalars(name)[-1].value for name in logged.board.Tags()["scalars"] if name not in OWN}
    summary = {
        name: value
        for name, value in logged.run.summary.items()
        if name not in OWN and not isinstance(value, dict)  # a table or a chart
    }
    assert metrics.keys() == scalars.keys() == summary.keys()
    assert summary == metrics
    assert scalars == pytest.approx(metrics, rel=1e-6)  # TensorBoard keeps 32 bits


@pytest.mark.heavy
def test_names_are_detector_condition_generator_and_metric_and_a_seed_comes_last(logged):
    places = [f"{name}/{condition}" if condition else name for name in DETECTORS for condition in ("", *CONDITIONS)]
    seeds = {
        f"{place}/{generator}/{metric}/seed{seed}"
        for place in places
        for generator in ("blurry", "a.b [c]")
        for metric in ("auroc", "ap_generated", "ap_real")
        for seed in range(SEEDS)
    }
    means = {
        f"{place}/mean/{metric}{end}"
        for place in places
        for metric in ("auroc", "ap_generated", "ap_real")
        for end in ("", "_low", "_high", "_seeds_sd")
    }
    changes = {
        f"{name}/{condition}/mean/auroc_change{end}"
        for name in DETECTORS
        for condition in CONDITIONS
        for end in ("", "_low", "_high", "_p_adjusted")
    }
    assert set(logged.metrics) - OWN == seeds | means | changes


@pytest.mark.heavy
def test_the_csv_file_has_the_numbers_that_were_printed(logged):
    points = logged.printed["points"]
    assert len(points) == 3 * (2 * 4 + 2)  # clean images stand in both kinds
    for point in points:
        where = [point["detector"], *([] if point["condition"] == "clean" else [point["condition"]])]
        name = "/".join([*where, "mean", point["metric"]])
        read = [logged.metrics[f"{name}{end}"] for end in ("", "_low", "_high", "_seeds_sd")]
        assert read == [point[column] for column in ("value", "low", "high", "seeds_sd")]
    changes = logged.printed["changes"]
    assert len(changes) == 2 * 3
    for change in changes:
        name = f"{change['detector']}/{change['condition']}/mean/auroc_change"
        read = [logged.metrics[f"{name}{end}"] for end in ("", "_low", "_high", "_p_adjusted")]
        assert read == [change[column] for column in ("change", "change_low", "change_high", "change_p_adjusted")]


@pytest.mark.heavy
def test_tensorboard_shows_roc_and_robustness_curves(logged):
    names = {"roc/clean", *(f"roc/{condition}" for condition in CONDITIONS), "robustness/jpeg", "robustness/blur"}
    assert set(logged.board.Tags()["images"]) == names
    for name in names:
        (image,) = logged.board.Images(name)
        picture = Image.open(io.BytesIO(image.encoded_image_string)).convert("RGB")
        assert len(picture.getcolors(picture.width * picture.height)) > 10


@pytest.mark.heavy
def test_a_failure_closes_every_logger_with_what_it_has(tmp_path):
    options = RunOptions(output=tmp_path, logger=["csv", "tensorboard"])
    with pytest.raises(KeyError, match="broke"), logging_session(options) as loggers:  # noqa: PT012
        started = loggers.start()
        for logger in started:
            logger.log_metrics({"a": 0.5}, step=0)
        raise KeyError("broke")
    assert metrics_of(tmp_path) == {"a": 0.5, "step": 0}
    events = events_of(tmp_path / "tensorboard")
    assert [event.value for event in events.Scalars("a")] == [0.5]
    assert started[1].experiment.all_writers is None


@pytest.mark.heavy
@pytest.mark.parametrize("named", [None, "of-the-environment"])
@pytest.mark.usefixtures("offline_wandb")
def test_without_a_project_wandb_takes_the_environments_or_ours(tmp_path, monkeypatch, named):
    if named:
        monkeypatch.setenv("WANDB_PROJECT", named)
    with logging_session(RunOptions(output=tmp_path, logger=["wandb"])) as loggers:
        (logger,) = loggers.start()
        assert logger.experiment.project == (named or PROJECT)


@pytest.mark.heavy
def test_where_tensorboard_is_missing_one_line_says_so_before_any_work(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    words = ["--detectors", "rigid", "--logger", "csv", "tensorboard", "--output", str(tmp_path / "results")]
    assert main(["compare", *words]) == 2
    *_, error = capsys.readouterr().err.splitlines()
    assert error == "error: --logger tensorboard needs tensorboard: pip install 'fauxbench[tensorboard]'."
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("logger", "project", "loggers"),
    [
        ((), None, ("csv",)),
        ((), "trial", ("wandb",)),
        (["tensorboard"], None, ("tensorboard",)),
        (["tensorboard", "csv"], "trial", ("tensorboard", "csv", "wandb")),
        (["wandb", "csv", "wandb"], "trial", ("wandb", "csv")),
    ],
)
def test_a_project_adds_wandb_to_the_loggers_that_are_named(logger, project, loggers):
    assert RunOptions(logger=logger, wandb=project).loggers == loggers


def test_a_logger_that_there_is_not_is_refused():
    with pytest.raises(BenchError, match=r"--logger takes a list of names, got 'csv'\."):
        RunOptions(logger="csv")
    with pytest.raises(BenchError, match=r"--logger must be one of csv, wandb, tensorboard, got 'cvs'\."):
        check_options(RunOptions(logger=["tensorboard", "cvs"]))


def test_the_command_line_takes_several_loggers_and_refuses_others(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["compare", "--detectors", "rigid", "--logger", "csv", "tensorbord"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: --logger must be one of csv, wandb, tensorboard, got 'tensorbord'.\n"
