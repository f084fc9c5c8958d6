"""The sentences around the rows: what was scored with what, and how far the numbers carry."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.results.reference_set import Reference, percent
from bench.scoring.files import ScoredImage, Scorer

LEVEL = 0.05
"""The level for which false alarms are foretold."""


@dataclass
class Tally:
    """Counts rows as they pass.

    Args:
        scored: Images with scores.
        unreadable: Images that could not be read.
        low: By detector, images whose share of the reference set is at most :data:`LEVEL`.
        known: Images that are in the reference set themselves.
    """

    scored: int = 0
    unreadable: int = 0
    low: Counter[str] = field(default_factory=Counter)
    known: int = 0

    def add(self, row: ScoredImage, references: Mapping[str, Reference]) -> None:
        """Counts a row."""
        if row.reason is not None:
            self.unreadable += 1
            return
        self.scored += 1
        self.known += any(row.sha256 in reference.sha256 for reference in references.values())
        for label, reference in references.items():
            self.low[label] += reference.standing(row.scores[label]).share <= LEVEL


def notes_before(scorer: Scorer, references: Mapping[str, Reference]) -> Iterator[str]:
    """Yields what a reader must know of the scores and of the reference set."""
    views = ", ".join(f"{entry.scoring.detector}: {entry.detector.view}" for entry in scorer.entries)
    yield (
        f"Scores with {scorer.options.backbone}, seed {scorer.seed}, {scorer.data.preprocessing}, views {views}. "
        f"Higher means more likely generated; a score alone is neither a probability nor a verdict."
    )
    for label, one in references.items():
        n = len(one.scores)
        groups = f" in {one.groups:,} independent groups" if one.groups < n else ""
        yield (
            f"{label}: compared with {n:,} real images of {one.dataset}{groups}. A share is (1 + number of them that "
            f"score at least as high) / {n + 1:,}."
        )
    for dataset in dict.fromkeys(one.dataset for one in references.values()):
        yield (
            f"The shares hold only for pictures of the kind of the real images of {dataset}: the same sources, sizes "
            f"and compression. Of any other picture they say nothing, and of none that it is generated or real."
        )


def notes_after(tally: Tally, references: Mapping[str, Reference]) -> Iterator[str]:
    """Yields how many false alarms to expect in the batch."""
    if references and tally.scored:
        expected = LEVEL * tally.scored
        words = f"{expected:,.0f}" if expected >= 10 else f"{expected:.2g}"
        yield (
            f"False alarms to expect: if all {tally.scored:,} images were real and of that kind, about {words} "
            f"({percent(LEVEL)} of them) would have a share of {percent(LEVEL)} or less, with each detector. "
            f"Here: {', '.join(f'{label} {tally.low[label]:,}' for label in references)}."
        )
    for label, one in references.items():
        least = 1 / (len(one.scores) + 1)
        if least > LEVEL:
            yield (
                f"{label}: with {len(one.scores)} real images no share is below {percent(least)}: too few for the "
                f"{percent(LEVEL)} level."
            )
    if tally.known:
        yield f"In the reference set themselves: {tally.known:,} of the images; each is counted among its own reals."


def problems(tally: Tally, ignored: Mapping[str, int]) -> Sequence[str]:
    """Returns what could not be scored, or was left out by its name."""
    lines = []
    if tally.unreadable:
        lines.append(f"{tally.unreadable:,} of {tally.unreadable + tally.scored:,} images could not be read.")
    if ignored:
        kinds = ", ".join(f"{name} {count:,}" for name, count in Counter(ignored).most_common(5))
        more = ", ..." if len(ignored) > 5 else ""
        lines.append(f"Left out, as their names are not those of images: {kinds}{more}.")
    return lines
