"""What a reader must know of a board of submitted scores."""

from dataclasses import dataclass

from bench.results.submissions.agreement import TOLERANCE
from bench.store.findings import Finding


@dataclass(frozen=True)
class FrozenTask(Finding):
    """What the scores were submitted for.

    Args:
        newest: The newest version of the task's name.
    """

    name: str
    version: int
    digest: str
    license: str
    newest: int


@dataclass(frozen=True)
class UnknownCues(Finding):
    """No image is at hand, so that no trivial cue was measured, and no detector is held against one."""


@dataclass(frozen=True)
class Confirmations(Finding):
    """When scores count as equal.

    Args:
        confirmed: How many rows others confirm.
    """

    confirmed: int
    tolerance: float = TOLERANCE
