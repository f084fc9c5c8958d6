"""How a W&B run begins and ends: never with a prompt, never left open, all of its files under ``--output``."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lightning.pytorch.utilities import rank_zero_only

from bench.errors import BenchError
from bench.scoring.options import RunOptions

if TYPE_CHECKING:
    import wandb

OFFLINE = ("offline", "dryrun")
LONGEST_NAME = 128  # of a project, and of an artifact
FORBIDDEN = "/\\#?%:"  # in a project's name
REMEDY = "WANDB_MODE=offline keeps the run on disk."
PROJECT = "fauxbench"
"""Where neither ``--wandb`` nor ``WANDB_PROJECT`` names one."""


@contextmanager
def wandb_session(options: RunOptions) -> Iterator[None]:
    """Surrounds a run that W&B logs: it ends as finished or as failed.

    An open run would be gone on with by the next comparison in this process.

    Raises:
        BenchError: The project's name cannot be, a run is open in this process already, or W&B failed.
    """
    _check_project(project_of(options))
    import wandb

    if wandb.run is not None:
        raise BenchError(f"The W&B run {wandb.run.id} is open in this process: call wandb.finish() first.")
    with _folders_under(options.output):
        try:
            yield
            if wandb.run is not None:  # on the first device alone
                _finish(wandb.run)
        except BaseException as error:
            if wandb.run is not None:
                wandb.run.finish(exit_code=1)
            if isinstance(error, wandb.Error):
                raise BenchError(f"W&B: {str(error).rstrip('.')}. {REMEDY}") from error
            raise


def project_of(options: RunOptions) -> str:
    """Returns the project: ``--wandb``'s, or the environment's, or ours."""
    return os.environ.get("WANDB_PROJECT", PROJECT) if options.wandb is None else options.wandb


@rank_zero_only
def start_run(options: RunOptions) -> "wandb.Run":
    """Starts a run, on the first device only.

    It is offline where ``WANDB_MODE`` says so or there is no key; nobody is asked for one.

    Raises:
        BenchError: The results' folder cannot be written to, or W&B refuses the key or cannot be reached.
    """
    import wandb

    output, mode = options.make_output(), _mode()
    # The terminal shows progress bars and the report, which is logged as numbers.
    settings = wandb.Settings(quiet=True, silent=mode == "offline", console="off")
    return wandb.init(project=project_of(options), dir=output, config=options.as_facts(), mode=mode, settings=settings)


def _finish(run: "wandb.Run") -> None:
    run.finish()
    if run.settings.mode == "offline":
        import wandb

        wandb.termlog(f"The run is on disk; to upload it: wandb sync {Path(run.dir).parent}")


def _check_project(name: str) -> None:
    """Refuses a name that W&B would refuse when the run starts."""
    if not name.strip():
        raise BenchError(f"--wandb needs the name of a project, got {name!r}.")
    if len(name) > LONGEST_NAME:
        raise BenchError(f"--wandb takes a name of at most {LONGEST_NAME} characters, got {len(name)}: {name!r}.")
    if set(name) & set(FORBIDDEN):
        allowed = f"a project's name without any of {' '.join(FORBIDDEN)} (a team goes into WANDB_ENTITY)"
        raise BenchError(f"--wandb takes {allowed}, got {name!r}.")


@contextmanager
def _folders_under(output: Path) -> Iterator[None]:
    """Sends what W&B would keep in the home folder to the results, unless the user has said where it goes."""
    home = output.resolve() / "wandb"
    folders = {"WANDB_CACHE_DIR": str(home / "cache"), "WANDB_DATA_DIR": str(home / "data")}
    ours = {name: folder for name, folder in folders.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


def _mode() -> Literal["offline", "disabled"] | None:
    """Asks W&B how to run; None leaves it to W&B, which has a key."""
    import wandb

    try:
        mode = wandb.setup().settings.mode
        if mode == "disabled":
            return "disabled"
        return None if mode not in OFFLINE and wandb.login(prompt=False) else "offline"
    except (wandb.Error, ValueError) as error:
        raise BenchError(f"W&B: {str(error).rstrip('.')}. {REMEDY}") from error
