"""The test loop: every batch is scored by every detector, and nothing else happens here."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import lightning as L
import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.errors import DetectorFailedError
from bench.scoring.entry import Entry, scored_rows, unreadable_rows
from bench.scoring.live_metrics import LiveMetrics
from bench.scoring.machine.batch_limit import BatchLimit
from bench.scoring.machine.costs import CostMeter
from bench.scoring.machine.processes import Processes
from bench.scoring.plan import plan_batches
from bench.store.runs import RunRecord
from bench.store.schema import CLEAN, OK
from bench.store.scores import ScoreStore
from bench.store.writer import ScoreWriter
from datamodules import Batch, DetectionDataModule
from detectors import Backbone

SECONDS_BETWEEN_PARTS = 2.0


@dataclass
class Work:
    """How far a device is with its share of the images.

    Args:
        images: That it has to do.
        done: That it has done.
    """

    images: int = 0
    done: int = 0


class Evaluation(L.LightningModule):
    """Scores batches with every detector, keeps the scores, and logs metrics per detector and generator.

    Args:
        entries: What to compute.
        datamodule: The dataset, set up.
        absent: ``(n_items, n_entries)``, true where a score is not in the store.
        known: Rows that are in the store already; the first device feeds them to the metrics.
        store: Where new scores go.
        record: What is kept of this run beside its scores.
        processes: The devices' processes.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        datamodule: DetectionDataModule,
        absent: NDArray[np.bool_],
        known: pl.DataFrame,
        store: ScoreStore,
        record: RunRecord,
        processes: Processes,
    ) -> None:
        super().__init__()
        self.entries, self.datamodule = entries, datamodule
        self.absent, self.known = absent, known
        self.store, self.record, self.processes = store, record, processes
        self.detectors = nn.ModuleList(entry.detector for entry in entries)
        self.live = nn.ModuleList(nn.ModuleList(LiveMetrics() for _ in e.contrasts) for e in entries)
        self.writer: ScoreWriter | None = None
        self.flushed = time.monotonic()
        self.meter, self.work, self.limit = CostMeter(), Work(), BatchLimit(datamodule.batch_size)

    def setup(self, stage: str) -> None:
        """Takes this device's share."""
        rank, world_size = self.trainer.global_rank, self.trainer.world_size
        self.datamodule.wanted = self._wanted()
        batches = plan_batches(self.absent, self.datamodule.batch_size, rank, world_size)
        self.datamodule.batches = batches
        self.work = Work(sum(map(len, batches)))
        self.writer = ScoreWriter(self.store.folder, self.record, rank)

    def _wanted(self) -> NDArray[np.bool_]:
        """Says which image is needed under which condition."""
        wanted = np.zeros((len(self.absent), len(self.datamodule.conditions)), dtype=np.bool_)
        for position, entry in enumerate(self.entries):
            wanted[:, entry.condition_index] |= self.absent[:, position]
        return wanted

    def close(self) -> None:
        """Writes what is kept; also after a failure."""
        if self.writer is not None:
            self.writer.close()

    def on_test_start(self) -> None:
        """Feeds the stored scores to the metrics, on one device only; the others start with none.

        A metric that is never updated on one device stops all of them when they are synchronised.
        """
        self.processes.listen()
        self.meter.start(self.backbones())
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
        """Scores one batch, in parts where it does not fit into memory."""
        self.processes.check()
        if len(batch):
            self.limit.run(batch, self._scores_kept)
        for position, entry in enumerate(self.entries):
            lost = [sample for sample in batch.unreadable if self.absent[sample.index, position]]
            if lost:
                self._keep(unreadable_rows(self.datamodule, entry.scoring, lost))
        self.work.done += len(batch) + len(batch.unreadable)
        if time.monotonic() - self.flushed > SECONDS_BETWEEN_PARTS:
            self._flush()

    def _scores_kept(self, batch: Batch) -> None:
        """Scores images with every detector, and only then keeps the scores: what is done again in halves leaves none.

        Raises:
            DetectorFailedError: A detector failed; the scores of those before it are kept.
        """
        scored: list[tuple[int, Tensor]] = []
        try:
            for position, entry in enumerate(self.entries):
                if self.absent[int(batch.index[0]), position]:
                    scored.append((position, self._score(entry, batch)))
        except DetectorFailedError:
            self._keep_scores(batch, scored)
            raise
        self._keep_scores(batch, scored)

    def _keep_scores(self, batch: Batch, scored: Sequence[tuple[int, Tensor]]) -> None:
        for position, scores in scored:
            self._update_metrics(position, scores, batch.label, batch.generator, batch.path)
            self._keep(scored_rows(self.datamodule, self.entries[position].scoring, batch, scores))

    def on_test_epoch_end(self) -> None:
        """Writes the last scores and logs the metrics."""
        self._flush()
        for position, entry in enumerate(self.entries):
            for rule, live in zip(entry.contrasts, self._live(position), strict=True):
                scoring = entry.scoring
                condition = "" if scoring.condition == CLEAN else f"{scoring.condition}/"
                name = f"{scoring.detector}/{condition}seed{scoring.seed}/{rule.generator}"
                self.log_dict({f"{name}/{metric}": value.item() for metric, value in live.compute().items()})
                live.reset()  # the trainer outlives the tables, and holds this

    def on_test_end(self) -> None:
        """Waits until every device has written its scores, and notes what the run cost."""
        self.close()
        if self.writer is not None and self.global_rank == 0:
            images = int(self.absent.any(axis=1).sum())
            self.writer.finish(self.meter.cost(images, self.trainer.world_size, self.backbones(), self.limit.most))
        self.trainer.strategy.barrier()

    def backbones(self) -> list[Backbone]:
        """Returns the clean networks."""
        found = (getattr(entry.detector, "backbone", None) for entry in self.entries)
        return list(dict.fromkeys(backbone for backbone in found if isinstance(backbone, Backbone)))

    @property
    def passes(self) -> int:
        """Images that have gone through the backbones on this device, their perturbed copies included."""
        return self.meter.passes(self.backbones())

    def _keep(self, rows: pl.DataFrame) -> None:
        if self.writer is None:
            raise RuntimeError("the evaluation is not set up")
        self.writer.append(rows)

    def _flush(self) -> None:
        if self.writer is not None:
            self.writer.flush()
        self.flushed = time.monotonic()

    def _score(self, entry: Entry, batch: Batch) -> Tensor:
        """Runs a detector and measures its time."""
        with self.meter.of(entry.scoring.detector, len(batch)):
            return entry.scores(batch)

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
