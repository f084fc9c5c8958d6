"""Every command, on folders and files whose names would act if they were printed as they are."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from hostile_names import NAMES, acting, added_tags, records
from made_stores import detector, images, keep, scored
from started_runs import complaints

import bench.cli.app
from bench.report.escaping import csv_cell, printable

pytestmark = [pytest.mark.heavy, pytest.mark.usefixtures("small_views")]

DETECTORS = ["--detectors", "rigid", "rigid:draws=2"]
FOLDERS = (*NAMES[:3], *NAMES[5:9], *NAMES[11:15], NAMES[-1])
FILE = "\x1b]0;a\rb\x07[x](y)|.png"


def run(arguments, capsys):
    """Runs the command line; what it printed is all text."""
    capsys.readouterr()
    try:
        code = bench.cli.app.main(list(map(str, arguments)))
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    assert not acting(out)
    assert not acting(err)
    return code, out, err


def check_files(folder):
    """Looks at everything that was written for people or programs."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    for file in files:
        if file.suffix == ".md":
            text = file.read_text(encoding="utf-8")
            assert not acting(text), file
            assert added_tags(text) <= set(), file
        elif file.suffix == ".csv" and "logs" not in file.parts:
            records(file.read_bytes().decode())
        elif file.suffix == ".svg":
            assert not acting(file.read_text(encoding="utf-8"))
    return {file.name for file in files}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, photograph):
    """A data set whose generators have all the names, a damaged image of such a name, and a folder of results."""
    root = tmp_path_factory.mktemp("hostile") / "\x9bset (1)\u202e"
    for seed, source in enumerate(["real/camera", *(f"generated/{name}" for name in FOLDERS)]):
        (root / source).mkdir(parents=True)
        for number in range(3):
            photograph(100 * seed + number, (64, 64)).save(root / source / f"{number}.png")
    (root / "real/camera" / FILE).write_bytes(b"damaged")
    return root


@pytest.fixture(scope="module")
def output(hostile):
    folder = hostile.parent / "results"
    words = ["compare", *DETECTORS, "--num-workers", "0", "--quiet", "--dataset", "folder"]
    assert bench.cli.app.main([*words, "--data-root", str(hostile), "--output", str(folder)]) == 0
    return folder


COMMANDS = {
    "compare": ([*DETECTORS, "--html", "page.html", "--long"], 0, {"compare.md", "compare.csv"}),
    "robustness": (
        ["--detectors", "rigid", "--conditions", "jpeg:50", "--long", "--generators", *FOLDERS[:3]],
        0,
        {"robustness.md", "robustness.csv"},
    ),
    "audit": ([], 0, {"audit.csv"}),
    "data": (["check"], 1, {"data-check.csv", "data-findings.csv"}),
    "pack": ([], 0, set()),
    "leaderboard": (["--html", "page.html", "--long"], 0, {"LEADERBOARD.md", "leaderboard.csv", "leaderboard.json"}),
    "thresholds": ([], 0, {"thresholds.md", "thresholds.csv"}),
}


@pytest.mark.slow  # every command with all its tables
@pytest.mark.parametrize("command", COMMANDS)
def test_names_of_folders_and_files_are_text(command, hostile, output, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words, code, files = COMMANDS[command]
    data = ["--dataset", "folder", "--data-root", hostile, *([] if command == "pack" else ["--num-workers", "0"])]
    folder = tmp_path / "packed" if command == "pack" else output
    data = [] if command in ("leaderboard", "thresholds") else data
    found, out, err = run([command, *words, *data, "--output", folder], capsys)
    assert found == code
    assert all(line.startswith("Warning: ") for line in err.splitlines())
    assert files <= check_files(folder)
    if command != "pack":
        assert printable(NAMES[0]) in out + err
    if "--html" in words:
        assert not acting(Path("page.html").read_text(encoding="utf-8"))


@pytest.mark.heavy
def test_a_comparison_is_read_back_by_a_program(output, capsys):
    names = {row["generator"] for row in records((output / "compare.csv").read_bytes().decode())}
    assert names == {csv_cell(name) for name in FOLDERS} | {"mean"}
    assert run(["leaderboard", "--output", output, "--raw-names", "--quiet"], capsys)[0] == 0
    names = {row["generator"] for row in records((output / "leaderboard.csv").read_bytes().decode())}
    assert names == {*FOLDERS, "mean"}


@pytest.mark.heavy
@pytest.mark.parametrize("name", FOLDERS[:4], ids=ascii)
def test_explain_and_errors_write_names_as_text(name, hostile, output, capsys):
    title = f"folder:{hostile.name}"
    assert run(["explain", title, "rigid", name, "--output", output], capsys)[0] == 0
    for mistake in (
        ["explain", title, "rigid", f"{name}-", "--output", output],
        ["explain", name, "rigid", name, "--output", output],
        ["compare", *DETECTORS, "--dataset", "folder", "--data-root", f"/nowhere/{name}"],
        ["compare", *DETECTORS, "--dataset", "folder", "--data-root", hostile, "--generators", f"{name}-"],
        ["compare", *DETECTORS, f"--{name}"],
        ["compare", "--detectors", name],
        ["leaderboard", "--output", f"/nowhere/{name}"],
        ["score", f"/nowhere/{name}", *DETECTORS],
        ["verify", "--reference", f"/nowhere/{name}"],
        [name],
    ):
        code, out, err = run(mistake, capsys)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith("error: ")


@pytest.mark.parametrize("format", ["table", "csv", "json"])
def test_scores_of_files_are_one_row_each(format, photograph, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = [f"{name}.png" for name in NAMES]
    for name in [*names, os.fsdecode(b"\xff.png")]:  # the last is passed by, and counted
        Path(name).write_bytes(b"damaged")
    photograph(1).save("=good.png")
    names.append("=good.png")
    words = ["score", ".", *DETECTORS, "--num-workers", "0", "--format", format]
    code, out, err = run(words, capsys)
    assert code == 1
    assert "a name that is not" in err, err
    if format == "csv":
        assert len(records(out)) == len(names)
    elif format == "json":
        assert {Path(json.loads(line)["path"]).name for line in out.splitlines()} == set(names)
    else:
        assert sum(".png" in line for line in out.splitlines()) == len(names)
    assert run([*words, "--output-file", "rows"], capsys)[0] == 1
    text = os.fsdecode(Path("rows").read_bytes())
    if format == "csv":
        assert {csv_cell(Path(row["path"]).name) for row in records(text)} == set(map(csv_cell, names))
    elif format == "json":
        assert text.endswith(out.splitlines()[-1] + "\n")
    else:  # the screen names the folder once, and folds
        assert text.splitlines()[-1].split() == out.splitlines()[-1].replace("./", "", 1).split()


@pytest.mark.parametrize("raw_names", [[], ["--raw-names"]])
def test_scores_read_in_a_spreadsheet_are_no_formulas(raw_names, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("=cmd().png", "a\rb.png", "@SUM.png"):
        Path(name).write_bytes(b"damaged")
    words = ["--detectors", "rigid", "--num-workers", "0", "--format", "csv", "--output-file", "rows.csv"]
    assert bench.cli.app.main(["score", "=cmd().png", "a\rb.png", "@SUM.png", *words, *raw_names]) == 1
    paths = [row["path"] for row in records(Path("rows.csv").read_bytes().decode())]
    before = "" if raw_names else "'"
    assert sorted(paths) == sorted([f"{before}=cmd().png", "a\rb.png", f"{before}@SUM.png"])


@pytest.mark.heavy
@pytest.mark.parametrize("first", range(0, len(NAMES), 7))
def test_labels_of_detectors_are_text(first, tmp_path, capsys):
    names = NAMES[first : first + 7]
    described = {key: facts for name in names for key, facts in detector(name).items()}

    def value(path, label, source):
        return int(hashlib.sha256(path.encode()).hexdigest(), 16) % 97 / 97 + label

    rows = [scored(images(), {key: facts}, value) for key, facts in described.items()]
    keep(tmp_path, "a", rows, described, notes=list(names))
    for command in (["leaderboard", "--html", tmp_path / "page.html"], ["thresholds"]):
        code, out, err = run([*command, "--output", tmp_path], capsys)
        assert (code, complaints(err)) == (0, "")
        assert all(printable(name) in out for name in names)
        code, out, _ = run([*command, "--output", tmp_path, "--json"], capsys)
        assert {name for name in names if json.dumps(name) in out} == set(names)
    assert run(["explain", "made-up", names[0], "gan", "--output", tmp_path], capsys)[0] == 0
    check_files(tmp_path)
