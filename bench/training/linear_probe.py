"""Fits a linear probe: features of the training images, then a logistic regression.

The features are standardised over the training images, and the L2 penalty is on the weights of the standardised ones;
both classes weigh the same, however many images they have. The standardisation is folded into the saved weights, so
that ``score = sigmoid(w . f + b)`` holds for the features as they are.
"""

import warnings
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from bench.errors import BenchError
from bench.scoring.build import VIEWS
from bench.scoring.images import image_batches
from bench.scoring.machine.trainer import create_fabric
from bench.scoring.options import RunOptions
from bench.scoring.training_record import save_fitted
from bench.training.options import FitOptions
from bench.training.training_set import TrainingSet
from datamodules.conditions import Picture
from detectors import create_backbone
from detectors.trained.linear_probe import LinearProbe

Floats = NDArray[np.float64]
MOST_STEPS = 10_000
NO_IMAGE = "No readable image of one of the classes is left to train on."


def fit_probe(
    fit: FitOptions, options: RunOptions, data: TrainingSet, progress: bool, say: Callable[[str], None]
) -> None:
    """Fits a probe and saves it; ``say`` is told what happened, a sentence each.

    Raises:
        BenchError: The images cannot be fitted.
    """
    backbone = create_backbone(options.backbone, options.weights)
    view = VIEWS[options.view] or LinearProbe.view
    fabric = create_fabric(options)
    backbone.to(fabric.device)
    data.datamodule.conditions = (data.condition,)
    picture, unreadable = Picture(data.condition.name, view), list[str]()
    features, labels = [], []
    for batch in image_batches(data.datamodule, (view,), fabric.device, data.split.indices, unreadable, progress):
        with torch.inference_mode(), fabric.autocast():
            features.append(backbone(batch.views[picture]).float().cpu())
        labels.append(batch.label.cpu())
    if unreadable:
        say(f"Unreadable, not trained on: {'; '.join(unreadable)}.")
    if not features:
        raise BenchError(NO_IMAGE)
    values, classes = torch.cat(features).numpy(), torch.cat(labels).numpy()
    weight, bias = logistic_regression(values, classes, fit.c)
    facts = data.facts(fit) | {"detector": LinearProbe.name, "c": fit.c, "view": asdict(view)}
    facts |= {"backbone": {"name": backbone.name, "weights": backbone.fingerprint}, "precision": options.precision}
    tensors = {"weight": torch.from_numpy(weight), "bias": torch.tensor(bias, dtype=torch.float64)}
    save_fitted(tensors, data.record(facts), fit.save)
    say(
        f"Fitted to {int((classes == 0).sum())} real and {int((classes == 1).sum())} generated images of "
        f"{len(data.split.groups)} groups ({', '.join(data.generators)}; {data.condition.name})."
    )


def logistic_regression(features: NDArray[np.float32], labels: NDArray[np.int64], c: float) -> tuple[Floats, float]:
    """Fits weights to features as they are.

    Args:
        features: ``(n, D)``.
        labels: ``(n,)``, 0 = real, 1 = generated.
        c: Inverse strength of the L2 penalty on the weights of standardised features.

    Returns:
        The weights ``(D,)`` and the bias.

    Raises:
        BenchError: One class is missing, or the fit does not come to an end.
    """
    if len(np.unique(labels)) < 2:
        raise BenchError(NO_IMAGE)
    scaler = StandardScaler().fit(features.astype(np.float64))
    model = LogisticRegression(C=c, class_weight="balanced", max_iter=MOST_STEPS, tol=1e-8)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            model.fit(scaler.transform(features.astype(np.float64)), labels)
        except ConvergenceWarning as error:
            raise BenchError(f"The logistic regression did not converge with --c {c:g}: take a smaller one.") from error
    weight: Floats = model.coef_[0] / scaler.scale_
    return weight, float(model.intercept_[0] - weight @ scaler.mean_)
