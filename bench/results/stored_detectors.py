"""Which of a store's detectors a command is about."""

from collections.abc import Collection, Mapping

from bench.errors import BenchError
from bench.store.panel import Panel


def chosen_detectors(panels: Mapping[str, Panel], detectors: Collection[str] | None) -> list[str]:
    """Returns the labels of the detectors to take, in the order of the store; all where none is named.

    Raises:
        BenchError: A detector is in no data set.
    """
    there = list(dict.fromkeys(detector for panel in panels.values() for detector, _ in panel.cells))
    unknown = [detector for detector in detectors or () if detector not in there]
    if unknown:
        raise BenchError(f"There are no scores of detector {unknown[0]!r}. Available: {', '.join(there)}.")
    return there if detectors is None else [detector for detector in there if detector in detectors]
