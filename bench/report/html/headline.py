"""The sentences and counts that a section opens with."""

from collections.abc import Iterator

from bench.report.html.section import Section
from bench.results.cues.worst import BELOW, NOT_SEPARATED
from bench.results.summary import MEAN
from bench.statistics.number import Number
from bench.store.schema import CLEAN

MOST_NAMED = 4


def headline(section: Section) -> list[str]:
    """Says which detectors are best under the first condition, and how they stand against the worst cue."""
    return [*_ranks(section), *_cue(section)]


def counts(section: Section) -> list[tuple[str, str]]:
    """Counts images, generators, detectors, conditions and seeds."""
    panel = section.comparison.panel
    generators = dict.fromkeys(rule.generator for rules in panel.contrasts.values() for rule in rules)
    seeds = [len(panel.seeds(*cell)) for cell in panel.cells]
    unreadable = max((row.n_unreadable for row in section.comparison.summary.rows), default=0)
    generated = int(panel.labels.sum())
    found = [
        (len(panel.images) - generated, "real images", "real image"),
        (generated, "generated images", "generated image"),
        (unreadable, "unreadable", "unreadable"),
        (len(generators), "generators", "generator"),
        (len(section.detectors), "detectors", "detector"),
        (len(section.conditions), "conditions", "condition"),
    ]
    named = [(f"{count:,}", one if count == 1 else many) for count, many, one in found]
    return [*named, (_range(seeds), "seed" if max(seeds, default=0) == 1 else "seeds")]


def images_of(condition: str) -> str:
    """Names a condition's images."""
    return "the clean images" if condition == CLEAN else f"images under {condition}"


def _range(values: list[int]) -> str:
    low, high = min(values, default=0), max(values, default=0)
    return str(low) if low == high else f"{low} to {high}"


def _ranks(section: Section) -> Iterator[str]:
    ranking = section.comparison.rankings.get(section.shown)
    if ranking is None or not ranking.order:
        return
    best = ranking.order[0]
    number = _number(section, best)
    found = (
        "" if number is None or number.interval is None else f" [{number.interval.low:.3f}, {number.interval.high:.3f}]"
    )
    yield f"On {images_of(section.shown)} {best} has the highest AUROC, {ranking.values[best]:.3f}{found}."
    tied = [
        p.second if p.first == best else p.first
        for p in ranking.pairs
        if best in (p.first, p.second) and not p.separated
    ]
    if len(ranking.order) > 1:
        yield (
            f"A paired test does not separate it from {_listed(tied)}."
            if tied
            else "A paired test separates it from all others."
        )


def _cue(section: Section) -> Iterator[str]:
    cues, condition = section.comparison.cues, section.shown
    rows = [row for row in cues.rows if row.condition == condition]
    if not rows:
        return
    worst = next((row for row in rows if row.generator == MEAN), rows[0])
    verdicts = {d: v for (d, c, g), v in cues.verdicts.items() if (c, g) == (condition, worst.generator)}
    name = cues.names.get((condition, worst.generator))
    yield f"The worst trivial predictor{f' ({name})' if name else ''} reaches {worst.numbers['auroc'].value:.3f}."
    below, level = ([d for d, v in verdicts.items() if v == verdict] for verdict in (BELOW, NOT_SEPARATED))
    if below:
        yield f"Below it in a paired test: {_listed(below)}."
    if level:
        yield f"Not separated from it: {_listed(level)}."
    if verdicts and not below and not level:
        yield "In paired tests every detector is above it."


def _number(section: Section, detector: str) -> Number | None:
    own = [r for r in section.comparison.summary.rows if (r.detector, r.condition) == (detector, section.shown)]
    chosen = next((row for row in own if row.generator == MEAN), own[0] if own else None)
    return chosen.numbers.get("auroc") if chosen else None


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    shown = names[:MOST_NAMED]
    last = f"{more} more" if more > 0 else shown.pop()
    return f"{', '.join(shown)} and {last}" if shown else last
