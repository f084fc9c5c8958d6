"""Table 6: the distance of natural and generated images in a backbone's features, against WePe's AUROC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import spearmanr

from bench.references.comparability import Ours
from bench.references.reported import NATURAL, ReportedNumber
from bench.references.verdicts import judge
from bench.report.plots.svg import draw, series_style, to_svg
from bench.results.comparison import Comparison
from bench.results.summary import MEAN
from bench.scoring.options import RunOptions
from bench.scoring.setting import Setting
from bench.statistics.feature_distances import SUBSETS, TIMES_FEATURES, fid, fid_refusal, kid
from bench.statistics.metrics import auroc
from bench.statistics.number import Number
from bench.studies.base import Cost, Line, Paper, Result, not_comparable, plain_line
from bench.studies.features.base import (
    Features,
    FeatureStudy,
    compare_wepe,
    panel_notes,
    read_features,
    unreadable_note,
)
from bench.studies.paper_table import origin_of

PER_SIDE, SPLITS = 5000, 5
"""Images a side, as in the paper's appendix A.4, and random halvings of the natural images."""
FEWEST_POINTS = 3
Rows = NDArray[np.intp]
Printed = Mapping[tuple[str, str], ReportedNumber]
"""What the paper prints, by generator and metric."""


@dataclass(frozen=True)
class Sides:
    """Which images are measured against which, all sides of one size.

    Args:
        n: Images a side.
        pairs: By name, ``n`` rows of either side for each split: two halves of natural images, or a half and generated
            images.
    """

    n: int
    pairs: Mapping[str, list[tuple[Rows, Rows]]]


@dataclass(kw_only=True)
class FidStudy(FeatureStudy):
    """Fréchet and kernel distances, natural images against each generator and against themselves."""

    most: int | None = 2 * PER_SIDE  # natural images are also compared with each other
    scores_images: ClassVar[bool] = True

    def cost(self, options: RunOptions, images: int) -> Cost:
        """Two passes an image: one for features, and WePe's on every seed."""
        return Cost(images, 2 + options.seeds, "Fréchet distances of D x D covariances, a second each at D = 1,024")

    def measure(self, setting: Setting, options: RunOptions, progress: bool = False) -> Result:  # noqa: D102
        comparison = compare_wepe(self, self.preset, options, progress)
        if comparison is None:
            return Result()
        features = read_features(setting, [setting.backbone], progress=progress)
        sides = make_sides(features.images, setting.datamodule.facing)
        printed = printed_numbers(self.paper, setting.datamodule.name)
        lines = [
            *distance_lines(setting, features, sides, printed),
            natural_auroc(comparison, features, sides, printed),
            *auroc_lines(comparison, options, printed),
        ]
        lines += rank_lines(lines)
        return Result(
            lines=tuple(lines),
            figures={"distance": draw_distances(lines, f"{setting.datamodule.title}, {setting.backbone.name}")},
            notes=(
                f"{sides.n:,} images a side: of {PER_SIDE:,}, half of the natural images and the smallest generator, "
                "the least.",
                f"FID and the AUROC of natural against natural images: means over {SPLITS} random halvings of the "
                "natural images by group, ± their standard deviation. FID is biased upwards at a finite n; the line "
                f"natural shows by how much, at the same n. {TIMES_FEATURES} images a feature, the least taken, "
                "bound no bias: two samples of one distribution are then about a quarter of the covariance's trace "
                "apart.",
                f"KID: unbiased, mean over {SUBSETS} subsets of the first halving, ± their standard deviation.",
                "Features as the backbone gives them, not normalised.",
                *unreadable_note(features.unreadable),
                *panel_notes(comparison.panel),
            ),
        )


def make_sides(images: pl.DataFrame, contrasts: Mapping[str, Sequence[str]], most: int = PER_SIDE) -> Sides:
    """Chooses the images of each side, whole groups in one half.

    Args:
        images: ``path, group, label, generator``.
        contrasts: Which sources of natural images face each generator.
        most: At most so many images a side.
    """
    natural: dict[str, list[tuple[Rows, Rows]]] = {}
    against: dict[str, list[tuple[Rows, Rows]]] = {}
    table = images.with_row_index("row")
    for generator, sources in contrasts.items():
        reals = table.filter(pl.col("label") == 0, pl.col("generator").is_in(list(sources)))
        rows = table.filter(pl.col("label") == 1, pl.col("generator") == generator)["row"].to_numpy().astype(np.intp)
        natural[generator] = [_halves(reals, split) for split in range(SPLITS)]
        shuffled = [np.random.default_rng((split, 1)).permutation(rows) for split in range(SPLITS)]
        against[generator] = [(half, made) for (half, _), made in zip(natural[generator], shuffled, strict=True)]
    sizes = [len(side) for pairs in (*natural.values(), *against.values()) for pair in pairs for side in pair]
    n = min([most, *sizes]) if sizes else 0
    distinct: dict[str, list[tuple[Rows, Rows]]] = {}
    seen: set[bytes] = set()
    for generator, halvings in natural.items():
        halves = np.concatenate([half[:n] for half in halvings[0]]).tobytes()
        if halves not in seen:  # natural images are compared once for each set of them
            distinct[f"{NATURAL} of {generator}" if seen else NATURAL] = halvings
        seen.add(halves)
    cut = {name: [(first[:n], second[:n]) for first, second in pairs] for name, pairs in (distinct | against).items()}
    return Sides(n, cut)


def _halves(reals: pl.DataFrame, split: int) -> tuple[Rows, Rows]:
    """Deals shuffled groups out, each to the half that is smaller so far, and shuffles each half."""
    stream = np.random.default_rng((split, 0))
    groups = reals.group_by("group").agg("row").sort("group")["row"].to_list()
    halves: tuple[list[int], list[int]] = ([], [])
    for position in stream.permutation(len(groups)):
        min(halves, key=len).extend(groups[position])
    first, second = (stream.permutation(np.array(half, dtype=np.intp)) for half in halves)
    return first, second


def printed_numbers(paper: Paper, dataset: str) -> Printed:
    """Returns what Table 6 prints."""
    return {(str(number.generator), number.metric): number for number in paper.printed("Table 6", dataset=dataset)}


def distance_lines(setting: Setting, features: Features, sides: Sides, printed: Printed) -> list[Line]:
    """Measures FID and KID: natural against natural images, then each generator."""
    (values,) = features.features
    lines = []
    too_few = None if sides.n >= 4 else f"{sides.n} images a side"
    refusal = too_few or fid_refusal(sides.n, values.shape[1])
    for name, pairs in sides.pairs.items():
        if refusal:
            line = plain_line(name, "", "fid", np.nan, f"refused: {refusal}")
        else:
            distances = [fid(values[first], values[second]) for first, second in pairs]
            reason = f"no interval: ± is over {SPLITS} splits"
            line = plain_line(name, "", "fid", float(np.mean(distances)), reason, distances)
        lines.append(_beside(line, printed.get((name, "fid")), setting))
        if too_few:
            lines.append(plain_line(name, "", "kid", np.nan, f"refused: {too_few}"))
        else:
            kernel = kid(values[pairs[0][0]], values[pairs[0][1]])
            reason = f"no interval: ± is over {kernel.subsets} subsets of {kernel.size} images a side"
            lines.append(Line(name, "", "kid", Number(kernel.value, seeds_sd=kernel.sd, reason=reason)))
    return lines


def _beside(line: Line, reported: ReportedNumber | None, setting: Setting) -> Line:
    if reported is None or line.ours is None:
        return line
    # The paper says DINOv2, and not which; that is among what it leaves unsaid.
    same = reported.backbone is None and setting.backbone.name.startswith("dinov2-")
    ours = Ours(
        metric=line.metric,
        dataset=setting.datamodule.name,
        detector=reported.method,
        options={},
        view=str(setting.view),
        backbone=None if same else setting.backbone.name,
        protocol=setting.datamodule.protocol,
    )
    return replace(line, reported=reported, verdict=judge(line.ours, reported, ours))


def natural_auroc(comparison: Comparison, features: Features, sides: Sides, printed: Printed) -> Line:
    """Computes how well WePe tells one half of the natural images from the other, which need not be 0.5."""
    panel = comparison.panel
    by_path = dict(zip(panel.images["path"].to_list(), panel.scores.mean(axis=0).tolist(), strict=True))
    scores = np.array([by_path.get(path, np.nan) for path in features.images["path"].to_list()])
    values = []
    for first, second in sides.pairs.get(NATURAL, ()):
        labels = np.repeat([0, 1], [len(first), len(second)])
        values.append(float(auroc(labels, scores[np.concatenate([first, second])])) if sides.n else float("nan"))
    reason = f"no interval: ± is over {SPLITS} splits of the same images"
    line = plain_line(NATURAL, "", "auroc", float(np.mean(values)), reason, values)
    reported = printed.get((NATURAL, "auroc"))
    verdict = not_comparable("halves of the same images: ± is no standard error") if reported else None
    return replace(line, reported=reported, verdict=verdict)


def auroc_lines(comparison: Comparison, options: RunOptions, printed: Printed) -> list[Line]:
    """Takes WePe's AUROCs."""
    lines = []
    for row in comparison.summary.rows:
        if row.generator != MEAN:
            number, reported = row.numbers["auroc"], printed.get((row.generator, "auroc"))
            verdict = judge(number, reported, origin_of(comparison, row.detector, options)) if reported else None
            lines.append(Line(row.generator, "", "auroc", number, reported, verdict))
    return lines


def rank_lines(lines: Sequence[Line]) -> list[Line]:
    """Correlates the ranks of the distances and of the AUROCs over generators."""
    correlations = []
    for metric in ("fid", "kid"):
        points, rho = points_of(lines, metric), float("nan")
        words = f"fewer than {FEWEST_POINTS} generators with both numbers ({len(points)})"
        if len(points) >= FEWEST_POINTS:
            rho = float(spearmanr([x for _, x, _ in points], [y for _, _, y in points]).statistic)
            words = (
                f"{len(points)} generators: of so few points a rank correlation says little, and generators are no "
                "random sample"
            )
        name = f"Spearman of {metric.upper()} and AUROC"
        correlations.append(plain_line(name, "", "rank_correlation", rho, words))
    return correlations


def points_of(lines: Sequence[Line], metric: str) -> list[tuple[str, float, float]]:
    """Returns generator, distance and AUROC where both are there; natural images are no generator."""
    distances, aurocs = (
        {line.row: line.ours.value for line in lines if line.metric == kind and line.ours is not None}
        for kind in (metric, "auroc")
    )
    points = [(name, distance, aurocs.get(name, np.nan)) for name, distance in distances.items()]
    return [(name, x, y) for name, x, y in points if np.isfinite([x, y]).all() and not name.startswith(NATURAL)]


def draw_distances(lines: Sequence[Line], title: str) -> str:
    """Draws AUROC over FID, or over KID where FID was refused; the paper's points beside ours."""
    metric = "fid" if points_of(lines, "fid") else "kid"
    figure, (axes,) = draw((6.4, 4.2))
    for name, x, y in points_of(lines, metric):
        axes.plot(x, y, **series_style(0, linestyle=""))
        axes.annotate(name, (x, y), xytext=(5, -3), textcoords="offset points", fontsize=8)
    papers = {(line.row, line.metric): line.reported.value for line in lines if line.reported is not None}
    printed = [
        (value, papers[row, "auroc"])
        for (row, kind), value in papers.items()
        if kind == "fid" and (row, "auroc") in papers
    ]
    if printed and metric == "fid":
        axes.plot(*zip(*printed, strict=True), **series_style(1, linestyle="", fillstyle="none"), label="paper")
        axes.plot([], [], **series_style(0, linestyle=""), label="here")
        axes.legend(frameon=False)
    axes.set(xlabel=f"{metric.upper()} of features, natural against generated", ylabel="AUROC of WePe", title=title)
    return to_svg(figure, f"Distance of features and AUROC, {title}")
