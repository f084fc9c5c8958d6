"""``python -m bench compare --plan-n STORE``: says how many images a comparison needs, from scores that there are."""

from pathlib import Path

from jsonargparse import Namespace

from bench.cli.parser import OneLineParser
from bench.cli.printing import announce, make_console, print_written
from bench.cli.readers import difference, path_text
from bench.errors import BenchError
from bench.scoring.options import MARGIN


def add_plan_options(parser: OneLineParser) -> None:
    """Adds the options of a plan."""
    plan = parser.titled("how many images")
    plan.add_argument(
        "--plan-n",
        type=path_text,
        metavar="STORE",
        help="score nothing: from the scores in this results folder, a pilot, say how many groups of images it takes "
        "to tell each pair of its detectors apart (all, or those of --detectors, by label); writes plan.csv there",
    )
    plan.add_argument(
        "--difference",
        nargs="+",
        type=difference,
        metavar="D",
        help=f"differences of two AUROCs that --plan-n is to find, beside the observed one (default: {MARGIN:g})",
    )


def check_plan_options(arguments: Namespace) -> None:
    """Refuses words that do not go together.

    Raises:
        BenchError: There is no detector to score with, or a difference without a plan.
    """
    if arguments.plan_n is None and not arguments.detectors:
        raise BenchError("The following arguments are required: --detectors, unless --plan-n names a results folder.")
    if arguments.plan_n is None and arguments.difference:
        raise BenchError("--difference is for --plan-n, which names the results folder to plan from.")


def run_plan(arguments: Namespace) -> int:
    """Prints the plan."""
    announce(f"Reading {arguments.plan_n}")
    from bench.report.planning import PlanReport, plan_json, print_plan, write_plan
    from bench.results.planning import plan_images

    store, console = Path(arguments.plan_n), make_console(arguments)
    differences = list(dict.fromkeys(arguments.difference or [MARGIN]))
    report = PlanReport(plan_images(store, differences, arguments.detectors))
    files = write_plan(report, store, arguments.raw_names)
    print_plan(report, console)
    print_written(arguments, files, lambda: plan_json(report))
    return 0
