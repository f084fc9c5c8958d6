"""Citations as BibTeX."""

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.report.escaping import printable
from bench.report.table import print_line
from bench.results.citations import DATA, Citation, Citations, Uncited
from bench.store.files import write_atomically

FILE = "CITATIONS.bib"
WIDTH = 60
"""Columns; BibTeX takes the end of a line for a space."""
KINDS = {"booktitle": "inproceedings", "journal": "article"}
"""The kind of entry that a field makes; a ``misc`` without any."""


def bibtex(found: Citations) -> str:
    """Writes every entry, and a comment for what has none."""
    entries = [_entry(citation) for citation in found.entries]
    comments = [_wrapped(printable(_comment(uncited)), "% ", "% ") for uncited in found.uncited]
    return "\n\n".join([*entries, *comments]) + "\n"


def write_citations(found: Citations, output: Path) -> tuple[Path, ...]:
    """Writes ``CITATIONS.bib`` into a results folder.

    Raises:
        BenchError: It cannot be written.
    """
    return (write_atomically(output / FILE, bibtex(found).encode()),)


def print_citations(found: Citations, console: Console) -> None:
    """Prints them; what is no entry BibTeX passes by."""
    for line in bibtex(found).splitlines():
        words = line.lstrip()
        print_line(words, console, mark=line[: len(line) - len(words)])


def citations_json(found: Citations) -> dict[str, Any]:
    """Returns everything as plain values, for ``--json``."""
    return {
        "entries": [{**citation.fields, "used_by": list(citation.users)} for citation in found.entries],
        "without": [{"name": one.name, "kind": one.kind, "paper": one.paper} for one in found.uncited],
    }


def _entry(citation: Citation) -> str:
    fields = _fields(citation.fields)
    kind = next((kind for field, kind in KINDS.items() if field in fields), "misc")
    lines = [_wrapped(f"{name} = {{{value}}},", "  ", "    ") for name, value in fields.items()]
    used = _wrapped(", ".join(citation.users), "% ", "% ")
    return "\n".join([used, f"@{kind}{{{citation.fields['key']},", *lines, "}"])


def _wrapped(text: str, first: str, others: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)


def _fields(fields: Mapping[str, str]) -> dict[str, str]:
    """Returns the fields as they are written: titles keep their capitals, and a number of arXiv says what it is."""
    written = {name: f"{{{value}}}" if name == "title" else value for name, value in fields.items() if name != "key"}
    return {**written, "archivePrefix": "arXiv"} if "eprint" in written else written


def _comment(uncited: Uncited) -> str:
    if uncited.paper:
        return f"{uncited.name}: no entry is known; it names as its paper: {uncited.paper}."
    if uncited.kind == DATA:
        return f"{uncited.name}: images of your own; cite where they come from."
    return f"{uncited.name}: no entry is known."
