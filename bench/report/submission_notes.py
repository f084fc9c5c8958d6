"""Sentences about boards of submitted scores."""

from bench.results.submissions.agreement import TOLERANCE
from bench.results.submissions.findings import Confirmations, FrozenTask, UnknownCues
from bench.results.submissions.standing import Disagreement
from bench.store.dataset import SHORT
from bench.store.findings import Finding
from bench.store.schema import CLEAN

SPREAD = "the standard deviation of a detector's scores, the outermost hundredth on either side drawn in"
CONFIRMED_BY = (
    "Confirmed by: the number of other submitters of the same configured detector whose scores differ on no image by "
    f"more than {TOLERANCE:g} spreads ({SPREAD}). Scores can be copied: this says who stands behind them, not how "
    "often they were computed."
)
SCORES_ONLY_WORDS = (
    "Scores only: they came from elsewhere, as those of a closed detector; the suite cannot compute them."
)
UNKNOWN_CUES = (
    "Trivial cues are not known here: a task holds no image, so nobody has measured what file format, size, brightness "
    "or their like tell. A detector that looks good may have measured nothing else."
)


def submission_sentence(finding: Finding) -> str | None:
    """Writes a finding about submitted scores; nothing of another one."""
    match finding:
        case FrozenTask():
            licence = f" Licence of the images: {finding.license}." if finding.license else ""
            newer = f" Version {finding.newest} is newer." if finding.newest > finding.version else ""
            return f"Task: {finding.name}, version {finding.version}, digest {finding.digest}.{newer}{licence}"
        case UnknownCues():
            return UNKNOWN_CUES
        case Confirmations():
            return CONFIRMED_BY
        case Disagreement():
            return _disagreement(finding)
    return None


def _disagreement(finding: Disagreement) -> str:
    difference = finding.difference
    where = "" if difference.condition == CLEAN else f", {difference.condition}"
    first, second = (f"{score:.6g}" for score in difference.scores)
    return (
        f"{finding.first} and {finding.second} are one configured detector by their fingerprint, and their scores "
        f"differ: by up to {difference.spreads:.3g} spreads, where {TOLERANCE:g} are allowed (image "
        f"{finding.image[:SHORT]}, seed {difference.seed}{where}: {first} and {second}). At least one of them is not "
        "what it says it is."
    )
