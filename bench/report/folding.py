"""Text in narrow places: folded where a reader would, and names shortened in one way everywhere."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from rich.cells import cell_len

ELLIPSIS = "..."
"""In letters that every terminal has."""
SHORTEST = 8
"""Of a shortened name: less tells nothing."""
READABLE = 16
"""A part of a name up to this width is not taken apart before the others are."""
_INTERVAL = r"~?\[(?:no interval|[-+\d.e]+, [-+\d.e]+)\]"
_WORD = re.compile(rf"{_INTERVAL}\S*|\d[\d.,]* %\S*|\S+")
_OPTIONS = re.compile(
    r"(?<=[:,/|@])(?<!\d[:,/](?=\d))(?<!:(?=/))(?<!/(?=/))"  # behind these, but within no number or "://"
    r"|(?<=\w\+)(?!\d)"  # between members of an ensemble
    r"|(?<=[^.]\.\.\.)"  # behind what was left out of a name
)
_SYLLABLES = re.compile(r"(?<=[=_])|(?<=[^\W\d]-)")


def fold(text: str, width: int, keep_paths: bool = False) -> list[str]:
    """Folds a text into lines: at spaces, in long words at natural places, and anywhere where neither helps.

    Numbers and intervals stay whole as long as they are no longer than a line.

    Args:
        text: Its own line breaks stay.
        width: Of a line, in cells of a terminal.
        keep_paths: Whether a word with a slash that is longer than a line stays whole, on a line of its own.

    Examples:
        >>> fold("rigid:noise=0.05,crops=3 0.85 [0.81, 0.89]", 14)
        ['rigid:', 'noise=0.05,', 'crops=3 0.85', '[0.81, 0.89]']
    """
    return [line for part in text.split("\n") for line in _folded(part, width, keep_paths)]


def _folded(text: str, width: int, keep_paths: bool) -> Iterator[str]:
    line, has = "", False
    for match in _WORD.finditer(text):
        word = match[0]
        joined = f"{line} {word}" if has else word
        if cell_len(joined) <= width:
            line, has = joined, True
        elif cell_len(word) <= width or (keep_paths and "/" in word):
            if has:
                yield line
            line, has = word, True
        else:
            start = f"{line} " if has else ""
            for piece in _pieces(word, width):
                if start and cell_len(start + piece) > width:
                    yield start.rstrip()
                    start = piece
                else:
                    start += piece
            line, has = start, True
    yield line


def _pieces(word: str, width: int) -> Iterator[str]:
    """Takes a word apart at natural places, and anywhere where a part is still longer than a line."""
    for piece in _parts(word, width):
        part = ""
        for letter in piece:
            if part and cell_len(part + letter) > width:
                yield part
                part = ""
            part += letter
        yield part


def _parts(word: str, width: int) -> Iterator[str]:
    """Takes a word apart at natural places: between options, and within one that is longer than the width."""
    if re.match(_INTERVAL, word):
        yield word
        return
    for option in _OPTIONS.split(word):
        yield from [option] if cell_len(option) <= width else _SYLLABLES.split(option)


@lru_cache(4096)
def narrowest(text: str) -> int:
    """Returns the width under which a word, a number or an interval of a text would be cut.

    Examples:
        >>> narrowest("rigid:noise=0.05"), narrowest("0.85 [0.81, 0.89]"), narrowest("1,234 images")
        (10, 12, 6)
    """
    parts = (part for match in _WORD.finditer(text) for part in _parts(match[0], READABLE))
    return max(map(cell_len, parts), default=0)


def shortened(names: Iterable[str], width: int) -> Mapping[str, str]:
    """Shortens those of some names that are too long, in the middle; two names never become the same.

    Of several ways to share the width between a name's beginning and end, the first that keeps all apart is taken;
    where none does, a number does.

    Args:
        names: Each once or several times.
        width: Of a name, at least ``SHORTEST``.

    Returns:
        What to show for each name.

    Examples:
        >>> shortened(["wepe:rule=tensor_std,n=1", "wepe:rule=tensor_std,n=2", "rigid"], 12)
        {'wepe:rule=tensor_std,n=1': 'wepe...d,n=1', 'wepe:rule=tensor_std,n=2': 'wepe...d,n=2', 'rigid': 'rigid'}
    """
    whole, width = dict.fromkeys(names), max(width, SHORTEST)
    short: dict[str, str] = {}
    for share in (0.5, 0.25, 0.75):
        short = {name: _middle(name, width, share) for name in whole}
        if len({*short.values()}) == len(short):
            return short
    counts, taken, numbers = Counter(short.values()), {*short.values()}, Counter[str]()
    for name, text in short.items():
        while counts[text] > 1 and short[name] == text:
            numbers[text] += 1
            tail = f"#{numbers[text]}"
            numbered = _middle(name, width - len(tail), 0.5) + tail
            if numbered not in taken:
                taken.add(numbered)
                short[name] = numbered
    return short


def _middle(name: str, width: int, share: float) -> str:
    """Leaves the middle out of a name that is longer than a width; the beginning gets this share of what is left."""
    if cell_len(name) <= width:
        return name
    room = width - cell_len(ELLIPSIS)
    head = _start(name, round(room * share))
    tail = _start(name[::-1], room - cell_len(head))[::-1]
    return f"{head}{ELLIPSIS}{tail}"


def _start(name: str, width: int) -> str:
    """Returns as many letters of a name's beginning as fit."""
    end = len(name)
    while end and cell_len(name[:end]) > width:
        end -= 1
    return name[:end]
