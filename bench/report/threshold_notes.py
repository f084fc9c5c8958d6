"""What a reader must know of operating points and transfer matrices, a sentence each."""

from collections.abc import Sequence

from bench.report.false_alarms import narrow_notes
from bench.results.thresholds.calibration import BINS
from bench.results.thresholds.points import OperatingPoint
from bench.results.thresholds.shares import BOOTSTRAP, CLOPPER_PEARSON
from bench.results.thresholds.study import ThresholdStudy, TransferMatrix

CALIBRATION_NOTE = (
    f"ECE: expected calibration error over {BINS} bins, of equal widths and of equal numbers of images; in brackets "
    "what chance alone would give if the probabilities were right. Both classes count as they are in the data."
)
TRANSFER_NOTE = (
    "Transfer: each row fits its threshold to held-out real groups, each column measures on the other half, on the "
    "diagonal too. Within a data set whose generators face the same real images it says nothing across generators."
)


def threshold_notes(study: ThresholdStudy) -> list[str]:
    """Says what a reader must know, a sentence each."""
    where = {title: f"{title}: " if len(study.points) > 1 else "" for title in study.points}
    notes = [note for title, points in study.points.items() for note in _point_notes(points, where[title])]
    return [*dict.fromkeys([*notes, *narrow_notes(study)]), *transfer_notes(study.matrices)]


def _point_notes(points: Sequence[OperatingPoint], where: str) -> list[str]:
    """Says what a reader must know of the rules of one data set, and why a number is missing.

    ``where`` begins the sentences that are about these points alone, such as ``"imagenet: "``.
    """
    kinds = {point.rule.partition(":")[0].partition(" ")[0] for point in points}
    notes = ["An image is called generated where its score lies above the threshold."]
    if "fpr" in kinds:
        notes.append(
            "fpr:P: the smallest threshold with at most P % of a held-out half of the real groups above it, one for "
            "all generators; held-out groups take no part in any number, and the threshold is fitted again in each "
            "bootstrap draw."
        )
        notes += [where + note for note in _expectations(points)]
    if "best" in kinds:
        notes.append(
            "best (oracle): the threshold with the highest balanced accuracy on the very test images, one for each "
            "generator: optimistic, its interval too."
        )
    if any(point.fpr_interval == CLOPPER_PEARSON for point in points):
        notes.append("The interval of the realised FPR is Clopper-Pearson's for the one threshold that was fitted.")
    if any(point.fpr_interval == BOOTSTRAP and point.numbers["fpr"].interval for point in points):
        notes.append(
            "Where the threshold is the oracle's or from few real images, real images share groups, or generators face "
            "different ones, the interval of the FPR is the bootstrap's."
        )
    if any(number.seeds_sd is not None for point in points for number in point.numbers.values()):
        notes.append(
            "±: standard deviation over seeds, each with its own threshold. Intervals are over images and seeds, but "
            "those of the threshold and Clopper-Pearson's over images alone."
        )
    return [*notes, *(where + note for note in _absences(points))]


def transfer_notes(matrices: Sequence[TransferMatrix]) -> list[str]:
    """Says what a reader must know of transfer matrices, and why an entry is missing, or a whole row."""
    notes = [TRANSFER_NOTE] if matrices else []
    for matrix in matrices:
        for source in matrix.names:
            where = f"{matrix.detector}, {matrix.rule}, fitted on {source}"
            reasons = {f", measured on {target}": matrix.entries[source, target].reason for target in matrix.names}
            if len(set(reasons.values())) == 1:
                reasons = {"": next(iter(reasons.values()))}
            notes += [f"{where}{target}: n/a, {reason}." for target, reason in reasons.items() if reason]
    return notes


def _expectations(points: Sequence[OperatingPoint]) -> list[str]:
    exact = {
        (point.rule, point.n_held_out, point.expected_fpr, point.expected_range)
        for point in points
        if point.expected_fpr is not None and point.expected_range is not None and point.calibrated_with is None
    }
    return [
        f"{rule} from {n} held-out images is expected to realise {100 * expected:.2f} % on further real images "
        f"({100 * low:.2f} to {100 * high:.2f} % in 95 % of such sets): the rule counts the held-out ones alone."
        for rule, n, expected, (low, high) in sorted(exact)
    ]


def _absences(points: Sequence[OperatingPoint]) -> list[str]:
    """Says why numbers are missing, once for all detectors of which the same is to be said."""
    detectors: dict[str, dict[str, None]] = {}
    for point in points:
        where = f"{point.condition}, {point.rule}"
        if point.calibrated_with and not point.refused:
            continue  # a table of its own has these, and their notes
        if point.reason:
            alone = "" if point.refused else f", {point.generator}"
            detectors.setdefault(f"{where}{alone}: n/a, {point.reason}.", {})[point.detector] = None
            continue
        for number in point.numbers.values():
            if number.interval is None:
                words = f"{where}, {point.generator}: no interval, {number.reason}."
                detectors.setdefault(words, {})[point.detector] = None
    return [f"{', '.join(names)}, {words}" for words, names in detectors.items()]
