"""Fits linear detectors: features of the training images, then a logistic regression or a support vector machine.

Features are standardised over the training images, unless the published recipe leaves them as they are, and the L2
penalty is on the weights of these; both classes weigh the same, however many images they have. The standardisation is
folded into the saved weights, so that ``score = sigmoid(w . f + b)`` holds for the features as they are.

Where there are more features than images, the images are described by their coordinates among themselves: an L2 penalty
does not see which axes are taken, so that the weights are the same, and memory is that of the features in float32 and
of a square of the images.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from torch import Tensor

from bench.errors import BenchError
from bench.scoring.build import VIEWS
from bench.scoring.images import image_batches
from bench.scoring.machine.phases import phase
from bench.scoring.machine.trainer import create_fabric
from bench.scoring.options import RunOptions
from bench.scoring.training_record import save_fitted
from bench.training.options import SVM, FitOptions
from bench.training.training_set import TrainingSet
from datamodules.conditions import Picture
from detectors import create_backbone, find_detector
from detectors.fitting import Pixels
from detectors.trained.durall import Durall, profiles
from detectors.trained.frank import Frank, cosines
from detectors.trained.linear_probe import LinearProbe

Floats = NDArray[np.float64]
MOST_STEPS = 10_000
BLOCK = 4096
"""Columns that are held in float64 at once."""
LEAST_SHARE = 1e-12
"""Directions in which images vary less, beside that in which they vary most, are rounding."""
FEATURES: Mapping[str, Callable[[Any], Tensor]] = {Durall.name: profiles, Frank.name: cosines}
"""What is computed of images, for the detectors that need no backbone."""
NO_IMAGE = "No readable image of one of the classes is left to train on."


def fit_linear(
    fit: FitOptions, options: RunOptions, data: TrainingSet, progress: bool, say: Callable[[str], None]
) -> None:
    """Fits a linear detector and saves it; ``say`` is told what happened, a sentence each.

    Raises:
        BenchError: The images cannot be fitted.
    """
    fabric = create_fabric(options)
    features_of, origin = _features(fit, options, fabric.device)
    view = VIEWS[options.view] or find_detector(fit.name).view
    data.datamodule.conditions = (data.condition,)
    picture, unreadable = Picture(data.condition.name, view), list[str]()
    features, labels = [], []
    for batch in image_batches(data.datamodule, (view,), fabric.device, data.split.indices, unreadable, progress):
        with torch.inference_mode(), fabric.autocast():
            features.append(features_of(batch.views[picture]).float().cpu())
        labels.append(batch.label.cpu())
    if unreadable:
        say(f"Unreadable, not trained on: {'; '.join(unreadable)}.")
    if not features:
        raise BenchError(NO_IMAGE)
    values, classes = torch.cat(features).numpy(), torch.cat(labels).numpy()
    weight, bias = linear_weights(values, classes, fit)
    facts = data.facts(fit) | {"detector": fit.name, "c": fit.c, "classifier": fit.classifier, "view": asdict(view)}
    facts |= origin | {"precision": options.precision}
    tensors = {"weight": torch.from_numpy(weight), "bias": torch.tensor(bias, dtype=torch.float64)}
    save_fitted(tensors, data.record(facts), fit.save)
    say(
        f"Fitted to {int((classes == 0).sum())} real and {int((classes == 1).sum())} generated images of "
        f"{len(data.split.groups)} groups ({', '.join(data.generators)}; {data.condition.name})."
    )


def _features(
    fit: FitOptions, options: RunOptions, device: torch.device
) -> tuple[Callable[[Pixels], Tensor], dict[str, Any]]:
    """Returns what computes the features ``(B, D)`` of images, and facts on where they come from."""
    if fit.name == LinearProbe.name:
        backbone = create_backbone(options.backbone, options.weights).to(device)
        return backbone, {"backbone": {"name": backbone.name, "weights": backbone.fingerprint}}
    return FEATURES[fit.name], {}


@phase("Fitting")
def linear_weights(features: NDArray[np.float32], labels: NDArray[np.int64], fit: FitOptions) -> tuple[Floats, float]:
    """Fits weights to features as they are.

    Args:
        features: ``(n, D)``.
        labels: ``(n,)``, 0 = real, 1 = generated.
        fit: Which classifier; ``c`` is the inverse strength of the L2 penalty on the weights.

    Returns:
        The weights ``(D,)`` and the bias.

    Raises:
        BenchError: One class is missing, or the fit does not come to an end.
    """
    if len(np.unique(labels)) < 2:
        raise BenchError(NO_IMAGE)
    standardised = Standardised(features, fit.recipe.standardised)
    many = features.shape[1] > len(features)
    axes = standardised.axes() if many else None
    model = SVC(kernel="linear") if fit.classifier == SVM else LogisticRegression(max_iter=MOST_STEPS, tol=1e-8)
    model.set_params(C=fit.c, class_weight="balanced")
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            model.fit(standardised.all() if axes is None else axes.coordinates, labels)
        except ConvergenceWarning as error:
            raise BenchError(f"The fit did not converge with --c {fit.c:g}: take a smaller one.") from error
    found: Floats = model.coef_[0]
    weight = (found if axes is None else standardised.combined(axes.images @ found)) / standardised.scale
    return weight, float(model.intercept_[0] - weight @ standardised.mean)


@dataclass(frozen=True)
class Axes:
    """Axes in the space that the images span.

    Args:
        coordinates: ``(n, r)`` of the images.
        images: ``(n, r)``: each axis as a sum of the images.
    """

    coordinates: Floats
    images: Floats


class Standardised:
    """Features less their mean, and by their standard deviation where that is wanted, a block of columns at a time."""

    def __init__(self, features: NDArray[np.float32], scaled: bool) -> None:
        self.features = features
        self.mean: Floats = features.mean(axis=0, dtype=np.float64)
        spread: Floats = features.std(axis=0, dtype=np.float64) if scaled else np.ones(features.shape[1])
        self.scale = np.where(spread > 0, spread, 1.0)

    def block(self, start: int) -> Floats:
        """Returns the columns ``(n, BLOCK)`` from one on."""
        part = slice(start, start + BLOCK)
        return (self.features[:, part] - self.mean[part]) / self.scale[part]

    def blocks(self) -> Iterator[Floats]:
        """Yields one block of columns after another."""
        return (self.block(start) for start in range(0, self.features.shape[1], BLOCK))

    def all(self) -> Floats:
        """Returns all columns, ``(n, D)``."""
        return np.concatenate(list(self.blocks()), axis=1)

    def combined(self, images: Floats) -> Floats:
        """Sums images up, each with its weight of ``(n,)``: ``(D,)``."""
        return np.concatenate([block.T @ images for block in self.blocks()])

    def axes(self) -> Axes:
        """Finds orthogonal axes of the space that the images span."""
        products = sum((block @ block.T for block in self.blocks()), np.zeros((len(self.features),) * 2))
        values, vectors = np.linalg.eigh(products)
        kept = values > values.max() * LEAST_SHARE
        lengths = np.sqrt(values[kept])
        return Axes(vectors[:, kept] * lengths, vectors[:, kept] / lengths)
