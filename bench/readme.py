"""Writes the README's tables of detectors and options from the code: ``python -m bench.readme``."""

import re
from collections.abc import Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.method_list import DEFAULT_BACKBONE, Method, list_methods

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- detectors:begin -->", "<!-- detectors:end -->"
DETECTORS = ("name", "idea", "paper", "passes per image", "needs")
OPTIONS = ("detector", "option", "default", "meaning")


def options_markdown() -> str:
    """Writes the table of detectors and that of every option; the same on every machine."""
    methods = list_methods()
    detectors = [(f"`{one.name}`", _text(one.title), one.paper, one.cost, _text(_needs(one))) for one in methods]
    options = [
        (f"`{method.name}`", f"`{one.name}`", f"`{one.default}`", _text(one.meaning))
        for method in methods
        for one in method.options
    ]
    folded = ["<details>", "<summary>Every option, its default and its meaning</summary>", ""]
    return "\n".join([*_table(DETECTORS, detectors), "", *folded, *_table(OPTIONS, options), "", "</details>"])


def with_tables(readme: str) -> str:
    """Replaces what stands between the markers.

    Args:
        readme: The text of the README.

    Raises:
        BenchError: The markers are missing, or there more than once.
    """
    if readme.count(BEGIN) != 1 or readme.count(END) != 1 or readme.index(BEGIN) > readme.index(END):
        raise BenchError(f"The README must hold {BEGIN} and, after it, {END}, once each.")
    before, after = readme.partition(BEGIN)[0], readme.partition(END)[2]
    return f"{before}{BEGIN}\n{options_markdown()}\n{END}{after}"


def main() -> None:
    """Rewrites the README of this checkout."""
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"Written: {README}.")


def _needs(method: Method) -> str:
    needs = [need for need in method.needs if not need.what.startswith("backbone")]
    asked = [need.what for need in method.needs if need.what.startswith("backbone")]
    words = ["a backbone" if what == f"backbone {DEFAULT_BACKBONE}" else what for what in asked]
    words += [need.what for need in needs if not need.wanted_for]
    others = ", ".join(need.what for need in needs if need.wanted_for)
    return ", ".join(words) + (f"; for other options: {others}" if others else "")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows)]


def _text(words: str) -> str:
    r"""Makes Markdown of a docstring's words.

    Examples:
        >>> print(_text("``a_b`` or a|b_c"))
        `a_b` or a\|b\_c
    """
    parts = re.split(r"``(.+?)``", words)
    marked = [re.sub(r"([\\|*_<`\[])", r"\\\1", part) for part in parts[::2]]
    codes = [f"`{part}`".replace("|", r"\|") for part in parts[1::2]]
    return marked[0] + "".join(code + text for code, text in zip(codes, marked[1:], strict=True))


if __name__ == "__main__":
    main()
