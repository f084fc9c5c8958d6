"""The rank of every detector under each condition."""

from collections.abc import Collection, Mapping
from functools import cache, partial

import numpy as np

from bench.results.estimates import influences_of
from bench.results.summary import MEAN, Summary, main_row
from bench.scoring.machine.phases import phase
from bench.statistics.bootstrap import groups_reason
from bench.statistics.influence import InfluenceValues, combined
from bench.statistics.metrics import undefined_reason
from bench.statistics.ranking import InCommon, Ranking, rank_detectors
from bench.store.contrasts import ContrastRule, averaged
from bench.store.facts import Facts
from bench.store.panel import Bools, Panel


class CommonImages:
    """What two detectors are compared on where one lacks images of the other: the images that both have."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self._readable = cache(panel.readable)
        self._known: dict[tuple[str, str, str, bytes], InfluenceValues | None] = {}

    def pair(self, condition: str, first: str, second: str, generator: str) -> InCommon | None:
        """Looks at the images of a generator, or of all for the mean; None where both have the same ones."""
        differ = self._readable(first, condition) != self._readable(second, condition)
        if not differ.any() or not (differ & self._faced(condition, generator)).any():
            return None
        within = self.within(condition, first, second)
        images = int((within & self._faced(condition, generator)).sum())
        return InCommon(images, *(self.influence(label, condition, generator, within) for label in (first, second)))

    def within(self, condition: str, first: str, second: str) -> Bools:
        """Says which images both have, ``(n,)``."""
        return self._readable(first, condition) & self._readable(second, condition)

    def influence(self, detector: str, condition: str, generator: str, within: Bools) -> InfluenceValues | None:
        """Makes a detector's influence values on some images, ``(n,)``; None where they are too few for an interval."""
        key = (detector, condition, generator, np.packbits(within).tobytes())
        if key not in self._known:
            parts = [self.panel.part(detector, condition, rule, within) for rule in self._rules(condition, generator)]
            if any(undefined_reason(part.labels) or groups_reason(*part.n_groups) for part in parts):
                self._known[key] = None
            else:
                self._known[key] = combined([influences_of(part, ["auroc"])["auroc"] for part in parts])
        return self._known[key]

    def _rules(self, condition: str, generator: str) -> list[ContrastRule | None]:
        rules = self.panel.contrasts[condition]
        faced = averaged(rules) if generator == MEAN else [rule for rule in rules if rule.generator == generator]
        return [*faced] or [None]

    def _faced(self, condition: str, generator: str) -> Bools:
        masks = [self.panel.takes_part(rule) for rule in self._rules(condition, generator)]
        return np.asarray(np.any(masks, axis=0))


def drawing_of(detectors: Mapping[str, Facts]) -> set[str]:
    """Names the detectors whose seeds draw something that all images share; one of an older store may."""
    return {label for label, facts in detectors.items() if facts.get("shared_draw", True)}


@phase("Comparing detectors with each other")
def rankings_of(
    summary: Summary,
    panel: Panel,
    left_out: Collection[tuple[str, str]] = (),
    drawing: Collection[str] = (),
) -> dict[str, Ranking]:
    """Ranks detectors by the AUROC of `main_row` under each condition; cells left out have none.

    ``drawing`` are the detectors of which `drawing_of` speaks.
    """
    influences: dict[str, dict[str, Mapping[str, InfluenceValues]]] = {}
    targets: dict[str, str] = {}
    for (detector, condition), rows in summary.cells.items():
        row = main_row(rows.values())
        if (detector, condition) not in left_out and row is not None:
            known = summary.influences.get((detector, condition), {})
            whole = {name: values for name, values in known.items() if row.apart or not rows[name].apart}
            influences.setdefault(condition, {})[detector] = whole
            if MEAN in rows or condition not in targets:
                targets[condition] = row.generator
    common = CommonImages(panel)
    return {
        condition: rank_detectors(influences[condition], target, partial(common.pair, condition), drawing)
        for condition, target in targets.items()
    }
