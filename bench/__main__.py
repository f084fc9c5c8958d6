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
    """Runs the command line with our own packages, or says which ones are not ours.

    Returns:
        The exit code: the command's, 130, 143 or 129 after SIGINT, SIGTERM or SIGHUP, 141 where nobody reads.
    """
    from bench.scoring.machine import signals

    signals.heed()
    try:
        return signals.exit_code(_run_guarded())
    except signals.Stopped:  # which came at the very end
        return signals.exit_code(0)


def _run_guarded() -> int:
    """Runs the command line, and returns the exit code that the first of its troubles has."""
    from bench.cli import streams
    from bench.scoring.machine import signals

    streams.guard()
    try:
        code = _run()
    except streams.ClosedPipe:
        code = streams.CLOSED_PIPE
    except BaseException:
        if not signals.has_come():
            raise
        code = 0
    signals.finish()
    return code


def _run() -> int:
    intruder = find_intruder()
    if intruder:
        print(intruder, file=sys.stderr)
        return 2
    gc.set_threshold(RARELY)
    os.environ.setdefault(ALLOCATOR, AT_ONCE)  # read when polars is imported, which it is not yet
    from bench.cli import late_imports
    from bench.cli.app import main as run

    late_imports.install()
    try:
        return run(speaks=True)
    except SystemExit as stop:  # the parser's
        return stop.code if isinstance(stop.code, int) else 0


def leave(code: int) -> NoReturn:
    """Ends the process at once, after what was to be done at its end.

    To take half a million objects of torch and Lightning apart, only to end, would take longer than many a command.
    """
    atexit._run_exitfuncs()
    os._exit(code)


def start() -> NoReturn:
    """Runs the command line and ends the process: what the installed command calls."""
    leave(main())


if __name__ == "__main__":
    start()
