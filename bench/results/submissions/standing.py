"""Which submissions have a row on a board, and which confirm or contradict another one."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from bench.results.submissions.agreement import Cells, Difference, difference_of
from bench.store.findings import Finding, Severity


@dataclass(frozen=True)
class Origin:
    """Where a submission comes from.

    Args:
        submitter: The repository without its host, such as ``owner/name``; with it where two differ in it alone.
        repository: Its address.
        folder: Where it lies among the submissions.
    """

    submitter: str
    repository: str
    folder: str

    @property
    def owner(self) -> str:
        """Tells submitters apart; hosts of repositories do not heed capital letters."""
        return self.repository.casefold()


@dataclass(frozen=True)
class Scored:
    """The scores of a submission, and what they are of.

    Args:
        detector: What the submitter calls it.
        key: Alike for submissions of one configured detector; of scores from elsewhere, for those of one name.
        scores_only: Whether they came from elsewhere, as those of a closed detector.
    """

    origin: Origin
    detector: str
    key: str
    scores_only: bool
    cells: Cells


@dataclass(frozen=True)
class Companion:
    """A submission that has no row of its own, as its scores are those of one that has.

    Args:
        difference: The largest one.
        confirms: Whether it is another submitter's.
    """

    origin: Origin
    difference: Difference
    confirms: bool


@dataclass
class Standing:
    """A submission with a row on a board.

    Args:
        label: What the board calls it.
        companions: Those with the same scores.
    """

    scored: Scored
    label: str = ""
    companions: list[Companion] = field(default_factory=list)

    @property
    def confirmations(self) -> int:
        """How many other submitters have the same scores."""
        return len({companion.origin.owner for companion in self.companions if companion.confirms})


@dataclass(frozen=True)
class Disagreement(Finding):
    """Two submissions of one configured detector with different scores, each with a row of its own.

    Args:
        image: The sha256 of the one on which they differ most.
    """

    first: str
    second: str
    difference: Difference
    image: str
    severity: ClassVar[Severity] = "warning"


def standings_of(submissions: Sequence[Scored], reserved: Sequence[str] = ()) -> list[Standing]:
    """Gives rows to submissions, and puts beside each the ones with its scores.

    Of submissions with equal scores that of most conditions and seeds has the row, then the first by folder. Labels
    are told apart by submitter, and where that is not enough by folder; ``reserved`` are names of other rows.
    """
    standings: list[Standing] = []
    for scored in sorted(submissions, key=lambda one: (-len(one.cells), one.origin.folder)):
        companion = next(_companions(scored, standings), None)
        if companion is None:
            standings.append(Standing(scored))
        else:
            standing, difference = companion
            other = standing.scored.origin.owner != scored.origin.owner
            standing.companions.append(Companion(scored.origin, difference, other))
    standings.sort(key=lambda standing: standing.scored.origin.folder)
    for standing, label in zip(standings, _labels([one.scored for one in standings], reserved), strict=True):
        standing.label = label
    return standings


def disagreements_of(standings: Sequence[Standing], images: Sequence[str]) -> list[Disagreement]:
    """Finds rows of one configured detector whose scores differ; ``images`` are the sha256 of the task's.

    Of scores from elsewhere nobody knows whether one name means one detector.
    """
    found = []
    for number, first in enumerate(standings):
        for second in standings[number + 1 :]:
            if first.scored.scores_only or first.scored.key != second.scored.key:
                continue
            difference = difference_of(first.scored.cells, second.scored.cells)
            if difference is not None and not difference.within:
                found.append(Disagreement(first.label, second.label, difference, images[difference.image]))
    return found


def short_names(repositories: Iterable[str]) -> dict[str, str]:
    """Names submitters by their repositories: owner and name, with the host where two differ in it alone.

    Examples:
        >>> short_names(["https://github.com/a/b", "https://github.com/c/d", "https://example.org/c/d"]).values()
        dict_values(['a/b', 'github.com/c/d', 'example.org/c/d'])
    """
    names = {url: url.partition("://")[2] or url for url in repositories}
    paths = {url: name.partition("/")[2] or name for url, name in names.items()}
    counts = Counter(path.casefold() for path in paths.values())
    return {url: path if counts[path.casefold()] == 1 else names[url] for url, path in paths.items()}


def _companions(scored: Scored, standings: Sequence[Standing]) -> Iterator[tuple[Standing, Difference]]:
    for standing in standings:
        if scored.key == standing.scored.key:
            difference = difference_of(standing.scored.cells, scored.cells)
            if difference is not None and difference.within:
                yield standing, difference


def _labels(submissions: Sequence[Scored], reserved: Sequence[str]) -> list[str]:
    names = [scored.detector for scored in submissions]
    for attribute in ("submitter", "folder"):
        counts = Counter([*names, *reserved])
        names = [
            f"{scored.detector} ({getattr(scored.origin, attribute)})" if counts[name] > 1 else name
            for name, scored in zip(names, submissions, strict=True)
        ]
    counts = Counter([*names, *reserved])
    return [f"{name} #{number}" if counts[name] > 1 else name for number, name in enumerate(names, start=1)]
