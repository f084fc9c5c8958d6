"""Says what goes on while nothing else is seen: lines on standard error, of the command line's first process alone.

A phase has a line once it has lasted two seconds, so that short runs stay short and long ones are not silent. Several
stretches under the same words count as one. Python programs that use the suite as a library see nothing: :func:`show`
turns the lines on, and the command line alone calls it. They are written where standard error is no terminal, too:
whoever reads a job's log wants to know where it is.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import ClassVar

from bench.scoring.machine.signals import is_first_process

SILENCE = 2.0
"""Seconds that a phase may last without a line."""
IMPORTS = "Importing libraries"
STARTED = time.monotonic()
"""When this process began, or a moment later: the command line imports this before anything heavy."""


class _State:
    """Of this process."""

    shown = False
    now: "_Phase | None" = None
    said = ""
    spent: ClassVar[dict[str, float]] = {}


class _Phase:
    """A stretch of work, with the timer that has a line written when it takes long."""

    def __init__(self, words: str) -> None:
        self.words, self.began = words, time.monotonic()
        self.left = max(0.0, SILENCE - _State.spent.get(words, 0.0))
        self.timer = Timer(self.left, self.tell)
        self.timer.daemon = True

    def begin(self) -> None:
        """Has the line written in time; at once where earlier stretches have taken as long as may be."""
        self.timer.start() if self.left else self.tell()

    def tell(self) -> None:
        """Writes the line, if this is still what goes on and has none yet."""
        if self is _State.now and _State.said != self.words:
            _print(self.words)

    def end(self) -> None:
        self.timer.cancel()
        _State.spent[self.words] = _State.spent.get(self.words, 0.0) + time.monotonic() - self.began


def show(wanted: bool) -> None:
    """Turns the lines on or off; the other processes of a run never write any."""
    end()
    _State.shown, _State.said = wanted and is_first_process(), ""
    _State.spent.clear()


def say(words: str) -> None:
    """Writes a line at once."""
    end()
    if _State.shown:
        _print(words)


def warn(words: str) -> None:
    """Writes what should be known before hours of work, not after them."""
    end()
    if _State.shown:
        print(f"Warning: {words}", file=sys.stderr, flush=True)


def begin(words: str) -> None:
    """Begins a phase that lasts until the next one: imports, which a function makes one by one, have no block."""
    end()
    if _State.shown:
        _State.now = _Phase(words)
        _State.now.begin()


def end() -> None:
    """Ends the phase that there is."""
    if _State.now is not None:
        _State.now.end()
        _State.now = None


@contextmanager
def phase(words: str) -> Iterator[None]:
    """Makes a phase of a block, or of the function that this decorates; one within it ends it."""
    begin(words)
    try:
        yield
    finally:
        end()


@contextmanager
def silent() -> Iterator[None]:
    """Writes no lines meanwhile: what runs inside is not what was asked for."""
    end()
    shown, _State.shown = _State.shown, False
    try:
        yield
    finally:
        end()
        _State.shown = shown


def _print(words: str) -> None:
    _State.said = words
    _State.spent.clear()
    print(f"{words} ...", file=sys.stderr, flush=True)


def plan_words(images: int, absent: int) -> str:
    """Says what a run has before it.

    Examples:
        >>> plan_words(402, 804), plan_words(402, 0)
        ('402 images, 804 scores to compute', '402 images, whose scores are all in the store')
    """
    return f"{images:,} images, {f'{absent:,} scores to compute' if absent else 'whose scores are all in the store'}"
