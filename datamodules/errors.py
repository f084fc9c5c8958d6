"""Mistakes a user can make with data, each with a message that says what to do."""

import difflib
from collections.abc import Iterable


class DatasetNotFoundError(FileNotFoundError):
    """The data are not where they were said to be."""


class DataOptionError(ValueError):
    """An option of a datamodule has a value it cannot take."""


class ReaderLostError(RuntimeError):
    """A process that reads images was killed."""


class UnknownDataNameError(LookupError):
    """A dataset or generator that does not exist."""

    def __init__(self, kind: str, name: str, available: Iterable[str]) -> None:
        names = sorted(available)
        close = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        super().__init__(f"Unknown {kind} {name!r}.{hint} Available: {', '.join(names) or 'none'}.")
