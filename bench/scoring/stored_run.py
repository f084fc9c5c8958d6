"""What a run logs and notes whose scores are all in the store: what its test loop would, without one."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
import torch

from bench.scoring.entry import Entry
from bench.scoring.live_values import live_values
from bench.scoring.logged_names import FED, logged_name, seeds_named
from bench.scoring.machine.costs import CostMeter
from bench.scoring.machine.csv_log import CsvLog
from bench.scoring.options import RunOptions
from bench.scoring.plan import Plan
from bench.store.schema import OK
from bench.store.scores import ScoreStore
from bench.store.writer import ScoreWriter


def log_stored(
    entries: Sequence[Entry], plan: Plan, options: RunOptions, loggers: Callable[[bool], Sequence[Any]] | None
) -> dict[str, float]:
    """Notes a run that computes nothing, and logs the metrics of the stored scores.

    Args:
        entries: The run's.
        plan: The run's, which lacks no score.
        options: The run's.
        loggers: Makes what is logged to; CSV files by default.

    Returns:
        The numbers by name.
    """
    meter, store = CostMeter(), ScoreStore(options.output, plan.datamodule.title)
    stored = store.known(plan.datamodule, [entry.scoring for entry in entries], FED).filter(pl.col("status") == OK)
    writer = ScoreWriter(store.folder, plan.job.record)
    logged: dict[str, float] = {}
    for position, (entry, seed) in enumerate(zip(entries, seeds_named(entries), strict=True)):
        rows = stored.filter(pl.col("scoring") == position)
        scores, labels = rows["score"].to_numpy(), rows["label"].to_numpy().astype(np.int64)
        sources, paths = rows["generator"].to_list(), rows["path"].to_list()
        for rule in entry.contrasts:
            chosen = np.flatnonzero(rule.applies(labels, sources, paths))
            values = live_values(torch.from_numpy(scores[chosen]), torch.from_numpy(labels[chosen]))
            place = entry.scoring.detector, entry.scoring.condition, rule.generator
            logged |= {logged_name(*place, metric, seed): value.item() for metric, value in values.items()}
    for logger in loggers(True) if loggers else [CsvLog(options.output)]:
        logger.log_metrics({"epoch": 0, **logged}, step=0)
        if loggers is None:
            logger.finalize("success")
    meter.stop()
    writer.finish(meter.cost(0, [meter.worked], plan.datamodule.batch_size))
    return logged
