"""Figures 2 and 3: how features move under noise on the weights, of single images and of whole sources."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from bench.errors import BenchError
from bench.report.plots.svg import draw, series_style, to_svg
from bench.scoring.options import RunOptions
from bench.scoring.setting import Setting
from bench.store.contrasts import ContrastRule
from bench.store.panel import Floats, Panel
from bench.store.schema import CLEAN
from bench.studies.base import Cost, Line, Result, Study, plain_line
from bench.studies.features.base import (
    FeatureStudy,
    compare_wepe,
    each_preset,
    panel_notes,
    read_features,
    unit,
    unreadable_note,
)
from datamodules import GENERATED, REAL
from datamodules.sampling import limited
from detectors.wepe import Preset

LEVELS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Ratios of the noise, the paper's 0.1 among them."""
CANDIDATES = 8
SOURCES = {"real": REAL, "generated": GENERATED}
BINS = 40
"""Bins at most; fewer where images are few."""
Similarities = dict[tuple[int, str], Floats]


class GrowingNoiseStudy(FeatureStudy):
    """One real and one generated image under growing noise, the same noise times each ratio."""

    def cost(self, options: RunOptions, images: int) -> Cost:
        """Two images; every level is one pass a seed."""
        return Cost(2, len(LEVELS) * options.seeds)

    def measure(self, setting: Setting, options: RunOptions, progress: bool = False) -> Result:  # noqa: D102
        chosen, unreadable = choose_images(setting)
        seeds = range(options.seeds)
        perturbations = [self.perturbation(ratio=level) for level in LEVELS]
        networks = [one.perturb(setting.backbone, seed) for seed in seeds for one in perturbations]
        features = read_features(setting, networks, chosen, progress)
        units = unit(np.stack(features.features)).reshape(options.seeds, len(LEVELS), len(SOURCES), -1)
        lines = [line for image, kind in enumerate(SOURCES) for line in level_lines(kind, units[:, :, image])]
        paths = features.images["path"].to_list()
        named = ", ".join(f"{kind}: {path}" for kind, path in zip(SOURCES, paths, strict=True))
        return Result(
            tuple(lines),
            {"levels": draw_levels(lines, units[0], f"{setting.datamodule.title}, {setting.backbone.name}")},
            (
                f"One image of each class, the readable one whose path has the smallest hash ({named}): an "
                "illustration, chosen before anything was measured, from which nothing follows about other images.",
                "The noise of a seed is the same at every ratio but for its scale; the plane shows seed 0.",
                *unreadable_note(unreadable),
            ),
        )


def choose_images(setting: Setting) -> tuple[list[int], list[str]]:
    """Takes the first readable real and the first readable generated image, by a hash of their paths.

    Returns:
        Their rows among the items, and what could not be read before.

    Raises:
        BenchError: A class has none among the first few.
    """
    chosen: list[int] = []
    unreadable: dict[str, None] = {}
    items = setting.datamodule.items.with_row_index()
    for kind, label in SOURCES.items():
        of_class = items.filter(pl.col("label") == label).with_columns(generator=pl.lit(kind))
        for count in range(1, min(CANDIDATES, len(of_class)) + 1):
            candidates = limited(of_class, count)
            features = read_features(setting, [], candidates["index"].to_list())
            readable = candidates.filter(pl.col("path").is_in(features.images["path"].to_list()))
            if len(readable):
                chosen.append(readable["index"][0])
                break
            unreadable.update(dict.fromkeys(features.unreadable))
        else:
            raise BenchError(f"There is no readable {kind} image among the first {CANDIDATES} of {len(of_class)}.")
    return chosen, list(unreadable)


def level_lines(kind: str, units: Floats) -> list[Line]:
    """Makes the line of each level but 0: how similar an image's features stay to those without noise, level 0.

    Args:
        kind: The class.
        units: ``(seeds, levels, D)`` unit features.
    """
    by_level = 0.5 * np.square(units - units[:, :1]).sum(axis=-1).T
    reason = "no interval: one image"
    return [
        plain_line(kind, f"ratio {level:g}", "similarity", 1 - distances.mean(), reason, (1 - distances).tolist())
        for level, distances in zip(LEVELS, by_level, strict=True)
        if level > 0
    ]


def draw_levels(lines: Sequence[Line], units: Floats, title: str) -> str:
    """Draws similarity over the ratio, and the features' way through the plane of their first two components."""
    figure, (left, right) = draw((9.6, 4.0), (1, 2))
    plane = principal_plane(units.reshape(-1, units.shape[-1])).reshape(*units.shape[:2], 2)
    for position, kind in enumerate(SOURCES):
        values = [line.ours.value for line in lines if line.row == kind and line.ours is not None]
        left.plot(LEVELS[1:], values, **series_style(position), label=kind)
        right.plot(*plane[:, position].T, **series_style(position), label=kind)
        for level, point in zip(LEVELS, plane[:, position], strict=True):
            right.annotate(f"{level:g}", point, xytext=(4, 4), textcoords="offset points", fontsize=7)
    left.set_xscale("log")
    left.set_xticks(LEVELS[1:], [f"{level:g}" for level in LEVELS[1:]])
    left.minorticks_off()
    left.set(xlabel="ratio of the noise", ylabel="cosine similarity to the clean features")
    right.set(xlabel="first principal component", ylabel="second principal component")
    left.legend(frameon=False)
    figure.suptitle(title)
    return to_svg(figure, f"Features under growing noise, {title}")


def principal_plane(points: Floats) -> Floats:
    """Projects ``(n, D)`` points on their first two principal components, whose largest coefficients are positive."""
    centred = points - points.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:2]
    signs = np.sign(np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1))
    return np.asarray(centred @ (axes * np.where(signs == 0, 1, signs)).T)


class SimilarityStudy(Study):
    """Similarity of clean and perturbed features, real against each generator, from the stored scores of WePe."""

    by_preset = True

    def cost(self, options: RunOptions, images: int) -> Cost:
        """WePe's own passes."""
        return Cost(images, 1 + options.seeds)

    def run(self, options: RunOptions, progress: bool = False) -> Result:
        """Scores the images with WePe, or takes the scores from the store; see :class:`Study`."""
        return each_preset(self, lambda preset: self._compared(preset, options, progress))

    def _compared(self, preset: Preset, options: RunOptions, progress: bool) -> Result:
        comparison = compare_wepe(self, preset, options, progress)
        if comparison is None:
            return Result()
        panel, rows, title = comparison.panel, comparison.summary.rows, f"{comparison.title}, {options.backbone}"
        similarities = similarities_of(panel)
        aurocs = [Line(row.generator, "real against generated", "auroc", row.numbers["auroc"]) for row in rows]
        return Result(
            (*similarity_lines(similarities), *aurocs),
            {"similarity": draw_histograms(similarities, panel.contrasts[CLEAN], title)},
            (
                "Similarity is 1 minus WePe's score; histograms are of seed 0, one perturbed network as in the method, "
                "and lines of all seeds. The paper's figure prints no numbers.",
                *panel_notes(panel),
                *self.differences(options),
            ),
        )


def similarities_of(panel: Panel) -> Similarities:
    """Returns ``(seeds, k)`` similarities of each source's readable images, by label and name."""
    part = panel.part(*panel.cells[0])  # there is but one
    sources = panel.images["generator"].to_numpy()[part.rows]
    names = sorted(set(zip(part.labels.tolist(), sources.tolist(), strict=True)))
    return {(label, name): 1 - part.scores[:, (part.labels == label) & (sources == name)] for label, name in names}


def similarity_lines(similarities: Similarities) -> list[Line]:
    """Makes the mean and the standard deviation over images of each source."""
    lines, reason = [], "no interval: describes these images"
    for (label, name), values in similarities.items():
        row, images = f"{name} (real)" if label == REAL else name, f"{values.shape[1]} images"
        for metric, by_seed in (("mean_similarity", values.mean(axis=1)), ("sd_of_similarity", values.std(axis=1))):
            lines.append(plain_line(row, images, metric, by_seed.mean(), reason, by_seed.tolist()))
    return lines


def draw_histograms(similarities: Similarities, rules: Sequence[ContrastRule], title: str) -> str:
    """Draws a panel for each generator: the similarities of its images, and of the real ones that face it."""
    columns = min(3, max(1, len(rules)))
    rows = max(1, -(-len(rules) // columns))
    figure, panels = draw((3.6 * columns, 2.8 * rows + 0.4), (rows, columns))
    for axes in panels[len(rules) :]:
        axes.set_visible(False)
    for axes, rule in zip(panels, rules, strict=False):
        reals = [values[0] for (label, name), values in similarities.items() if label == REAL and name in rule.reals]
        generated = similarities.get((GENERATED, rule.generator), np.empty((1, 0)))[0]
        sides = {"real": np.concatenate([np.empty(0), *reals]), rule.generator: generated}
        everything = np.concatenate(list(sides.values()))
        edges = np.histogram_bin_edges(everything, min(BINS, max(5, round(len(everything) ** 0.5))))
        for position, (name, values) in enumerate(sides.items()):
            colour = series_style(position)["color"]
            shares = np.histogram(values, edges)[0] / max(1, len(values))
            axes.stairs(shares, edges, fill=True, alpha=0.35, color=colour, label=name)
        axes.set_xlabel("cosine similarity")
        axes.legend(fontsize=8, frameon=False)
    panels[0].set_ylabel("share of images")
    figure.suptitle(title)
    return to_svg(figure, f"Similarity of clean and perturbed features, {title}")
