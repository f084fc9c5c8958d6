"""A submission that is not true to its task is refused, each fault in its line."""

import json
import shutil

import polars as pl
import pytest

from bench.store.contrasts import ContrastRule
from bench.store.sharing.checking import check, fault_of_address, faults
from bench.store.sharing.task import freeze, write_task
from tests.bench.made_stores import sha
from tests.bench.made_submissions import facts_of, made_scores, made_task, results_repository, submitted

TASK = made_task(real=4, generated=3, generators=("gan",), conditions=("clean", "jpeg:75"))


def lines(folder, task=TASK):
    return [str(fault) for fault in faults(folder, task)]


def with_scores(tmp_path, change, task=TASK):
    """Writes a submission whose scores were changed before it was written, and returns its faults."""
    return lines(submitted(tmp_path / "s", task, scores=change(made_scores(task, seeds=2))), task)


def with_facts(tmp_path, **changes):
    """Writes a submission and changes what it tells."""
    folder = submitted(tmp_path / "s", TASK)
    facts = json.loads((folder / "submission.json").read_text())
    (folder / "submission.json").write_text(json.dumps(facts | changes))
    return lines(folder)


def test_right_submissions_have_no_fault(tmp_path):
    task = results_repository(tmp_path)
    folders = sorted((tmp_path / "submissions").glob("*/*"))
    assert len(folders) == 4
    for folder in folders:
        found = check(folder)
        assert (list(found.faults), list(found.notes)) == ([], [])
        assert found.task.digest == task.digest
        assert found.submission.rows == len(found.submission.scores) == len(task.images)


def test_an_image_too_few_too_many_or_twice(tmp_path):
    first = TASK.images["sha256"][0]
    gone = (pl.col("sha256") == first) & (pl.col("condition") == "jpeg:75")
    assert with_scores(tmp_path, lambda scores: scores.filter(~gone)) == [
        f"scores.parquet: jpeg:75, seed 0: 1 image has no score, such as {first[:12]}... (the task has 7); seeds that "
        "lack some: 2"
    ]
    assert with_scores(tmp_path, lambda scores: scores.filter(~(gone & (pl.col("seed") == 1)))) == [
        f"scores.parquet: jpeg:75, seed 1: 1 image has no score, such as {first[:12]}... (the task has 7)"
    ]
    other = {"sha256": pl.lit(sha("another"))}
    assert with_scores(tmp_path, lambda scores: pl.concat([scores, scores.head(1).with_columns(**other)])) == [
        f"scores.parquet: 1 image is not in the task, such as {sha('another')[:12]}..."
    ]
    (line,) = with_scores(tmp_path, lambda scores: pl.concat([scores, scores.head(2)]))
    assert "2 images have more than one score of a seed and condition" in line


def test_conditions_and_seeds_are_those_of_the_task(tmp_path):
    (line,) = with_scores(tmp_path, lambda scores: scores.filter(pl.col("condition") == "clean"))
    assert "jpeg:75, seed 0: 7 images have no score" in line
    blurred = pl.col("condition").replace("jpeg:75", "blur:1")
    found = with_scores(tmp_path, lambda scores: scores.with_columns(condition=blurred))
    assert [line.split(": ", 1)[1][:30] for line in found] == [
        "it has the condition 'blur:1',",
        "jpeg:75, seed 0: 7 images have",
    ]
    (line,) = with_scores(tmp_path, lambda scores: scores.with_columns(seed=pl.col("seed") - 1))
    assert "seed -1, which is below 0" in line
    assert len(with_scores(tmp_path, lambda scores: scores.head(0))) == 2


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_scores_are_finite(tmp_path, value):
    scored = pl.when(pl.int_range(pl.len()) == 3).then(value).otherwise("score")
    (line,) = with_scores(tmp_path, lambda scores: scores.with_columns(score=scored))
    assert "1 image has a score that is no finite number" in line


def test_a_matched_condition_is_about_its_members_alone(tmp_path):
    whole = made_task(real=4, generated=3, generators=("gan",))
    images = whole.images.with_columns(path="sha256")
    members = frozenset([images.filter(label=0)["sha256"][0], images.filter(label=1)["sha256"][0]])
    rules = {
        "clean": whole.contrasts["clean"],
        "unbiased:450x450": (ContrastRule("gan", ("photographs",), members),),
    }
    task = freeze(images, rules, name="n", title="t", protocol=whole.protocol).task
    assert lines(submitted(tmp_path / "s", task, facts=facts_of("rigid", task=task)), task) == []
    beside = images.filter(~pl.col("sha256").is_in(list(members))).select("sha256").head(1)
    more = beside.with_columns(score=pl.lit(0.5), seed=pl.lit(0, pl.Int64), condition=pl.lit("unbiased:450x450"))
    scores = pl.concat([made_scores(task), more])
    assert lines(submitted(tmp_path / "s", task, scores=scores), task) == [
        "scores.parquet: unbiased:450x450 has scores of images that it is not about in the task"
    ]


def test_a_score_changed_after_it_was_written_does_not_have_its_sha256(tmp_path):
    folder = submitted(tmp_path / "s", TASK)
    scores = pl.read_parquet(folder / "scores.parquet")
    better = scores.with_columns(score=pl.col("score") + pl.when(pl.int_range(pl.len()) == 0).then(1.0).otherwise(0.0))
    better.write_parquet(folder / "scores.parquet")
    (line,) = lines(folder)
    assert line.startswith("scores.parquet: its sha256 is ")
    assert line.endswith("the scores were changed")


FACTS = facts_of("rigid", task=TASK)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"fingerprint": "0" * 64}, "and it says 000000000000..."),
        ({"fingerprint": "xyz"}, "its fingerprint xyz is none"),
        ({"options": {"noise": 0.5}}, "its options are not those in its facts"),
        ({"method": "wepe"}, "its facts are not those of the method 'wepe'"),
        ({"method": ""}, "it has a method just where it is not imported"),
        ({"imported": True}, "it has a method just where it is not imported"),
        ({"versions": {}}, "the version of fauxbench is missing"),
        ({"versions": {"fauxbench": "1"}}, "the version of python is missing"),
        ({"repository": "me@example.org"}, "no address"),
        ({"repository": ""}, "repository is empty"),
        ({"detector": "a\nb"}, "cannot be printed"),
        ({"detector": "x" * 501}, "too long"),
        ({"task": TASK.named | {"version": 2}}, "it is of a task with the version 2, and this one has 1"),
        ({"task": TASK.named | {"name": "other"}}, "with the name 'other'"),
        ({"task": TASK.named | {"digest": "0" * 64}}, "with the digest 000000000000..."),
        ({"scores": {"sha256": "0" * 64, "rows": 14}}, "the scores were changed"),
        ({"scores": {"sha256": "0" * 64, "rows": 10**40}}, "14 rows"),
    ],
)
def test_what_a_submission_tells_is_compared(tmp_path, changes, reason):
    found = with_facts(tmp_path, **changes)
    assert any(reason in line for line in found), found


def test_another_protocol_is_another_task(tmp_path):
    facts = facts_of("rigid") | {"run": {"precision": "32-true", "protocol": '{"resize": null}'}}
    (line,) = lines(submitted(tmp_path / "s", TASK, facts=facts))
    assert "was scored under the protocol" in line


def test_a_fingerprint_that_cannot_be_computed_again_is_a_note(tmp_path):
    folder = submitted(tmp_path / "s", TASK)
    facts = json.loads((folder / "submission.json").read_text())
    (folder / "submission.json").write_text(json.dumps(facts | {"facts": None}))
    found = check(folder, TASK)
    assert list(found.faults) == []
    assert [note.reason for note in found.notes] == [
        "the fingerprint cannot be computed again: its store did not keep what it covers"
    ]


def test_the_task_is_found_by_its_digest_in_a_folder_above(tmp_path):
    results_repository(tmp_path)
    folder = tmp_path / "submissions" / "first" / "rigid"
    write_task(made_task(name="another"), tmp_path / "tasks" / "another.json")
    (tmp_path / "tasks" / "broken.json").write_text("{")
    assert check(folder).task.name == "small"
    (tmp_path / "tasks" / "small.json").unlink()
    assert [fault.kind for fault in check(folder).faults] == ["task"]


def test_a_label_changed_in_the_task_is_found(tmp_path):
    results_repository(tmp_path)
    file, folder = tmp_path / "tasks" / "small.json", tmp_path / "submissions" / "second" / "oracle"
    facts = json.loads(file.read_text())
    facts["images"]["label"][5] = 1 - facts["images"]["label"][5]
    file.write_text(json.dumps(facts))
    for given in (None, file):
        (fault,) = check(folder, given).faults
        assert (fault.kind, fault.file) == ("task", "small.json")
        assert "it was changed after it was frozen" in fault.reason


def test_faults_of_both_files_are_found_at_once(tmp_path):
    folder = submitted(tmp_path / "s", TASK, scores=made_scores(TASK).head(5))
    (folder / "submission.json").write_text("{")
    kinds = [(fault.kind, fault.file) for fault in faults(folder, TASK)]
    assert kinds == [("format", "submission.json"), ("scores", "scores.parquet"), ("scores", "scores.parquet")]
    shutil.rmtree(folder)
    assert [fault.kind for fault in faults(folder, TASK)] == ["folder"]


def test_no_change_of_a_byte_ends_in_a_traceback(tmp_path):
    folder = submitted(tmp_path / "s", TASK)
    for name in ("scores.parquet", "submission.json"):
        whole = (folder / name).read_bytes()
        for at in range(0, len(whole), max(1, len(whole) // 30)):
            (folder / name).write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
            found = faults(folder, TASK)  # of a letter in a version's text nobody can know
            assert found or name == "submission.json", at
            (folder / name).write_bytes(whole[:at])
            assert faults(folder, TASK), (name, at)
        (folder / name).write_bytes(whole)


@pytest.mark.parametrize("text", ["https://example.org/a", "http://example.org:8080/a?b#c"])
def test_addresses_of_repositories(text):
    assert fault_of_address(text) is None


@pytest.mark.parametrize(
    "text",
    ["", "example.org", "ftp://example.org", "https://", "https:///a", "https://[::1", "https://a b", "https://a:b/c",
     "javascript:alert(1)", "https://me:secret@example.org"],
)  # fmt: skip
def test_what_is_no_address_of_a_repository(text):
    assert fault_of_address(text)
