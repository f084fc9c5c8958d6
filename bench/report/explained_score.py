"""What a score says of one picture, in a sentence for who knows nothing of scores; and when it says nothing."""

import math
from collections.abc import Iterator, Mapping

from bench.report.numbers import cell
from bench.results.reference_set import Reference, Standing, percent
from bench.statistics.number import ABOVE, Number

LEVEL = 0.05
"""A share of real images up to this is called unusual, and false alarms are foretold for it."""
COUNTED = 200
"""So many real images are counted one by one, more in hundredths."""


def explained(standing: Standing, auroc: Number) -> str:
    r"""Explains how an image stands among real ones, and what that does not prove.

    Args:
        standing: Of the image.
        auroc: Of the detector on the data set of these real images.

    Examples:
        >>> print(explained(Standing("demo", 64, 100, 64, 100), Number(0.9)).replace(": ", ":\n"))
        64 of 100 real photographs of demo score at least as high as yours:
        nothing unusual. This cannot prove a picture real.
    """
    counted = f"{_counted(standing)} at least as high as yours"
    if at_or_below_chance(auroc):
        return (
            f"{counted}. This says nothing of your picture: on {standing.dataset} the detector does not tell generated "
            f"images from real ones (AUROC {auroc.value:.2f}, where guessing has 0.50)."
        )
    if standing.share <= LEVEL:
        return (
            f"{counted}: unusual for a real photograph of that kind. This cannot prove a picture generated: about "
            f"{percent(LEVEL)} of real ones look as unusual."
        )
    return f"{counted}: nothing unusual. This cannot prove a picture real."


def chance_warnings(references: Mapping[str, Reference]) -> Iterator[str]:
    """Yields a warning for each detector that knew nothing of the stored images, or turned them round."""
    for label, reference in references.items():
        if at_or_below_chance(reference.auroc):
            standing = reference.auroc.chance_words or "not above chance"
            yield (
                f"{label}: on {reference.dataset} its AUROC is {cell(reference.auroc)}, {standing}: there it does not "
                "tell generated images from real ones, so its scores say nothing of yours."
            )


def at_or_below_chance(auroc: Number) -> bool:
    """Says whether an AUROC is not known to be above chance; without an interval the value decides."""
    if math.isnan(auroc.value):
        return False
    return auroc.value <= 0.5 if auroc.against_chance is None else auroc.against_chance != ABOVE


def _counted(standing: Standing) -> str:
    of = f"real photographs of {standing.dataset}"
    if not standing.higher:
        return f"None of {standing.reals:,} {of} scores"
    if standing.reals <= COUNTED:
        return f"{standing.higher} of {standing.reals} {of} {'score' if standing.higher > 1 else 'scores'}"
    of_hundred = round(100 * standing.higher / standing.reals)
    return f"About {of_hundred} of 100 {of} score" if of_hundred else f"Fewer than 1 of 100 {of} score"
