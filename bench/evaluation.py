"""The test loop: every batch is scored by every detector, and nothing else happens here."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import lightning as L
import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.classification import BinaryAUROC, BinaryAveragePrecision
from torchmetrics.utilities import dim_zero_cat

from bench.contrasts import ContrastRule
from bench.costs import CostMeter
from bench.errors import DetectorFailedError
from bench.planning import plan_batches
from bench.records import RunRecord
from bench.scoring import CLEAN, OK, SCHEMA, UNREADABLE, Scoring
from bench.specs import DetectorSpec
from bench.store import ScoreStore, ScoreWriter
from datamodules import Batch, DetectionDataModule
from datamodules.batch import Sample
from datamodules.conditions import Picture
from detectors import Backbone, Detector

SECONDS_BETWEEN_PARTS = 2.0


@dataclass(frozen=True)
class Entry:
    """A scoring and what computes it.

    Args:
        scoring: The column of scores.
        detector: The method.
        treatment: Position of its condition among the datamodule's treatments.
        contrasts: Which images face each other under that condition.
        spec: What was asked for.
    """

    scoring: Scoring
    detector: Detector
    treatment: int
    contrasts: tuple[ContrastRule, ...]
    spec: DetectorSpec

    @property
    def picture(self) -> Picture:
        """What the detector is shown."""
        return Picture(self.scoring.condition, self.detector.view)


class _AUROC(BinaryAUROC):
    """Nan where there is one class only; torchmetrics would say 0, with a warning."""

    def compute(self) -> Tensor:  # type: ignore[override] # as BinaryAUROC itself
        return super().compute() if _has_both_classes(self.target) else torch.tensor(float("nan"))


class _AveragePrecision(BinaryAveragePrecision):
    """Nan where there is one class only; torchmetrics would say 0 or 1."""

    def compute(self) -> Tensor:  # type: ignore[override] # as BinaryAveragePrecision itself
        return super().compute() if _has_both_classes(self.target) else torch.tensor(float("nan"))


def _has_both_classes(target: Tensor | list[Tensor]) -> bool:
    labels = dim_zero_cat(target)
    return labels.numel() > 0 and bool(labels.min() != labels.max())


class LiveMetrics(nn.Module):
    """AUROC and both APs of one detector against one generator, as torchmetrics computes them.

    ``normalization=None`` keeps the scores as they are: by default curve metrics squash a batch with a sigmoid as soon
    as one of its scores leaves [0, 1], and the metric then depends on the batches.
    """

    def __init__(self) -> None:
        super().__init__()
        self.auroc = _AUROC(normalization=None)
        self.ap_generated = _AveragePrecision(normalization=None)
        self.ap_real = _AveragePrecision(normalization=None)

    def update(self, scores: Tensor, labels: Tensor) -> None:
        """Adds ``(B,)`` scores with their labels."""
        self.auroc.update(scores, labels)
        self.ap_generated.update(scores, labels)
        self.ap_real.update(-scores, 1 - labels)

    def compute(self) -> dict[str, float]:
        """Computes the metrics over all devices; with one class only each is nan."""
        metrics = {name: metric for name, metric in self.named_children() if isinstance(metric, Metric)}
        return {name: metric.compute().item() for name, metric in metrics.items()}


class Evaluation(L.LightningModule):
    """Scores batches with every detector, keeps the scores, and logs metrics per detector and generator.

    Args:
        entries: What to compute.
        datamodule: The dataset, set up.
        absent: ``(n_items, n_entries)``, true where a score is not in the store.
        known: Rows that are in the store already; they are fed to the metrics first.
        store: Where new scores go.
        record: What is kept of this run beside its scores.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        datamodule: DetectionDataModule,
        absent: NDArray[np.bool_],
        known: pl.DataFrame,
        store: ScoreStore,
        record: RunRecord,
    ) -> None:
        super().__init__()
        self.entries, self.datamodule = entries, datamodule
        self.absent, self.known = absent, known
        self.store, self.record = store, record
        self.detectors = nn.ModuleList(entry.detector for entry in entries)
        self.live = nn.ModuleList(nn.ModuleList(LiveMetrics() for _ in e.contrasts) for e in entries)
        self.writer: ScoreWriter | None = None
        self.flushed = time.monotonic()
        self.meter = CostMeter()

    def setup(self, stage: str) -> None:
        """Agrees with the other devices on what is absent, as the first one saw it, and takes this one's share."""
        strategy = self.trainer.strategy
        name, self.absent = strategy.broadcast((self.record.name, self.absent))
        rank, world_size = self.trainer.global_rank, self.trainer.world_size
        self.datamodule.wanted = self._wanted()
        self.datamodule.batches = plan_batches(self.absent, self.datamodule.batch_size, rank, world_size)
        self.writer = ScoreWriter(self.store, replace(self.record, name=name), rank)

    def _wanted(self) -> NDArray[np.bool_]:
        """Says which image is needed under which treatment."""
        wanted = np.zeros((len(self.absent), len(self.datamodule.treatments)), dtype=np.bool_)
        for position, entry in enumerate(self.entries):
            wanted[:, entry.treatment] |= self.absent[:, position]
        return wanted

    def close(self) -> None:
        """Writes what is kept; also after a failure."""
        if self.writer is not None:
            self.writer.close()

    def on_test_start(self) -> None:
        """Feeds the stored scores to the metrics, on one device only; the others start with none.

        A metric that is never updated on one device stops all of them when they are synchronised.
        """
        self.meter.start()
        for live in self.modules():
            if isinstance(live, LiveMetrics):
                nothing = torch.empty(0, device=self.device)
                live.update(nothing.double(), nothing.long())
        if self.global_rank != 0:
            return
        stored = self.known.filter(pl.col("status") == OK)
        for position in range(len(self.entries)):
            rows = stored.filter(pl.col("scoring") == position)
            scores = torch.from_numpy(rows["score"].to_numpy().copy()).to(self.device)
            labels = torch.from_numpy(rows["label"].to_numpy().astype(np.int64)).to(self.device)
            self._update_metrics(position, scores, labels, rows["generator"].to_list(), rows["path"].to_list())

    def test_step(self, batch: Batch, batch_index: int) -> None:
        """Scores one batch."""
        for position, entry in enumerate(self.entries):
            if len(batch) and self.absent[int(batch.index[0]), position]:
                scores = self._score(entry, batch)
                self._update_metrics(position, scores, batch.label, batch.generator, batch.path)
                self._keep(self._rows(entry.scoring, batch, scores))
            lost = [sample for sample in batch.unreadable if self.absent[sample.index, position]]
            if lost:
                self._keep(self._unreadable_rows(entry.scoring, lost))
        if time.monotonic() - self.flushed > SECONDS_BETWEEN_PARTS:
            self._flush()

    def on_test_epoch_end(self) -> None:
        """Writes the last scores and logs the metrics."""
        self._flush()
        for position, entry in enumerate(self.entries):
            for rule, live in zip(entry.contrasts, self._live(position), strict=True):
                scoring = entry.scoring
                condition = "" if scoring.condition == CLEAN else f"{scoring.condition}/"
                name = f"{scoring.detector}/{condition}seed{scoring.seed}/{rule.generator}"
                self.log_dict({f"{name}/{metric}": value for metric, value in live.compute().items()})

    def on_test_end(self) -> None:
        """Waits until every device has written its scores, and notes what the run cost."""
        self.close()
        if self.writer is not None and self.global_rank == 0:
            images = int(self.absent.any(axis=1).sum())
            self.writer.finish(self.meter.cost(images, self.trainer.world_size, self._backbones()))
        self.trainer.strategy.barrier()

    def _backbones(self) -> list[Backbone]:
        found = (getattr(entry.detector, "backbone", None) for entry in self.entries)
        return list(dict.fromkeys(backbone for backbone in found if isinstance(backbone, Backbone)))

    def _keep(self, rows: pl.DataFrame) -> None:
        if self.writer is None:
            raise RuntimeError("the evaluation is not set up")
        self.writer.append(rows)

    def _flush(self) -> None:
        if self.writer is not None:
            self.writer.flush()
        self.flushed = time.monotonic()

    def _score(self, entry: Entry, batch: Batch) -> Tensor:
        """Runs a detector; whatever goes wrong names the image.

        Raises:
            DetectorFailedError: It raised, or a score is not finite.
        """
        images = batch.views[entry.picture]
        try:
            with self.meter.of(entry.scoring.detector, len(batch)):
                scores: Tensor = entry.detector(images, batch.key)
                finite = scores.isfinite().cpu()  # waits for the device
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            paths = batch.path[0] + (f" (or one of the {len(batch) - 1} images after it)" if len(batch) > 1 else "")
            raise DetectorFailedError(f"{entry.scoring.detector} failed on {paths}: {error}") from error
        if scores.shape != (len(batch),):
            raise DetectorFailedError(
                f"{entry.scoring.detector} gave scores of shape {tuple(scores.shape)} for {len(batch)} images."
            )
        broken = (~finite).nonzero().flatten().tolist()
        if broken:
            raise DetectorFailedError(
                f"{entry.scoring.detector} gave the score {scores[broken[0]].item()} for {batch.path[broken[0]]}."
            )
        return scores.double()

    def _update_metrics(
        self, position: int, scores: Tensor, labels: Tensor, sources: list[str], paths: list[str]
    ) -> None:
        known = labels.cpu().numpy()
        for rule, live in zip(self.entries[position].contrasts, self._live(position), strict=True):
            rows = torch.from_numpy(np.flatnonzero(rule.applies(known, sources, paths))).to(scores.device)
            if len(rows):
                live.update(scores[rows], labels[rows])

    def _live(self, position: int) -> list[LiveMetrics]:
        metrics = self.live[position]
        return [live for live in metrics if isinstance(live, LiveMetrics)] if isinstance(metrics, nn.ModuleList) else []

    def _rows(self, scoring: Scoring, batch: Batch, scores: Tensor) -> pl.DataFrame:
        return self._frame(scoring, batch.index.tolist(), batch.sha256).with_columns(
            score=pl.Series(scores.cpu().numpy()), status=pl.lit(OK), reason=pl.lit(None, dtype=pl.String)
        )

    def _unreadable_rows(self, scoring: Scoring, lost: list[Sample]) -> pl.DataFrame:
        frame = self._frame(scoring, [sample.index for sample in lost], [sample.sha256 for sample in lost])
        return frame.with_columns(
            score=pl.lit(None, dtype=pl.Float64),
            status=pl.lit(UNREADABLE),
            reason=pl.Series([sample.reason for sample in lost], dtype=pl.String),
        )

    def _frame(self, scoring: Scoring, index: list[int], sha256: list[str]) -> pl.DataFrame:
        facts = {
            "dataset": self.datamodule.title,
            "detector": scoring.detector,
            "fingerprint": scoring.fingerprint,
            "condition": scoring.condition,
            "seed": scoring.seed,
        }
        return (
            self.datamodule.items[index]
            .with_columns(
                pl.Series("sha256", sha256, dtype=pl.String), **{name: pl.lit(value) for name, value in facts.items()}
            )
            .select([name for name in SCHEMA if name not in ("score", "status", "reason")])
        )
