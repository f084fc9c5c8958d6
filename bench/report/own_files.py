"""The sentences around the rows of one's own images."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.report.explained_score import LEVEL
from bench.report.notes import finding_notes, nothing_words
from bench.report.numbers import cell
from bench.results.concerns import find_scaled_images
from bench.results.reference_set import Reference, percent
from bench.results.unread import NothingRead
from bench.scoring.files import ScoredImage, Scorer


@dataclass
class Tally:
    """Counts rows as they pass.

    Args:
        low: By detector, images whose share of the reference set is at most :data:`LEVEL`.
        known: Images that are in the reference set themselves.
    """

    scored: int = 0
    unreadable: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    low: Counter[str] = field(default_factory=Counter)
    known: int = 0

    def add(self, row: ScoredImage, references: Mapping[str, Reference]) -> None:
        """Counts a row."""
        if row.reason is not None:
            self.unreadable += 1
            self.reasons[row.reason] += 1
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
    yield from finding_notes(find_scaled_images(scorer.entries, scorer.data))
    for label, reference in references.items():
        n, independent = len(reference.scores), len(reference.highest)
        groups = f" in {independent:,} independent groups" if independent < n else ""
        counted = "groups with an image that scores" if groups else "them that score"
        yield (
            f"{label}: compared with {n:,} real images of {reference.dataset}{groups}. A share is (1 + number of "
            f"{counted} at least as high) / {independent + 1:,}."
        )
        if not math.isnan(reference.auroc.value):
            standing = f": {reference.auroc.chance_words}" if reference.auroc.chance_words else ""
            yield f"{label}: AUROC on {reference.dataset} {cell(reference.auroc)}{standing}."
    for dataset in dict.fromkeys(reference.dataset for reference in references.values()):
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
    for label, reference in references.items():
        n = len(reference.highest)
        least, (low, high) = 1 / (n + 1), reference.alarm_range(LEVEL)
        if least > LEVEL:
            few = f"too few for the {percent(LEVEL)} level"
            yield f"{label}: with {n} independent real images no share is below {percent(least)}: {few}."
        else:
            yield (
                f"{label}: that is an average over reference sets; with {n:,} independent images it is between "
                f"{percent(low)} and {percent(high)} for a given one (95 %)."
            )
    if tally.known:
        yield f"In the reference set themselves: {tally.known:,} of the images; each is counted among its own reals."


def problems(tally: Tally, ignored: Mapping[str, int]) -> Sequence[str]:
    """Returns what could not be scored, or was left out by its name."""
    lines = []
    if tally.unreadable and not tally.scored:
        lines.append(nothing_words(NothingRead(tally.unreadable, tally.reasons)))
    elif tally.unreadable:
        lines.append(f"{tally.unreadable:,} of {tally.unreadable + tally.scored:,} images could not be read.")
    if ignored:
        kinds = ", ".join(f"{name} {count:,}" for name, count in Counter(ignored).most_common(5))
        more = ", ..." if len(ignored) > 5 else ""
        lines.append(f"Left out, as their names are not those of images: {kinds}{more}.")
    return lines


def appended(file: str, labels: Sequence[str], rows: int, tally: Tally) -> str:
    """Says where the scores of a table's rows went."""
    columns = f"column{'s' if len(labels) > 1 else ''} {', '.join(labels)}"
    images = f"{rows:,} rows, {tally.scored + tally.unreadable:,} images, {tally.scored:,} of them scored"
    return f"Written: {file}, with the {columns} ({images}; a row without a score is empty)."
