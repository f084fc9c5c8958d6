"""From images to a submission that others check: each command as its user meets it."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from bench.cli.app import main
from tests.bench.made_submissions import made_scores, made_task, results_repository
from tests.bench.made_task_store import store_of

PLUGIN = str(Path(__file__).parent.parent / "light_detectors.py")
DEMO = ("--dataset", "demo", "--limit", "4", "--num-workers", "0")


def said(capsys):
    out = capsys.readouterr()
    return " ".join((out.out + out.err).split())


@pytest.mark.heavy
def test_round_trip(tmp_path, capsys, monkeypatch):
    """Freeze, score, submit, check; then tamper with a score, an id, a label and a digest."""
    monkeypatch.chdir(tmp_path)
    Path("tasks").mkdir()
    assert main(["task", "freeze", *DEMO, "--name", "small", "--output", "tasks/small.json"]) == 0
    assert json.loads(Path("tasks/small.json").read_text())["license"] != ""
    submit = ["submit", "--store", "results", "--task", "tasks/small.json", "--detector", "light-spread"]
    submit += ["--repository", "https://example.org/me", "--output", "submissions/me/light-spread"]
    scored = ["compare", "--plugin", PLUGIN, "--detectors", "light-mean", "light-spread", "--quiet"]
    assert main([*scored, *DEMO[:2], "--limit", "3", "--num-workers", "0", "--output", "results"]) == 0
    capsys.readouterr()
    assert main(submit) == 2
    refused = said(capsys)
    assert "light-spread lacks scores of 3 of the task's 12 images in results (3 of 12 scores)" in refused
    assert "compare --detectors light-spread --limit 4 --output results" in refused
    assert not Path("submissions").exists()
    assert main([*scored, *DEMO, "--output", "results"]) == 0
    assert main(submit) == 0
    folder = Path("submissions/me/light-spread")
    assert sorted(path.name for path in folder.iterdir()) == ["scores.parquet", "submission.json"]
    capsys.readouterr()
    assert main(["submit", "check", str(folder)]) == 0
    assert "12 scores, no fault." in said(capsys)

    def tampered(change):
        shutil.copytree(tmp_path, tmp_path / "copy")
        monkeypatch.chdir(tmp_path / "copy")
        change()
        code = main(["submit", "check", str(folder)])
        monkeypatch.chdir(tmp_path)
        shutil.rmtree(tmp_path / "copy")
        return code, said(capsys)

    def change_scores(**columns):
        table = pl.read_parquet(folder / "scores.parquet")
        first = pl.int_range(pl.len()) == 0
        changes = {name: pl.when(first).then(value).otherwise(pl.col(name)) for name, value in columns.items()}
        table.with_columns(**changes).write_parquet(folder / "scores.parquet")

    def change_json(file, *keys, to):
        facts = held = json.loads(file.read_text())
        for key in keys[:-1]:
            held = held[key]
        held[keys[-1]] = to(held[keys[-1]])
        file.write_text(json.dumps(facts))

    code, words = tampered(lambda: change_scores(score=pl.col("score") + 1))
    assert (code, "the scores were changed." in words) == (1, True), words
    code, words = tampered(lambda: change_scores(sha256=pl.lit("0" * 64)))
    assert (code, "1 image is not in the task, such as 000000000000..." in words) == (1, True), words
    assert "clean, seed 0: 1 image has no score" in words
    task, facts = Path("tasks/small.json"), folder / "submission.json"
    code, words = tampered(lambda: change_json(task, "images", "label", 3, to=lambda label: 1 - label))
    assert (code, "it was changed after it was frozen." in words) == (1, True), words
    code, words = tampered(lambda: change_json(facts, "task", "digest", to=lambda _: "0" * 64))
    assert (code, "no folder above it has its task in tasks/" in words) == (1, True), words
    code, words = tampered(lambda: change_json(facts, "fingerprint", to=lambda _: "0" * 64))
    assert (code, "and it says 000000000000..." in words) == (1, True), words


def test_a_check_prints_a_line_a_fault_or_an_object(tmp_path, capsys):
    results_repository(tmp_path)
    folder = tmp_path / "submissions" / "second" / "oracle"
    assert main(["submit", "check", str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["sound"], found["detector"], found["rows"], found["faults"]) == (True, "oracle", 120, [])
    (folder / "readme.txt").write_text("")
    (folder / "submission.json").write_text("[" * 100_000)
    assert main(["submit", "check", str(folder), "--task", str(tmp_path / "tasks" / "small.json")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"{folder}: readme.txt: a submission has no such file: remove it.",
        f"{folder}: submission.json: it is nested too deep.",
    ]
    assert main(["submit", "check", str(folder), "--quiet"]) == 1
    assert capsys.readouterr().out == ""


def test_scores_of_a_closed_detector_go_in_and_out(tmp_path, capsys):
    results_repository(tmp_path)
    task = made_task()
    store, file, frozen = tmp_path / "results", tmp_path / "closed.csv", str(tmp_path / "tasks" / "small.json")
    made_scores(task, strength=2.0).select("sha256", "score").write_csv(file)
    words = ["import-scores", str(file), "--name", "closed", "--task", frozen, "--store", str(store)]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["imported"] == 120
    assert main(words) == 0
    assert "has the scores of" in said(capsys)
    out = tmp_path / "submissions" / "third" / "closed"
    words = ["submit", "--store", str(store), "--task", frozen, "--detector", "closed", "--output", str(out)]
    assert main([*words, "--repository", "https://example.org/third"]) == 0
    assert main(["submit", "check", str(out)]) == 0
    file.write_text(file.read_text().rsplit("\n", 2)[0] + "\n")
    assert main(["import-scores", str(file), "--name", "less", "--task", frozen, "--store", str(store)]) == 1
    assert "1 image has no score" in said(capsys)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["submit"], "submit needs --task"),
        (["submit", "check"], "submit check takes a FOLDER"),
        (["submit", "check", "folder", "--output", "other"], "and nothing else"),
        (["submit", "look"], "'look'"),
        (["task", "freeze"], "output"),
        (["task", "freeze", "--output", "."], "give a file"),
        (["task", "freeze", "--output", "a/b/c.json"], "give a file"),
        (["task", "freeze", "--output", "t.json", "--name", "a\nb"], "cannot name a task"),
        (["task", "freeze", "--output", "t.json", "--version", "0"], "version"),
        (["import-scores", "a.csv", "--name", "x", "--task", "none.json"], "none.json is not a task"),
    ],
)
def test_mistakes_are_a_line(tmp_path, monkeypatch, capsys, words, reason):
    monkeypatch.chdir(tmp_path)
    try:
        code = main(words)
    except SystemExit as error:
        code = error.code
    printed = capsys.readouterr()
    assert code == 2
    assert printed.err.startswith("error: ")
    assert reason in printed.err
    assert printed.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_submission_does_not_replace_other_files(tmp_path, capsys):
    task = made_task()
    results_repository(tmp_path, task)
    store = store_of(tmp_path / "results", task)
    words = ["submit", "--store", str(store), "--task", str(tmp_path / "tasks" / "small.json"), "--detector", "rigid"]
    assert main([*words, "--repository", "https://example.org/me", "--output", str(tmp_path)]) == 2
    assert "is no submission's folder" in said(capsys)
