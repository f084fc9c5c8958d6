"""A submission is read as it was written, and what is no submission is a fault, never a traceback."""

import io
import json
import os

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.errors import BenchError
from bench.store.sharing.submission import (
    SubmissionError,
    faults_of_folder,
    fingerprint_of,
    read_facts,
    read_scores,
    read_submission,
)
from detectors import Detector, View
from tests.bench.made_submissions import made_scores, made_task, submitted


class Brightness(Detector):
    """The mean of a channel."""

    name, paper, view = "brightness", "none", View(32, "resize")

    def __init__(self, *, channel=0):
        super().__init__()
        self.channel = channel

    def forward(self, images, keys):
        return images[:, self.channel].mean(dim=(1, 2))


TASK = made_task(real=3, generated=3, conditions=("clean", "jpeg:75"))


def test_a_submission_is_read_as_it_was_written(tmp_path):
    scores = made_scores(TASK, seeds=2)
    read = read_submission(submitted(tmp_path / "s", TASK, scores=scores, trained_on=("gan",)))
    assert read.scores.equals(scores.sort("condition", "seed", "sha256"))
    assert read.detector == read.method == "rigid"
    assert read.task == TASK.named
    assert read.trained_on == ("gan",)
    assert read.rows == len(scores)
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == ["scores.parquet", "submission.json"]


def test_writing_it_again_gives_the_same_bytes(tmp_path):
    scores = made_scores(TASK)
    for folder, table in (("a", scores), ("b", scores.reverse())):
        submitted(tmp_path / folder, TASK, scores=table)
    for name in ("scores.parquet", "submission.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(BenchError, match=r"holds thesis\.tex"):
        submitted(tmp_path, TASK)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_fingerprint_of_a_detector_can_be_computed_from_what_it_covers():
    detector, run = Brightness(channel=2), {"precision": "32-true", "protocol": "{}"}
    assert fingerprint_of(detector.covered(**run)) == detector.fingerprint(**run)
    assert fingerprint_of(json.loads(json.dumps(detector.covered(**run)))) == detector.fingerprint(**run)
    assert fingerprint_of(detector.covered(**run | {"precision": "tf32"})) != detector.fingerprint(**run)


def test_what_is_in_the_folder_is_looked_at_before_it_is_read(tmp_path):
    folder = submitted(tmp_path / "s", TASK)
    assert faults_of_folder(folder) == []
    (folder / "notes.txt").write_text("")
    (folder / "scores.parquet").rename(tmp_path / "elsewhere")
    (folder / "scores.parquet").symlink_to(tmp_path / "elsewhere")
    (folder / "submission.json").unlink()
    (folder / "submission.json").mkdir()
    assert [str(fault) for fault in faults_of_folder(folder)] == [
        "notes.txt: a submission has no such file: remove it",
        "scores.parquet: it is a link, not a plain file",
        "submission.json: it is a folder, not a plain file",
    ]
    (folder / "submission.json").rmdir()
    os.mkfifo(folder / "submission.json")
    assert "a pipe" in str(faults_of_folder(folder)[-1])
    (tmp_path / "link").symlink_to(folder)
    assert [fault.kind for fault in faults_of_folder(tmp_path / "link")] == ["folder"]
    assert "No such file" in str(faults_of_folder(tmp_path / "nothing")[0])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("[" * 100_000, "nested too deep"),
        ('{"a":' * 100_000, "nested too deep"),
        ("[]", "no object"),
        ('{"format": 1, "format": 1}', "twice"),
        ('{"format": 1, "rows": NaN}', "NaN"),
        ('{"format": 1, "rows": 1e999}', "too large"),
        ('{"format": ' + "9" * 5000 + "}", ""),
        ('{"format": 3}', "its format is 3"),
        ('{"format": 1, "detector": "\\ud800"}', ""),
        ('{"format": 1, "detector": 5}', "detector is 5"),
    ],
)
def test_facts_that_are_none_are_a_fault(tmp_path, text, reason):
    folder = submitted(tmp_path / "s", TASK)
    (folder / "submission.json").write_text(text)
    with pytest.raises(SubmissionError) as caught:
        read_facts(folder)
    (fault,) = caught.value.faults
    assert fault.file == "submission.json"
    assert reason in fault.reason
    assert "\n" not in str(caught.value)


def test_facts_have_no_key_of_their_own(tmp_path):
    folder = submitted(tmp_path / "s", TASK)
    facts = json.loads((folder / "submission.json").read_text())
    for change in ({"auroc": 0.99}, {"task": facts["task"] | {"rank": 1}}, {"scores": facts["scores"] | {"x": 1}}):
        (folder / "submission.json").write_text(json.dumps(facts | change))
        with pytest.raises(SubmissionError, match="that a submission does not have"):
            read_facts(folder)


def parquet(table, **options):
    opened = io.BytesIO()
    pq.write_table(table, opened, **options)
    return opened.getvalue()


def columns(**changes):
    """Makes a row of a right file of scores, but for the columns that are changed; None leaves one out."""
    right = {
        "sha256": pa.array(["a" * 64]),
        "score": pa.array([0.5]),
        "seed": pa.array([0], pa.int64()),
        "condition": pa.array(["clean"]),
    }
    return pa.table({name: column for name, column in (right | changes).items() if column is not None})


WRONG = {
    "empty": (b"", ""),
    "no parquet": (b"PAR1" + b"x" * 100 + b"PAR1", ""),
    "cut off": (parquet(columns())[:-40], ""),
    "a column more": (parquet(columns(label=pa.array([1]))), "its columns are"),
    "a column less": (parquet(columns(seed=None)), "its columns are"),
    "no sha256": (parquet(columns(sha256=None)), "its columns are"),
    "score of 32 bits": (parquet(columns(score=pa.array([0.5], pa.float32()))), "score is not of type Float64"),
    "score as text": (parquet(columns(score=pa.array(["0.5"]))), "score is not of type Float64"),
    "seed of 32 bits": (parquet(columns(seed=pa.array([0], pa.int32()))), "seed is not of type Int64"),
    "seed as time": (parquet(columns(seed=pa.array([0], pa.timestamp("us")))), "seed is not of type Int64"),
    "sha256 as bytes": (parquet(columns(sha256=pa.array([b"a" * 64]))), "sha256 is not of type String"),
    "nested": (parquet(columns(score=pa.array([[0.5]]))), "its columns are"),
    "null": (parquet(columns(score=pa.array([None], pa.float64()))), "values of score are missing"),
    "long text": (parquet(columns(condition=pa.array(["x" * 600]))), "more than 512 letters"),
    "many bytes": (parquet(columns(condition=pa.array(["x" * 3_000_000])), compression="zstd"), "unpacked"),
}


@pytest.mark.parametrize("name", WRONG)
def test_scores_that_are_none_are_a_fault(tmp_path, name):
    data, reason = WRONG[name]
    (tmp_path / "scores.parquet").write_bytes(data)
    with pytest.raises(SubmissionError) as caught:
        read_scores(tmp_path, 1)
    (fault,) = caught.value.faults
    assert fault.file == "scores.parquet"
    assert reason in fault.reason


def test_right_scores_of_other_writers_are_read(tmp_path):
    for options in ({}, {"use_dictionary": False}, {"compression": "none", "version": "1.0"}):
        (tmp_path / "scores.parquet").write_bytes(parquet(columns(), **options))
        assert read_scores(tmp_path, 1).rows() == [("a" * 64, 0.5, 0, "clean")]


def test_more_rows_than_told_or_allowed_are_not_read(tmp_path):
    pl.DataFrame({"sha256": ["a"] * 9, "score": 0.0, "seed": [0] * 9, "condition": "clean"}).write_parquet(
        tmp_path / "scores.parquet"
    )
    with pytest.raises(SubmissionError, match=r"9 rows, and submission\.json says 8"):
        read_scores(tmp_path, 8)
    with pytest.raises(SubmissionError, match="where its task allows 6"):
        read_scores(tmp_path, 9, most=6)
