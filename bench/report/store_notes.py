"""Sentences about the store itself: what its scores are of, and what of them is missing, damaged or left out."""

from bench.report.standings import SCORES_ONLY
from bench.report.words import named
from bench.results.comparison import Comparison
from bench.store.findings import (
    ChangedImages,
    Content,
    ContradictedImages,
    DamagedFiles,
    Finding,
    IgnoredFiles,
    IncompleteSeed,
    SharedTitle,
    UnknownContrasts,
    UnreadableImages,
)
from bench.store.sweeps import SweptSettings

CHOSEN = "chosen on this data"
"""The mark of a setting that a sweep tried here."""


def store_sentence(finding: Finding) -> str | None:
    """Writes a finding of the store; nothing of another one."""
    match finding:
        case UnreadableImages():
            return f"Unreadable, never scored: {named([f'{path} ({reason})' for path, reason in finding.files])}."
        case IgnoredFiles():
            kinds = ", ".join(f"{count} {ending}" for ending, count in sorted(finding.endings.items()))
            return f"Ignored for their endings: {kinds}."
        case IncompleteSeed():
            images = f"{finding.images:,} of {finding.wanted:,} images"
            return f"{finding.detector}, {finding.condition}: seed {finding.seed} has {images} and is left out."
        case ChangedImages():
            return f"{finding.images:,} images changed; the scores of their older content are left out."
        case Content():
            if finding.identity:
                return f"Data set: {finding.images:,} images, identity {finding.identity}."
            return (
                f"Data set: {finding.images:,} images, identity pending until all were read ({finding.read:,} so far)."
            )
        case SharedTitle():
            return (
                f"{finding.contents} data sets of other content are called {finding.title} in the store, each with "
                "numbers of its own: --name tells them apart."
            )
        case ContradictedImages():
            pairs = named([f"{real} = {generated}" for _, real, generated in finding.images])
            return f"Left out, as the same image is called real and generated: {pairs}."
        case DamagedFiles():
            files = named([f"{file} ({reason})" for file, reason in finding.files])
            return f"Damaged, set aside as *.damaged, and what was in it made again: {files}."
        case SweptSettings():
            return swept_words(finding)
        case UnknownContrasts():
            return "No run told which real images face which generator: all face each."
    return None


def called(comparison: Comparison, detector: str) -> str:
    """Names a detector as tables do: marked where it was set on these data, or where nothing but scores is known."""
    standing = comparison.standings.get(detector)
    if standing is not None and standing.scored.scores_only:
        return f"{detector} ({SCORES_ONLY})"
    return f"{detector} ({CHOSEN})" if detector in comparison.chosen_here else detector


def swept_words(swept: SweptSettings) -> str:
    """Says that settings are among those that were tried on this data set, and of which it makes numbers doubtful."""
    tried = f"{swept.tried} settings of {swept.method} were tried here (sweep)"
    words = [f"{named(swept.chosen)}: {CHOSEN}. {tried}, and the number of a chosen one is optimistic."]
    own = f"{', '.join(swept.default)}: not {CHOSEN}, as it is the method's own setting; {tried}."
    return " ".join([*(words if swept.chosen else []), *([own] if swept.default else [])])
