"""Table 6: the distance of natural and generated images in a backbone's features, against WePe's AUROC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import spearmanr

from bench.references.comparability import Ours
from bench.references.reported import NATURAL, ReportedNumber, load_reported
from bench.references.verdicts import judge_number
from bench.report.plots.svg import draw, to_svg
from bench.results.comparison import Comparison, compare
from bench.results.summary import MEAN
from bench.scoring.options import RunOptions
from bench.scoring.setting import Setting
from bench.statistics.feature_distances import SUBSETS, fid, fid_refusal, kid
from bench.statistics.metrics import auroc
from bench.statistics.number import Number
from bench.store.schema import CLEAN
from bench.studies.base import Cost, Line, Result
from bench.studies.features.base import (
    Features,
    FeatureStudy,
    marks,
    not_comparable,
    ours_of,
    panel_notes,
    plain_line,
    read_features,
    scoring_options,
    unreadable_note,
    wepe_on,
)
from bench.studies.paper_table import Origin

PER_SIDE, SPLITS = 5000, 5
"""Images a side, as in the paper's appendix A.4, and random halvings of the natural images."""
FEWEST_POINTS = 3
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Sides:
    """Which images are measured against which, all sides of one size.

    Args:
        n: Images a side.
        natural: For each generator and split the rows of two halves of its natural images, ``n`` each.
        generated: For each generator and split ``n`` rows.
    """

    n: int
    natural: Mapping[str, list[tuple[Rows, Rows]]]
    generated: Mapping[str, list[Rows]]


class FidStudy(FeatureStudy):
    """Fréchet and kernel distances, natural images against each generator and against themselves."""

    seeds = 5
    scores_images = True

    def cost(self, options: RunOptions, images: int) -> Cost:
        """Two passes an image: one for features, and WePe's on every seed."""
        return Cost(images, 2 + options.seeds, "Fréchet distances of D x D covariances, a second each at D = 1,024")

    def measure(self, setting: Setting, options: RunOptions, progress: bool = False) -> Result:  # noqa: D102
        comparison = compare([wepe_on(options.backbone, self.paper)], scoring_options(options), progress)
        if comparison is None:
            return Result()
        features = read_features(setting, [setting.backbone], progress=progress)
        sides = make_sides(features.images, setting.datamodule.contrasts)
        aurocs = auroc_lines(comparison, setting, options, sides, features)
        distances = distance_lines(setting, features, sides)
        lines = [*distances, *aurocs, *rank_lines([*distances, *aurocs])]
        return Result(
            lines=tuple(lines),
            figures={"distance": draw_distances(lines, f"{setting.datamodule.title}, {setting.backbone.name}")},
            notes=(
                f"{sides.n:,} images a side: of {PER_SIDE:,}, half of the natural images and the smallest generator, "
                "the least.",
                f"FID and the AUROC of natural against natural images: means over {SPLITS} random halvings of the "
                "natural images by group, ± their standard deviation. FID is biased upwards at a finite n; the line "
                "natural shows by how much, at the same n.",
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
    generated: dict[str, list[Rows]] = {}
    table = images.with_row_index("row")
    for generator, reals in contrasts.items():
        own = table.filter(pl.col("label") == 0, pl.col("generator").is_in(list(reals)))
        made = table.filter(pl.col("label") == 1, pl.col("generator") == generator)["row"].to_numpy().astype(np.intp)
        natural[generator] = [_halves(own, split) for split in range(SPLITS)]
        generated[generator] = [np.random.default_rng((split, 1)).permutation(made) for split in range(SPLITS)]
    sizes = [len(half) for halvings in natural.values() for halves in halvings for half in halves]
    n = min([most, *sizes, *(len(rows[0]) for rows in generated.values())]) if sizes else 0
    return Sides(
        n,
        {name: [(first[:n], second[:n]) for first, second in halvings] for name, halvings in natural.items()},
        {name: [rows[:n] for rows in of] for name, of in generated.items()},
    )


def _halves(own: pl.DataFrame, split: int) -> tuple[Rows, Rows]:
    """Deals shuffled groups out, each to the half that is smaller so far, and shuffles each half."""
    stream = np.random.default_rng((split, 0))
    groups = own.group_by("group").agg("row").sort("group")["row"].to_list()
    halves: tuple[list[int], list[int]] = ([], [])
    for position in stream.permutation(len(groups)):
        min(halves, key=len).extend(groups[position])
    first, second = (stream.permutation(np.array(half, dtype=np.intp)) for half in halves)
    return first, second


def distance_lines(setting: Setting, features: Features, sides: Sides) -> list[Line]:
    """Measures FID and KID: natural against natural images, then each generator."""
    (values,) = features.features
    lines = []
    reason = None if sides.n >= 4 else f"{sides.n} images a side"
    for name, halvings in _pairs(sides).items():
        refusal = reason or fid_refusal(sides.n, values.shape[1])
        distances = [] if refusal else [fid(values[first], values[second]) for first, second in halvings]
        lines.append(_distance_line(setting, name, "fid", distances, refusal))
        if reason:
            lines.append(_distance_line(setting, name, "kid", [], reason))
            continue
        kernel = kid(values[halvings[0][0]], values[halvings[0][1]])
        words = f"no interval: ± is over {kernel.subsets} subsets of {kernel.size} images a side"
        lines.append(Line(name, "", "kid", Number(kernel.value, seeds_sd=kernel.sd, reason=words)))
    return lines


def _pairs(sides: Sides) -> dict[str, list[tuple[Rows, Rows]]]:
    """Names the comparisons; natural images are compared once for each set of them."""
    pairs: dict[str, list[tuple[Rows, Rows]]] = {}
    seen: set[bytes] = set()
    for generator, halvings in sides.natural.items():
        rows = np.concatenate(halvings[0]).tobytes()
        if rows not in seen:
            pairs[f"{NATURAL} of {generator}" if seen else NATURAL] = halvings
        seen.add(rows)
    for generator, halvings in sides.natural.items():
        made = sides.generated[generator]
        pairs[generator] = [(first, rows) for (first, _), rows in zip(halvings, made, strict=True)]
    return pairs


def _distance_line(setting: Setting, name: str, metric: str, values: Sequence[float], refusal: str | None) -> Line:
    if refusal:
        line = plain_line(name, "", metric, float("nan"), f"refused: {refusal}")
    else:
        line = plain_line(name, "", metric, float(np.mean(values)), f"no interval: ± is over {SPLITS} splits", values)
    reported = find_in_table(setting.datamodule.name, name, metric)
    if reported is None or line.ours is None:
        return line
    ours = ours_of(setting, metric, reported.method)
    if reported.backbone is None and setting.backbone.name.startswith("dinov2-"):
        ours = replace(ours, backbone=None)  # the paper says DINOv2, and not which; that is among what it leaves unsaid
    return replace(line, reported=reported, verdict=judge_number(line.ours, reported, ours))


def find_in_table(dataset: str, generator: str, metric: str) -> ReportedNumber | None:
    """Finds what Table 6 prints."""
    wanted = ("Table 6", dataset, generator, metric)
    found = (one for one in load_reported() if (one.table, one.dataset, one.generator, one.metric) == wanted)
    return next(found, None)


def auroc_lines(
    comparison: Comparison, setting: Setting, options: RunOptions, sides: Sides, features: Features
) -> list[Line]:
    """Takes WePe's AUROCs, and computes the one of natural against natural images, which need not be 0.5."""
    natural, dataset = natural_auroc(comparison, sides, features), setting.datamodule.name
    printed = find_in_table(dataset, NATURAL, "auroc")
    verdict = not_comparable("halves of the same images: ± is no standard error") if printed else None
    lines = [replace(natural, reported=printed, verdict=verdict)]
    for row in comparison.summary.rows:
        if row.generator == MEAN:
            continue
        number, origin = row.numbers["auroc"], Origin.of(comparison, row.detector, options)
        ours = Ours.of(origin.detector, origin.data, origin.options, "auroc", CLEAN, origin.generators)
        reported = find_in_table(dataset, row.generator, "auroc")
        verdict = judge_number(number, reported, ours) if reported else None
        lines.append(Line(row.generator, "", "auroc", number, reported, verdict))
    return lines


def natural_auroc(comparison: Comparison, sides: Sides, features: Features) -> Line:
    """Computes how well WePe tells one half of the natural images from the other."""
    scores = comparison.panel.scores.mean(axis=0)
    of_path = dict(zip(comparison.panel.images["path"].to_list(), scores.tolist(), strict=True))
    own = np.array([of_path.get(path, np.nan) for path in features.images["path"].to_list()])
    values = []
    for first, second in next(iter(sides.natural.values()), ()):
        labels = np.repeat([0, 1], [len(first), len(second)])
        values.append(auroc(labels, own[np.concatenate([first, second])]) if sides.n else float("nan"))
    return plain_line(
        NATURAL,
        "",
        "auroc",
        float(np.mean(values)),
        f"no interval: ± is over {SPLITS} splits of the same images",
        values,
    )


def rank_lines(lines: Sequence[Line]) -> list[Line]:
    """Correlates the ranks of the distances and of the AUROCs over generators."""
    found = []
    for metric in ("fid", "kid"):
        points = points_of(lines, metric)
        words = (
            f"{len(points)} generators: of so few points a rank correlation says little, and generators are no random "
            "sample"
        )
        if len(points) < FEWEST_POINTS:
            words = f"fewer than {FEWEST_POINTS} generators with both numbers ({len(points)})"
            found.append(plain_line(f"Spearman of {metric.upper()} and AUROC", "", "rank_correlation", np.nan, words))
            continue
        rho = float(spearmanr([x for _, x, _ in points], [y for _, _, y in points]).statistic)
        found.append(plain_line(f"Spearman of {metric.upper()} and AUROC", "", "rank_correlation", rho, words))
    return found


def points_of(lines: Sequence[Line], metric: str) -> list[tuple[str, float, float]]:
    """Returns generator, distance and AUROC where both are there; natural images are no generator."""
    values = {
        kind: {line.row: line.ours.value for line in lines if line.metric == kind and line.ours is not None}
        for kind in (metric, "auroc")
    }
    both = [(name, x, values["auroc"].get(name, np.nan)) for name, x in values[metric].items()]
    return [one for one in both if np.isfinite(one[1:]).all() and not one[0].startswith(NATURAL)]


def draw_distances(lines: Sequence[Line], title: str) -> str:
    """Draws AUROC over FID, or over KID where FID was refused; the paper's points beside ours."""
    metric = "fid" if points_of(lines, "fid") else "kid"
    figure, (axes,) = draw((6.4, 4.2))
    for name, x, y in points_of(lines, metric):
        axes.plot(x, y, **marks(0, linestyle=""))
        axes.annotate(name, (x, y), xytext=(5, -3), textcoords="offset points", fontsize=8)
    papers = {(line.row, line.metric): line.reported.value for line in lines if line.reported is not None}
    printed = [
        (papers[row, "fid"], papers[row, "auroc"]) for row, kind in papers if kind == "fid" and (row, "auroc") in papers
    ]
    if printed and metric == "fid":
        axes.plot(*zip(*printed, strict=True), **marks(1, linestyle="", fillstyle="none"), label="paper")
        axes.plot([], [], **marks(0, linestyle=""), label="here")
        axes.legend(frameon=False)
    axes.set_xlabel(f"{metric.upper()} of features, natural against generated")
    axes.set_ylabel("AUROC of WePe")
    axes.set_title(title)
    return to_svg(figure, f"Distance of features and AUROC, {title}")
