"""The script that calls the suite as a library."""

import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from datamodules.registry import find_data


@contextmanager
def not_run_again(dataset: str = "demo") -> Iterator[None]:
    """Keeps the processes that decode from running the caller's script again, so that it needs no ``__main__`` guard.

    Where processes are not forked, each first imports the script that started it. None of ours needs anything of it,
    unless the dataset's class is defined there.
    """
    main = sys.modules["__main__"]
    kept: dict[str, object] = {name: vars(main)[name] for name in ("__file__", "__spec__") if name in vars(main)}
    if multiprocessing.get_start_method() == "fork" or find_data(dataset.partition(":")[0]).__module__ == "__main__":
        kept = {}
    for name in kept:
        setattr(main, name, None)
    try:
        yield
    finally:
        vars(main).update(kept)
