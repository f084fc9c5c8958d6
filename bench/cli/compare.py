"""``python -m bench compare``: scores a data set with detectors and compares them."""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import (
    OneLineParser,
    add_run_options,
    add_shared_options,
    chosen_detectors,
    run_options,
)
from bench.cli.planning import add_plan_options, check_plan_options, run_plan
from bench.cli.printing import long_hint, make_console, print_json, print_written, shows_progress
from bench.cli.shared import EVERY
from bench.cli.unread import UNREAD, exit_code
from bench.scoring.options import RunOptions

FIELDS = EVERY
"""The options of a run that mean something here."""


def make_parser() -> ArgumentParser:
    """Makes the parser of ``compare``."""
    parser = OneLineParser(
        description="Scores a data set with detectors and compares them; what the store has is not scored again.",
        examples=(
            "compare --detectors rigid wepe",
            "compare --detectors rigid wepe:n=2 --dataset folder --data-root images --limit 50 --html page.html",
        ),
        partial=UNREAD,
    )
    add_shared_options(parser, "detectors", required=False)  # a plan needs none
    add_shared_options(parser, "checkpoint", "plugin", "dry-run", "estimate", "html", "seen-hashes")
    add_shared_options(parser, "raw-names", "json", "quiet", "long")
    add_plan_options(parser)
    add_run_options(parser, FIELDS)
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``compare`` and prints its table."""
    check_plan_options(arguments)
    if arguments.plan_n is not None:
        return run_plan(arguments)
    options = run_options(arguments)
    detectors = chosen_detectors(arguments, f"Loading {options.dataset}")
    from bench.report.comparison import comparison_json, print_comparison, write_comparison
    from bench.report.html.targets import check_page
    from bench.report.loggers.session import compare_and_log
    from bench.results.seen_images import mark_seen, read_hashes
    from bench.results.unread import nothing_read

    if arguments.dry_run:
        return print_forecast(detectors, options, arguments)
    console, page = make_console(arguments), check_page(arguments.html)
    seen = read_hashes(Path(arguments.seen_hashes)) if arguments.seen_hashes else None
    comparison = compare_and_log(detectors, options, progress=shows_progress(console))
    if comparison is None:
        return 0  # another device of the run prints
    comparison = mark_seen(comparison, seen)
    files = write_comparison(comparison, options.output, arguments.raw_names)
    if page:
        from bench.report.html.pages import write_comparison_page  # draws, which takes half a second to import

        files = (*files, write_comparison_page(comparison, page))
    print_comparison(comparison, console, arguments.long)
    first = f"Scored now: {comparison.scored}. {long_hint(arguments)}"
    print_written(arguments, files, lambda: comparison_json(comparison), first)
    return exit_code(nothing_read(comparison))


def print_forecast(detectors: Sequence[str], options: RunOptions, arguments: Namespace) -> int:
    """Prints what a run would do (``--dry-run``) and, with ``--estimate``, how long it would take."""
    import time
    from dataclasses import asdict

    from bench.report.forecast import forecast_lines
    from bench.report.table import print_line
    from bench.results.time_estimate import estimate_time
    from bench.scoring.forecast import forecast

    console, began = make_console(arguments), time.monotonic()
    plan = forecast(detectors, options)
    planning = time.monotonic() - began
    estimate = estimate_time(detectors, options, plan, planning) if arguments.estimate else None
    for line in forecast_lines(plan, estimate):
        print_line(line, console)
    print_json(arguments, lambda: {"plan": asdict(plan), **({"estimate": asdict(estimate)} if estimate else {})})
    return 0
