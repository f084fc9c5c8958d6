"""Table 14: every block perturbed alone, under each reading of the noise's scale; the printed row decides."""

from collections.abc import Mapping, Sequence
from typing import get_args

import numpy as np
import torch
from scipy.stats import spearmanr

from bench.references.reported import ReportedNumber, load_reported
from bench.report.plots.svg import INK, draw, to_svg
from bench.results.block_probe import real_pixels
from bench.scoring.options import RunOptions
from bench.scoring.setting import Setting
from bench.studies.base import Cost, Line, Paper, Result
from bench.studies.features.base import (
    FeatureStudy,
    depth_of,
    marks,
    not_comparable,
    plain_line,
    seeds_words,
    unreadable_note,
)
from detectors import Perturbation
from detectors.perturbation import Rule, Tensors
from detectors.probing import probe, ranking

MOST = 128
Reading = tuple[str, str]
Profiles = Mapping[Reading, Sequence[float]]
READINGS: tuple[Reading, ...] = tuple((rule, tensors) for rule in get_args(Rule) for tensors in get_args(Tensors))
"""Each rule of the scale with all parameters of a block, or only its weights."""


class BlocksStudy(FeatureStudy):
    """Probes a backbone under every reading of what the paper says of the noise, and ranks the readings."""

    def cost(self, options: RunOptions, images: int) -> Cost:
        """A probe re-uses the clean prefix, so it costs about half a pass for each block."""
        depth = depth_of(options.backbone)
        each = -(-(depth + depth * (depth + 1) // 2) // depth)
        note = f"{len(READINGS)} readings, {depth} blocks; real images alone, {MOST} of each source at most"
        return Cost(min(images, MOST), each * len(READINGS) * options.seeds, note)

    def measure(self, setting: Setting, options: RunOptions, progress: bool = False) -> Result:  # noqa: D102
        unreadable: list[str] = []
        batches = list(real_pixels(setting, unreadable, progress))
        by_seed = {reading: probe_seeds(setting, batches, reading, options.seeds) for reading in READINGS}
        profiles = {reading: np.mean(values, axis=0).tolist() for reading, values in by_seed.items()}
        decides = setting.backbone.name == self.paper.backbone  # that of the printed row
        printed = printed_row() if decides else {}
        row = [printed[block].value for block in sorted(printed)]
        order = nearest_first(profiles, row) if decides else list(READINGS)
        lines = [*(distance_lines(profiles, row, order) if decides else ())]
        for reading in order:
            lines += profile_lines(setting, reading, by_seed[reading], printed)
        images = sum(map(len, batches))
        return Result(
            tuple(lines),
            {"blocks": draw_profiles(profiles, row, f"{setting.backbone.name}, {images} real images")},
            (
                f"{images} real images, each block perturbed alone at a ratio of 0.1, {seeds_words(options.seeds)}; "
                "the cosine similarity is the mean over images and seeds.",
                decision(profiles, row, order) if decides else undecided(setting.backbone.name, self.paper),
                *([f"The weights come from {options.weights}: the decision is theirs."] if options.weights else []),
                *unreadable_note(unreadable),
            ),
        )


def probe_seeds(
    setting: Setting, batches: Sequence[torch.Tensor], reading: Reading, seeds: int
) -> list[tuple[float, ...]]:
    """Probes once for each seed: similarities by block."""
    perturbation = Perturbation(rule=reading[0], tensors=reading[1])  # type: ignore[arg-type] # from get_args
    return [probe(setting.backbone, batches, perturbation, seed).similarities for seed in range(seeds)]


def printed_row(metric: str = "block_similarity") -> dict[int, ReportedNumber]:
    """Returns what Table 14 prints, by block."""
    found = [one for one in load_reported() if one.metric == metric]
    return {int(str(one.options["blocks"]).split(" ", 1)[0]): one for one in found}


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
    words = "a distance to printed numbers, without an interval"
    return [
        plain_line(words_of(reading), "all blocks", metric, measure(profiles[reading], printed), words)
        for reading in order
        for metric, measure in (
            ("mean_absolute_difference", mean_absolute_difference),
            ("rank_correlation", rank_correlation),
        )
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


def undecided(backbone: str, paper: Paper) -> str:
    """Says why nothing is decided."""
    return (
        f"Table 14 was printed for {paper.backbone}; on {backbone} it decides nothing, and only our similarities are "
        f"shown."
    )


def profile_lines(
    setting: Setting, reading: Reading, by_seed: Sequence[Sequence[float]], printed: Mapping[int, ReportedNumber]
) -> list[Line]:
    """Makes the line of each block, with its rank among the blocks as the column says."""
    means = np.mean(by_seed, axis=0).tolist()
    order = ranking(means)
    lines = []
    for block, mean in enumerate(means):
        line = plain_line(
            words_of(reading),
            f"block {block} (rank {order.index(block) + 1})",
            "block_similarity",
            mean,
            "no interval: a mean over the probed images",
            [float(values[block]) for values in by_seed],
        )
        reported = printed.get(block)
        verdict = not_comparable(*(f"unpublished: {what}" for what in reported.unsaid)) if reported else None
        lines.append(Line(line.row, line.column, line.metric, line.ours, reported, verdict))
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
        style = marks(rules.index(rule), linestyle="-" if tensors == "all" else "--", markersize=3, linewidth=1)
        label = rule if tensors == "all" else None
        axes.plot(range(len(values)), [100 * value for value in values], **style, label=label)
    if printed:
        axes.plot([100 * value for value in printed], color=INK, linewidth=2, label="paper")
    axes.plot([], [], color=INK, linestyle="--", label="weights alone")
    axes.set_xlabel("block perturbed alone")
    axes.set_ylabel("cosine similarity, %")
    axes.set_title(title)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return to_svg(figure, f"Similarity of features by perturbed block, {title}")
