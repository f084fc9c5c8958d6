"""Runs the test loop over what a plan lacks."""

from collections.abc import Sequence
from dataclasses import replace

import lightning as L
from torch import nn

from bench.errors import BenchError, is_lost_reader
from bench.scoring.entry import Entry
from bench.scoring.logged_names import FED
from bench.scoring.loop import Evaluation
from bench.scoring.machine.phases import warn
from bench.scoring.machine.precision import WEIGHTS, has_instructions, set_tf32, slow_words
from bench.scoring.machine.processes import Processes
from bench.scoring.machine.signals import GOES_ON, deferred
from bench.scoring.machine.trainer import create_trainer
from bench.scoring.options import EXACT, RunOptions
from bench.scoring.plan import Job, Plan, exact_entries
from bench.store.scores import ScoreStore, no_rows
from datamodules.errors import loss_of
from datamodules.modules import lightning_of
from datamodules.readers import CLOSED
from detectors import Backbone


def score_exactly(
    plan: Plan, entries: Sequence[Entry], options: RunOptions, processes: Processes, progress: bool
) -> list[Entry]:
    """Scores some images in exact precision and returns what was scored; nothing where the whole run is exact."""
    if plan.check is None:
        return []
    exact = exact_entries(entries, plan.datamodule, options)
    exact_options = replace(options, precision=EXACT, compile=False)
    if plan.check.absent.any():
        score(create_trainer(exact_options, progress, list), exact, plan.check, plan, exact_options, processes)
    return exact


def score(
    trainer: L.Trainer, entries: Sequence[Entry], job: Job, plan: Plan, options: RunOptions, processes: Processes
) -> dict[str, float]:
    """Scores what is absent, and returns what the test loop logged.

    Raises:
        BenchError: A process of the run ended, or could not write.
    """
    datamodule = plan.datamodule
    datamodule.share_cores(processes.here)
    datamodule.views = tuple(dict.fromkeys(entry.detector.view for entry in entries))
    datamodule.conditions = tuple(planned.condition for planned in plan.conditions)
    store = ScoreStore(options.output, datamodule.title)
    scorings = [entry.scoring for entry in entries]
    known = store.known(datamodule, scorings, FED) if processes.is_first else no_rows(FED)
    evaluation = Evaluation(entries, datamodule, job, known, store, processes)
    make_fast(evaluation, options, at_once=min(options.batch_size, max(1, int(job.absent.any(axis=1).sum()))))
    set_tf32(options.precision, trainer.strategy.root_device)
    if not has_instructions(options.precision, trainer.strategy.root_device):
        warn(slow_words(options.precision))
    with deferred():
        try:
            logged = trainer.test(evaluation, datamodule=lightning_of(datamodule), verbose=False)
        except (RuntimeError, *CLOSED) as error:
            explained = processes.explain(error)
            if is_lost_reader(error) or isinstance(error, CLOSED):
                explained = BenchError(f"{loss_of(datamodule.lost_images(error))} {GOES_ON}")
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
        at_once: Images in a batch, for which code is compiled; those of the options by default.
    """
    dtype = WEIGHTS.get(options.precision)
    for backbone in [module for module in networks.modules() if isinstance(module, Backbone)]:
        if dtype is not None:
            backbone.cast_weights(dtype)
        if options.compile:
            backbone.compile_blocks(at_once or options.batch_size)
