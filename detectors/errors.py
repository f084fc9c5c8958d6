"""Mistakes a user can make, each with a message that says what to do."""

import difflib
from collections.abc import Iterable

MOST_DRAWS = 10_000
"""Of a seed, and seeds of a run: a slip of the finger would otherwise take for ever, or all memory."""


class DetectorError(Exception):
    """A user's mistake; the message is for the user."""


class OptionError(DetectorError, ValueError):
    """An option has a value that the detector, perturbation or backbone cannot take."""


class UnknownNameError(DetectorError, LookupError):
    """A detector, backbone or option name that does not exist."""

    def __init__(self, kind: str, name: str, available: Iterable[str]) -> None:
        names = sorted(available)
        super().__init__(
            f"Unknown {kind} {name!r}.{did_you_mean(name, names)} Available: {', '.join(names) or 'none'}."
        )


class WeightsNotFoundError(DetectorError, FileNotFoundError):
    """The weights of a backbone are neither cached, nor reachable, nor given as a file."""


class WeightsError(DetectorError, ValueError):
    """A weights file is there, but does not fit the network."""


def check_count(name: str, count: int) -> None:
    """Looks at a number of draws, perturbations, directions or passes.

    Raises:
        OptionError: It is less than 1, or more than :data:`MOST_DRAWS`.
    """
    if count < 1:
        raise OptionError(f"{name} must be at least 1, got {count}.")
    if count > MOST_DRAWS:
        raise OptionError(f"{name} must be at most {MOST_DRAWS:,}, got {count}.")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Asks for the nearest known name, in a sentence with a blank before it; nothing where none is near.

    Examples:
        >>> did_you_mean("rigd", ["rigid", "wepe"]), did_you_mean("x", ["rigid"])
        (" Did you mean 'rigid'?", '')
    """
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
