"""Figures 1 and 7: maps of features by t-SNE, real and generated, of the clean and the perturbed network."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # comes with scikit-learn

from bench.report.plots.svg import draw, series_style, to_svg
from bench.scoring.options import RunOptions
from bench.scoring.setting import Setting, open_setting
from bench.store.panel import Floats
from bench.studies.base import Cost, Result, plain_line
from bench.studies.engine import not_run_note, one_line
from bench.studies.features.base import BESIDE, Features, FeatureStudy, read_features, unit, unreadable_note
from datamodules import REAL
from detectors.errors import DetectorError

MOST, PERPLEXITY, SEED = 250, 30.0, 0
"""Images of each source, t-SNE's perplexity at most, and its seed."""
FEWEST = 5
NETWORKS = ("clean", "perturbed")


@dataclass(kw_only=True)
class MapStudy(FeatureStudy):
    """A map for each backbone.

    Args:
        others: Backbones that the paper's figure shows beside the first; left out where the user names another.
    """

    most: int | None = MOST
    others: tuple[str, ...] = ()

    def cost(self, options: RunOptions, images: int) -> Cost:
        """A clean and a perturbed pass for each backbone."""
        backbones = 1 + len(self._others(options))
        return Cost(images, 2 * backbones, f"at most {MOST} images of each source; t-SNE on one core, about a minute")

    def measure(self, setting: Setting, options: RunOptions, progress: bool = False) -> Result:  # noqa: D102
        maps = [self._mapped(setting, progress)]
        not_run: list[tuple[str, str]] = []
        for name in self._others(options):
            try:
                maps.append(self._mapped(open_setting(replace(options, backbone=name, weights=None)), progress))
            except DetectorError as error:
                not_run.append((name, one_line(error)))
        return Result(
            tuple(line for result in maps for line in result.lines),
            {name: svg for result in maps for name, svg in result.figures.items()},
            (
                f"t-SNE (scikit-learn) of unit features, clean and perturbed together, seed {SEED}, started from their "
                f"principal components, perplexity {PERPLEXITY:g} or a third of the points. Distances and sizes of "
                "clusters on such a map mean little, and what it parts need not be parted by any one number.",
                "The paper's map is of images of one class; here all sources that the data set has are shown.",
                *dict.fromkeys(note for result in maps for note in result.notes),
                *(not_run_note(*part) for part in not_run),
            ),
            tuple(not_run),
        )

    def _others(self, options: RunOptions) -> tuple[str, ...]:
        return self.others if options.backbone == self.backbone else ()

    def _mapped(self, setting: Setting, progress: bool) -> Result:
        networks = [setting.backbone, self.perturbation().perturb(setting.backbone, SEED)]
        features = read_features(setting, networks, progress=progress)
        name, notes = setting.backbone.name, tuple(unreadable_note(features.unreadable))
        images = len(features.images)
        if images < FEWEST:
            words = f"{images} readable images are fewer than the {FEWEST} of a map"
            return Result((plain_line(name, "all images", "tsne_divergence", np.nan, words),), notes=notes)
        points, divergence = make_map(features.features)
        words = "no interval: it describes one map"
        line = plain_line(name, f"{images} images", "tsne_divergence", divergence, words)
        return Result((line,), {f"map-{file_part(name)}": draw_map(points, features, setting)}, notes)


def make_map(features: Sequence[Floats]) -> tuple[Floats, float]:
    """Puts the features ``(n, D)`` of several networks on one map.

    On one thread: with more, sums are added in another order each time, and a map grows another way.

    Returns:
        ``(networks, n, 2)`` points, and what t-SNE could not bring down: the Kullback-Leibler divergence.
    """
    units = np.concatenate([unit(values) for values in features])
    perplexity = min(PERPLEXITY, (len(units) - 1) / 3)
    with threadpool_limits(limits=1):
        tsne = TSNE(init="pca", random_state=SEED, perplexity=perplexity)
        points = tsne.fit_transform(units).astype(np.float64)
    return points.reshape(len(features), -1, 2), float(tsne.kl_divergence_)


def draw_map(points: Floats, features: Features, setting: Setting) -> str:
    """Draws the clean and the perturbed points side by side; real images are the first series."""
    title = f"{setting.datamodule.title}, {setting.backbone.name}"
    images = features.images
    sources = images.select("label", "generator").unique().sort("label", "generator").rows()
    xlim, ylim = zip(points.min(axis=(0, 1)) - 1, points.max(axis=(0, 1)) + 1, strict=True)
    figure, panels = draw((9.6, 4.4), (1, 2))
    for axes, of_network, network in zip(panels, points, NETWORKS, strict=True):
        for position, (label, source) in enumerate(sources):
            of_source = ((images["label"] == label) & (images["generator"] == source)).to_numpy()
            style = series_style(position, linestyle="", markersize=2.5, alpha=0.7, markeredgewidth=0)
            axes.plot(*of_network[of_source].T, **style, label=f"{source} (real)" if label == REAL else source)
        axes.set_title(f"{title}, {network}", fontsize=10)
        axes.set(xticks=[], yticks=[], xlim=xlim, ylim=ylim)
    panels[-1].legend(**BESIDE)
    return to_svg(figure, f"Features by t-SNE, clean and perturbed, {title}")


def file_part(backbone: str) -> str:
    """Makes a backbone's name part of a file's.

    Examples:
        >>> file_part("clip-vitl14:features=pre-projection")
        'clip-vitl14-features-pre-projection'
    """
    return "".join(letter if letter.isalnum() else "-" for letter in backbone)
