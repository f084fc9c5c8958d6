"""Says which real images each generator faces, and which generators are in no mean."""

from collections.abc import Sequence

from bench.report.words import MOST_NAMED, named
from bench.store.contrasts import averaged
from bench.store.panel import Panel

TOGETHER = (
    "AUROC depends on which photographs a generator faces: --pair-by-name or --pairs FILE lets each face its own."
)
UNLIKE = "AUROC depends on which photographs a generator faces, so a part of what differs between these is theirs."


def facing_notes(panel: Panel, condition: str, always: bool = True) -> list[str]:
    """Writes who faces whom under a condition, a sentence or two a note.

    Without ``always`` nothing is said where all generators face all real images and these have one source.
    """
    rules = panel.contrasts.get(condition, ())
    if not rules:
        return []
    real = panel.labels == 0
    sources = sorted(set(panel.images["generator"].filter(real)))
    counts = [int((panel.takes_part(rule) & real).sum()) for rule in rules]
    edited = _edited_note([rule.generator for rule in rules if rule.apart], any_mean=bool(averaged(rules)))
    if {*counts} == {int(real.sum())}:
        everyone = f"Every generator faces all {int(real.sum()):,} real images"
        if len(sources) > 1:
            return [f"{everyone}, of {len(sources)} sources together: {_listed(sources)}. {TOGETHER}", *edited]
        return [*([f"{everyone}."] if always else []), *edited]
    faced: dict[tuple[str, ...], list[int]] = {}
    for number, rule in enumerate(rules):
        faced.setdefault(rule.reals, []).append(number)
    pairs = []
    for reals, numbers in faced.items():
        names = [rules[number].generator for number in numbers]
        least, most = (end(counts[number] for number in numbers) for end in (min, max))
        images = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        pairs.append(f"{_listed(names)} {'faces' if len(names) == 1 else 'face'} {_listed(reals)} ({images})")
    unlike = f" {UNLIKE}" if len(faced) > 1 else ""
    return [f"Real images that generators face: {named(pairs)}.{unlike}", *edited]


def _edited_note(names: Sequence[str], any_mean: bool) -> list[str]:
    if not names:
        return []
    whole = f"Edited images, in rows of their own and outside means and ranks: {_listed(names)}."
    return [whole if any_mean else f"{whole} There is no other generator, so no mean and no rank: see --partial."]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
