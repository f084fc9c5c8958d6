"""The training loop of a trained detector's own network."""

import lightning as L
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from bench.training.epochs import SEEDS_APART
from datamodules import Batch
from datamodules.conditions import Picture
from detectors import Detector

LEAST_BATCH = 2
"""Batch normalisation has nothing to normalise with a single image."""


class Classifier(L.LightningModule):
    """Fine-tunes a detector's network with Adam and the binary cross-entropy, both classes weighing the same.

    Args:
        detector: Has ``training_logits``, which maps ``(B, 3, H, W)`` to ``(B,)``, or to ``(B, P)`` of its patches.
        network: The detector's module that is trained.
        picture: What it is shown of an image.
        counts: Numbers of real and generated training images.
        lr: Learning rate.
        seed: Of what the network itself draws, such as dropout.
    """

    def __init__(
        self, detector: Detector, network: nn.Module, picture: Picture, counts: tuple[int, int], lr: float, seed: int
    ) -> None:
        super().__init__()
        self.detector, self.network, self.picture = detector, network, picture
        self.lr, self.seed = lr, seed
        self.class_weights = [sum(counts) / (2 * count) for count in counts]
        self.unreadable: dict[str, str] = {}
        self.network.requires_grad_(True)
        self.train()

    def train(self, mode: bool = True) -> "Classifier":
        """Puts the network in training mode, too: a detector itself refuses that."""
        super().train(mode)
        nn.Module.train(self.detector, mode)
        return self

    def on_train_epoch_start(self) -> None:
        """Seeds what the network draws, so that an epoch does not depend on those before."""
        torch.manual_seed(self.seed * SEEDS_APART + self.current_epoch)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor | None:
        """Computes the loss of one batch; nothing where hardly an image could be read."""
        self.unreadable |= {sample.path: str(sample.reason) for sample in batch.unreadable}
        if len(batch) < LEAST_BATCH:
            return None
        logits: Tensor = self.detector.training_logits(batch.views[self.picture])  # type: ignore[operator] # nn.Module's guess
        labels = batch.label.reshape(-1, *[1] * (logits.ndim - 1)).expand_as(logits)  # of an image's patches, too
        weights = logits.new_tensor(self.class_weights)[labels]
        loss = binary_cross_entropy_with_logits(logits, labels.to(logits.dtype), weights)
        self.log("loss", loss, on_step=False, on_epoch=True, batch_size=len(batch))
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Makes Adam with torch's betas, 0.9 and 0.999, as published."""
        return torch.optim.Adam(self.network.parameters(), lr=self.lr)
