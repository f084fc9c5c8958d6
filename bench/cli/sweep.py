"""``python -m bench sweep``: one detector with several settings on the same images."""

from jsonargparse import ArgumentParser, Namespace

from bench.cli.compare import print_forecast
from bench.cli.parser import OneLineParser, add_run_options, add_shared_options, run_options
from bench.cli.printing import announce, make_console, print_written, shows_progress
from bench.cli.shared import EVERY
from bench.cli.unread import UNREAD, exit_code
from bench.errors import BenchError

FIELDS = tuple(name for name in EVERY if name != "view")
"""The options of a run that mean something here: of views there may be several."""


def make_parser() -> ArgumentParser:
    """Makes the parser of ``sweep``."""
    parser = OneLineParser(
        description="Scores a data set with several settings of one detector: does its sign depend on them?",
        examples=(
            "sweep rigid:noise=0.01,0.05,0.1",
            "sweep rigid:noise=0.05,0.1,draws=1,4 --view method,native --dataset folder --data-root images",
        ),
        partial=UNREAD,
    )
    parser.add_argument(
        "detector",
        nargs="?",
        metavar="NAME:OPTION=VALUE,VALUE,...",
        help="the detector and its options' values, as in rigid:noise=0.01,0.05,0.1,draws=1,4; all combinations are "
        "settings, up to 64; a value that holds commas stands in brackets, as in wepe:blocks=[0-3,6],[0-7]",
    )
    parser.titled("model").add_argument(
        "--view",
        metavar="FIT,FIT,...",
        help="also sweep how the picture is cut: method (its own), resize, random-crop, centre-crop, short-side, "
        "square, native (as it is; not every network takes it)",
    )
    add_shared_options(parser, "checkpoint", "plugin", "dry-run", "estimate", "html", "raw-names", "json", "quiet")
    add_run_options(parser, FIELDS)
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``sweep``, prints its table and says what was written."""
    views = arguments.pop("view")
    if not arguments.detector:
        raise BenchError("Name a detector and the values of its options, as in rigid:noise=0.01,0.05,0.1.")
    options = run_options(arguments)
    announce(f"Loading {options.dataset} for settings of {arguments.detector.partition(':')[0]}")
    from bench.report.html.targets import check_page
    from bench.report.loggers.session import compare_and_log
    from bench.report.sweep import print_sweep, sweep_json, write_sweep
    from bench.results.sweep import Sweep, sweep_facts
    from bench.results.unread import nothing_read
    from bench.scoring.sweeps import parse_sweep

    settings = parse_sweep(arguments.detector, views, arguments.checkpoint)
    detectors = [setting.text for setting in settings]
    if arguments.dry_run:
        return print_forecast(detectors, options, arguments)
    console, page = make_console(arguments), check_page(arguments.html)
    comparison = compare_and_log(detectors, options, shows_progress(console), sweep_facts(settings))
    if comparison is None:
        return 0  # another device of the run prints
    sweep = Sweep(comparison, settings)
    files = write_sweep(sweep, options.output, arguments.raw_names)
    if page:
        from bench.report.html.pages import write_sweep_page  # draws, which takes half a second to import

        files = (*files, write_sweep_page(sweep, page))
    print_sweep(sweep, console)
    print_written(arguments, files, lambda: sweep_json(sweep), f"Scored now: {comparison.scored}. ")
    return exit_code(nothing_read(comparison))
