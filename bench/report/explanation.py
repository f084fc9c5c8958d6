"""Where a number comes from, as text."""

from rich.console import Console

from bench.report.notes import finding_notes
from bench.report.table import print_line
from bench.results.explain import IMAGES, Explanation


def print_explanation(explanation: Explanation, console: Console) -> None:
    """Prints an explanation."""
    print_line(explanation.title, console, "bold")
    for heading, lines in explanation.sections.items():
        console.print()
        print_line(heading, console, "bold")
        notes = finding_notes(explanation.findings) if heading == IMAGES else ()
        for name, text in (*lines, *(("note", note) for note in notes)):
            print_line(f"{name}: {text}", console, mark="  ")
