"""The device that scores, and what it is asked for."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lightning.fabric import Fabric
from lightning.fabric.utilities.exceptions import MisconfigurationException

from bench.errors import BenchError, is_lost_reader
from bench.scoring.machine.precision import LIGHTNING, set_tf32
from bench.scoring.machine.trainer import quieten_lightning
from bench.scoring.options import RunOptions


def create_fabric(options: RunOptions) -> Fabric:
    """Makes what knows the device and the precision, as Lightning's trainer does for ``compare``.

    Raises:
        BenchError: There is no such device here.
    """
    quieten_lightning()
    try:
        fabric = Fabric(
            accelerator=options.accelerator,
            devices=1,
            precision=LIGHTNING[options.precision],  # type: ignore[arg-type] # one of Lightning's words
        )
    except (MisconfigurationException, RuntimeError, ValueError) as error:
        raise BenchError(f"--accelerator {options.accelerator}: {' '.join(str(error).split())}") from error
    set_tf32(options.precision, fabric.device)
    return fabric


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Keeps a Ctrl-C until the end, and for good from processes that are forked meanwhile.

    A terminal sends it to all of them; those that decode would each print where they were.

    Raises:
        KeyboardInterrupt: At the end, if one came.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield  # handlers belong to the main thread; and a job in the background ignores Ctrl-C
        return
    caught: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: caught.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if caught:
        raise KeyboardInterrupt


@contextmanager
def explained() -> Iterator[None]:
    """Says what it means when a process that decodes is killed, wherever torch tells it.

    Raises:
        BenchError: One was killed.
    """
    try:
        yield
    except RuntimeError as error:
        if not is_lost_reader(error):
            raise
        raise BenchError(
            "A process that reads images was killed, often for want of memory: a smaller --num-workers takes less."
        ) from error
