"""What cannot be written is told in one line, and what was there before is kept; nothing is made for nothing."""

import errno
import os
import re
import shutil
from pathlib import Path

import pytest

from bench.cli.app import main
from bench.errors import BenchError
from bench.scoring.options import RunOptions
from bench.store.files import write_together

pytestmark = [pytest.mark.heavy, pytest.mark.usefixtures("small_views")]

DETECTOR = ["--detectors", "rigid"]
STORE = {"leaderboard": "leaderboard.csv", "thresholds": "thresholds.md"}
TABLES = {
    **STORE,
    "compare": "compare.csv",
    "robustness": "robustness-areas.csv",
    "audit": "audit.csv",
    "data": "data-findings.csv",
    "probe": "probe.csv",
    "fit": "fit.md",
}
WORDS = {
    "compare": DETECTOR,
    "robustness": [*DETECTOR, "--conditions", "jpeg:50"],
    "data": ["check"],
    "fit": ["--detector", "linear-probe", "--save", "probe.safetensors", "--train-share", "0.75"],
}


def refused(arguments, capsys):
    """Runs the command line, which must refuse with exit code 2 and one line, and returns that."""
    capsys.readouterr()
    try:
        code = main(list(map(str, arguments)))
    except SystemExit as stop:
        code = stop.code
    told = capsys.readouterr().err
    assert code == 2, told
    assert "Traceback" not in told
    (line,) = (line for line in told.splitlines() if line.startswith("error: "))
    return line


@pytest.fixture(scope="module")
def results(tmp_path_factory, photograph):
    """A small data set, the results of a comparison on it, and what a call may read beside."""
    folder = tmp_path_factory.mktemp("writing")
    (folder / "written_plugin.py").write_text("")
    (folder / "config.yaml").write_text("seed: 0\n")
    for seed, source in enumerate(("real/camera", "generated/blurry")):
        (folder / "images" / source).mkdir(parents=True)
        for number in range(14):
            photograph(100 * seed + number).save(folder / "images" / source / f"{number}.png")
    assert main(["compare", *DETECTOR, *data_of(folder), "--quiet", "--output", str(folder / "results")]) == 0
    return folder


def data_of(folder):
    return ["--dataset", "folder", "--data-root", str(folder / "images"), "--num-workers", "0"]


def words_of(command, folder, output):
    data = [] if command in STORE else data_of(folder)
    return [command, *WORDS.get(command, []), *data, "--output", output]


@pytest.mark.heavy
@pytest.mark.parametrize("command", [*STORE, "compare", "data"])
def test_a_folder_in_the_place_of_a_table_is_one_line(command, results, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    table = TABLES[command]
    stem = table.partition(".")[0].partition("-")[0]
    Path("scores").symlink_to(results / "results" / "scores")
    Path(table).mkdir()
    others = [Path(f"{stem}.csv"), Path(f"{stem}.md")]
    for other in others:
        if not other.exists():
            other.write_text("old")
    error = refused(words_of(command, results, tmp_path), capsys)
    assert error == f"error: Cannot write {tmp_path / table}: Is a directory."
    assert {other.read_text() for other in others if other.is_file()} == {"old"}
    assert not list(tmp_path.glob(f".*{stem}*"))


@pytest.mark.heavy
@pytest.mark.parametrize("command", TABLES)
def test_a_full_disk_is_one_line_and_old_tables_stay(command, results, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("scores").symlink_to(results / "results" / "scores")
    Path(TABLES[command]).write_text("old")
    write = Path.write_bytes

    def full(file, data):
        if TABLES[command] in file.name:
            write(file, data[:3])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    error = refused(words_of(command, results, tmp_path), capsys)
    assert error == f"error: Cannot write {tmp_path / TABLES[command]}: No space left on device."
    assert Path(TABLES[command]).read_text() == "old"
    assert not list(tmp_path.glob(f".{TABLES[command]}*"))


@pytest.mark.parametrize("command", STORE)
def test_a_folder_that_may_not_be_written_to_is_one_line(command, results, permissions_hold, tmp_path, capsys):
    output = tmp_path / "results"
    output.mkdir()
    (output / "scores").symlink_to(results / "results" / "scores")
    output.chmod(0o500)
    assert "Permission denied" in refused([command, "--output", output], capsys)


@pytest.mark.parametrize("command", ["compare", "robustness"])
def test_a_file_in_the_place_of_the_store_is_one_line(command, results, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("scores").write_text("mine")
    assert "scores" in refused(words_of(command, results, tmp_path), capsys)
    assert Path("scores").read_text() == "mine"


def test_a_name_that_is_too_long_for_the_disk_is_one_line(results, tmp_path, capsys):
    folder = tmp_path / ("x" * 250)
    shutil.copytree(results / "images", folder)
    words = ["compare", *DETECTOR, "--dataset", "folder", "--data-root", folder, "--num-workers", "0"]
    assert "give a --name" in refused([*words, "--output", tmp_path / "results"], capsys)


def test_files_are_written_together_or_not_at_all(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"old")
    second.mkdir()
    with pytest.raises(BenchError, match=rf"Cannot write {re.escape(str(second))}: Is a directory\."):
        write_together({first: b"new", second: b"new"})
    assert first.read_bytes() == b"old"
    second.rmdir()
    assert write_together({first: b"new", second: b"new"}) == (first, second)
    assert [file.read_bytes() for file in sorted(tmp_path.iterdir())] == [b"new", b"new"]


EMPTY = [
    *(["leaderboard", "--output", ""], ["thresholds", "--output", ""], ["explain", "a", "b", "c", "--output", ""]),
    *(["leaderboard", "--html", ""], ["verify", "--output", ""], ["verify", "--reference", ""]),
    *(["compare", *DETECTOR, name, ""] for name in ("--output", "--data-root", "--weights", "--html", "--plugin")),
    *([command, "--output", ""] for command in ("audit", "pack", "probe")),
    *(["data", "check", name, ""] for name in ("--output", "--data-root", "--write-groups")),
    *(["reproduce", "table1", "--output", ""], ["robustness", *DETECTOR, "--output", ""]),
    *(["score", "x.png", *DETECTOR, name, ""] for name in ("--output-file", "--calibration", "--weights")),
    ["fit", "--detector", "linear-probe", "--save", ""],
    ["fit", "--detector", "linear-probe", "--save", "a.safetensors", "--output", ""],
]
ABSENT = ["--dataset", "folder", "--data-root", "/nowhere", "--output", "new"]
WRONG = [
    *(["compare", *DETECTOR, *ABSENT], ["robustness", *DETECTOR, *ABSENT], ["audit", *ABSENT], ["probe", *ABSENT]),
    *(["data", "check", *ABSENT], ["pack", *ABSENT], ["reproduce", "table1", *ABSENT]),
    ["data", "check", "--dataset", "demo", "--write-groups", "groups.csv", "--output", "new"],
    ["data", "check", *ABSENT, "--write-groups", "groups.csv"],
    ["fit", "--detector", "linear-probe", "--save", "a.safetensors", *ABSENT],
    ["fit", "--detector", "linear-probe", "--save", "a.safetensors", "--limit", "1", "--output", "new"],
    ["pack", "--dataset", "shards", "--data-root", "/nowhere", "--output", "new"],
    ["reproduce", "table1", "--accelerator", "none", "--output", "new"],
    *(["leaderboard", "--output", "new"], ["thresholds", "--output", "new"], ["explain", "a", "b", "c"]),
    *(["compare", *DETECTOR, "--html", "no/page.html"], ["compare", *DETECTOR, "--view", "mine"]),
    *(["compare", *DETECTOR, "--conditions", "jpeg:0"], ["compare", *DETECTOR, "--generators", "none"]),
    ["verify", "--reference", "none.json", "--update", "--reason", "a"],
    *(["score", "/nowhere.png", *DETECTOR, "--output-file", "rows.csv"], ["score", "--output-file", "rows.csv"]),
    ["score", ".", *DETECTOR, "--output-file", "rows.csv"],
]


@pytest.mark.parametrize("words", [*EMPTY, *WRONG], ids=" ".join)
def test_mistakes_are_one_line_and_nothing_is_made(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    error = refused(words, capsys)
    assert not list(tmp_path.iterdir())
    assert "" not in words or words[words.index("") - 1] in error


@pytest.mark.parametrize("name", ["output", "data_root", "weights"])
def test_options_take_no_empty_path(name):
    with pytest.raises(BenchError, match=rf"--{name.replace('_', '-')} needs a path, got ''"):
        RunOptions(**{name: ""})


LINKS = {"itself": None, "a hard link": Path.hardlink_to, "a symbolic link": Path.symlink_to}


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("read", ["image", "store", "plugin", "config"])
def test_rows_never_take_the_place_of_what_they_are_made_from(read, link, results, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    store = results / "results"
    files = {
        "image": results / "images" / "real" / "camera" / "3.png",
        "store": next(store.rglob("part-*.parquet")),
        "plugin": results / "written_plugin.py",
        "config": results / "config.yaml",
    }
    target, before = files[read], files[read].read_bytes()
    if LINKS[link]:
        target = tmp_path / "rows.csv"
        LINKS[link](target, files[read])
    rest = ["--calibration", store, "--plugin", files["plugin"], "--config", files["config"]]
    words = [
        "score",
        results / "images",
        *DETECTOR,
        *rest,
        "--num-workers",
        "0",
        "--format",
        "csv",
        "--output-file",
        target,
    ]
    assert f"--output-file {target} is one of" in refused(words, capsys)
    assert files[read].read_bytes() == before


def test_rows_for_a_full_disk_are_one_line(results, capsys):
    words = ["score", results / "images", *DETECTOR, "--num-workers", "0", "--output-file", "/dev/full"]
    error = refused(words, capsys)
    assert error == "error: Cannot write --output-file /dev/full: No space left on device."


def test_rows_take_the_place_of_older_rows(results, tmp_path):
    (tmp_path / "rows.csv").write_text("old")
    words = ["score", str(results / "images"), *DETECTOR, "--num-workers", "0", "--format", "csv"]
    assert main([*words, "--output-file", str(tmp_path / "rows.csv")]) == 0
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 29


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["compare", *DETECTOR, "--html"], "exists and is no page"),
        (["leaderboard", "--html"], "exists and is no page"),
        (["data", "check", "--write-groups"], "exists and is no list of groups"),
    ],
)
@pytest.mark.heavy
def test_pages_and_groups_take_the_place_of_their_kind_alone(words, message, results, tmp_path, capsys):
    image = results / "images" / "real" / "camera" / "3.png"
    before = image.read_bytes()
    rest = [] if words[0] == "leaderboard" else data_of(results)
    output = results / "results" if words[0] == "leaderboard" else tmp_path / "new"
    assert message in refused([*words, image, *rest, "--output", output], capsys)
    assert message in refused([*words, "/dev/null", *rest, "--output", output], capsys)
    assert image.read_bytes() == before
    assert not (tmp_path / "new").exists()
    for old in (b"", {"--html": b"<!doctype html>\n", "--write-groups": b"path,group\n"}[words[-1]]):
        (tmp_path / "file").write_bytes(old)
        assert main([*map(str, words), str(tmp_path / "file"), *rest, "--output", str(output)]) == 0
        assert (tmp_path / "file").stat().st_size > 10


def test_a_fit_does_not_overwrite_what_it_starts_from(results, tmp_path, capsys):
    (tmp_path / "a.safetensors").write_bytes(b"weights")
    (tmp_path / "b.safetensors").hardlink_to(tmp_path / "a.safetensors")
    words = ["fit", "--detector", "resnet50", *data_of(results), "--output", tmp_path / "new"]
    for name in ("a", "b"):
        save = ["--save", tmp_path / f"{name}.safetensors", "--init", tmp_path / "a.safetensors"]
        assert "is the file of --init" in refused([*words, *save], capsys)
    assert (tmp_path / "a.safetensors").read_bytes() == b"weights"
