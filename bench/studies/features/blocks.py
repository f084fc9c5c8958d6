"""Table 14: every block perturbed alone, under each reading of the noise's scale; the printed row decides."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
from scipy.stats import spearmanr

from bench.references.reported import ReportedNumber
from bench.report.plots.svg import INK, draw, series_style, to_svg
from bench.results.block_probe import real_pixels
from bench.scoring.options import RunOptions
from bench.scoring.setting import Setting
from bench.studies.base import Cost, Line, Paper, Result, not_comparable, plain_line, seeds_words
from bench.studies.features.base import BESIDE, FeatureStudy, depth_of, unreadable_note
from detectors import Backbone, Perturbation
from detectors.perturbation import Rule, Tensors
from detectors.probing import probe, ranking

MOST = 128
METRIC = "block_similarity"
PUBLISHED: tuple[Rule, Tensors] = ("tensor_mean", "all")
"""The authors' code."""
AGREES_WITHIN = 0.1
"""Of a block's mean similarity; images, seeds and rounding move it by far less."""
Reading = tuple[Rule, Tensors]
Profiles = Mapping[Reading, Sequence[float]]
READINGS: tuple[Reading, ...] = tuple(itertools.product(get_args(Rule), get_args(Tensors)))
"""Each rule of the scale with all parameters of a block, or only its weights."""


@dataclass(kw_only=True)
class BlocksStudy(FeatureStudy):
    """Probes a backbone under every reading of what the paper says of the noise, and ranks the readings."""

    most: int | None = MOST

    def cost(self, options: RunOptions, images: int) -> Cost:
        """A probe re-uses the clean prefix, so it costs about half a pass for each block."""
        depth = depth_of(options.backbone)
        probe_passes = -(-(depth + depth * (depth + 1) // 2) // depth)
        note = f"{len(READINGS)} readings, {depth} blocks; real images alone, {MOST} of each source at most"
        return Cost(min(images, MOST), probe_passes * len(READINGS) * options.seeds, note)

    def measure(self, setting: Setting, options: RunOptions, progress: bool = False) -> Result:  # noqa: D102
        unreadable: list[str] = []
        batches = list(real_pixels(setting, unreadable, progress))
        by_seed = {
            (rule, tensors): [
                probe(setting.backbone, batches, Perturbation(rule=rule, tensors=tensors), seed).similarities
                for seed in range(options.seeds)
            ]
            for rule, tensors in READINGS
        }
        profiles = {reading: np.mean(values, axis=0).tolist() for reading, values in by_seed.items()}
        decides = setting.backbone.name == self.paper.backbone  # that of the printed row
        printed = printed_row(self.paper) if decides else {}
        row = [printed[block].value for block in sorted(printed)]
        order = nearest_first(profiles, row) if decides else list(READINGS)
        lines = distance_lines(profiles, row, order) if decides else []
        for reading in order:
            lines += profile_lines(reading, by_seed[reading], printed)
        images = sum(map(len, batches))
        undecided = (
            f"Table 14 was printed for {self.paper.backbone}; on {setting.backbone.name} it decides nothing, and only "
            "our similarities are shown."
        )
        return Result(
            tuple(lines),
            {"blocks": draw_profiles(profiles, row, f"{setting.backbone.name}, {images} real images")},
            (
                f"{images} real images, each block perturbed alone at a ratio of 0.1, {seeds_words(options.seeds)}; "
                "the cosine similarity is the mean over images and seeds.",
                decision(profiles, row, order) if decides else undecided,
                prediction(setting.backbone, profiles[PUBLISHED], row),
                *([f"The weights come from {options.weights}: the decision is theirs."] if options.weights else []),
                *unreadable_note(unreadable),
            ),
        )


def printed_row(paper: Paper) -> dict[int, ReportedNumber]:
    """Returns what Table 14 prints, by block."""
    numbers = paper.printed("Table 14", metric=METRIC)
    return {int(str(number.options["blocks"]).split(" ", 1)[0]): number for number in numbers}


def mean_absolute_difference(similarities: Sequence[float], printed: Sequence[float]) -> float:
    """Averages over blocks how far a profile lies from the printed one.

    Examples:
        >>> mean_absolute_difference([1.0, 0.5], [0.5, 0.75])
        0.375
    """
    return float(np.abs(np.subtract(similarities, printed)).mean())


def rank_correlation(similarities: Sequence[float], printed: Sequence[float]) -> float:
    """Correlates the order of the blocks with the printed one (Spearman); nan where all are alike."""
    if len(set(similarities)) < 2:
        return float("nan")
    return float(spearmanr(similarities, printed).statistic)


def nearest_first(profiles: Profiles, printed: Sequence[float]) -> list[Reading]:
    """Orders readings by their mean absolute difference to the printed row."""
    return sorted(profiles, key=lambda reading: mean_absolute_difference(profiles[reading], printed))


def distance_lines(profiles: Profiles, printed: Sequence[float], order: Sequence[Reading]) -> list[Line]:
    """Makes both distances of each reading, the nearest first."""
    distances = {"mean_absolute_difference": mean_absolute_difference, "rank_correlation": rank_correlation}
    words = "a distance to printed numbers, without an interval"
    return [
        plain_line(words_of(reading), "all blocks", metric, distance(profiles[reading], printed), words)
        for reading in order
        for metric, distance in distances.items()
    ]


def decision(profiles: Profiles, printed: Sequence[float], order: Sequence[Reading]) -> str:
    """Says which reading is nearest to the printed row, and whether the order of the blocks agrees."""
    gaps = [mean_absolute_difference(profiles[reading], printed) for reading in order[:2]]
    correlations = {reading: rank_correlation(profiles[reading], printed) for reading in order}
    by_rank = max(order, key=lambda reading: np.nan_to_num(correlations[reading], nan=-1.0))
    agrees = "also by" if by_rank == order[0] else f"but {words_of(by_rank)} by"
    return (
        f"Nearest to the printed row by mean absolute difference: {words_of(order[0])} ({100 * gaps[0]:.2f} points; "
        f"next {words_of(order[1])}, {100 * gaps[1]:.2f}), {agrees} rank correlation ({correlations[by_rank]:.3f}). "
        "The paper does not say which images were probed, nor how many."
    )


def prediction(backbone: Backbone, similarities: Sequence[float], printed: Sequence[float]) -> str:
    """Says how little noise the rule of the authors' code gives weight matrices, and what comes of it.

    Args:
        backbone: The clean network.
        similarities: Of each block under that rule.
        printed: The row of the paper; empty on another backbone.
    """
    matrices = [
        parameter.detach().float()
        for block in range(backbone.depth)
        for parameter in backbone.block_parameters(block).values()
        if parameter.ndim >= 2
    ]
    shares = sorted((matrix.mean().abs() / matrix.std(correction=0).clamp_min(1e-12)).item() for matrix in matrices)
    share, least = shares[len(shares) // 2], int(np.argmin(similarities))
    words = (
        f"{words_of(PUBLISHED)}, the authors' code: the mean of a weight matrix is {share:.2%} of its standard "
        f"deviation (median), and the noise a tenth of that; the least similarity is {similarities[least]:.1%}, of "
        f"block {least}."
    )
    if not printed:
        return words
    block = int(np.argmin(printed))
    apart = abs(similarities[block] - printed[block]) > AGREES_WITHIN
    agreement = "code and table disagree" if apart else "code and table agree there"
    return (
        f"{words} The table's least is {printed[block]:.1%}, of block {block}, where it is {similarities[block]:.1%} "
        f"here: {agreement}."
    )


def profile_lines(
    reading: Reading, by_seed: Sequence[Sequence[float]], printed: Mapping[int, ReportedNumber]
) -> list[Line]:
    """Makes the line of each block, with its rank among the blocks as the column says."""
    means = np.mean(by_seed, axis=0).tolist()
    order = ranking(means)
    lines = []
    for block, mean in enumerate(means):
        column, seeds = f"block {block} (rank {order.index(block) + 1})", [float(values[block]) for values in by_seed]
        reason = "no interval: a mean over the probed images"
        line = plain_line(words_of(reading), column, METRIC, mean, reason, seeds)
        reported = printed.get(block)
        verdict = not_comparable(*(f"unpublished: {what}" for what in reported.unsaid)) if reported else None
        lines.append(replace(line, reported=reported, verdict=verdict))
    return lines


def words_of(reading: Reading) -> str:
    """Writes a reading as WePe's options.

    Examples:
        >>> words_of(("tensor_std", "all"))
        'rule=tensor_std, tensors=all'
    """
    return f"rule={reading[0]}, tensors={reading[1]}"


def draw_profiles(profiles: Profiles, printed: Sequence[float], title: str) -> str:
    """Draws similarity over blocks: a colour for each rule, dashed where only weights are perturbed."""
    figure, (axes,) = draw((8.6, 4.6))
    rules = get_args(Rule)
    for (rule, tensors), values in profiles.items():
        style = series_style(rules.index(rule), linestyle="-" if tensors == "all" else "--", markersize=3, linewidth=1)
        label = rule if tensors == "all" else None
        axes.plot(range(len(values)), [100 * value for value in values], **style, label=label)
    if printed:
        axes.plot([100 * value for value in printed], color=INK, linewidth=2, label="paper")
    axes.plot([], [], color=INK, linestyle="--", label="weights alone")
    axes.set(xlabel="block perturbed alone", ylabel="cosine similarity, %", title=title)
    axes.legend(**BESIDE)
    return to_svg(figure, f"Similarity of features by perturbed block, {title}")
