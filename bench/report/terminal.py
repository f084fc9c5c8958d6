"""Prints tables whole, and names as what they are."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.report.tables import UNLIMITED


def print_table(table: Table, console: Console) -> None:
    """Prints a table at its full width, whatever the console's: rather long lines than names cut short."""
    width = Console(width=UNLIMITED).measure(table).maximum
    if console.width < width:
        console = Console(file=console.file, width=width)
    console.print(table)


def text_of(words: str, style: str = "") -> Text:
    r"""Makes a text in which names of files are neither markup nor commands to the terminal.

    Examples:
        >>> text_of("[red]\x1b[2J").plain
        '[red]\\x1b[2J'
    """
    return Text("".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in words), style=style)
