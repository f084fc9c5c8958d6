"""Each command offers the options of a run that it looks at, and looks at those that it offers."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest
from made_fits import shared_prompts

from bench.cli.app import build_parser, main
from bench.cli.shared import EVERY
from bench.scoring import build
from bench.scoring import options as options_file
from bench.scoring.options import RunOptions
from datamodules import DetectionData

PASSED_ON = {"batch_size", "num_workers", "resize", "max_pixels", "seeds", "crop_seeds"}
"""Options that every data set is made with; what counts is whether something then looks at them."""
COPIES = {dataclasses.__file__, "<string>"}
"""Files that read every field, to copy it."""
CHECKS = {"__post_init__", "check_names", "check_options", "<dictcomp>"}
"""Functions beside the options that read fields, to check or copy them."""


@pytest.fixture
def read(monkeypatch) -> set[str]:
    """Gathers the names of the options that are looked at, by more than what copies them."""
    names: set[str] = set()

    def of_options(self: RunOptions, name: str) -> object:
        code = sys._getframe(1).f_code
        passed_on = code.co_name in ("create_datamodule", "<dictcomp>") and code.co_filename == build.__file__
        checked = code.co_filename == options_file.__file__ and code.co_name in CHECKS
        copied = code.co_filename in COPIES or (passed_on and name in PASSED_ON)
        if name in EVERY and not copied and not checked:
            names.add(name)
        return object.__getattribute__(self, name)

    def of_data(self: DetectionData, name: str) -> object:
        if name in PASSED_ON and sys._getframe(1).f_code.co_name != "__init__":
            names.add(name)
        return object.__getattribute__(self, name)

    monkeypatch.setattr(RunOptions, "__getattribute__", of_options)
    monkeypatch.setattr(DetectionData, "__getattribute__", of_data)
    return names


def offered(command: str) -> set[str]:
    parser = build_parser()
    for word in command.split():
        parser = parser._subcommands_action._name_parser_map[word]
    return {action.dest for action in parser._actions} & set(EVERY)


@pytest.fixture
def words(image_folder: Path, tmp_path: Path) -> list[str]:
    data = ["--dataset", "folder", "--data-root", str(image_folder), "--num-workers", "0", "--limit", "2"]
    return [*data, "--output", str(tmp_path / "results")]


def test_data_check(words, read):
    main(["data", "check", *words])
    assert offered("data check") - read == set()
    assert read - offered("data check") == {"content"}  # which the data set keeps for others


def test_pack(words, read):
    del words[4:6]
    assert main(["pack", *words]) == 0
    assert offered("pack") - read == {"max_pixels"}  # of raw pixels in archives alone
    assert read - offered("pack") == {"resize"}  # to leave it out of what the shards say of themselves


def test_data_list(tmp_path, capsys):
    (tmp_path / "LSUN").mkdir()
    printed = []
    for more in ([], ["--data-root", str(tmp_path)]):
        assert main(["data", "list", *more]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] != printed[1]
    assert offered("data list") == {"data_root"}


@pytest.mark.heavy
def test_audit(words, read):
    assert main(["compare", "--detectors", "rigid", *words, "--quiet"]) == 0
    read.clear()
    assert main(["audit", *words, "--detectors", "rigid", "--match", "reencode:75"]) == 0
    assert offered("audit") - read == set()
    assert read - offered("audit") == {"conditions"}  # of which it takes none


@pytest.mark.heavy
def test_probe(words, read):
    assert main(["probe", *words]) == 0
    assert offered("probe") - read == set()
    refused = {"conditions", "match", "seeds", "precision", "devices", "logger", "wandb"}  # for callers in Python
    assert read - offered("probe") == refused | {"content"}


@pytest.mark.heavy
@pytest.mark.parametrize("command", ["compare", "robustness", "sweep"])
def test_what_scores(command, words, read):
    detectors = {"compare": ["--detectors", "rigid"], "sweep": ["rigid:noise=0.1,0.2"]}
    detectors["robustness"] = ["--detectors", "rigid", "--conditions", "jpeg:75"]
    assert main([command, *detectors[command], *words]) == 0
    assert offered(command) == set(EVERY)
    assert read == set(EVERY)


@pytest.mark.heavy
def test_score(image_folder, read, capsys):
    files = [str(file) for file in sorted(image_folder.rglob("*.png"))[:2]]
    assert main(["score", *files, "--detectors", "rigid", "--num-workers", "0", "--format", "json"]) == 0
    assert len([json.loads(line) for line in capsys.readouterr().out.splitlines()]) == 2
    unread = offered("score") - read
    assert unread <= {"columns", "image_root"}  # which say something of a table alone
    assert read - offered("score") == {"compile", "crop_seeds"}  # which it does without


@pytest.mark.heavy
def test_fit(tmp_path, read, words):
    del words[6:8]
    words[3] = str(shared_prompts(tmp_path / "fit"))
    save = tmp_path / "probe.safetensors"
    assert main(["fit", "--detector", "linear-probe", "--save", str(save), *words]) == 0
    assert offered("fit") - read == set()
    fixed = {"seeds", "crop_seeds", "devices", "num_nodes", "strategy", "groups", "allow_one_class"}
    assert read - offered("fit") == fixed


@pytest.mark.slow
def test_reproduce(words, read):
    words[1:4] = ["demo"]
    assert main(["reproduce", "table1", *words, "--seeds", "1", "--preset", "code"]) in (0, 1)
    assert offered("reproduce") - read == set()
