"""Operating points of every data set of a store, and how thresholds carry over between data sets and conditions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from bench.errors import BenchError
from bench.results.summary import DRAWS
from bench.results.thresholds.calibration import Calibration, calibration
from bench.results.thresholds.halves import Halves
from bench.results.thresholds.points import OperatingPoint, points_of
from bench.results.thresholds.rules import FPR, Rule, parse_rule
from bench.results.thresholds.transfer import Cell, TransferMatrix, transfer_between
from bench.store.panel import Panel
from bench.store.schema import CLEAN


@dataclass(frozen=True)
class ThresholdStudy:
    """Operating points of every data set, and transfer matrices across data sets and conditions.

    Args:
        points: By data set.
        matrices: One for each rule ``fpr:P`` and each detector with two and more data sets or conditions.
        calibrations: By data set, of the detectors whose scores are probabilities.
    """

    points: Mapping[str, Sequence[OperatingPoint]]
    matrices: Sequence[TransferMatrix]
    calibrations: Mapping[str, Sequence[Calibration]] = field(default_factory=dict)


def study_thresholds(
    panels: Mapping[str, Panel],
    rules: Sequence[str],
    detectors: Collection[str] | None = None,
    probabilities: Collection[str] = (),
    draws: int = DRAWS,
) -> ThresholdStudy:
    """Measures detectors under threshold rules, and thresholds of ``fpr:P`` across data sets and conditions.

    Args:
        panels: By title of the data set.
        rules: ``fpr:P``, ``best`` or ``fixed:T``, at least one.
        detectors: Labels of the only detectors to take; all where it is None.
        probabilities: Labels of the detectors whose scores are probabilities, for ``fixed:T`` and calibration.
        draws: Number of bootstrap draws.

    Raises:
        BenchError: No rule is given, a rule is unknown or not for a detector, or a detector is in no data set.
    """
    parsed = list(dict.fromkeys(parse_rule(rule) for rule in rules))
    if not parsed:
        raise BenchError("No threshold rule is given: write for instance --rule fpr:5 best.")
    chosen = _chosen(panels, detectors)
    _chosen(panels, probabilities)
    halves = {title: Halves(panel, draws) for title, panel in panels.items()}
    points = {
        title: [
            point
            for detector, condition in panel.cells
            if detector in chosen
            for rule in parsed
            for point in points_of(halves[title], detector, condition, rule, detector in probabilities)
        ]
        for title, panel in panels.items()
    }
    matrices = [_matrix(panels, halves, detector, rule) for rule in parsed if rule.kind == FPR for detector in chosen]
    calibrations = {
        title: [
            one
            for detector, condition in panel.cells
            if detector in probabilities and detector in chosen
            for one in calibration(panel, detector, condition, draws, probability=True)
        ]
        for title, panel in panels.items()
    }
    return ThresholdStudy(points, [matrix for matrix in matrices if matrix], calibrations)


def _chosen(panels: Mapping[str, Panel], detectors: Collection[str] | None) -> list[str]:
    there = list(dict.fromkeys(detector for panel in panels.values() for detector, _ in panel.cells))
    unknown = [detector for detector in detectors or () if detector not in there]
    if unknown:
        raise BenchError(f"There are no scores of detector {unknown[0]!r}. Available: {', '.join(there)}.")
    return there if detectors is None else [detector for detector in there if detector in detectors]


def _matrix(
    panels: Mapping[str, Panel], halves: Mapping[str, Halves], detector: str, rule: Rule
) -> TransferMatrix | None:
    """Takes every data set and condition that has the detector; none where there is one alone."""
    found = [
        (title, Cell(_name(title, condition, len(panels)), panel, detector, condition))
        for title, panel in panels.items()
        for label, condition in panel.cells
        if label == detector
    ]
    if len(found) < 2:
        return None
    cells = [cell for _, cell in found]
    return transfer_between(cells, [halves[title] for title, _ in found], rule.value or 0.0, rule.title)


def _name(title: str, condition: str, n_panels: int) -> str:
    if n_panels == 1:
        return condition
    return title if condition == CLEAN else f"{title}, {condition}"
