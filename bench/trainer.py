"""Makes Lightning's trainer and logger for a test loop."""

import logging
import warnings

import lightning as L
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, RichProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger

from bench.errors import BenchError
from bench.memory import keep_freed_memory
from bench.options import RunOptions
from bench.wandb_log import create_wandb_logger

# Lightning 2.6 asks torch for something that torch 2.14 has renamed; and it would like more workers than there are
# cores. Neither is for the user to mend.
THIRD_PARTY_WARNINGS = (
    (r".*isinstance\(treespec, LeafSpec\)", r"lightning\.pytorch\.utilities\._pytree"),
    (r"The 'test_dataloader' does not have many workers", r"lightning\.pytorch\.trainer\.connectors\.data_connector"),
)
ACCELERATORS = ("auto", "cpu", "gpu", "mps")
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


def create_trainer(options: RunOptions, progress: bool) -> L.Trainer:
    """Makes the trainer that runs the test loop.

    Raises:
        BenchError: There are no such devices here.
    """
    keep_freed_memory()
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message, module in THIRD_PARTY_WARNINGS:
        warnings.filterwarnings("ignore", message=message, module=module)
    callbacks: list[Callback] = [RichProgressBar()] if progress else []
    try:
        return _trainer(options, progress, callbacks)
    except MisconfigurationException as error:
        raise BenchError(f"--accelerator {options.accelerator} with --devices {options.devices}: {error}") from error


def _trainer(options: RunOptions, progress: bool, callbacks: list[Callback]) -> L.Trainer:
    return L.Trainer(
        devices=options.devices,
        accelerator=options.accelerator,
        precision=options.precision,  # type: ignore[arg-type] # checked against PRECISIONS
        logger=create_logger(options),
        callbacks=callbacks,
        enable_progress_bar=progress,
        enable_model_summary=False,
        enable_checkpointing=False,
        use_distributed_sampler=False,  # it repeats images to even the ranks
        inference_mode=True,
    )


def create_logger(options: RunOptions) -> Logger:
    """Makes the logger: CSV files, or W&B."""
    return CSVLogger(options.output, name="logs") if options.wandb is None else create_wandb_logger(options)
