"""``python -m bench reproduce``: runs the paper's tables and figures again."""

from typing import Any

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_run_options, add_shared_options, run_options
from bench.cli.printing import announce
from bench.cli.shared import EVERY

EVERYTHING = "all"
DECLARED = ("dataset", "backbone", "generators", "seeds", "view", "conditions", "resize")
"""Options that each study declares, and the user may name instead."""
PRESETS = ("both", "code", "text")
FIELDS = EVERY
"""The options of a run that mean something here."""


def make_parser() -> ArgumentParser:
    """Makes the parser of ``reproduce``."""
    parser = OneLineParser(
        description="Runs the paper's tables and figures again, each on its own data, backbone and seeds unless others "
        "are named here. --dataset demo rehearses them with the embedded backbone.",
        examples=(
            "reproduce --list",
            "reproduce table1 --dataset demo --limit 4",
        ),
        partial="a study could not run here, or not wholly",
    )
    parser.add_argument("names", nargs="*", metavar="STUDY", help="studies, such as table1 or figure4, or all")
    studies = parser.titled("studies")
    studies.add_argument(
        "--preset",
        choices=PRESETS,
        default=PRESETS[0],
        help="which version, where the code of a paper's authors and its text differ",
    )
    studies.add_argument(
        "--list",
        action="store_true",
        help="only show each study, its source and its cost, and what became of the papers' trained rivals",
    )
    add_run_options(parser, FIELDS)
    add_shared_options(parser, "margin", "raw-names")
    parser.set_defaults(dict.fromkeys(DECLARED))
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``reproduce``; exit code 1 says that a study could not run, or not wholly."""
    announce("Listing studies" if arguments.list else f"Loading {', '.join(arguments.names)}")
    from rich.console import Console

    from bench.errors import BenchError
    from bench.report.table import print_files, print_line, print_tables
    from bench.scoring.machine.signals import is_first_process
    from bench.scoring.options import check_options
    from bench.studies.base import Cost
    from bench.studies.output import print_study, write_study
    from bench.studies.rivals import rivals_table
    from bench.studies.run import Costs, Outcome, outcome_table, run_study, settled

    studies = _chosen(arguments.names, arguments.list, arguments.preset)
    given = {name: arguments[name] for name in DECLARED if arguments[name] is not None}
    options = run_options(arguments)
    given = {name: getattr(options, name) for name in given}
    console, costs, outcomes = Console(quiet=not is_first_process()), Costs(), list[Outcome]()
    settings = [(study, settled(study, options, given)) for study in studies]
    print_tables([costs.table(settings)], console, notes=costs.lacking(settings))
    if arguments.list:
        print_line("", console)
        print_tables([rivals_table(study.paper for study in studies)], console)
        return 0
    check_options(options)
    if any(isinstance(costs.of(study, setting), Cost) for study, setting in settings):
        options.make_output()
    for study, setting in settings:
        outcome = run_study(study, setting, progress=console.is_terminal)
        if not is_first_process():
            continue  # it takes part in the scoring alone
        if len(settings) == 1 and outcome.state == "cannot run here":
            raise BenchError(outcome.reason)
        outcomes.append(outcome)
        result = outcome.result.under(arguments.margin)
        if result.lines or result.figures:
            files = write_study(study, result, setting.output, arguments.raw_names)
            print_study(study, result, console)
            print_files(files, console)
        elif outcome.reason:
            print_line(f"{study.name} cannot run here: {outcome.reason}", console)
    print_tables([outcome_table(outcomes)], console)
    return 0 if all(outcome.state == "done" for outcome in outcomes) else 1


def _chosen(names: list[str], listing: bool, preset: str) -> list[Any]:
    from dataclasses import replace

    from bench.errors import BenchError
    from bench.studies.catalogue import STUDIES
    from detectors import UnknownNameError

    for name in names:
        if name != EVERYTHING and name not in STUDIES:
            raise UnknownNameError("study", name, {*STUDIES, EVERYTHING})
    if not names and not listing:
        raise BenchError(f"Name a study, or all, or take --list: {', '.join(STUDIES)}.")
    wanted = STUDIES if not names or EVERYTHING in names else dict.fromkeys(names)
    studies = [STUDIES[name] for name in wanted]
    return [replace(study, presets=(preset,)) if preset in study.paper.presets else study for study in studies]
