"""The trained rivals that a paper names, and what became of each here: read from ``bench/references/*.json``."""

import functools
import importlib.resources
import json
from dataclasses import dataclass
from typing import Literal

Standing = Literal["run for real", "adapter checked on random weights", "cannot be run"]


@dataclass(frozen=True)
class Rival:
    """A trained detector that a paper compares with.

    Args:
        printed: What the paper calls it.
        detector: As ``--detectors`` takes it.
        standing: ``run for real`` where this suite trains it, and has trained and tested it on photographs;
            ``adapter checked on random weights`` where its weights have to be given, and the published network and
            layout of the file were rebuilt to check the adapter; else ``cannot be run``.
        note: What else it takes, or why it cannot be run.
    """

    printed: str
    detector: str
    standing: Standing
    note: str


@functools.cache
def rivals_of(source: str) -> tuple[Rival, ...]:
    """Returns the rivals that a paper names, in its order; none where its file names none.

    Args:
        source: Name of the paper's reference file, without its ending.
    """
    file = importlib.resources.files("bench.references") / f"{source}.json"
    return tuple(Rival(**entry) for entry in json.loads(file.read_text(encoding="utf-8")).get("rivals", ()))
