"""The page of every option names every command, every action, and every option that a help shows."""

import re
from argparse import SUPPRESS

import pytest

from bench.cli.app import COMMANDS, build_parser
from tools.option_pages import options_page, parsers_of

PAGE = options_page()
PARSERS = dict(parsers_of(build_parser()))


def section(name: str) -> str:
    return re.split(r"^## ", PAGE.partition(f"\n## {name}\n")[2], flags=re.MULTILINE)[0]


def test_every_command_and_action_has_a_section():
    titles = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert set(COMMANDS) | {"data list", "data check"} <= set(titles)
    assert titles == list(PARSERS)


@pytest.mark.parametrize("name", PARSERS)
def test_a_section_names_every_option_with_its_help_and_every_example(name):
    text = section(name).replace("\\", "")
    shown = [action for action in PARSERS[name]._actions if action.help not in (None, SUPPRESS)]
    for action in shown:
        for flag in action.option_strings:
            assert re.search(rf"`{re.escape(flag)}[ `]", text), flag
        words = str(action.help).replace("%%", "%").replace("%(", "\0").partition("\0")[0]
        assert " ".join(words.split()) in text
    for example in PARSERS[name].examples:
        assert f"python -m bench {example}\n" in text
    assert text.count("| `") >= len(shown)


def test_a_default_and_the_values_of_a_choice_stand_there():
    assert re.search(r"\| `--seeds N` \| [^|]*\(default: 1\)", section("compare"))
    assert "`--print-completion bash|zsh`" in PAGE
