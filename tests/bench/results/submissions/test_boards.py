"""From a results repository to comparisons: every number is that of the scores."""

import shutil

import numpy as np
import polars as pl
import pytest
from made_submissions import made_scores, made_task, results_repository, submitted

from bench.errors import BenchError
from bench.results.leaderboard import boards_of
from bench.results.submissions.boards import read_submissions
from bench.results.submissions.findings import UnknownCues
from bench.results.submissions.standing import Disagreement
from bench.statistics.metrics import auroc
from bench.store.contrasts import ContrastRule
from bench.store.sharing.task import freeze, write_task


@pytest.fixture
def root(tmp_path):
    results_repository(tmp_path)
    return tmp_path


def only(root):
    (comparison,) = read_submissions(root).comparisons
    return comparison


def test_the_numbers_are_those_of_the_scores_and_letters_are_given(root):
    task = made_task()
    comparison = only(root)
    (board,) = boards_of(comparison)
    assert [row.detector for row in board.rows] == ["oracle", "rigid", "wepe"]
    assert [row.letters for row in board.rows] == ["a", "b", "c"]
    scores = task.images.join(made_scores(task, strength=0.2, noise_seed=2), on="sha256")
    for generator in ("gan", "diffusion"):
        part = scores.filter((pl.col("label") == 0) | (pl.col("generator") == generator))
        number = board.rows[2].rows[generator].numbers["auroc"]
        assert number.value == pytest.approx(auroc(part["label"].to_numpy(), part["score"].to_numpy()), abs=1e-12)
        assert number.interval is not None
    assert comparison.standings["rigid"].confirmations == 1
    assert comparison.standings["oracle"].scored.scores_only


def test_the_submissions_folder_is_as_good_as_the_repository(root):
    assert [c.title for c in read_submissions(root / "submissions").comparisons] == [only(root).title]


def test_no_cue_is_known_and_the_board_says_so(root):
    comparison = only(root)
    assert comparison.cues.rows == []
    assert comparison.cues.verdicts == {}
    assert any(isinstance(finding, UnknownCues) for finding in comparison.findings)


def test_what_a_detector_is_comes_from_its_submission(root):
    facts = only(root).detectors
    assert facts["oracle"] == {}
    assert facts["rigid"]["view"] == "random-crop 224"
    assert facts["rigid"]["precision"] == "32-true"
    assert facts["rigid"]["shared_draw"] is False
    assert facts["wepe"]["shared_draw"] is True


def test_scores_that_differ_are_a_finding_with_the_image(root):
    task = made_task()
    scores = made_scores(task, strength=1.0, noise_seed=1)
    image = scores["sha256"][3]
    other = scores.with_columns(pl.col("score") + pl.when(pl.col("sha256") == image).then(0.25).otherwise(0.0))
    submitted(root / "submissions" / "third" / "rigid", task, "rigid", other, "third")
    comparison = only(root)
    (found,) = [finding for finding in comparison.findings if isinstance(finding, Disagreement)]
    assert {found.first, found.second} == {"rigid (first/scores)", "rigid (third/scores)"}
    assert found.image == image
    assert abs(found.difference.scores[0] - found.difference.scores[1]) == pytest.approx(0.25)
    assert comparison.standings["rigid (first/scores)"].confirmations == 1


def test_what_check_refuses_is_on_no_board_and_the_rest_is(root):
    folder = root / "submissions" / "second" / "oracle"
    (folder / "scores.parquet").write_bytes((root / "submissions/first/wepe/scores.parquet").read_bytes())
    (root / "submissions" / "third" / "empty").mkdir(parents=True)
    task = made_task("elsewhere")
    submitted(root / "submissions" / "third" / "other", task, "rigid", submitter="third")
    (root / "submissions" / "README.md").write_text("a file")
    found = read_submissions(root)
    assert {one.folder: one.more >= 0 for one in found.refused} == dict.fromkeys(
        ["second/oracle", "third/empty", "third/other"], True
    )
    assert "sha256" in next(one.fault for one in found.refused if one.folder == "second/oracle")
    assert list(found.comparisons[0].standings) == ["rigid", "wepe"]


def test_a_submission_that_lies_too_high_is_found_there(root):
    shutil.move(root / "submissions/first/wepe", root / "submissions/wepe")
    assert only(root).standings["wepe"].scored.origin.folder == "wepe"


def test_tasks_without_submissions_are_named_and_versions_have_boards_of_their_own(root):
    write_task(made_task("lonely"), root / "tasks" / "lonely.json")
    shutil.copy(root / "tasks" / "lonely.json", root / "tasks" / "copy.json")
    newer = made_task(version=2, real=30)
    write_task(newer, root / "tasks" / "newer.json")
    submitted(root / "submissions" / "first" / "newer", newer, "rigid", submitter="first")
    found = read_submissions(root)
    assert found.empty == ["lonely, version 1"]
    assert [comparison.stored.title for comparison in found.comparisons] == ["small, version 1", "small, version 2"]
    assert [comparison.stored.title for comparison in found.newest] == ["small, version 2"]


def test_two_tasks_of_one_name_and_version_are_told_apart(root):
    other = made_task(real=30)
    write_task(other, root / "tasks" / "other.json")
    submitted(root / "submissions" / "first" / "other", other, "rigid", submitter="first")
    titles = [comparison.stored.title for comparison in read_submissions(root).comparisons]
    assert len(set(titles)) == 2
    assert all(title.startswith("small, version 1 #") for title in titles)


def test_seeds_and_conditions_are_those_of_the_submission(tmp_path):
    task = made_task(conditions=("clean", "jpeg:75"))
    (tmp_path / "tasks").mkdir()
    write_task(task, tmp_path / "tasks" / "task.json")
    submitted(tmp_path / "submissions" / "a" / "x", task, "rigid", made_scores(task, seeds=2), "a")
    comparison = only(tmp_path)
    assert comparison.panel.cells == [("rigid", "clean"), ("rigid", "jpeg:75")]
    assert [len(comparison.panel.seeds("rigid", name)) for name in ("clean", "jpeg:75")] == [2, 2]
    assert comparison.summary.means[0].numbers["auroc"].seeds_sd is not None


def test_a_contrast_of_some_images_has_those_alone(tmp_path):
    every = made_task(real=20, generated=20, generators=("gan",)).images
    table = every.with_columns(path="sha256")
    some = frozenset(pl.concat([every.filter(pl.col("label") == label).head(12) for label in (0, 1)])["sha256"])
    rules = {
        "clean": [ContrastRule("gan", ("photographs",))],
        "matched:jpeg": [ContrastRule("gan", ("photographs",), some)],
    }
    task = freeze(table, rules, name="part", title="part", protocol={"resize": 256, "crop_seed": 0}).task
    (tmp_path / "tasks").mkdir()
    write_task(task, tmp_path / "tasks" / "task.json")
    for who, shift in (("a", 0.0), ("b", 1e-6)):
        scores = made_scores(task).with_columns(pl.col("score") + shift)
        submitted(tmp_path / "submissions" / who / "x", task, "rigid", scores, who)
    comparison = only(tmp_path)
    counts = {row.condition: (row.n_real, row.n_generated) for row in comparison.summary.rows if row.generator == "gan"}
    assert counts == {"clean": (20, 20), "matched:jpeg": (12, 12)}
    assert comparison.standings["rigid"].confirmations == 1
    assert {str(images) for images in comparison.stored.coverage.values()} == {"40 of 40 images", "24 of 24 images"}


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ((), "has no folder tasks and no submissions"),
        (("tasks",), "has no folder submissions"),
        (("tasks", "submissions"), "holds no task"),
    ],
)
def test_what_is_no_results_repository_is_one_line(tmp_path, made, words):
    for name in made:
        (tmp_path / name).mkdir()
    with pytest.raises(BenchError, match=words):
        read_submissions(tmp_path)


def test_a_repository_without_submissions_is_one_line(tmp_path):
    (tmp_path / "tasks").mkdir()
    (tmp_path / "submissions").mkdir()
    write_task(made_task(), tmp_path / "tasks" / "task.json")
    with pytest.raises(BenchError, match="holds no submission"):
        read_submissions(tmp_path)


def test_a_broken_task_is_one_line(root):
    (root / "tasks" / "broken.json").write_text("{}")
    with pytest.raises(BenchError, match=r"broken\.json is not a task"):
        read_submissions(root)


def test_scores_of_any_size_are_read(tmp_path):
    task = made_task(real=12, generated=12, generators=("gan",))
    (tmp_path / "tasks").mkdir()
    write_task(task, tmp_path / "tasks" / "task.json")
    huge = made_scores(task).with_columns(score=pl.Series(1.7e308 * np.linspace(-1, 1, 24)))
    for who in "ab":
        submitted(tmp_path / "submissions" / who / "x", task, "rigid", huge, who)
    assert only(tmp_path).standings["rigid"].confirmations == 1
