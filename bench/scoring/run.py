"""Runs the test loop over what a plan lacks."""

from collections.abc import Sequence
from dataclasses import replace

import lightning as L
from torch import nn

from bench.errors import LOST_READER, BenchError, is_lost_reader
from bench.scoring.entry import Entry
from bench.scoring.loop import Evaluation
from bench.scoring.machine.precision import EXACT, WEIGHTS, set_tf32
from bench.scoring.machine.processes import Processes
from bench.scoring.machine.trainer import create_trainer
from bench.scoring.options import RunOptions
from bench.scoring.plan import Job, Plan, exact_entries, known_rows, no_rows
from bench.store.scores import ScoreStore
from detectors import Backbone

FED = ("path", "generator", "label", "score", "status")
"""What the live metrics are fed of stored rows."""


def score_exactly(
    plan: Plan, entries: Sequence[Entry], options: RunOptions, processes: Processes, progress: bool
) -> list[Entry]:
    """Scores some images in exact precision, where the run's is another.

    Returns:
        What was scored; nothing where the whole run is exact.
    """
    if plan.check is None:
        return []
    exact = exact_entries(entries, plan.datamodule, options)
    own = replace(options, precision=EXACT, compile=False, wandb=None)
    if plan.check.absent.any():
        score(create_trainer(own, progress), exact, plan.check, plan, own, processes)
    return exact


def score(
    trainer: L.Trainer,
    entries: Sequence[Entry],
    job: Job,
    plan: Plan,
    options: RunOptions,
    processes: Processes,
) -> dict[str, float]:
    """Scores what is absent.

    Returns:
        What the test loop logged.

    Raises:
        BenchError: A process of the run ended, or could not write.
    """
    datamodule = plan.datamodule
    datamodule.share_cores(processes.here)
    datamodule.views = tuple(dict.fromkeys(entry.detector.view for entry in entries))
    datamodule.conditions = tuple(one.condition for one in plan.conditions)
    store = ScoreStore(options.output, datamodule.title)
    known = known_rows(store, datamodule, entries, FED) if processes.is_first else no_rows(FED)
    evaluation = Evaluation(entries, datamodule, job.absent, known, store, job.record, processes)
    make_fast(evaluation, options, at_once=min(options.batch_size, max(1, int(job.absent.any(axis=1).sum()))))
    set_tf32(options.precision, trainer.strategy.root_device)
    try:
        logged = trainer.test(evaluation, datamodule, verbose=False)
    except RuntimeError as error:
        explained = processes.explain(error)
        if is_lost_reader(error):
            explained = BenchError(f"{LOST_READER} What was scored is kept: the same command goes on from there.")
        if explained is None:
            raise
        raise explained from error
    finally:
        evaluation.close()
    return {key: float(value) for key, value in (logged[0] if logged else {}).items()}


def make_fast(networks: nn.Module, options: RunOptions, at_once: int | None = None) -> None:
    """Compiles every backbone in a module and converts its weights, as the options say.

    Args:
        networks: What holds the backbones.
        options: The precision, and whether to compile.
        at_once: Images in a batch, which compiled code is made for; those of the options by default.
    """
    dtype = WEIGHTS.get(options.precision)
    for backbone in [module for module in networks.modules() if isinstance(module, Backbone)]:
        if dtype is not None:
            backbone.cast_weights(dtype)
        if options.compile:
            backbone.compile_blocks(at_once or options.batch_size)
