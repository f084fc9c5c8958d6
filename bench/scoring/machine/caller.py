"""The script that calls the suite as a library."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import spawn
from typing import Any

from datamodules.registry import find_data

SCRIPT = ("init_main_from_name", "init_main_from_path")
"""Where a new process is told which script started it."""


@contextmanager
def not_run_again(dataset: str = "demo") -> Iterator[None]:
    """Keeps the processes that decode from running the caller's script again, so that it needs no ``__main__`` guard.

    Where processes are not forked, each first imports the script that started it. None of ours needs anything of it,
    unless the dataset's class is defined there. The script's module is left as it is: libraries that are imported
    meanwhile look at it.
    """
    if multiprocessing.get_start_method() == "fork" or find_data(dataset.partition(":")[0]).__module__ == "__main__":
        yield
        return
    prepare = spawn.get_preparation_data

    def prepared(name: str) -> dict[str, Any]:
        return {key: value for key, value in prepare(name).items() if key not in SCRIPT}

    spawn.get_preparation_data = prepared
    try:
        yield
    finally:
        spawn.get_preparation_data = prepare
