"""Writes the page of every command and every option, from the parsers themselves: a part of ``make docs``."""

from argparse import SUPPRESS, Action
from collections.abc import Iterator
from typing import Any

from bench.cli.app import COMMANDS, build_parser
from bench.cli.help import PROGRAM, HelpFormatter
from bench.cli.parser import OneLineParser
from tools.markdown import markdown_table, plain_text

HEADER = ("option", "meaning")
OPENING = f"""# Every option

What `{PROGRAM} COMMAND --help` prints, of every command. [Commands](commands.md) says in a line what each is for,
[the command line](command-line.md) what holds for all of them.
"""


def options_page() -> str:
    """Writes the page, a section for each command and action."""
    root = build_parser()
    sections = [OPENING, *_described(root)]
    for name, parser in parsers_of(root):
        summary = COMMANDS[name][1] if name in COMMANDS else ""
        sections += [f"## {name}\n", *_described(parser, summary)]
    return "\n".join(sections)


def parsers_of(parser: Any, before: str = "") -> Iterator[tuple[str, OneLineParser]]:  # noqa: ANN401 - jsonargparse's own
    """Yields every command below a parser, and every action of one, by the words that call it."""
    for name, command in parser._subcommands_action._name_parser_map.items() if parser._subcommands_action else ():
        yield f"{before}{name}", command
        yield from parsers_of(command, f"{before}{name} ")


def _described(parser: OneLineParser, summary: str = "") -> Iterator[str]:
    """Yields what the help holds: description, usage, options in groups and examples."""
    if parser.prog != PROGRAM:
        yield f"{plain_text(parser.description or summary)}\n"
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    yield f"```text\n{usage}\n```\n"
    parser.format_help()  # brings the groups into their order
    formatter = HelpFormatter(parser.prog)
    for group in parser._action_groups:
        rows = [(_written(formatter, action), _meant(formatter, action)) for action in group._group_actions]
        if rows := [row for row in rows if row[1]]:
            yield f"**{plain_text(str(group.title))}**\n"
            yield "\n".join(markdown_table(HEADER, rows)) + "\n"
    if parser.examples:
        calls = "\n".join(f"{PROGRAM} {example}" for example in parser.examples)
        yield f"```sh\n{calls}\n```\n"


def _written(formatter: HelpFormatter, action: Action) -> str:
    """Returns how an option is written, with what stands for its value."""
    if not action.option_strings:
        return f"`{formatter._format_args(action, formatter._get_default_metavar_for_positional(action))}`"
    value = formatter._format_args(action, formatter._get_default_metavar_for_optional(action))
    return ", ".join(f"`{f'{flag} {value}'.strip()}`" for flag in action.option_strings)


def _meant(formatter: HelpFormatter, action: Action) -> str:
    """Returns what an option means, with its default; nothing of one that the help does not show."""
    if action.help in (None, SUPPRESS):
        return ""
    return plain_text(" ".join(formatter._expand_help(action).split()))
