"""Makes Lightning's trainers, and what knows the device where there is none."""

import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import lightning as L
from lightning.fabric import Fabric
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, RichProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger

from bench.errors import BenchError
from bench.scoring.attacks.condition import is_attack
from bench.scoring.machine.memory import keep_freed_memory, search_garbage_as_usual
from bench.scoring.machine.precision import LIGHTNING, set_tf32
from bench.scoring.machine.processes import PATIENCE, ElsewhereError, SplitStrategy
from bench.scoring.machine.progress import Progress
from bench.scoring.machine.signals import is_first_process
from bench.scoring.options import RunOptions

# Lightning 2.6 asks torch for something that torch 2.14 has renamed; it would like more workers than there are cores;
# and it does not know that the metrics' values are those of all devices already. None is for the user to mend.
THIRD_PARTY_WARNINGS = (
    (r".*isinstance\(treespec, LeafSpec\)", r"lightning\.pytorch\.utilities\._pytree"),
    (r"It is recommended to use .*sync_dist=True", r"lightning\.pytorch\.trainer\.connectors\.logger_connector"),
    (r"The 'test_dataloader' does not have many workers", r"lightning\.pytorch\.trainer\.connectors\.data_connector"),
)

# Lightning would like more workers than there are cores, has a word for every short epoch and for a skipped batch, and
# warns of the very checkpoint that an interrupted training goes on from. None of these is for the user to mend.
TRAINING_ADVICE = (
    r"The 'train_dataloader' does not have many workers",
    r"The number of training batches",
    r"`training_step` returned `None`",
    r"Checkpoint directory .* exists and is not empty",
)


def create_trainer(
    options: RunOptions, progress: bool, loggers: Callable[[], Sequence[Logger]] | None = None
) -> L.Trainer:
    """Makes the trainer that runs the test loop.

    Args:
        options: The machine and the precision.
        progress: Whether to draw a bar; otherwise a line is written every half minute.
        loggers: Makes what is logged to; CSV files by default.

    Raises:
        BenchError: There are no such devices here, or not so many processes; or the machines do not know of each other.
    """
    _prepare_process()
    search_garbage_as_usual()
    _check_processes(options)
    single = options.devices * options.num_nodes == 1 and options.strategy == "auto"
    plugins: list[Any] = [SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() and not single else []
    with _refusals(f"--accelerator {options.accelerator} with --devices {options.devices}"):
        trainer = L.Trainer(
            devices=options.devices,
            num_nodes=options.num_nodes,
            strategy="auto" if single else SplitStrategy(),
            accelerator=options.accelerator,
            precision=LIGHTNING[options.precision],  # type: ignore[arg-type] # one of Lightning's words
            plugins=plugins or None,
            logger=loggers() if loggers else csv_logger(options),
            callbacks=[Progress(draw=progress)],
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
            use_distributed_sampler=False,  # it repeats images to even the ranks
            inference_mode=not any(map(is_attack, options.conditions)),  # an attack takes gradients
        )
    _check_machines(trainer)
    set_tf32(options.precision, trainer.strategy.root_device)
    return trainer


@contextmanager
def _refusals(asked: str) -> Iterator[None]:
    """Says in one line what Lightning has against what is asked for."""
    try:
        yield
    except (MisconfigurationException, RuntimeError, ValueError) as error:
        raise BenchError(f"{asked}: {' '.join(str(error).split())}") from error


def _prepare_process() -> None:
    """Keeps freed memory, and leaves Lightning its warnings, but for those that are not for the user to mend."""
    keep_freed_memory()
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message, module in THIRD_PARTY_WARNINGS:
        warnings.filterwarnings("ignore", message=message, module=module)


def _check_processes(options: RunOptions) -> None:
    """Compares what was started with what is asked for: each process would otherwise score all images."""
    asked = options.devices * options.num_nodes
    launchers = (("torchrun", "TORCHELASTIC_RUN_ID", "WORLD_SIZE"), ("srun", "SLURM_STEP_ID", "SLURM_STEP_NUM_TASKS"))
    for launcher, mark, count in launchers:
        started = os.environ.get(count, "")
        if mark in os.environ and started.isdigit() and int(started) not in (1, asked):
            if not is_first_process():
                time.sleep(PATIENCE)  # torchrun ends the others as soon as one fails, and the first must have its say
                raise ElsewhereError("the first process has said that there are not as many processes as asked for")
            raise BenchError(
                f"{launcher} started {started} processes, but --devices {options.devices} --num-nodes "
                f"{options.num_nodes} are {asked}: give as many as it starts."
            )


def _check_machines(trainer: L.Trainer) -> None:
    """Asks how the machines are to find each other: without an answer each would wait for the others for ever."""
    environment = getattr(trainer.strategy, "cluster_environment", None)
    if trainer.num_nodes == 1 or not isinstance(environment, LightningEnvironment):
        return
    absent = [name for name in ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK") if name not in os.environ]
    if absent:
        raise BenchError(
            f"--num-nodes {trainer.num_nodes}: {', '.join(absent)} must be set for each machine (address and a free "
            f"port of the first one; 0 for it, 1, 2, ... for the others), or start the processes with torchrun or srun."
        )


def csv_logger(options: RunOptions) -> Logger:
    """Logs to CSV files."""
    return CSVLogger(options.output, name="logs")


def training_trainer(
    options: RunOptions, progress: bool, callbacks: Sequence[Callback], loggers: Sequence[Logger], epochs: int
) -> L.Trainer:
    """Makes a trainer that trains on one device.

    Raises:
        BenchError: There is no such device here.
    """
    _prepare_process()
    for message in TRAINING_ADVICE:
        warnings.filterwarnings("ignore", message=message)
    with _refusals(f"--accelerator {options.accelerator}"):
        trainer = L.Trainer(
            devices=1,
            accelerator=options.accelerator,
            precision=LIGHTNING[options.precision],  # type: ignore[arg-type] # one of Lightning's words
            callbacks=[*callbacks, *([RichProgressBar()] if progress else [])],
            logger=loggers,
            enable_progress_bar=progress,
            enable_model_summary=False,
            max_epochs=epochs,
            log_every_n_steps=1,
            reload_dataloaders_every_n_epochs=1,
            num_sanity_val_steps=0,
        )
    set_tf32(options.precision, trainer.strategy.root_device)
    return trainer


def create_fabric(options: RunOptions) -> Fabric:
    """Makes what knows the device and the precision where there is no trainer.

    Raises:
        BenchError: There is no such device here.
    """
    _prepare_process()
    precision: Any = LIGHTNING[options.precision]  # one of Lightning's words
    with _refusals(f"--accelerator {options.accelerator}"):
        fabric = Fabric(accelerator=options.accelerator, devices=1, precision=precision)
    set_tf32(options.precision, fabric.device)
    return fabric
