"""Figures 1 and 7: maps of features by t-SNE, real and generated, of the clean and the perturbed network."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # comes with scikit-learn

from bench.report.plots.svg import draw, to_svg
from bench.scoring.options import RunOptions
from bench.scoring.setting import Setting, open_setting
from bench.studies.base import Cost, Paper, Result
from bench.studies.engine import not_run_note, one_line
from bench.studies.features.base import (
    Features,
    FeatureStudy,
    Floats,
    marks,
    plain_line,
    read_features,
    unreadable_note,
)
from datamodules import REAL
from detectors import OptionError, Perturbation, WeightsError, WeightsNotFoundError

MOST, PERPLEXITY, SEED = 250, 30.0, 0
"""Images of each source, t-SNE's perplexity at most, and its seed."""
FEWEST = 5
NETWORKS = ("clean", "perturbed")


@dataclass(frozen=True)
class Map:
    """A map of features.

    Args:
        points: ``(2, n, 2)``, for the clean and the perturbed network.
        divergence: What t-SNE could not bring down: the Kullback-Leibler divergence.
        perplexity: With what it was made.
    """

    points: Floats
    divergence: float
    perplexity: float


class MapStudy(FeatureStudy):
    """A map for each backbone.

    Args:
        name: As in :class:`FeatureStudy`.
        title: As in :class:`FeatureStudy`.
        place: As in :class:`FeatureStudy`.
        dataset: As in :class:`FeatureStudy`.
        paper: As in :class:`FeatureStudy`.
        others: Backbones that the paper's figure shows beside the first; left out where the user names another.
    """

    def __init__(
        self, name: str, title: str, place: str, dataset: str, paper: Paper, others: Sequence[str] = ()
    ) -> None:
        super().__init__(name, title, place, dataset, paper, most=MOST)
        self.others = tuple(others)

    def cost(self, options: RunOptions, images: int) -> Cost:
        """A clean and a perturbed pass for each backbone."""
        backbones = 1 + len(self._others(options))
        return Cost(images, 2 * backbones, f"at most {MOST} images of each source; t-SNE on one core, about a minute")

    def measure(self, setting: Setting, options: RunOptions, progress: bool = False) -> Result:  # noqa: D102
        found = [self._mapped(setting, progress)]
        not_run: list[tuple[str, str]] = []
        for name in self._others(options):
            try:
                found.append(self._mapped(open_setting(replace(options, backbone=name, weights=None)), progress))
            except (OptionError, WeightsError, WeightsNotFoundError) as error:
                not_run.append((name, one_line(error)))
        return Result(
            tuple(line for one in found for line in one.lines),
            {name: svg for one in found for name, svg in one.figures.items()},
            (
                f"t-SNE (scikit-learn) of unit features, clean and perturbed together, seed {SEED}, started from their "
                f"principal components, perplexity {PERPLEXITY:g} or a third of the points. Distances and sizes of "
                "clusters on such a map mean little, and what it parts need not be parted by any one number.",
                "The paper's map is of images of one class; here all sources that the data set has are shown.",
                *dict.fromkeys(note for one in found for note in one.notes),
                *(not_run_note(*part) for part in not_run),
            ),
            tuple(not_run),
        )

    def _others(self, options: RunOptions) -> tuple[str, ...]:
        return self.others if options.backbone == self.backbone else ()

    def _mapped(self, setting: Setting, progress: bool) -> Result:
        networks = [setting.backbone, Perturbation().perturb(setting.backbone, SEED)]
        features = read_features(setting, networks, progress=progress)
        name, notes = setting.backbone.name, unreadable_note(features.unreadable)
        images = len(features.images)
        if images < FEWEST:
            words = f"{images} readable images are fewer than the {FEWEST} of a map"
            return Result((plain_line(name, "all images", "tsne_divergence", np.nan, words),), {}, tuple(notes))
        made = make_map(features.features)
        words = "no interval: it describes one map"
        line = plain_line(name, f"{images} images", "tsne_divergence", made.divergence, words)
        return Result((line,), {f"map-{file_part(name)}": draw_map(made, features, setting)}, tuple(notes))


def make_map(features: Sequence[Floats]) -> Map:
    """Puts the features of several networks on one map.

    On one thread: with more, sums are added in another order each time, and a map grows another way.

    Args:
        features: ``(n, D)`` of each network.
    """
    units = np.concatenate([one / np.linalg.norm(one, axis=1, keepdims=True).clip(min=1e-12) for one in features])
    perplexity = min(PERPLEXITY, (len(units) - 1) / 3)
    with threadpool_limits(limits=1):
        tsne = TSNE(init="pca", random_state=SEED, perplexity=perplexity)
        points = tsne.fit_transform(units).astype(np.float64)
    return Map(points.reshape(len(features), -1, 2), float(tsne.kl_divergence_), perplexity)


def draw_map(made: Map, features: Features, setting: Setting) -> str:
    """Draws the clean and the perturbed points side by side; real images are the first series."""
    title = f"{setting.datamodule.title}, {setting.backbone.name}"
    figure, panels = draw((9.6, 4.4), (1, 2))
    for axes, points, network in zip(panels, made.points, NETWORKS, strict=True):
        _draw_points(axes, points, features.images)
        axes.set_title(f"{title}, {network}", fontsize=10)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_xlim(made.points[..., 0].min() - 1, made.points[..., 0].max() + 1)
        axes.set_ylim(made.points[..., 1].min() - 1, made.points[..., 1].max() + 1)
    panels[-1].legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return to_svg(figure, f"Features by t-SNE, clean and perturbed, {title}")


def _draw_points(axes: Axes, points: Floats, images: pl.DataFrame) -> None:
    sources = images.select("label", "generator").unique().sort("label", "generator").rows()
    for position, (label, source) in enumerate(sources):
        own = ((images["label"] == label) & (images["generator"] == source)).to_numpy()
        style = marks(position, linestyle="", markersize=2.5, alpha=0.7, markeredgewidth=0)
        name = f"{source} (real)" if label == REAL else source
        axes.plot(*points[own].T, **style, label=name)


def file_part(backbone: str) -> str:
    """Makes a backbone's name part of a file's.

    Examples:
        >>> file_part("clip-vitl14:features=pre-projection")
        'clip-vitl14-features-pre-projection'
    """
    return "".join(letter if letter.isalnum() else "-" for letter in backbone)
