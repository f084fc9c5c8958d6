"""Sentences that say the same of many things, joined into one for all of them."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from bench.results.concerns import DetectorConcern
from bench.results.leaderboard import UnrankedDetector
from bench.results.summary import MEAN, Summary
from bench.statistics.metrics import METRICS, shown_metrics
from bench.store.findings import Finding
from bench.store.schema import CLEAN

MOST_LISTED = 3
"""Things that a joined sentence lists; more are counted."""
_NUMBER = re.compile(r"(?<![\w.,=:-])\d+(?:[.,]\d+)*(?![\w%])")


def joined(facts: Iterable[tuple[str, str]], things: str) -> list[str]:
    """Writes a sentence for all things of which the same is said, but for numbers, whose range is given.

    Args:
        facts: A thing and what is said of it.
        things: What they are called, in the plural.

    Examples:
        >>> joined([("sd14", "no interval, 8 groups"), ("adm", "no interval, 7 groups"), ("gan", "n/a")], "generators")
        ['sd14, adm: no interval, 7 to 8 groups.', 'gan: n/a.']
        >>> joined([(f"gen{number}", "no interval") for number in range(13)], "generators")
        ['13 generators (gen0, gen1, gen2, ...): no interval.']
    """
    alike: dict[str, dict[tuple[str, str], None]] = {}
    for thing, words in facts:
        alike.setdefault(_NUMBER.sub("#", words), {})[thing, words] = None
    groups = [tuple(zip(*same, strict=True)) for same in alike.values()]
    return [f"{_listed(names, things)}: {_merged(words)}." for names, words in groups]


def joined_concerns(findings: Iterable[Finding]) -> Iterator[str]:
    """Writes what detectors think of their own scores, once for each detector and thought."""
    concerns = sorted((one for one in findings if isinstance(one, DetectorConcern)), key=lambda one: one.detector)
    for detector, of_detector in groupby(concerns, key=lambda one: one.detector):
        facts = [
            (f"seed {one.seed}" + ("" if one.condition == CLEAN else f", {one.condition}"), one.words)
            for one in of_detector
        ]
        yield from (f"{detector}, {sentence}" for sentence in joined(facts, "seeds and conditions"))


def joined_unranked(findings: Iterable[Finding]) -> list[str]:
    """Says of detectors that are not ranked why, once for each reason."""
    unranked = [finding for finding in findings if isinstance(finding, UnrankedDetector)]
    facts = [(finding.detector, f"not ranked, {finding.coverage or finding.reason}") for finding in unranked]
    return joined(facts, "detectors")


def missing_intervals(summary: Summary) -> list[str]:
    """Says of which generators an AUROC, or its interval, is missing, and why."""
    facts = list[tuple[str, str]]()
    for row in summary.rows:
        number = row.numbers["auroc"]
        if number.reason:
            absent = "n/a" if math.isnan(number.value) else "no interval"
            reason = ", as some generators have none" if row.generator == MEAN and facts else f", {number.reason}"
            facts.append((row.generator, absent + reason))
    return joined(facts, "generators")


def missing_elsewhere(summary: Summary) -> list[str]:
    """Says where another metric has no interval although AUROC has one, and why."""
    facts = [
        (f"{row.detector}, {row.condition}, {row.generator}", f"no interval of {METRICS[metric].title}, {reason}")
        for row in summary.rows
        if not row.numbers["auroc"].reason
        for metric in shown_metrics()[1:]
        if (reason := row.numbers[metric].reason)
    ]
    return joined(facts, "rows")


def _listed(names: Sequence[str], things: str) -> str:
    """Names a few things; of many says how many they are, and the first."""
    names = list(dict.fromkeys(names))
    mark = "; " if any("," in name for name in names) else ", "
    listed = mark.join(names[:MOST_LISTED])
    return listed if len(names) <= MOST_LISTED else f"{len(names)} {things} ({listed}{mark}...)"


def _merged(sentences: Sequence[str]) -> str:
    """Writes several sentences that differ in numbers alone as one, with the range of each number."""
    ranges = []
    for numbers in zip(*map(_NUMBER.findall, sentences), strict=True):
        least, most = min(numbers, key=_value), max(numbers, key=_value)
        ranges.append(least if least == most else f"{least} to {most}")
    ends = iter(ranges)
    return _NUMBER.sub(lambda _: next(ends), sentences[0])


def _value(number: str) -> float:
    return float(number.replace(",", ""))
