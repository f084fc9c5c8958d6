"""``python -m bench``."""

import atexit
import gc
import importlib.util
import os
import sys
from pathlib import Path
from typing import NoReturn

RARELY = 200_000
"""Objects between two searches for garbage: importing makes half a million, of which none is garbage."""
ALLOCATOR, AT_ONCE = "_RJEM_MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0"
"""Has the allocator inside polars hand freed memory back at once: a read of many scores leaves tens of megabytes."""
SIBLINGS = ("datamodules", "detectors")


def find_intruder() -> str | None:
    """Finds a package of another project under the name of one of ours.

    The names are generic, and PyPI has another ``detectors``; in site-packages it goes before an editable install.

    Returns:
        One line that names the intruder and the remedy, or None.
    """
    home = Path(__file__).resolve().parent.parent
    for name in SIBLINGS:
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).resolve() if spec and spec.origin else None
        if origin is None or origin.parent.parent != home:
            return (
                f"error: the package {name!r} is {origin or 'missing'}, not the one beside {home / 'bench'}: install "
                f"fauxbench in an environment of its own, or uninstall the other {name!r}."
            )
    return None


def main() -> int:
    """Runs the command line with our own packages, or says which ones are not ours."""
    intruder = find_intruder()
    if intruder:
        print(intruder, file=sys.stderr)
        return 2
    gc.set_threshold(RARELY)
    os.environ.setdefault(ALLOCATOR, AT_ONCE)  # read when polars is imported, which it is not yet
    from bench.cli.app import main as run

    return run()


def leave(code: int) -> NoReturn:
    """Ends the process at once, after what was to be done at its end.

    To take half a million objects of torch and Lightning apart, only to end, would take longer than many a command.
    """
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass  # whoever read has had enough
    os._exit(code)


def start() -> NoReturn:
    """Runs the command line and ends the process: what the installed command calls."""
    leave(main())


if __name__ == "__main__":
    start()
