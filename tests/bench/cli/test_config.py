"""The file of ``--config``: whatever is in it, nothing runs, nothing grows, and a mistake is one line with its name."""

import json
import time
from itertools import pairwise

import pytest

from bench.cli.app import main
from bench.cli.compare import make_parser
from bench.cli.config import MOST_BYTES

BOMB = "a: &a [x, x]\n" + "".join(f"{new}: &{new} [*{old}, *{old}]\n" for old, new in pairwise("abcdefghi"))
HOSTILE = {
    "recursion": (b"conditions: &a [*a]", "an alias or anchor is not taken"),
    "bomb": (BOMB.encode(), "an alias or anchor is not taken"),
    "latin-1": (b"dataset: \xe9", "is not UTF-8 (byte 9)"),
    "utf-16": ("seeds: 3".encode("utf-16"), "is not UTF-8"),
    "long field": (b"dataset: " + b"x" * 50_000, "longer than 4,096 letters"),
    "long file": (b"#" * (MOST_BYTES + 1), "is larger than 65,536 bytes"),
    "nested lists": (b"conditions: " + b"[" * 60_000, "nesting depth"),
    "nested mappings": (b"output:" + b" {a:" * 10_000, "output: expected a text or a list of texts"),
    "nul": (b"seeds: \0", "control characters are not allowed"),
    "escape": (b"dataset: \x1b[31m", "control characters are not allowed"),
    "twice": (b"seeds: 3\nseeds: 4", "gives seeds twice (line 2)"),
    "tab": (b"seeds: 3\n\tlimit: 1", "tab"),
    "empty": (b"", "holds no options"),
    "list": (b"- seeds", "holds no options"),
    "documents": (b"seeds: 3\n---\nseeds: 4", "holds several documents"),
    "cut off": (b"conditions: [a", "did not find expected"),
    "tag": (b"seeds: !!python/object/apply:os.abort []", "the tag tag:yaml.org,2002:python/object/apply:os.abort"),
    "class": (b"output: {class_path: os.abort}", "output: expected a text"),
    "list for one": (b"output: [a]", "output: expected one value, got a list of 1"),
    "one for a list": (b"conditions: jpeg:50", "conditions: expected a list, as in [jpeg:50]"),
    "flag": (b"balance: maybe", "balance: expected true or false, got maybe"),
    "huge number": (b"seeds: 99999999999999999999", "seeds: expected a whole number of at most 10,000"),
    "endless number": (b"seeds: " + b"9" * 4_000, "seeds: expected a whole number of at most 10,000"),
    "other digits": ("seeds: ٣".encode(), "seeds: expected a whole number of at least 1"),
    "superscript": ("seeds: ²".encode(), "seeds: expected a whole number of at least 1"),
}


def complaint_of(file, capsys) -> str:
    """Runs ``compare`` with a file, which must be refused in one line and at once."""
    began = time.monotonic()
    assert main(["compare", "--detectors", "rigid", "--config", str(file)]) == 2
    assert time.monotonic() - began < 2
    printed, complained = capsys.readouterr()
    assert printed == ""
    assert complained.startswith("error: ")
    assert complained.count("\n") == 1
    assert str(file) in complained
    return complained


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_one_line_with_its_name(kind, tmp_path, capsys):
    content, told = HOSTILE[kind]
    file = tmp_path / "run.yaml"
    file.write_bytes(content)
    assert told in complaint_of(file, capsys)


def test_what_is_no_file_is_one_line(tmp_path, capsys):
    assert "cannot be read: Is a directory" in complaint_of(tmp_path, capsys)
    assert "cannot be read: No such file or directory" in complaint_of(tmp_path / "none.yaml", capsys)
    assert "is larger than 65,536 bytes" in complaint_of("/dev/zero", capsys)


def test_a_file_cannot_name_another(tmp_path, capsys):
    file = tmp_path / "run.yaml"
    file.write_text(f"config: {file}\n")
    assert "Unknown option 'config' in the file of --config." in complaint_of(file, capsys)


def test_every_kind_of_option_is_read_as_on_the_command_line(tmp_path):
    file = tmp_path / "run.yaml"
    file.write_bytes(
        b"\xef\xbb\xbfdetectors: [rigid, 'wepe:n=2']\r\nresize: none\r\nlimit: 007\r\nbalance: yes\r\nhtml: null\r\n"
        b"compile: false\r\ndata-root: 5\r\nconditions: # none\r\nmatch: none\r\nview: 'common'\r\n"
    )
    words = make_parser().parse_args(["--seeds", "2", "--limit", "3", "--config", str(file), "--view", "method"])
    assert words.detectors == ["rigid", "wepe:n=2"]
    assert (words.resize, words.limit, words.seeds, words.balance, words.compile) == ("none", 7, 2, True, False)
    assert (words.html, words.data_root, words.match, words.view) == (None, "5", "none", "method")
    assert not words.conditions


@pytest.mark.heavy
def test_a_run_json_gives_the_options_and_detectors_of_its_run(tmp_path, image_folder, capsys):
    output = tmp_path / "r"
    words = ["--dataset", "folder", "--data-root", str(image_folder), "--resize", "none", "--limit", "3"]
    words += ["--output", str(output), "--num-workers", "0", "--quiet"]
    assert main(["compare", "--detectors", "rigid:noise=0.1", *words]) == 0
    (file,) = output.glob("scores/*/*/run.json")
    assert main(["compare", "--config", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scored"] == 0
    assert main(["compare", "--config", str(file), "--limit", "2", "--dry-run"]) == 0
    assert "Images: 6, of which 0 lack a score" in capsys.readouterr().out
    file.write_text('{"command": "bench compare"}')
    assert main(["compare", "--config", str(file)]) == 2
    assert "is not the run.json of a run: it has no options" in capsys.readouterr().err
    file.write_text("{")
    assert main(["compare", "--config", str(file)]) == 2
    assert "run.json: cannot be read" in capsys.readouterr().err
