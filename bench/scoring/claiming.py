"""Plans a run so that no two at once compute the same scores of one data set."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from bench.store.claims import Claim, Claims
from bench.store.damage import PARTS
from bench.store.schema import Scoring

Planned = TypeVar("Planned")


class Claiming:
    """What this run has claimed, as a context that gives it up at its end."""

    def __init__(self) -> None:
        self._claims: Claims | None = None

    def __enter__(self) -> "Claiming":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._claims is not None:
            self._claims.release()

    def plan(
        self, folder: Path, plan: Callable[[], Planned], absent: Callable[[Planned], Sequence[Scoring]]
    ) -> Planned:
        """Makes a plan whose missing scores are claimed; where another run computes some, it is waited for first.

        While it waits, this run holds no claim, so that no two wait for each other.

        Args:
            folder: The data set's in the store.
            plan: Reads the store and makes the plan; called again when the store has changed.
            absent: Takes from a plan the scorings that lack scores.
        """
        self._claims = Claims(folder)
        while True:
            there = _parts(folder)
            planned = plan()
            if not absent(planned):
                return planned
            other = self._claims.take(absent(planned))
            if other is not None:
                print(_waiting(other), file=sys.stderr, flush=True)
                other.wait()
                continue
            if _parts(folder) != there:  # another run ended before this one claimed
                planned = plan()
            return planned


def _parts(folder: Path) -> set[Path]:
    return set(folder.glob(f"*/{PARTS}"))


def _waiting(claim: Claim) -> str:
    names = ", ".join(name if name.isprintable() else ascii(name) for name in claim.detectors)
    return (
        f"Waiting for process {claim.process} on {claim.host}, which scores images of this data set with {names}; "
        "then this run goes on with what is left."
    )
