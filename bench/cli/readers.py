"""Readers of single values on the command line and in a file of options."""

import math
import re
from argparse import ArgumentTypeError
from collections.abc import Callable

from bench.scoring.options import MOST

LONGEST = 64
"""Letters of a mistaken number that are shown; no number has so many."""


class OptionValueError(ArgumentTypeError, ValueError):
    """A value that an option cannot take; a command line wants the first kind of error, a file the second."""


def difference(value: object) -> float:
    """Reads a difference of two AUROCs, above 0 and up to 1."""
    try:
        margin = float(str(value))
    except ValueError:
        margin = math.nan
    if not 0 < margin <= 1:
        raise OptionValueError(f"expected a difference above 0 and up to 1, got {value}")
    return margin


def path_text(value: object) -> str:
    """Reads a path, which is not empty: an empty one would be the current folder."""
    if not str(value):
        raise OptionValueError("expected a path, got ''")
    return str(value)


def whole(least: int, other: str = "", most: int = MOST) -> Callable[[object], int | str]:
    """Makes the reader of a whole number, in the digits 0 to 9.

    Args:
        least: The least that it may be.
        other: A word that may stand in its place.
        most: The largest that it may be.
    """

    def read(value: object) -> int | str:
        if other and str(value).lower() in (other, "null"):
            return other
        text, or_other = str(value), f" or {other}" if other else ""
        if not re.fullmatch("[0-9]+", text) or (len(text) < LONGEST and int(text) < least):
            raise OptionValueError(f"expected a whole number of at least {least}{or_other}, got {text[:LONGEST]}")
        if len(text) >= LONGEST or int(text) > most:
            raise OptionValueError(f"expected a whole number of at most {most:,}{or_other}, got {text[:LONGEST]}")
        return int(text)

    return read
