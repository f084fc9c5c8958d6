"""Tables in Markdown, printed as their rows are made."""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence

Tables = Mapping[str, Callable[[int], Iterator[str]]]


def row(*cells: object) -> str:
    """Writes a row."""
    return f"| {' | '.join(map(str, cells))} |"


def percent(part: float) -> str:
    """Writes a share."""
    return f"{100 * part:.1f} %"


def print_tables(tables: Tables, trials: int, description: str | None, words: Sequence[str] | None = None) -> int:
    """Prints the tables that a command line names, by default all with so many trials."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=trials)
    parser.add_argument("--only", nargs="+", choices=list(tables), default=list(tables))
    arguments = parser.parse_args(words)
    for name in arguments.only:
        print(f"\n## {name}\n")
        head = True
        for line in tables[name](arguments.trials):
            print(line, flush=True)
            if head:
                print("|" + " --- |" * (line.count(" | ") + 1))
            head = not line
    return 0
