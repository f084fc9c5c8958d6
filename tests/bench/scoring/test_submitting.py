"""A submission holds the scores of exactly a task's images, whatever they are filed under in the store."""

import polars as pl
import pytest

from bench.errors import BenchError
from bench.scoring.submitting import make_submission
from bench.store.sharing.checking import check
from bench.store.sharing.submission import write_submission
from tests.bench.made_stores import sha
from tests.bench.made_submissions import PROTOCOL, made_scores, made_task
from tests.bench.made_task_store import described, rows_of_scores, store_of

TASK = made_task(real=4, generated=4, generators=("gan",), conditions=("clean", "jpeg:75"))
REPOSITORY = "https://example.org/me"


def submit(store, task=TASK, detector="rigid", folder="s"):
    return make_submission(store, task, detector, REPOSITORY, store.parent / folder)


def test_scores_are_found_by_content_and_pass_the_check(tmp_path):
    scores = made_scores(TASK, seeds=2)
    store = store_of(tmp_path / "store", TASK, scores)
    submission = submit(store)
    assert submission.scores.sort(pl.all()).equals(scores.sort(pl.all()))
    assert submission.versions == {"python": "3.11"}
    write_submission(submission)
    found = check(tmp_path / "s", TASK)
    assert [fault.reason for fault in found.faults] == ["the version of fauxbench is missing"]  # of a made-up run


def test_images_that_are_not_in_the_task_are_left_out(tmp_path):
    larger = made_task(real=6, generated=6, generators=("gan",), conditions=("clean", "jpeg:75", "blur:1"))
    store = store_of(tmp_path / "store", larger)
    assert set(submit(store).scores["sha256"]) == set(TASK.images["sha256"])
    assert set(submit(store).scores["condition"]) == {"clean", "jpeg:75"}


def test_what_is_missing_is_counted_with_the_command_that_scores_it(tmp_path):
    scores = made_scores(TASK, seeds=2)
    first = TASK.images["sha256"][0]
    store = store_of(
        tmp_path / "store", TASK, scores.filter((pl.col("sha256") != first) | (pl.col("condition") != "clean"))
    )
    with pytest.raises(BenchError) as caught:
        submit(store)
    assert str(caught.value).startswith(f"rigid lacks scores of 1 of the task's 8 images in {store} (2 of 32 scores).")
    assert "python -m bench compare --detectors rigid --conditions jpeg:75" in str(caught.value)
    assert not (tmp_path / "s").exists()


def test_a_seed_under_one_condition_alone_is_not_complete(tmp_path):
    scores = made_scores(TASK, seeds=2).filter((pl.col("seed") == 0) | (pl.col("condition") == "clean"))
    with pytest.raises(BenchError, match=r"8 of the task's 8 images .*\(8 of 32 scores\)"):
        submit(store_of(tmp_path / "store", TASK, scores))


@pytest.mark.parametrize(("value", "reason"), [(None, "broken"), (float("nan"), "no finite number")])
def test_an_image_without_a_score_that_counts_is_told(tmp_path, value, reason):
    gone = (pl.col("sha256") == TASK.images["sha256"][0]) & (pl.col("condition") == "clean")
    scores = made_scores(TASK).with_columns(score=pl.when(gone).then(pl.lit(value, pl.Float64)).otherwise("score"))
    with pytest.raises(BenchError, match=f"1 of the task's images, such as there/.*{reason}"):
        submit(store_of(tmp_path / "store", TASK, scores))


def test_the_latest_score_counts_and_older_stores_are_told_of(tmp_path):
    old = described()
    del next(iter(old.values()))["covers"]
    store = store_of(tmp_path / "store", TASK, made_scores(TASK), old)
    assert submit(store).facts is None
    write_submission(submit(store))
    assert len(check(tmp_path / "s", TASK).notes) == 1
    later = made_scores(TASK, noise_seed=9)
    store_of(store, TASK, later, run="20260202T000000.000000-bbbbbb", title="moved")
    submission = submit(store)
    assert submission.scores.sort(pl.all()).equals(later.sort(pl.all()))
    assert submission.facts is not None


def test_a_detector_is_named_so_that_there_is_one(tmp_path):
    store = store_of(tmp_path / "store", TASK)
    other = {"detector": {"detector": "rigid", "options": {"noise": 0.1}}, "run": {"protocol": protocol()}}
    store_of(store, TASK, detectors=described("rigid", other), run="20260202T000000.000000-bbbbbb")
    with pytest.raises(BenchError, match="names 2 configured detectors") as caught:
        submit(store)
    shown = str(caught.value).split("'")[-2]
    assert shown.startswith("rigid #")
    assert submit(store, detector=shown).detector == "rigid"
    assert submit(store, detector=shown.split("#")[1]).detector == "rigid"
    with pytest.raises(BenchError, match=r"no scores of detector .rigd.* Did you mean .rigid"):
        submit(store, detector="rigd")


def protocol():
    return '{"crop_seed": 0, "resize": 256}'


def test_scores_of_another_protocol_are_not_taken(tmp_path):
    native = {"detector": {"detector": "rigid"}, "run": {"protocol": '{"crop_seed": 0, "resize": null}'}}
    store = store_of(
        tmp_path / "store", TASK, detectors=described("rigid", native), protocol={**PROTOCOL, "resize": None}
    )
    with pytest.raises(BenchError, match=r"was scored under the protocol .*null"):
        submit(store)
    store_of(store, TASK, run="20260202T000000.000000-bbbbbb")  # the same label under the task's
    assert submit(store).fingerprint == next(iter(described()))


def test_what_was_fitted_to_the_images_of_the_task_is_no_submission(tmp_path):
    group = TASK.images["group"][0]
    with pytest.raises(BenchError, match="fitted to 1 of the task's images"):
        submit(store_of(tmp_path / "store", TASK, detectors=described(held_out=[group])))


def test_an_empty_store_and_a_wrong_address_are_told(tmp_path):
    with pytest.raises(BenchError, match="no scores under"):
        submit(tmp_path / "nothing")
    with pytest.raises(BenchError, match="--repository"):
        make_submission(tmp_path, TASK, "rigid", "me@example.org", tmp_path / "s")


def test_rows_are_those_of_the_made_store():
    rows = rows_of_scores(TASK, made_scores(TASK), described())
    assert not rows["path"].is_in(TASK.images["sha256"].to_list()).any()
    assert sha("photographs/000.png") in rows["sha256"].to_list()
