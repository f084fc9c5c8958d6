"""Every sentence around a table, made from findings and from what runs keep."""

from collections import Counter
from collections.abc import Iterable

from bench.report.facing import facing_notes
from bench.report.generator_sample import sample_notes
from bench.report.images import seen_words, worst_words
from bench.report.joined import joined_concerns, joined_unranked, missing_elsewhere, missing_intervals
from bench.report.numbers import cell
from bench.report.store_notes import store_sentence
from bench.report.submission_notes import submission_sentence
from bench.report.words import MOST_NAMED, named
from bench.results.comparison import Comparison
from bench.results.concerns import DetectorConcern, InvertedLogits, ScaledImages
from bench.results.cues.opponents import SIGNIFICANT
from bench.results.groupings import ALONE, OtherGroups, VideoFrames
from bench.results.leaderboard import UnrankedDetector, boards_of
from bench.results.precision_effect import PrecisionEffect
from bench.results.real_sources import WorstRealSources, worst_sources
from bench.results.seen import UnseenMean
from bench.results.seen_images import SeenImages
from bench.results.summary import DRAWS, Summary
from bench.results.unread import NothingRead
from bench.scoring.findings import FittedEnsemble, MatchedImages, ProbedBlocks, TiedScores, TrainedGroups
from bench.scoring.options import EXACT
from bench.statistics.metrics import shown_metrics
from bench.store.facts import Facts
from bench.store.findings import Finding
from bench.store.schema import CLEAN

DEMO = (
    "The demo shows that the suite works: photographs against images of two small neural generators, which say "
    "nothing about modern ones."
)
POSITIVE_CLASS = (
    "AP (generated) has the generated images as its positive class, AP (real) the real ones, as in the published code "
    "of WePe and RIGID."
)
INTERVALS = (
    "[low, high]: 95 % interval over groups of images (images that share a source are one group) and seeds: of AUROC "
    f"from placement values, of AP from derivatives by the images' weights, of other metrics from {DRAWS} bootstrap "
    "draws, the same for all detectors, generators and conditions. They are not adjusted for their number."
)
WORST_CUE = (
    "Worst cue: of file ending, format, JPEG quality, size, bytes per pixel, blockiness, brightness, contrast, "
    "saturation and Laplacian energy the one that tells the classes apart best, cross-fitted. All cues: a logistic "
    "regression on them, cross-fitted."
)
AGAINST_CUES = (
    f"A detector is 'above' where a paired test at {SIGNIFICANT:.0%} puts it above every cue, and above all cues "
    "together; 'below' where one of the cues is better (Holm over the cues). One that is not above may have measured "
    "nothing else. These words are not adjusted for the number of detectors and generators."
)
SAME_CROP = (
    "A seed is one of the method's own draws: all see the same crop of an image, whose chance is not in ± (it is with "
    "--crop-seeds)."
)
NO_CROP = "A seed is one of the method's own draws; no picture is cropped at random."
RECROPPED = "A seed draws the method's noise and another random crop of each image: ± has the chance of both."
ONE_SEED = "Conditional on seed 0: what a method draws once for all images does not average out."
FUSED = {
    "zscore": "mean of the members' robust z-scores (median and MAD)",
    "minp": "minus the logarithm of the members' least p-value (no p-value itself: members depend on each other)",
    "stouffer": "Stouffer's sum of the members' p-values (no p-value itself: members depend on each other)",
}
"""What each way of fusing makes of its members."""


def comparison_notes(comparison: Comparison, worst_cue: bool = True, settings: bool = True) -> list[str]:
    """Writes what a reader of a comparison must know, a sentence a note.

    ``worst_cue`` says that tables have it, ``settings`` that each detector's are to be named.
    """
    run = comparison.run
    notes = [_where(finding) + sentence(finding) for finding in comparison.findings if finding.severity == "note"]
    panel, first = comparison.panel, next(iter(comparison.conditions), CLEAN)
    notes += [sentence(finding) for finding in worst_sources(comparison.real_sources)]
    if not run:
        return [*facing_notes(panel, first, always=False), *notes]
    cues = [WORST_CUE, AGAINST_CUES] if worst_cue else []
    reading = [POSITIVE_CLASS, INTERVALS, *cues, _seeds_note(run["options"], run["detectors"])]
    data, demo = run["data"], [DEMO] if run["data"]["name"] == "demo" else []
    images = f"Data: {data['title']}, {data['images']} images; {data['preprocessing']}; then a view is cut."
    made_from = [images, *facing_notes(panel, first), *data["notes"], *demo]
    made_from += _detector_notes(run["detectors"], settings)
    samples = [note for board in boards_of(comparison)[:1] for note in sample_notes(board)]
    elsewhere = [*missing_elsewhere(comparison.summary), *_doubts(comparison.summary)]
    return [*made_from, *reading, *elsewhere, *notes, *samples]


def warnings_of(comparison: Comparison) -> list[str]:
    """Writes what makes the numbers doubtful, a sentence each, like ones in one."""
    others = [
        sentence(finding)
        for finding in comparison.findings
        if finding.severity == "warning" and not isinstance(finding, DetectorConcern)
    ]
    return [*joined_concerns(comparison.findings), *others, *missing_intervals(comparison.summary)]


def finding_notes(findings: Iterable[Finding]) -> list[str]:
    """Writes the findings that are no warnings, a sentence each."""
    notes = [finding for finding in findings if finding.severity == "note"]
    others = [sentence(finding) for finding in notes if not isinstance(finding, UnrankedDetector)]
    return [*others, *joined_unranked(notes)]


def _where(finding: Finding) -> str:
    return f"{finding.condition}: " if isinstance(finding, UnseenMean) and finding.condition != CLEAN else ""


def _detector_notes(detectors: Facts, settings: bool) -> list[str]:
    """Names the backbones, and the settings of each detector that was run; ensembles have notes of their own."""
    single = [facts for facts in detectors.values() if "members" not in facts]
    backbones = [facts["backbone"] for facts in single if facts["backbone"]]
    lines = (f"Backbone: {backbone['name']}, weights sha256 {backbone['weights'][:12]}." for backbone in backbones)
    notes = list(dict.fromkeys(lines))
    for facts in single if settings else ():
        sources = facts.get("sources", {})
        words = {name: f" ({sources[name]})" if name in sources else "" for name in facts["options"]}
        options = ", ".join(f"{name}={value}{words[name]}" for name, value in facts["options"].items())
        notes.append(f"{facts['label']}: {options}; view {facts['view']} ({facts['view_mode']}).")
    return notes


def _seeds_note(options: Facts, detectors: Facts) -> str:
    if options["seeds"] == 1:
        return ONE_SEED
    cropped = any("random-crop" in facts["view"] for facts in detectors.values())
    spread = f"Mean over {options['seeds']} seeds, ± the standard deviation over seeds; intervals take in both errors."
    return f"{spread} {(RECROPPED if options['crop_seeds'] else SAME_CROP) if cropped else NO_CROP}"


def _doubts(summary: Summary) -> list[str]:
    """Says once why intervals are approximate."""
    numbers = [number for row in summary.rows for name, number in row.numbers.items() if name in shown_metrics()]
    doubts = dict.fromkeys(number.doubt.partition(" (")[0] for number in numbers if number.doubt and number.interval)
    return [f"~: approximate, may hold in less than 93 %; {' or '.join(doubts)}."] if doubts else []


def sentence(finding: Finding) -> str:
    """Writes a finding."""
    words = store_sentence(finding) or submission_sentence(finding)
    if words is not None:
        return words
    match finding:
        case FittedEnsemble():
            return (
                f"{finding.detector}: {FUSED[finding.fusion]}, set on {finding.images} "
                f"real images of {finding.groups} groups; every image of these groups is left out of its numbers."
            )
        case TiedScores():
            return (
                f"{finding.detector}: its p-values are ranks among {finding.images} real images, in steps of "
                f"1/{finding.images + 1}; {finding.tied:.0%} of the pairs of a real and a generated image have the "
                "same score, and count half in AUROC. More real images make finer steps."
            )
        case ProbedBlocks():
            return (
                f"{finding.detector}: the {finding.count} blocks most alike under noise, chosen on {finding.images} "
                f"real images of {finding.groups} groups, which are left out of its numbers: {finding.blocks}."
            )
        case TrainedGroups():
            return (
                f"{', '.join(finding.detectors)}: trained on images of {finding.groups} groups here; every image of "
                f"these is left out of their numbers."
            )
        case MatchedImages():
            generators, unmatched = ", ".join(finding.generators), ", ".join(finding.unmatched)
            kept = f"{finding.condition} keeps {finding.images} images of {generators} and their reals."
            return f"{kept} No match for {unmatched}." if unmatched else kept
        case DetectorConcern():
            return next(joined_concerns([finding]))
        case ScaledImages():
            return (
                f"{', '.join(finding.detectors)}: published for images as they are; here: {finding.preprocessing}. "
                f"--resize none leaves every image as it is."
            )
        case InvertedLogits():
            name, other = finding.detector.split(":")[0], 1 - finding.generated
            return (
                f"{finding.detector} is below chance, {cell(finding.auroc)}. Of two logits it takes number "
                f"{finding.generated} as that of generated images; if it was trained the other way round, "
                f"{name}:generated={other} says so. The training decides, not the AUROC."
            )
        case VideoFrames():
            return (
                f"Numbered images look like frames of videos ({named([f'{run}...' for run in finding.runs])}), and "
                "each counts as independent: intervals are then too short. Declare them in groups.csv beside the "
                "images: data check --write-groups groups.csv writes one."
            )
        case OtherGroups():
            what = "every image a group of its own" if finding.definition == ALONE else "look-alikes merged"
            given, other = finding.groups
            intervals = [f"{name} {cell(new)}, as given {cell(old)}" for name, (old, new) in finding.aurocs.items()]
            return f"With {what} ({other:,} groups, {given:,} as given) the mean AUROC is: {'; '.join(intervals)}."
        case UnseenMean():
            several = finding.unseen > 1
            where = f"over the {finding.unseen} generators" if several else "on the one generator"
            seen = f"{finding.detector} was trained on images of {', '.join(finding.seen)}"
            mean = "mean AUROC" if several else "AUROC"
            return f"{seen}; {where} that it has not seen its {mean} is {cell(finding.auroc)}."
        case UnrankedDetector():
            return joined_unranked([finding])[0]
        case WorstRealSources():
            return worst_words(finding)
        case SeenImages():
            return seen_words(finding)
        case PrecisionEffect():
            return _precision_words(finding)
    raise TypeError(f"There are no words for a finding of kind {type(finding).__name__}.")


def _precision_words(effect: PrecisionEffect) -> str:
    head, images = f"{effect.precision} against {EXACT}", effect.images
    if not images:
        return f"{head}, {effect.detector}: no image is scored in both."
    words = (
        f"{head} on {images} images, {effect.detector}: scores move by {effect.median:.2%} (median; at most "
        f"{effect.largest:.2%}), rank correlation {effect.rank_correlation:.4f}"
    )
    if effect.aurocs is None or effect.test is None:
        return f"{words}; AUROC: too few images to compare."
    (exact, other), test = effect.aurocs, effect.test
    change = f"{test.difference:+.4f} [{test.low:+.4f}, {test.high:+.4f}]"
    return f"{words}; AUROC {exact:.4f} -> {other:.4f} ({change}, paired)."


def nothing_words(nothing: NothingRead) -> str:
    """Says that nothing could be read, and why."""
    why = ", ".join(f"{count:,} {reason}" for reason, count in Counter(nothing.reasons).most_common(MOST_NAMED))
    more = len(nothing.reasons) - MOST_NAMED
    rest = f", and {more} more reasons" if more > 0 else ""
    return f"None of the {nothing.images:,} images could be read{': ' if why else ''}{why}{rest}."
