"""Names as they may be shown: on a terminal, in Markdown and in CSV files they are text and cannot act."""

import re
from collections.abc import Iterable
from urllib.parse import quote

_INTERVAL = r"(?<!\S)~?\[(?:no interval|[-+]?[\d.]+(?:e[-+]?\d+)?, [-+]?[\d.]+(?:e[-+]?\d+)?)\](?![\[(:])"
"""Our own numbers' brackets, which stay readable: without a definition, which no name can make, they are no link."""
_ACTING = re.compile(
    rf"(?P<kept>{_INTERVAL})"
    r"|[\\`*_<|~$\[\]]|&(?=#?\w)|(?<=\])\(|!(?=\[)"  # emphasis, code, HTML, cells, links, images, entities, formulas
    r"|:(?=//)|(?i:(?<=www))\."  # addresses, which GitHub links
    r"|^[#>]|^[-+](?=[-+\s]|$)|^\d{1,9}[.)](?=\s|$)|#(?=#*$)"  # what begins or ends a line
)
_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_PAGE = re.compile(r"https?://[\w.-]+(?::\d+)?(?:/.*)?", re.ASCII | re.IGNORECASE | re.DOTALL)
_QUOTED = re.compile(r'[",\r\n]')


def printable(text: str, lines: bool = False) -> str:
    r"""Writes out what a terminal obeys or does not show: controls, directions, what has no width, no Unicode.

    Args:
        text: Any text.
        lines: Whether line breaks stay.

    Examples:
        >>> printable("\x1b[2J\u202egnp.é\n")
        '\\x1b[2J\\u202egnp.é\\n'
    """
    kept = "\n" if lines else ""
    return "".join(letter if letter.isprintable() or letter == kept else ascii(letter)[1:-1] for letter in text)


def markdown(text: str) -> str:
    r"""Writes a text in one line of Markdown, which shows it as it is: no link, image, HTML, emphasis, cell or list.

    Examples:
        >>> print(markdown("[x](http://y) <b> 0.91 [0.88, 0.93]"))
        \[x\]\(http\://y) \<b> 0.91 [0.88, 0.93]
    """
    return _ACTING.sub(_harmless, printable(text.strip()))


def _harmless(found: re.Match[str]) -> str:
    """Puts a backslash before what would act, the last character of a match."""
    return found[0] if found["kept"] else f"{found[0][:-1]}\\{found[0][-1]}"


def page_address(url: str) -> str | None:
    """Writes the address of a page so that a link leads there and its text ends nowhere else; None where it is none.

    Examples:
        >>> page_address("https://example.org/a b|c>"), page_address("javascript:alert(1)")
        ('https://example.org/a%20b%7Cc%3E', None)
    """
    return quote(url, safe="/:?#=&%~+,;@") if _PAGE.fullmatch(url) else None


def csv_cell(text: str) -> str:
    """Puts an apostrophe before a text that a spreadsheet would take for a formula; a number stays one.

    Examples:
        >>> csv_cell("=SUM(A1)"), csv_cell("-0.31"), csv_cell("real")
        ("'=SUM(A1)", '-0.31', 'real')
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def csv_line(cells: Iterable[object], raw_names: bool = False) -> str:
    r"""Writes a record of a CSV file, quoted so that each reader finds one record in it.

    Python's own writer does not quote a lone carriage return.

    Args:
        cells: Numbers and texts; nothing for None.
        raw_names: Whether texts are written as they are, also those that a spreadsheet would take for formulas.

    Examples:
        >>> csv_line(["a\rb", 0.5, None, "=1"])
        '"a\rb",0.5,,\'=1\n'
    """
    texts = (cell if raw_names or not isinstance(cell, str) else csv_cell(cell) for cell in cells)
    words = ("" if text is None else str(text) for text in texts)
    return ",".join('"' + word.replace('"', '""') + '"' if _QUOTED.search(word) else word for word in words) + "\n"
