"""Mistakes a user can make, each with a message that says what to do."""

import difflib
from collections.abc import Iterable


class OptionError(ValueError):
    """An option has a value that the detector, perturbation or backbone cannot take."""


class UnknownNameError(LookupError):
    """A detector, backbone or option name that does not exist."""

    def __init__(self, kind: str, name: str, available: Iterable[str]) -> None:
        names = sorted(available)
        close = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        super().__init__(f"Unknown {kind} {name!r}.{hint} Available: {', '.join(names) or 'none'}.")


class WeightsNotFoundError(FileNotFoundError):
    """The weights of a backbone are neither cached, nor reachable, nor given as a file."""


class WeightsError(ValueError):
    """A weights file is there, but does not fit the network."""
