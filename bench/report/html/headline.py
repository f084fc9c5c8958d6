"""The sentences and counts that a section opens with."""

from collections.abc import Iterator, Sequence

from bench.report.numbers import cell, value_text
from bench.results.comparison import Comparison
from bench.results.cues.worst import ALL_CUES, WORST_CUE
from bench.results.summary import main_row
from bench.statistics.number import ABOVE, BELOW, NOT_SEPARATED
from bench.store.schema import CLEAN

MOST_NAMED = 4


def headline(comparison: Comparison, condition: str) -> Iterator[str]:
    """Says which detectors are best under a condition, and how they stand against the worst cue."""
    yield from _ranks(comparison, condition)
    yield from _cue(comparison, condition)


def area_words(comparison: Comparison, detector: str) -> str:
    """Says how large the area under a detector's curve is on the first images, beside that of the worst cue."""
    condition = comparison.conditions[0]
    row = main_row(comparison.summary.cells.get((detector, condition), {}).values())
    if row is None:
        return ""
    cues = [cue for cue in comparison.cues.rows if (cue.detector, cue.condition) == (WORST_CUE, condition)]
    worst = main_row(cues)
    beside = f"; worst cue {value_text(worst.numbers['auroc'])}" if worst else ""
    return f"AUROC {cell(row.numbers['auroc'])}; chance 0.5{beside}."


def counts(comparison: Comparison) -> list[tuple[str, str]]:
    """Counts images, generators, detectors, conditions and seeds."""
    panel = comparison.panel
    generators = {rule.generator for rules in panel.contrasts.values() for rule in rules}
    seeds = [len(panel.seeds(*cell)) for cell in panel.cells]
    unreadable = max((row.n_unreadable for row in comparison.summary.rows), default=0)
    scored = panel.present.any(axis=0)
    generated = int(panel.labels[scored].sum())
    numbers = [
        (int(scored.sum()) - generated, "real images", "real image"),
        (generated, "generated images", "generated image"),
        (unreadable, "unreadable", "unreadable"),
        (len(generators), "generators", "generator"),
        (len(comparison.labels), "detectors", "detector"),
        (len(comparison.conditions), "conditions", "condition"),
    ]
    least, most = min(seeds, default=0), max(seeds, default=0)
    named = [(f"{number:,}", single if number == 1 else several) for number, several, single in numbers]
    return [*named, (f"{least} to {most}" if least < most else str(least), "seed" if most == 1 else "seeds")]


def images_of(condition: str) -> str:
    """Names a condition's images."""
    return "the clean images" if condition == CLEAN else f"images under {condition}"


def _ranks(comparison: Comparison, condition: str) -> Iterator[str]:
    ranking = comparison.rankings.get(condition)
    if ranking is None or not ranking.order:
        return
    best = ranking.order[0]
    row = main_row(comparison.summary.cells.get((best, condition), {}).values())
    number = row.numbers.get("auroc") if row else None
    text = cell(number) if number and number.interval else value_text(number) if number else ""
    if number is not None and number.against_chance not in (None, ABOVE):
        yield f"On {images_of(condition)} no detector is known to be above chance."
        yield f"The highest AUROC is that of {best}, {text}: {number.chance_words}."
        return
    yield f"On {images_of(condition)} {best} has the highest AUROC, {text}."
    tied = [
        pair.second if pair.first == best else pair.first
        for pair in ranking.pairs
        if best in (pair.first, pair.second) and not pair.separated
    ]
    if tied:
        yield f"A paired test does not separate it from {_listed(tied)}."
    elif len(ranking.order) > 1:
        one_draw = any(pair.one_draw for pair in ranking.pairs if best in (pair.first, pair.second))
        yield f"A paired test separates it from all others{', for this draw' if one_draw else ''}."


def _cue(comparison: Comparison, condition: str) -> Iterator[str]:
    cues = comparison.cues
    rows = {
        name: [row for row in cues.rows if (row.detector, row.condition) == (name, condition)]
        for name in (WORST_CUE, ALL_CUES)
    }
    worst, together = (main_row(named) for named in rows.values())
    if worst is None or together is None:
        return
    place = (condition, worst.generator)
    verdicts = {detector: verdict for (detector, *where), verdict in cues.verdicts.items() if tuple(where) == place}
    name = f" ({cues.names[place]})" if cues.names.get(place) else ""
    value, combined = (value_text(row.numbers["auroc"]) for row in (worst, together))
    yield f"The worst cue{name} reaches {value}, all together {combined}."
    below = [detector for detector, verdict in verdicts.items() if verdict == BELOW]
    level = [detector for detector, verdict in verdicts.items() if verdict == NOT_SEPARATED]
    if below:
        yield f"Below a cue in a paired test: {_listed(below)}."
    if level:
        yield f"Neither above every one nor below one: {_listed(level)}."
    if verdicts and not below and not level:
        yield "In paired tests every detector is above each of them, and above all together."


def _listed(names: Sequence[str]) -> str:
    *shown, last = names if len(names) <= MOST_NAMED else [*names[:MOST_NAMED], f"{len(names) - MOST_NAMED} more"]
    return f"{', '.join(shown)} and {last}" if shown else last
