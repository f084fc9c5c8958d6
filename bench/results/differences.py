"""Says in words how the stored scores of a detector were made otherwise than those of now."""

from collections.abc import Iterator, Mapping, Sequence

from bench.scoring.entry import Entry
from bench.scoring.facts import detector_facts
from bench.scoring.files import Scorer
from bench.store.run_files import Run
from bench.store.runs import Facts

SHORT = 8


def differences(entry: Entry, runs: Sequence[Run], scorer: Scorer) -> str:
    """Compares a detector with the stored one that is most alike.

    Args:
        entry: The detector, as it scores now.
        runs: The runs of the store.
        scorer: The one that it belongs to.

    Returns:
        What differs, the stored value first.
    """
    facts = detector_facts([entry], scorer.options, {})[entry.scoring.fingerprint]
    now = flat(facts, scorer.data.protocol)
    found = [
        list(_differing(flat(stored, run.data.get("protocol", {})), now))
        for run in runs
        for stored in run.detectors.values()
        if stored.get("name") == entry.detector.name
    ]
    if not found:
        there = sorted({str(facts.get("label")) for run in runs for facts in run.detectors.values()})
        return f"it has no scores of {entry.detector.name}, but of {', '.join(there) or 'detectors that no run names'}"
    least = min(reversed(found), key=len)
    return "there " + ", ".join(least) if least else "something differs that its runs do not tell"


def flat(facts: Facts, protocol: Mapping[str, object]) -> dict[str, object]:
    """Lays out what a score depends on, as far as a run tells, by its name in words."""
    backbone = facts.get("backbone") or {}
    return {
        "version": facts.get("version"),
        "source": str(facts.get("source", ""))[:SHORT] or "the suite's own",
        **{f"option {name}": value for name, value in (facts.get("options") or {}).items()},
        "view": facts.get("view"),
        "backbone": backbone.get("name"),
        "weights": str(backbone.get("weights"))[:SHORT],
        "precision": facts.get("precision"),
        **dict(protocol),
    }


def _differing(stored: Mapping[str, object], now: Mapping[str, object]) -> Iterator[str]:
    for name in dict.fromkeys([*stored, *now]):
        if stored.get(name) != now.get(name):
            yield f"{name} is {stored.get(name, 'not told')}, here {now.get(name, 'none')}"
