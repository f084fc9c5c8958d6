"""How a W&B run begins and ends: never with a prompt, never left open, never with a name that W&B refuses."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import wandb
from forked_runs import ForkedRun
from wandb_reader import read_run

from bench.cli.app import main
from bench.errors import BenchError, DetectorFailedError
from bench.report.loggers.session import compare_and_log
from bench.report.loggers.wandb_session import LONGEST_NAME
from bench.scoring.options import RunOptions
from detectors import Detector, View
from detectors.registry import _registered


@pytest.fixture
def _offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("WANDB_MODE", "offline")
    wandb.teardown()  # it reads the environment once
    yield
    wandb.teardown()


def options_for(root: Path, output: Path, **more: object) -> RunOptions:
    defaults = {"dataset": "folder", "data_root": str(root), "num_workers": 0, "wandb": "trial"}
    return RunOptions(output=output, **(defaults | more))


class Broken(Detector):
    """Fails on its first batch."""

    name, paper, view, passes = "broken", "none", View(32, "resize"), 0

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()

    def forward(self, images, keys):
        raise RuntimeError("the method broke")


class Doubtful(Broken):
    """Fails when all images are scored and it is asked what it thinks of its scores."""

    name = "doubtful"

    def forward(self, images, keys):
        return images.mean(dim=(1, 2, 3))

    def concern(self, real_scores):
        raise RuntimeError("the concern broke")


@pytest.mark.heavy
@pytest.mark.usefixtures("_offline")
def test_a_failure_in_the_test_loop_ends_the_run_as_failed(image_folder, tmp_path, monkeypatch):
    monkeypatch.setitem(_registered, "broken", Broken)
    with pytest.raises(DetectorFailedError, match="the method broke"):
        compare_and_log(["broken"], options_for(image_folder, tmp_path / "results", limit=2))
    assert wandb.run is None
    assert read_run(tmp_path / "results").exit_code == 1


@pytest.mark.usefixtures("_offline")
@pytest.mark.heavy
def test_a_failure_after_the_test_loop_ends_the_run_as_failed(image_folder, tmp_path, monkeypatch):
    monkeypatch.setitem(_registered, "doubtful", Doubtful)
    with pytest.raises(RuntimeError, match="the concern broke"):
        compare_and_log(["doubtful"], options_for(image_folder, tmp_path / "results", limit=2))
    assert wandb.run is None
    run = read_run(tmp_path / "results")
    assert run.exit_code == 1
    assert "doubtful/blurry/auroc" in run.summary
    assert "leaderboard" not in run.summary


@pytest.mark.heavy
@pytest.mark.usefixtures("_offline")
def test_where_wandb_is_disabled_the_comparison_is_made_all_the_same(image_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert compare_and_log(["rigid"], options_for(image_folder, tmp_path / "results", limit=2)) is not None
    assert wandb.run is None


@pytest.mark.heavy
@pytest.mark.usefixtures("_offline")
def test_a_run_of_the_caller_is_neither_used_nor_ended(image_folder, tmp_path):
    with wandb.init(dir=tmp_path, settings=wandb.Settings(silent=True)) as open_run:
        with pytest.raises(BenchError, match=rf"The W&B run {open_run.id} is open in this process"):
            compare_and_log(["rigid"], options_for(image_folder, tmp_path / "results"))
        assert wandb.run is open_run
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("team/project", r"without any of / \ # ? % : (a team goes into WANDB_ENTITY), got 'team/project'."),
        ("what?", "got 'what?'."),
        ("x" * (LONGEST_NAME + 1), "at most 128 characters, got 129"),
        (" ", "needs the name of a project, got ' '."),
    ],
)
def test_a_project_name_that_cannot_be_is_one_line_before_any_work(tmp_path, capsys, name, message):
    output = tmp_path / "results"
    assert main(["compare", "--detectors", "rigid", "--wandb", name, "--output", str(output)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: --wandb ")
    assert error.count("\n") == 1
    assert message in error
    assert not output.exists()


@pytest.mark.parametrize("character", "/\\#?%:")
def test_wandb_itself_refuses_the_names_that_we_refuse(character):
    with pytest.raises(wandb.errors.UsageError, match="Invalid project name"):
        wandb.Settings(project=f"a{character}b")
    with pytest.raises(wandb.errors.UsageError, match="exceeded 128 characters"):
        wandb.Settings(project="x" * (LONGEST_NAME + 1))
    wandb.Settings(project="x" * LONGEST_NAME)


@pytest.mark.heavy
def test_without_a_key_a_run_is_offline_and_nobody_is_asked(tmp_path):
    code = (
        "from pathlib import Path; from bench.scoring.options import RunOptions\n"
        "from bench.report.loggers.session import logging_session\n"
        f"options = RunOptions(output=Path({str(tmp_path / 'results')!r}), wandb='trial')\n"
        "with logging_session(options) as loggers:\n"
        "    (logger,) = loggers.start()\n"
        "    print(logger.experiment.settings.mode)\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    environment |= {"HOME": str(tmp_path), "NETRC": str(tmp_path / "netrc")}
    with ForkedRun(["-c", code], environment) as run:
        printed, told = run.communicate(timeout=60)
        assert (printed, run.returncode) == ("offline\n", 0)
    assert [line.partition("; ")[0] for line in told.splitlines()] == ["wandb: The run is on disk"]
    assert read_run(tmp_path / "results").config["wandb"] == "trial"


@pytest.mark.slow
def test_two_devices_make_one_run(image_folder, tmp_path):
    command = [sys.executable, "-m", "bench", "compare", "--detectors", "rigid", "--dataset", "folder", "--limit", "3"]
    command += ["--data-root", str(image_folder), "--output", str(tmp_path / "results"), "--wandb", "trial"]
    command += ["--logger", "csv", "tensorboard"]
    command += ["--devices", "2", "--accelerator", "cpu", "--num-workers", "0"]
    environment = {**os.environ, "WANDB_MODE": "offline", "HOME": str(tmp_path)}
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=110)
    run = read_run(tmp_path / "results")
    assert run.exit_code == 0
    assert len(run.table("leaderboard")) >= 3
    assert [path.name for path in (tmp_path / "results" / "wandb").glob("*run-*")] == [run.folder.name]
    for folder in ("logs", "tensorboard"):
        assert [path.name for path in (tmp_path / "results" / folder).iterdir()] == ["version_0"]
    events = (tmp_path / "results" / "tensorboard").glob("*/events.*")
    assert len({file.name.split(".")[-2] for file in events}) == 1  # the number of the process that wrote
