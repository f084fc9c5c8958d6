"""Every help: it fits, its examples are calls that the parser takes, it shows what acts, in the same words."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from importlib.metadata import version
from typing import get_args

import pytest

from bench.cli import probe
from bench.cli.app import COMMANDS, build_parser, main
from bench.cli.config import ELSEWHERE
from bench.cli.parser import OneLineParser
from bench.cli.shared import EVERY, RUN_GROUPS, SHARED
from bench.scoring.options import RunOptions
from detectors.perturbation import Rule, Tensors
from detectors.randomness import Family, Match

ROOT = build_parser()
ACTIONS = ("data list", "data check")


def parser_of(command: str) -> OneLineParser:
    parser = ROOT
    for word in command.split():
        parser = parser._subcommands_action._name_parser_map[word]
    return parser


def help_of(command: str) -> str:
    return parser_of(command).format_help()


def offered(command: str) -> set[str]:
    return {action.dest for action in parser_of(command)._actions} & set(EVERY)


def options_of(command: str) -> Iterator[tuple[str, str]]:
    """Yields each option of a command and what stands for its value."""
    for action in parser_of(command)._actions:
        if action.option_strings and action.nargs != 0 and not action.choices:
            yield action.dest, action.metavar or ""


EVERYWHERE = ["", *COMMANDS, *ACTIONS]


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("command", EVERYWHERE)
def test_no_line_is_wider_than_the_terminal(command, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = help_of(command).splitlines()
    assert max(map(len, lines)) <= columns
    assert max(map(len, lines)) > min(columns, 100) * 0.7
    assert "[options]" not in lines[0]


@pytest.mark.parametrize("command", EVERYWHERE)
def test_a_help_ends_with_two_examples_that_the_parser_takes_and_with_the_exit_codes(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    parser, printed = parser_of(command), help_of(command)
    assert len(parser.examples) == 2
    examples, codes = printed.partition("\nexamples:\n")[2].split("\nexit codes:\n")
    read = [shlex.split(line) for line in examples.replace("\\\n", " ").splitlines() if line]
    assert read == [["python", "-m", "bench", *shlex.split(example)] for example in parser.examples]
    for words in read:
        assert [*words[3:]][: len(command.split())] == command.split()
        if "--help" not in words:
            ROOT.parse_args(words[3:])
    assert re.findall(r"^  (\d[\d, ]*?)  ", codes, re.MULTILINE)[-2:] == ["130, 143, 129", "141"]
    assert re.search(r"^  0 +done$", codes, re.MULTILINE)
    assert re.search(r"^  2 +a mistake in the call", codes, re.MULTILINE)


@pytest.mark.parametrize("command", [name for name in EVERYWHERE if name])
def test_what_stands_for_a_value_says_what_it_is(command):
    for name, placeholder in options_of(command):
        assert placeholder not in ("", "TEXT", name.upper()) or name == "name", (name, placeholder)
        assert len(placeholder) <= 40


def test_an_option_of_few_values_shows_and_takes_them_alone(capsys):
    printed = " ".join(help_of("compare").split())
    for shown in (
        "--precision 32-true|tf32|bf16-mixed|16-mixed",
        "--view method|common",
        "--accelerator auto|cpu|gpu|mps",
    ):
        assert shown in printed
    assert "--preset rigid|" in " ".join(help_of("robustness").split())
    with pytest.raises(SystemExit, match="2"):
        main(["robustness", "--detectors", "rigid", "--only", "reals"])
    assert capsys.readouterr().err == "error: --only must be one of real, generated, got 'reals'.\n"


def test_the_choices_of_a_probe_are_those_of_a_perturbation():
    for name, choices in {"rule": Rule, "family": Family, "noise-match": Match, "tensors": Tensors}.items():
        assert sorted(probe.CHOICES[name][0]) == sorted(get_args(choices))


def test_every_field_of_a_run_stands_under_one_title():
    assert sorted(EVERY) == sorted(field.name for field in fields(RunOptions))
    titles = re.findall(r"^(\S.*):$", help_of("compare"), re.MULTILINE)
    assert [title for title in titles if title in RUN_GROUPS] == list(RUN_GROUPS)
    assert titles[0] == "detectors"
    assert titles[-3:] == ["options", "examples", "exit codes"]


@pytest.mark.parametrize("command", [name for name, (module, _) in COMMANDS.items() if hasattr(module, "FIELDS")])
def test_a_command_offers_the_fields_that_it_names(command):
    module, _ = COMMANDS[command]
    own = {"sweep": {"view"}, "task": {"output"}}  # options of the same name that mean something else
    assert offered("data check" if command == "data" else command) - own.get(command, set()) == set(module.FIELDS)


def test_an_option_that_would_do_nothing_is_told_as_such(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["pack", "--seeds", "3"])
    told = "error: --seeds is an option of other commands and would do nothing here. See python -m bench pack --help.\n"
    assert capsys.readouterr().err == told


def test_the_action_of_data_may_stand_behind_its_options():
    for words in (["data", "check", "--limit", "3"], ["data", "--limit", "3", "check"]):
        parsed = ROOT.parse_args(words)
        assert (parsed.data.subcommand, parsed.data.check.limit) == ("check", 3)


WORDS = {
    r"(?<![-/.\w])[Dd]atasets?\b(?![=./])": "data set",
    r"trivial|trivia\b|predictor|confound|baseline|shortcut|\bbias\b": "worst cue",
}
"""What no help says, and what it says in its place."""


@pytest.mark.parametrize("command", EVERYWHERE)
def test_a_thing_has_one_name_in_every_help(command):
    said = re.sub(r"--[\w-]+", "", re.sub(r"(?s)\nexamples:.*", "", help_of(command)))
    for word, instead in WORDS.items():
        assert not re.search(word, said), f"{re.search(word, said)}: say {instead}"


def test_a_file_for_another_command_is_read_as_far_as_it_means_something(tmp_path, capsys):
    file = tmp_path / "compare.yaml"
    file.write_text("detectors: [rigid]\nseeds: 3\nview: method\nbalance: false\nhtml: null\nlimit: 2\nmatch: none\n")
    assert parser_of("pack").parse_args(["--config", str(file)]).limit == 2
    told = capsys.readouterr().err
    assert told == f"note: {file}: passed by, as other commands have them: --detectors, --seeds\n"
    assert {name.replace("-", "_") for name in SHARED} - {"config", "margin"} <= set(ELSEWHERE)
    file.write_text("seedz: 3\n")
    assert main(["pack", "--config", str(file)]) == 2
    assert "Unknown option 'seedz' in the file of --config." in capsys.readouterr().err


def test_versions_are_told_without_an_import():
    code = (
        "import sys; from bench.cli.app import main\ntry: main(['--version'])\nfinally: print('torch' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    python = sys.version.split()[0]
    expected = f"fauxbench {version('fauxbench')}, Python {python}, torch {version('torch')}\nFalse\n"
    assert ended.stdout == expected


def completed(shell: str) -> str:
    command = [sys.executable, "-m", "bench", "--print-completion", shell]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_bash_completes_commands_options_and_choices(tmp_path):
    script = tmp_path / "completion.bash"
    script.write_text(completed("bash"))
    asked = {
        "compa": ["compare"],
        "compare --dev": ["--devices"],
        "compare --precision bf": ["bf16-mixed"],
        "data check --data": ["--dataset", "--data-root"],
    }
    for words, offers in asked.items():
        array = " ".join(f"'{word}'" for word in ["fauxbench", *words.split()])
        code = f"source {script}; COMP_WORDS=({array}); COMP_CWORD={len(words.split())}; _shtab_fauxbench; "
        ended = subprocess.run(
            ["bash", "-c", f"{code} echo ${{COMPREPLY[@]}}"], capture_output=True, text=True, check=True
        )
        assert ended.stdout.split() == offers, words


def test_zsh_gets_every_command_and_the_files_of_options():
    script = completed("zsh")
    assert script.startswith("#compdef fauxbench\n")
    for command in COMMANDS:
        assert f'"{command}:' in script or f"{command})" in script
    assert re.search(r"--html\[.*FILE.*_files", script) or re.search(r"--html.*:_files", script)
