"""The command line of ``score``: rows, notes, exit codes and streams."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from forked_runs import ForkedRun
from released_files import write_checkpoint
from started_runs import complaints

from bench.cli.app import main
from bench.results.comparing import compare
from bench.scoring.files import _without_interrupts
from bench.scoring.options import RunOptions

pytestmark = pytest.mark.usefixtures("small_views")

QUICK = ["--num-workers", "0"]


def score(capsys, *words):
    """Runs the command in this process."""
    capsys.readouterr()
    code = main(["score", *map(str, words), *QUICK])
    return code, *capsys.readouterr()


def process(*words):
    """Starts the command in a process of its own, and of its own group as in a terminal."""
    return ForkedRun(["score", *map(str, words)], dict(os.environ), text=False)


@pytest.fixture
def images(image_folder, monkeypatch) -> Path:
    """A folder with 36 images, which the process is in."""
    monkeypatch.chdir(image_folder)
    return image_folder


@pytest.fixture
def store(image_folder, tmp_path) -> Path:
    options = RunOptions(dataset="folder", data_root=str(image_folder), output=tmp_path / "results", num_workers=0)
    compare(["rigid", "wepe"], options)
    return tmp_path / "results"


def test_a_table_has_one_row_an_image_and_no_verdict(images, capsys):
    code, out, err = score(capsys, "generated/blurry", "--detectors", "wepe", "rigid")
    lines = out.splitlines()
    assert (code, err, len(lines)) == (0, "", 15)
    assert "neither a probability nor a verdict" in lines[0]
    assert lines[1].startswith("wepe, rigid: published for images as they are; here: short side scaled to ")
    assert lines[2].split() == ["path", "wepe", "rigid"]
    for number, line in enumerate(lines[3:]):
        assert re.fullmatch(rf"generated/blurry/{number:02d}\.png +-?[\d.e-]+ +-?[\d.e-]+", line)


@pytest.mark.heavy
def test_csv_and_json_hold_the_same_rows_with_all_digits_and_nothing_else(images, capsys):
    (images / 'odd, "name"\n.png').write_bytes((images / "real/camera/00.png").read_bytes())
    (images / "zero.png").touch()
    words = ['odd, "name"\n.png', "zero.png", "real", "--detectors", "wepe", "rigid:draws=2"]
    code, out, err = score(capsys, *words, "--format", "json")
    objects = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert "1 of 14 images could not be read." in err
    code, out, _ = score(capsys, *words, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 1
    assert list(rows[0]) == ["path", "sha256", "status", "reason", "wepe", "rigid:draws=2"]
    assert len(rows) == len(objects) == 14
    for row, one in zip(rows, objects, strict=True):
        assert (row["path"], row["status"], row["reason"]) == (one["path"], one["status"], one["reason"] or "")
        assert {label: float(row[label]) for label in one["scores"]} == one["scores"]
    assert (objects[0]["path"], objects[1]["reason"]) == ('odd, "name"\n.png', "empty file")
    assert objects[0]["scores"] == pytest.approx(objects[2]["scores"], rel=1e-5)


def test_a_name_cannot_command_the_terminal(images, capsys):
    (images / "\x1b[2J\n.png").write_bytes((images / "real/camera/00.png").read_bytes())
    _, out, _ = score(capsys, "\x1b[2J\n.png", "--detectors", "rigid")
    assert "\x1b" not in out
    assert r"\x1b[2J\n.png" in out


@pytest.mark.heavy
def test_rows_with_calibration_say_how_many_reals_score_at_least_as_high(images, store, capsys):
    words = ["generated", "--detectors", "rigid", "wepe", "--calibration", store]
    _, out, _ = score(capsys, *words, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    code, out, err = score(capsys, *words, "--format", "json")
    objects = [json.loads(line) for line in out.splitlines()]
    _, table, _ = score(capsys, *words)
    reals = [float(row["rigid"]) for row in csv.DictReader(io.StringIO(_csv_of(capsys, "real")))]
    assert (code, len(rows), len(objects)) == (0, 24, 24)
    for row, one in zip(rows, objects, strict=True):
        standing = one["standings"]["rigid"]
        higher = sum(real >= one["scores"]["rigid"] for real in reals)
        assert (standing["reals_as_high"], standing["share"]) == (higher, (higher + 1) / 13)
        assert (float(row["rigid_share"]), row["rigid_reference"]) == ((higher + 1) / 13, "folder:images")
        assert standing["in_words"].startswith("of 12 real images of folder:images, ")
        assert f" {higher} of 12: " in next(line for line in table.splitlines() if line.startswith(one["path"]))
    assert len({row["rigid_share"] for row in rows}) > 2
    for text in (err, table):
        assert "rigid: compared with 12 real images of folder:images." in text
        assert "hold only for pictures of the kind of the real images of folder:images" in text
        assert "if all 24 images were real and of that kind, about 1.2 (5 % of them) would" in text
        assert "rigid: AUROC on folder:images 0." in text
        assert "with 12 independent real images no share is below 7.7 %: too few for the 5 % level" in text


@pytest.mark.heavy
def test_each_row_is_explained_and_a_detector_that_knew_nothing_is_named_first(images, store, capsys):
    words = ["generated", "--detectors", "rigid", "wepe", "--calibration", store, "--explain", "--format", "json"]
    _, out, err = score(capsys, *words)
    for one in map(json.loads, out.splitlines()):
        for label in ("rigid", "wepe"):
            found, sentence = one["standings"][label], one["standings"][label]["explained"]
            many = f"{found['reals_as_high']} of 12 real photographs of folder:images"
            assert sentence.startswith(many if found["reals_as_high"] else "None of 12 real photographs")
            assert ("says nothing" in sentence) == (f"Warning: {label}: on folder:images its AUROC is 0." in err)


def _csv_of(capsys, *paths):
    return score(capsys, *paths, "--detectors", "rigid", "--format", "csv")[1]


@pytest.mark.heavy
def test_images_of_the_reference_set_are_counted_as_such(images, store, capsys):
    _, _, err = score(capsys, "real", "generated", "--detectors", "rigid", "--calibration", store, "--format", "csv")
    assert "In the reference set themselves: 12 of the images" in err


@pytest.mark.heavy
def test_a_store_that_does_not_fit_is_refused_before_any_row(images, store, capsys):
    code, out, err = score(capsys, "real", "--detectors", "rigid:noise=0.1", "--calibration", store)
    assert (code, out) == (2, "")
    assert "there option noise is 0.05, here 0.1" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere", "--detectors", "rigid"], "There is no file or folder nowhere."),
        (["real", "empty", "--detectors", "rigid"], "There is no image under empty."),
        (["real", "*.gif", "--detectors", "rigid"], "No file matches *.gif."),
        (["--detectors", "rigid", "real"], "Name a PATH before the other options, or after --"),
        (["real"], "--detectors"),
        (["real", "--detectors", "rigd"], "Did you mean 'rigid'?"),
        (["real", "--detectors", "rigid", "--seed", "-1"], "at least 0, got -1"),
        (["real", "--detectors", "rigid", "--format", "xml"], "xml"),
        (["real", "--detectors", "rigid", "--output-file", "no/such/folder"], "Cannot write --output-file"),
        (["real", "--detectors", "rigid", "--output-file", "real/camera/00.png"], "is one of the images"),
        (["real", "--detectors", "rigid", "--calibration", "nowhere"], "There is no folder nowhere"),
        (["real", "--detectors", "rigid", "--explain"], "--explain says how images stand among real ones"),
        (["real", "--detectors", "rigid", "--plugin", "nowhere.py"], "There is no plugin file nowhere.py."),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_two_and_nothing_is_scored(images, capsys, words, message):
    (images / "empty").mkdir()
    before = (images / "real/camera/00.png").read_bytes()
    try:
        code = main(["score", *words])
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert (images / "real/camera/00.png").read_bytes() == before


def test_rows_go_to_a_file(images, capsys):
    code, out, _ = score(capsys, "real", "--detectors", "rigid", "--format", "csv", "--output-file", "rows.csv")
    assert (code, out) == (0, "")
    assert (images / "rows.csv").read_text() == _csv_of(capsys, "real")


def test_options_come_from_a_file_too(images, capsys):
    (images / "score.yaml").write_text("detectors: [rigid]\nformat: csv\nnum_workers: 0\n")
    assert main(["score", "real", "--config", "score.yaml"]) == 0
    assert capsys.readouterr().out == _csv_of(capsys, "real")


@pytest.mark.heavy
def test_a_trained_detector_takes_its_checkpoint(images, capsys, tmp_path):
    file = write_checkpoint("npr", tmp_path)
    code, out, _ = score(capsys, "real", "--detectors", "npr", "--checkpoint", f"npr={file}", "--format", "json")
    assert code == 0
    assert all(0 < score < 1 for line in out.splitlines() for score in json.loads(line)["scores"].values())
    code, out, err = score(capsys, "real", "--detectors", "npr")
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_files_left_out_by_their_names_are_counted(images, capsys):
    (images / "real" / "notes.txt").touch()
    code, _, err = score(capsys, "real", "--detectors", "rigid")
    assert (code, err) == (0, "Left out, as their names are not those of images: .txt 1.\n")


def give_stdin(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize("separator", [b"\n", b"\r\n", b"\0"])
def test_a_dash_reads_a_list(images, capsys, monkeypatch, separator):
    names = [b"real/camera/03.png", b"generated/sharp", b"real/camera/03.png", b""]
    give_stdin(monkeypatch, separator.join(names))
    code, out, _ = score(capsys, "real/camera/01.png", "-", "--detectors", "rigid", "--format", "csv")
    paths = [row["path"] for row in csv.DictReader(io.StringIO(out))]
    assert code == 0
    assert paths == ["real/camera/01.png", "real/camera/03.png", *(f"generated/sharp/{i:02d}.png" for i in range(12))]


def test_an_empty_list_is_a_mistake(images, capsys, monkeypatch):
    give_stdin(monkeypatch, b"\n\n")
    code, out, err = score(capsys, "-", "--detectors", "rigid")
    assert (code, out, err) == (2, "", "error: The list on stdin names no file.\n")


@pytest.mark.heavy
def test_rows_are_written_as_batches_are_done(images):
    with process("real", "--detectors", "rigid", "--format", "csv", "--batch-size", "1", *QUICK) as run:
        run.stdout.readline()
        assert b"00.png" in run.stdout.readline()
        (images / "real/camera/11.png").unlink()
        out = run.stdout.read()
        assert run.wait(60) == 1
    assert b"11.png,,unreadable,No such file or directory" in out


@pytest.mark.heavy
@pytest.mark.parametrize("wait", [0.0, 0.3])
def test_an_interruption_ends_it_with_one_line(images, wait):
    """Also while the processes that decode are being started."""
    _many(images)
    words = ["--detectors", "wepe", "--resize", "none", "--format", "csv", "--batch-size", "1", "--num-workers", "2"]
    with process("many", *words) as run:
        run.stdout.readline()  # the header comes before they are started
        time.sleep(wait)
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does, to the processes that decode as well
        run.stdout.read()
        err = complaints(run.stderr.read().decode())
        assert run.wait(60) == 130
    assert len(err.splitlines()) == 2, err
    note, line = err.splitlines()
    assert note.startswith("Scores with efficientnet-lite0")
    assert line == "error: Stopped by SIGINT."


def test_where_nothing_could_be_read_the_reasons_are_counted(images, capsys):
    (images / "empty.png").touch()
    (images / "text.png").write_text("text")
    code, _, err = score(capsys, "empty.png", "text.png", "--detectors", "rigid")
    assert code == 1
    assert err.splitlines()[-1] == "None of the 2 images could be read: 1 empty file, 1 not an image."


def interrupted_while_kept(done):
    with _without_interrupts():
        signal.raise_signal(signal.SIGINT)
        done.append(True)


@pytest.fixture
def _heeding_interrupts():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_heeding_interrupts")
def test_an_interruption_is_kept_until_the_end():
    done = []
    with pytest.raises(KeyboardInterrupt):
        interrupted_while_kept(done)
    assert done
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.heavy
def test_a_closed_pipe_ends_it_without_a_word(images):
    _many(images)
    words = ["--detectors", "wepe", "--resize", "none", "--format", "csv", "--batch-size", "1", "--num-workers", "1"]
    with process("many", *words) as run:
        run.stdout.readline()
        run.stdout.close()
        err = complaints(run.stderr.read().decode())
        assert run.wait(60) == 141
    assert err.count("\n") == 1, err


def _many(images: Path, count: int = 2000) -> None:
    (images / "many").mkdir()
    for number in range(count):
        (images / "many" / f"{number:05d}.png").symlink_to(images / "real/camera/00.png")


SMALL = """
from torch import Tensor
from detectors import Detector, View, register

@register
class Small(Detector):
    name, paper, passes, view = "small", "none", 0, View(64, "resize")

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()
        self.seed = seed

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:
        return images.mean(dim=(1, 2, 3))
"""
PEAK = """
import resource, sys
from bench.cli.app import main

code = main(sys.argv[1:])
peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(code, peak, file=sys.stderr)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_files(images, photograph):
    """The peak of this process and of the one that decodes, in MiB, with 1,000 and with 20,000 files."""
    photograph(0, (16, 16)).save(images / "real/camera/00.png")
    (images / "small_detector.py").write_text(SMALL)
    _many(images, 20_000)
    peaks = {}
    for pattern, count in (("many/00*", 1000), ("many", 20_000)):
        words = ["score", pattern, "--detectors", "small", "--plugin", "small_detector.py", "--resize", "none"]
        command = [sys.executable, "-c", PEAK, *words, "--format", "json", "--num-workers", "1"]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        code, peak = result.stderr.split()[-2:]
        assert (code, len(result.stdout.splitlines())) == ("0", count)
        peaks[count] = int(peak) / 1024
    assert peaks[20_000] < peaks[1000] + 40, peaks
