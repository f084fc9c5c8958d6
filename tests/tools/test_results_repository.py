"""The example of a results repository: its submissions hold, its board follows from them, and it can be made anew."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml

from bench.cli.app import main
from bench.references.locks import read_lock
from bench.results.submissions.agreement import difference_of
from bench.store.sharing.submission import read_submission
from bench.store.sharing.task import read_task
from tools.results_repository import FOLDER, SUBMITTED, TASK, address, make

ROOT = FOLDER.parents[1]
SUBMISSIONS = [FOLDER / "submissions" / submitter / detector for submitter, detector in SUBMITTED.items()]
BOARD = {"LEADERBOARD.md", "leaderboard-generators.csv", "leaderboard.csv", "leaderboard.html", "leaderboard.json"}
STEPS = yaml.safe_load((FOLDER / ".github" / "workflows" / "check.yml").read_text(encoding="utf-8"))["jobs"]["check"][
    "steps"
]


def close(value):
    """A JSON value whose numbers may differ in what machines add in another order."""
    if isinstance(value, dict):
        return {key: close(held) for key, held in value.items()}
    if isinstance(value, list):
        return [close(held) for held in value]
    return pytest.approx(value, rel=1e-6) if isinstance(value, float) else value


def test_the_example_is_small_and_has_nothing_else():
    files = {str(file.relative_to(FOLDER)) for file in FOLDER.rglob("*") if file.is_file()}
    held = {
        f"{folder.relative_to(FOLDER)}/{name}"
        for folder in SUBMISSIONS
        for name in ("scores.parquet", "submission.json")
    }
    assert files == {"README.md", ".github/workflows/check.yml", str(TASK), *held, *BOARD}
    assert sum((FOLDER / file).stat().st_size for file in files) < 1_000_000


@pytest.mark.parametrize("folder", SUBMISSIONS, ids=lambda folder: folder.name)
def test_a_submission_has_no_fault_and_is_of_an_example(folder):
    assert main(["submit", "check", str(folder)]) == 0
    submission = read_submission(folder)
    assert submission.detector == submission.method == folder.name
    assert submission.repository == address(folder.parent.name) == f"https://github.com/example/{folder.parent.name}"
    assert len(submission.scores) == len(read_task(FOLDER / TASK).images) == 402


def test_the_board_is_what_the_scores_give(tmp_path):
    assert main(["leaderboard", "--submissions", str(FOLDER), "--output", str(tmp_path), "--quiet"]) == 0
    assert {file.name for file in tmp_path.iterdir()} == BOARD - {"leaderboard.html"}
    assert (tmp_path / "LEADERBOARD.md").read_text() == (FOLDER / "LEADERBOARD.md").read_text()
    made, kept = (json.loads((folder / "leaderboard.json").read_text()) for folder in (tmp_path, FOLDER))
    assert made == close(kept)


def locked():
    """The sha256 of the demo's files, as the locked numbers name them."""
    return sorted(image.sha256 for image in read_lock(ROOT / "bench" / "references" / "demo.json").images.values())


def test_the_task_is_the_demo_as_it_is():
    assert read_task(FOLDER / TASK).images["sha256"].to_list() == locked()


@pytest.mark.heavy
@pytest.mark.timeout(1200)
def test_made_anew_nothing_changes(tmp_path):
    make(tmp_path / "made", tmp_path / "store")
    if read_task(tmp_path / "made" / TASK).images["sha256"].to_list() != locked():
        pytest.skip("another release of Pillow packs the same pixels into other files")
    assert (tmp_path / "made" / TASK).read_bytes() == (FOLDER / TASK).read_bytes()
    for kept in SUBMISSIONS:
        made = tmp_path / "made" / kept.relative_to(FOLDER)
        facts = [json.loads((folder / "submission.json").read_text()) for folder in (made, kept)]
        for told in facts:
            del told["versions"], told["scores"]["sha256"]  # another machine's scores differ in the last digits
        assert facts[0] == facts[1]
        difference = difference_of(*(cells(folder) for folder in (made, kept)))
        assert difference.within, difference


def cells(folder: Path):
    scores = read_submission(folder).scores.sort("sha256").partition_by("condition", "seed", as_dict=True)
    return {key: rows["score"].to_numpy() for key, rows in scores.items()}


@pytest.fixture
def repository(tmp_path):
    """A copy of the example, and how to run a step of its CI file there."""
    shutil.copytree(FOLDER, tmp_path / "repository")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "fauxbench").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bench "$@"\n')
    (programs / "fauxbench").chmod(0o755)
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}

    def run(name: str) -> subprocess.CompletedProcess[str]:
        (step,) = [step for step in STEPS if step.get("name") == name]
        words = ["bash", "-e", "-c", step["run"]]  # as GitHub does
        return subprocess.run(
            words, cwd=tmp_path / "repository", env=environment, capture_output=True, text=True, check=False
        )

    return tmp_path / "repository", run


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_the_steps_of_the_ci_file_pass_and_see_what_is_wrong(repository):
    folder, run = repository
    for name in ("Check every submission", "Compute the leaderboard", "Compare it with the one in the repository"):
        ended = run(name)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    file = folder / "submissions" / "example-lab" / "rigid" / "scores.parquet"
    scores = pl.read_parquet(file)
    scores.with_columns(pl.col("score") + 0.1 * (pl.int_range(pl.len()) == 0)).write_parquet(file)
    ended = run("Check every submission")
    assert ended.returncode == 1
    assert "scores.parquet" in ended.stdout + ended.stderr
    shutil.rmtree(file.parent)
    assert run("Compute the leaderboard").returncode == 0
    assert run("Compare it with the one in the repository").returncode == 1
