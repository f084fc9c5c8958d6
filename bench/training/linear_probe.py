"""Fits a linear probe: features of the training images, then a logistic regression.

The features are standardised over the training images, and the L2 penalty is on the weights of the standardised ones;
both classes weigh the same, however many images they have. The standardisation is folded into the saved weights, so
that ``score = sigmoid(w . f + b)`` holds for the features as they are.
"""

import warnings
from collections.abc import Callable
from dataclasses import asdict

import lightning as L
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from bench.errors import BenchError
from bench.scoring.build import VIEWS
from bench.scoring.options import RunOptions
from bench.scoring.training_record import TrainingRecord, save_fitted
from bench.training.options import FitOptions
from bench.training.trainer import fitting_trainer
from bench.training.training_set import TrainingSet
from datamodules import Batch
from datamodules.conditions import Picture
from detectors import Backbone, create_backbone
from detectors.trained.linear_probe import LinearProbe

Floats = NDArray[np.float64]
MOST_STEPS = 10_000


class Features(L.LightningModule):
    """Computes the features of every image that it is shown.

    Args:
        backbone: The vision model.
        picture: What it is shown of an image.
    """

    def __init__(self, backbone: Backbone, picture: Picture) -> None:
        super().__init__()
        self.backbone, self.picture = backbone, picture
        self.found: list[Tensor] = []
        self.labels: list[Tensor] = []
        self.unreadable: list[str] = []

    def test_step(self, batch: Batch, batch_index: int) -> None:
        """Computes the features ``(B, D)`` of one batch."""
        self.unreadable += [f"{sample.path} ({sample.reason})" for sample in batch.unreadable]
        if len(batch):
            self.found.append(self.backbone(batch.views[self.picture]).float().cpu())
            self.labels.append(batch.label.cpu())


def fit_probe(
    fit: FitOptions, options: RunOptions, data: TrainingSet, progress: bool, say: Callable[[str], None]
) -> None:
    """Fits a probe and saves it.

    Args:
        fit: What to train.
        options: The backbone and the machine.
        data: What to train on.
        progress: Whether to draw a progress bar.
        say: Is told what happened, a sentence each.

    Raises:
        BenchError: The images cannot be fitted.
    """
    backbone = create_backbone(options.backbone, options.weights)
    view = VIEWS[options.view] or LinearProbe.view
    features = _features(backbone, Picture(data.treatment.name, view), options, data, progress)
    if features.unreadable:
        say(f"Unreadable, not trained on: {'; '.join(features.unreadable)}.")
    values, labels = torch.cat(features.found).numpy(), torch.cat(features.labels).numpy()
    weight, bias = logistic_regression(values, labels, fit.c)
    facts = {
        **data.facts(fit),
        "detector": LinearProbe.name,
        "c": fit.c,
        "view": asdict(view),
        "backbone": {"name": backbone.name, "weights": backbone.fingerprint},
        "precision": options.precision,
    }
    record = TrainingRecord(facts, data.group_hashes, data.keys)
    tensors = {"weight": torch.from_numpy(weight), "bias": torch.tensor(bias, dtype=torch.float64)}
    save_fitted(tensors, record, fit.save)
    say(
        f"Fitted to {int((labels == 0).sum())} real and {int((labels == 1).sum())} generated images of "
        f"{len(data.split.groups)} groups ({', '.join(data.generators)}; {data.treatment.name})."
    )


def _features(backbone: Backbone, picture: Picture, options: RunOptions, data: TrainingSet, progress: bool) -> Features:
    module, size = Features(backbone, picture), options.batch_size
    data.datamodule.views, data.datamodule.treatments = (picture.view,), (data.treatment,)
    indices = data.split.indices
    data.datamodule.batches = [indices[start : start + size] for start in range(0, len(indices), size)]
    trainer = fitting_trainer(options, progress, logger=False, enable_checkpointing=False)
    trainer.test(module, data.datamodule, verbose=False)
    return module


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
        raise BenchError("No readable image of one of the classes is left to train on.")
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
