"""``python -m bench cite``: BibTeX of what a store stands on."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from bench.cli.parser import OneLineParser, add_output_option, add_shared_options
from bench.cli.printing import make_console, print_written


def make_parser() -> ArgumentParser:
    """Makes the parser."""
    parser = OneLineParser(
        description="Prints the BibTeX entries of the detectors and data sets in a results folder, of the WePe paper "
        "and of this suite, and writes them into CITATIONS.bib there.",
        examples=("cite", "cite --output results --json"),
    )
    add_output_option(parser)
    add_shared_options(parser, "plugin", "json", "quiet")
    return parser


def run(arguments: Namespace) -> int:
    """Runs ``cite``."""
    from bench.report.citations import citations_json, print_citations, write_citations
    from bench.results.citations import cite_store

    output = Path(arguments.output)
    found = cite_store(output)
    files = write_citations(found, output)
    print_citations(found, make_console(arguments))
    print_written(arguments, files, lambda: citations_json(found))
    return 0
