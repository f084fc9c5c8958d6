"""The test loop: every batch is scored by every detector, and nothing else happens here."""

import math
import time
from collections.abc import Sequence
from itertools import chain

import lightning as L
import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from bench.errors import DetectorFailedError
from bench.scoring.batches import plan_batches
from bench.scoring.entry import Entry, scored_rows, unreadable_rows
from bench.scoring.live_metrics import LiveMetrics
from bench.scoring.logged_names import logged_name, seeds_named
from bench.scoring.machine.batch_limit import BatchLimit
from bench.scoring.machine.costs import CostMeter
from bench.scoring.machine.processes import Processes
from bench.scoring.plan import Job
from bench.store.schema import OK
from bench.store.scores import ScoreStore
from bench.store.writer import ScoreWriter
from datamodules import Batch, DetectionData
from detectors import Backbone

SECONDS_BETWEEN_PARTS = 2.0


class Evaluation(L.LightningModule):
    """Scores batches with every detector, keeps the scores, and logs metrics per detector and generator.

    Args:
        known: Rows that are in the store already; the first device feeds them to the metrics.
        store: Where new scores go.

    Attributes:
        images_total: Images that this device has to do.
        images_done: Images that it has done.
    """

    writer: ScoreWriter  # from setup on

    def __init__(
        self,
        entries: Sequence[Entry],
        datamodule: DetectionData,
        job: Job,
        known: pl.DataFrame,
        store: ScoreStore,
        processes: Processes,
    ) -> None:
        super().__init__()
        self.entries, self.datamodule = entries, datamodule
        self.absent, self.record, self.known = job.absent, job.record, known
        self.store, self.processes = store, processes
        self.detectors = nn.ModuleList(entry.detector for entry in entries)
        self.live = [[LiveMetrics() for _ in entry.contrasts] for entry in entries]
        self.metrics = nn.ModuleList(chain(*self.live))  # so that Lightning moves them to the device
        self.flushed = time.monotonic()
        self.meter, self.limit = CostMeter(), BatchLimit(datamodule.batch_size)
        self.images_total = self.images_done = 0

    def setup(self, stage: str) -> None:
        """Takes this device's share."""
        rank, world_size = self.trainer.global_rank, self.trainer.world_size
        wanted = np.zeros((len(self.absent), len(self.datamodule.conditions)), dtype=np.bool_)
        for position, entry in enumerate(self.entries):
            wanted[:, entry.condition_index] |= self.absent[:, position]
        sizes = self.datamodule.items["bytes"].cast(pl.Float64).fill_null(math.nan).to_numpy()
        batches = plan_batches(self.absent, self.datamodule.batch_size, rank, world_size, sizes)
        self.datamodule.wanted, self.datamodule.batches = wanted, batches
        self.images_total = sum(map(len, batches))
        self.writer = ScoreWriter(self.store.folder, self.record, rank)

    def close(self) -> None:
        """Writes what is kept; also after a failure."""
        if hasattr(self, "writer"):
            self.writer.close()

    def on_test_start(self) -> None:
        """Feeds the stored scores to the metrics, on one device only; the others start with none.

        A metric that is never updated on one device stops all of them when they are synchronised.
        """
        self.processes.listen()
        backbones = (getattr(entry.detector, "backbone", None) for entry in self.entries)
        self.meter.start(list(dict.fromkeys(network for network in backbones if isinstance(network, Backbone))))
        nothing = torch.empty(0, device=self.device)
        for live in chain(*self.live):
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
                self.writer.append(unreadable_rows(self.datamodule, entry.scoring, lost))
        self.images_done += len(batch) + len(batch.unreadable)
        if time.monotonic() - self.flushed > SECONDS_BETWEEN_PARTS:
            self.writer.flush()
            self.flushed = time.monotonic()

    def _scores_kept(self, batch: Batch) -> None:
        """Scores images with every detector, and only then keeps the scores: what is done again in halves leaves none.

        Where a detector fails, the scores of those before it are kept.
        """
        scored: list[tuple[int, Tensor]] = []
        try:
            for position, entry in enumerate(self.entries):
                if self.absent[int(batch.index[0]), position]:
                    with self.meter.timing(entry.scoring.detector, len(batch)):
                        scored.append((position, entry.scores(batch)))
        except DetectorFailedError:
            self._keep_scores(batch, scored)
            raise
        self._keep_scores(batch, scored)

    def _keep_scores(self, batch: Batch, scored: Sequence[tuple[int, Tensor]]) -> None:
        for position, scores in scored:
            self._update_metrics(position, scores, batch.label, batch.generator, batch.path)
            self.writer.append(scored_rows(self.datamodule, self.entries[position].scoring, batch, scores))

    def on_test_epoch_end(self) -> None:
        """Writes the last scores and logs the metrics."""
        self.writer.flush()
        self.meter.stop()
        for entry, metrics, seed in zip(self.entries, self.live, seeds_named(self.entries), strict=True):
            place = entry.scoring.detector, entry.scoring.condition
            for rule, live in zip(entry.contrasts, metrics, strict=True):
                values = {
                    logged_name(*place, rule.generator, metric, seed): value.item()
                    for metric, value in live.compute().items()
                }
                self.log_dict(values, logger=bool(self.loggers))
                live.reset()  # the trainer outlives the tables, and holds this

    def on_test_end(self) -> None:
        """Waits until every device has written its scores, and notes what the run cost."""
        self.close()
        worked = torch.zeros(self.trainer.world_size, device=self.device)
        worked[self.global_rank] = self.meter.worked
        worked = self.trainer.strategy.reduce(worked, reduce_op="sum")
        if self.global_rank == 0:
            images = int(self.absent.any(axis=1).sum())
            self.writer.finish(self.meter.cost(images, worked.tolist(), self.limit.most))
        self.trainer.strategy.barrier()

    def _update_metrics(
        self, position: int, scores: Tensor, labels: Tensor, sources: list[str], paths: list[str]
    ) -> None:
        classes = labels.cpu().numpy()
        for rule, live in zip(self.entries[position].contrasts, self.live[position], strict=True):
            rows = torch.from_numpy(np.flatnonzero(rule.applies(classes, sources, paths))).to(scores.device)
            if len(rows):
                live.update(scores[rows], labels[rows])
