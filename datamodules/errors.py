"""Mistakes a user can make with data, each with a message that says what to do."""

import difflib
from collections.abc import Iterable, Sequence


class DataError(Exception):
    """A user's mistake, or a state of the data that needs the user; the message is for the user."""


class DatasetNotFoundError(DataError, FileNotFoundError):
    """The data are not where they were said to be."""


class DataOptionError(DataError, ValueError):
    """An option of a datamodule has a value it cannot take."""


class DemoImageMismatchError(DataError, RuntimeError):
    """An image of the demo came out otherwise than its manifest says."""


class PhotographMissingError(DataError, RuntimeError):
    """A wheel that carries the demo's photographs is not installed, or carries them no longer."""


class ReaderLostError(DataError, RuntimeError):
    """A process that reads images was killed."""


def loss_of(paths: Sequence[str]) -> str:
    """Says that a process that reads images was killed, and while it read which, as far as that is known.

    Examples:
        >>> loss_of(["real/x.jpg"]).partition(",")[0]
        'A process that reads images was killed while it read real/x.jpg'
    """
    where = f" while it read {' or '.join(paths)}" if paths else ""
    return (
        f"A process that reads images was killed{where}, often for want of memory: a smaller --num-workers takes less."
    )


class UnknownDataNameError(DataError, LookupError):
    """A dataset or generator that does not exist."""

    def __init__(self, kind: str, name: str, available: Iterable[str]) -> None:
        names = sorted(available)
        hint = did_you_mean(name, names)
        super().__init__(f"Unknown {kind} {name!r}.{hint} Available: {', '.join(names) or 'none'}.")


CLASS_NAMES = {
    **dict.fromkeys(("real", "0_real", "nature"), "real"),
    **dict.fromkeys(("generated", "fake", "1_fake", "ai"), "generated"),
}
"""What folders of the two classes are called elsewhere, in lower case, and what they are called here."""


def hinted(folder: str) -> str:
    """Names a folder and, where it goes by another name of a class, what to rename it to.

    Examples:
        >>> hinted("1_fake"), hinted("genrated"), hinted("notes")
        ("'1_fake' (rename it 'generated')", "'genrated' (rename it 'generated')", "'notes'")
    """
    name = folder.casefold()
    near = difflib.get_close_matches(name, ("real", "generated"), n=1, cutoff=0.75)
    known = CLASS_NAMES.get(name) or next(iter(near), None)
    return f"{folder!r} (rename it {known!r})" if known else repr(folder)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Asks for the nearest known name, in a sentence with a blank before it; nothing where none is near.

    Examples:
        >>> did_you_mean("genimag", ["genimage", "demo"])
        " Did you mean 'genimage'?"
    """
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
