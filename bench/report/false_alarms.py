"""Narrow tables of what a detector does where false alarms must be rare, in percent; files have every generator.

Low rates without a threshold, precision at a prevalence, and thresholds from a few real images.
"""

import math
from collections.abc import Iterable, Iterator, Sequence

from bench.report.table import Table
from bench.results.summary import MEAN, Row, main_row
from bench.results.thresholds.points import OperatingPoint
from bench.results.thresholds.study import LOW_RATES, ThresholdStudy
from bench.statistics.bootstrap import Interval
from bench.statistics.metrics import METRICS
from bench.statistics.number import Number
from bench.store.schema import CLEAN

LOW_TITLES = ("pAUROC to 5 % FPR", "EER, %", "TPR at 1 % FPR, %")
RARE, PRECISION, FEW = "where false alarms are rare", "precision", "from few real images"
LOW_NOTE = (
    "Without a threshold, of all images. pAUROC: the area up to an FPR of 5 %, standardised so that chance is 0.5 and "
    "perfect is 1 (McClish). EER: the rate at which false positives equal false negatives, straight between "
    "thresholds; chance is 50 %."
)
PRECISION_NOTE = (
    "Precision at P %: the share of generated images among those called generated, if P % of all images were "
    "generated; from the mean rates over generators. >=: no real image lies above the threshold, so there is a lower "
    "bound alone."
)
FEW_NOTE = (
    "fpr:P from K: the threshold from K of the held-out real groups, picked by the sha256 of their names. Its "
    "intervals, that of the FPR too, are over other choices of K of all held-out groups, and over the images measured. "
    "Expected FPR: on further real images, and where it lies in 95 % of all choices of K."
)
NOTES = {RARE: LOW_NOTE, PRECISION: PRECISION_NOTE, FEW: FEW_NOTE}


def narrow_tables(study: ThresholdStudy) -> list[Table]:
    """Makes those tables of each data set that have rows."""
    tables = []
    for title, points in study.points.items():
        tables += [_low_rates(title, study.low_rates.get(title, ())), _precisions(title, points), _few(title, points)]
    return [table for table in tables if table.rows]


def narrow_notes(study: ThresholdStudy) -> Iterator[str]:
    """Says how to read these tables, and why a number has no value, or no interval."""
    suffixes = {table.title.rpartition(": ")[2] for table in narrow_tables(study)}
    yield from (note for suffix, note in NOTES.items() if suffix in suffixes)
    for title, points in study.points.items():
        where = f"{title}: " if len(study.points) > 1 else ""
        lacking: dict[str, dict[str, None]] = {}
        for row in _main_rows(study.low_rates.get(title, ())):
            for metric in LOW_RATES:
                if why := _lack(row.numbers[metric]):
                    lacking.setdefault(f"{_rest(row)}: {METRICS[metric].title}: {why}.", {})[row.detector] = None
        for point in _main_points(points):
            rates = {name.upper(): point.numbers[name] for name in ("fpr", "tpr") if point.calibrated_with}
            told = [*rates.items(), *(("precision", number) for number in point.precisions.values())]
            for what, number in told if not point.refused else ():
                if number.interval is None and (why := _lack(number)):
                    lacking.setdefault(f"{_rest(point)}, {point.rule}: {what}: {why}.", {})[point.detector] = None
        yield from (f"{where}{', '.join(detectors)}, {words}" for words, detectors in lacking.items())


def _lack(number: Number) -> str | None:
    """Says why a number has no value, no interval or an approximate one."""
    if number.reason:
        return f"{'n/a' if math.isnan(number.value) else 'no interval'}, {number.reason}"
    return f"~ approximate, {number.doubt}" if number.doubt else None


def percent_cell(number: Number) -> str:
    """Writes a rate in percent with its interval; a lower bound alone as such.

    Examples:
        >>> percent_cell(Number(0.055, Interval(0.022, 0.112)))
        '5.5 [2.2, 11.2]'
    """
    if math.isnan(number.value):
        return "n/a" if number.interval is None else f">= {100 * number.interval.low:.1f}"
    return f"{100 * number.value:.1f}{_ends(number.interval, 100, 1, number.doubt)}"


def _ends(interval: Interval | None, scale: float, digits: int, doubt: str | None = None) -> str:
    if interval is None:
        return ""
    low, high = (f"{scale * end:.{digits}f}" for end in interval)
    return f" {'~' if doubt else ''}[{low}, {high}]"


def _low_rates(title: str, every: Sequence[Row]) -> Table:
    rows = _main_rows(every)
    names = _names(rows)
    cells = []
    for row in rows:
        partial, eer, tpr = (row.numbers[metric] for metric in LOW_RATES)
        area = (
            "n/a" if math.isnan(partial.value) else f"{partial.value:.3f}{_ends(partial.interval, 1, 3, partial.doubt)}"
        )
        cells.append([*(getattr(row, name) for name in names), area, percent_cell(eer), percent_cell(tpr)])
    return Table(f"{title}: {RARE}", (*names, *LOW_TITLES), cells, names=len(names))


def _precisions(title: str, every: Sequence[OperatingPoint]) -> Table:
    points = [point for point in _main_points(every) if point.precisions]
    prevalences = list(points[0].precisions) if points else []
    names = (*_names(points), "rule")
    rows = [
        [*(getattr(point, name) for name in names), *map(percent_cell, point.precisions.values())] for point in points
    ]
    columns = (*names, *(f"precision at {100 * prevalence:g} %, %" for prevalence in prevalences))
    return Table(f"{title}: {PRECISION}", columns, rows, names=len(names))


def _few(title: str, every: Sequence[OperatingPoint]) -> Table:
    """Makes rows of the thresholds from few real images, and of those from all that are held out."""
    chosen = [point for point in _main_points(every) if not point.refused]
    rules = {point.rule.split(" from ")[0] for point in chosen if point.calibrated_with}
    points = [point for point in chosen if point.rule.split(" from ")[0] in rules]
    names = (*_names(points), "rule")
    rows = [
        [
            *(getattr(point, name) for name in names),
            percent_cell(point.numbers["fpr"]),
            percent_cell(Number(math.nan if point.expected_fpr is None else point.expected_fpr, point.expected_range)),
            percent_cell(point.numbers["tpr"]),
        ]
        for point in points
    ]
    columns = (*names, "realised FPR, %", "expected FPR, %", "TPR, %")
    return Table(f"{title}: {FEW}", columns, rows, names=len(names))


def _main_rows(rows: Iterable[Row]) -> list[Row]:
    cells: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        cells.setdefault((row.detector, row.condition), []).append(row)
    mains = [(main_row(cell), cell) for cell in cells.values()]
    return [row for main, cell in mains for row in ([main] if main else cell)]


def _main_points(points: Iterable[OperatingPoint]) -> list[OperatingPoint]:
    """Takes the means over generators, and where there are none every generator."""
    cells: dict[tuple[str, str, str], list[OperatingPoint]] = {}
    for point in points:
        cells.setdefault((point.detector, point.condition, point.rule), []).append(point)
    return [point for cell in cells.values() for point in [p for p in cell if p.generator == MEAN] or cell]


def _names(rows: Sequence[Row] | Sequence[OperatingPoint]) -> tuple[str, ...]:
    """Names the columns that tell the rows apart."""
    condition = ("condition",) if any(row.condition != CLEAN for row in rows) else ()
    generator = ("generator",) if len({row.generator for row in rows}) > 1 else ()
    return ("detector", *condition, *generator)


def _rest(row: Row | OperatingPoint) -> str:
    """Says what a row is about, beside its detector."""
    return row.generator if row.condition == CLEAN else f"{row.condition}, {row.generator}"
