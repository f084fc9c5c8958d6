"""Markdown from words and cells, without anything heavy."""

import re
from collections.abc import Sequence


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Returns the lines of a table."""
    return [f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows)]


def plain_text(words: str) -> str:
    r"""Makes Markdown of a docstring's words.

    Examples:
        >>> print(plain_text("``a_b`` or a|b_c"))
        `a_b` or a\|b\_c
    """
    parts = re.split(r"``(.+?)``", words)
    marked = [re.sub(r"([\\|*_<`\[])", r"\\\1", part) for part in parts[::2]]
    codes = [f"`{part}`".replace("|", r"\|") for part in parts[1::2]]
    return marked[0] + "".join(code + text for code, text in zip(codes, marked[1:], strict=True))
