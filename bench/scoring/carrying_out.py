"""Carries a run out: plans it, scores what the store lacks, and logs; without Lightning where nothing is lacking."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from bench.scoring.claiming import Claiming
from bench.scoring.entry import Entry
from bench.scoring.machine.memory import hand_freed_memory_back, search_garbage_as_usual
from bench.scoring.machine.phases import plan_words, say
from bench.scoring.options import EXACT, RunOptions
from bench.scoring.plan import Plan, Preparation
from bench.store.facts import Facts

if TYPE_CHECKING:
    import lightning as L

    from bench.scoring.machine.processes import Processes

Loggers = Callable[[bool], Sequence[Any]]
"""Makes what a run logs to; told whether Lightning is to do without."""


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    Args:
        exact: What was scored in exact precision, to compare the others with.
        logged: The numbers of the test loop.
    """

    plan: Plan
    entries: Sequence[Entry]
    exact: Sequence[Entry]
    logged: dict[str, float]


def carry_out(
    detectors: Sequence[str],
    options: RunOptions,
    progress: bool = False,
    loggers: Loggers | None = None,
    noted: Facts | None = None,
) -> Outcome | None:
    """Plans a run and scores what the store lacks; arguments as for `bench.results.comparing.compare`.

    Where one process may do it, the plan comes first: a run that has nothing to score needs no trainer.

    Returns:
        What came of it; nothing on devices other than the first.

    Raises:
        BenchError: The options cannot be carried out, or a detector failed.
    """
    device = device_alone(options)
    with Claiming() as claiming, ExitStack() as until_the_end:
        if device is not None:
            search_garbage_as_usual()
            preparation = Preparation(detectors, options, device, claiming, noted)
            plan = preparation.plan()
            if not plan.lacks_scores:
                return _from_stored_scores(preparation, plan, options, loggers)
            trainer, processes = _machine(options, progress, loggers, until_the_end)
            plan.job.record.facts["device"] = str(trainer.strategy.root_device)
        else:
            trainer, processes = _machine(options, progress, loggers, until_the_end)
            # Another machine's first process makes a plan, too, before they join: only one of them claims.
            claims = claiming if processes.is_first else None
            preparation = Preparation(detectors, options, str(trainer.strategy.root_device), claims, noted)
            plan = processes.first_does(preparation.plan)
        from bench.scoring.run import score, score_exactly

        say(plan_words(len(plan.datamodule.items), int(plan.job.absent.sum())))
        entries = preparation.entries(plan)
        exact = score_exactly(plan, entries, options, processes, progress)
        logged = score(trainer, entries, plan.job, plan, options, processes)
    if not processes.is_first:
        return None
    hand_freed_memory_back()
    return Outcome(plan, entries, exact, logged)


def device_alone(options: RunOptions) -> str | None:
    """Names the device where one process may plan before there is a trainer, as Lightning would choose and call it.

    Returns:
        Nothing where Lightning has more to say: of several processes, of a device that is asked for and may be missing,
        of a precision that it may not have, or where it logs to more than a file.
    """
    launched = {"TORCHELASTIC_RUN_ID", "SLURM_STEP_ID", "SLURM_JOB_ID"} & os.environ.keys()
    several = options.devices * options.num_nodes != 1 or options.strategy != "auto"
    if launched or several or options.precision != EXACT or options.loggers != ("csv",) or find_spec("torch_xla"):
        return None
    if options.accelerator == "cpu":
        return "cpu"
    if options.accelerator != "auto":
        return None
    import torch

    if torch.backends.mps.is_available():
        return "mps:0"
    return "cuda:0" if torch.cuda.is_available() else "cpu"


def _machine(
    options: RunOptions, progress: bool, loggers: Loggers | None, until: ExitStack
) -> "tuple[L.Trainer, Processes]":
    from bench.scoring.machine.processes import Processes
    from bench.scoring.machine.trainer import create_trainer

    trainer = create_trainer(options, progress, None if loggers is None else lambda: loggers(False))
    return trainer, until.enter_context(Processes(trainer))


def _from_stored_scores(preparation: Preparation, plan: Plan, options: RunOptions, loggers: Loggers | None) -> Outcome:
    from bench.scoring.stored_run import log_stored

    say(plan_words(len(plan.datamodule.items), 0))
    entries = preparation.entries(plan)
    return Outcome(plan, entries, [], log_stored(entries, plan, options, loggers))
