"""The command line, thin. Nothing heavy is imported for help."""

import sys
from collections.abc import Sequence
from types import ModuleType

from jsonargparse import ArgumentParser, Namespace

from bench.cli import (
    audit,
    cite,
    compare,
    data,
    explain,
    fit,
    import_scores,
    leaderboard,
    pack,
    probe,
    reproduce,
    robustness,
    score,
    store,
    submit,
    sweep,
    task,
    thresholds,
    verify,
)
from bench.cli import list as list_command
from bench.cli.help import PROGRAM, PrintCompletion, ShowVersion
from bench.cli.parser import OneLineParser
from bench.cli.plugins import load_plugins
from bench.errors import is_users_mistake, message_of
from bench.report.escaping import printable
from bench.scoring.foreign_code import plugin_failure
from bench.scoring.machine import phases
from bench.scoring.machine.signals import has_come, is_interruption

DESCRIPTION = "Compares detectors of AI-generated images: every number with its interval and its provenance."
SHELLS = ("bash", "zsh")

COMMANDS: dict[str, tuple[ModuleType, str]] = {
    "audit": (audit, "measure the worst cue: what size, format and the like tell"),
    "cite": (cite, "print the BibTeX of what a store stands on"),
    "compare": (compare, "score a data set with detectors and compare them"),
    "data": (data, "list the data sets, or examine every file of one"),
    "explain": (explain, "say where a number comes from"),
    "fit": (fit, "train a simple detector and test it on generators that it has not seen"),
    "import-scores": (import_scores, "bring scores that were made elsewhere into a store"),
    "leaderboard": (leaderboard, "make the leaderboard from the scores there are"),
    "list": (list_command, "list the detectors or the backbones"),
    "pack": (pack, "write a data set as WebDataset tar files"),
    "probe": (probe, "rank the blocks of a backbone for perturbation"),
    "reproduce": (reproduce, "run the paper's tables and figures again"),
    "robustness": (robustness, "compare detectors on degraded images, level by level"),
    "score": (score, "score image files of your own"),
    "store": (store, "examine the score store, and mend it"),
    "submit": (submit, "write scores as a submission to a task, or check one"),
    "sweep": (sweep, "compare settings of one detector, and see whether its sign depends on them"),
    "task": (task, "freeze a data set into a task that others can submit scores to"),
    "thresholds": (thresholds, "measure accuracies under named threshold rules"),
    "verify": (verify, "compare scores and metrics with locked or reported numbers"),
}


def build_parser() -> ArgumentParser:
    """Makes the whole parser."""
    parser = OneLineParser(
        prog=PROGRAM,
        description=DESCRIPTION,
        examples=("compare --detectors rigid wepe", "compare --help"),
        partial="a command found something wrong, as its own help says",
    )
    parser.add_argument("--version", action=ShowVersion, help="print the versions of fauxbench, Python and torch")
    parser.add_argument(
        "--print-completion",
        action=PrintCompletion,
        choices=SHELLS,
        help="print what completes the words of the command fauxbench in this shell",
    )
    commands = parser.add_subcommands(title="commands", metavar="COMMAND", description=None)
    for name, (command, summary) in COMMANDS.items():
        added = commands.add_subcommand(name, command.make_parser(), help=summary)
        if hasattr(command, "add_actions"):
            command.add_actions(added)
    return parser


def _innermost(parsed: Namespace) -> Namespace:
    """Returns the options of the command, or of its action."""
    while "subcommand" in parsed:
        parsed = parsed[parsed.subcommand]
    return parsed


def main(arguments: Sequence[str] | None = None, speaks: bool = False) -> int:
    """Runs the command line.

    Args:
        arguments: The words after ``python -m bench``; those of the process by default.
        speaks: Whether to say on standard error what is going on, unless ``--quiet`` or ``--json`` is given.

    Returns:
        The exit code: 0, 1 where a command found something wrong, 2 for a mistake, which is told in one line.
    """
    try:
        parsed = build_parser().parse_args(arguments)
        command, _ = COMMANDS[parsed.subcommand]
        options = _innermost(parsed)
        phases.show(speaks and not options.get("quiet") and not options.get("json"))
        plugins = options.get("plugin") or ()
        if plugins:
            phases.say(f"Loading {printable(', '.join(map(str, plugins)))}")
        load_plugins(plugins)
        code = int(command.run(parsed[parsed.subcommand]))
        phases.end()
        sys.stdout.flush()  # what cannot be written is told below
        return code
    except BaseException as error:
        if is_interruption(error) or has_come():
            raise
        message = message_of(error) if is_users_mistake(error) else plugin_failure(error)
        if message is None:
            raise
        if not getattr(error, "silent", False):
            print(f"error: {printable(' '.join(message.split()))}", file=sys.stderr)
        return int(getattr(error, "exit_code", 2))
