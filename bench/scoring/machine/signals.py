"""What SIGINT, SIGTERM and SIGHUP do to the command line: one line, the shell's exit code, and nothing scored is lost.

A signal raises :class:`Stopped` wherever the main thread is, so that whatever has to be tidied up is; while images are
scored it waits for the end of a batch (:func:`deferred`). A thread sees to it that the end comes: code that is not
Python's cannot be interrupted, and some libraries swallow what was not meant for them. Python programs that use the
suite as a library keep their own handlers: only :func:`heed` sets any, and the command line alone calls it.
"""

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from subprocess import Popen

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 8.0
"""Seconds from a signal to the end, however far the tidying is: files are whole or not there at any moment."""
BATCH = 4.0
"""Seconds that a batch may take to its end; then it is left."""
GRACE = 0.5
"""Seconds in which a second signal is the first again: ``timeout`` and a closed terminal send it twice."""
LOOK_EVERY = 0.05
GOES_ON = "What was scored is kept: the same command goes on from there."
FOLLOWERS: "list[Popen[bytes]]" = []
"""Processes that this one has started for further devices: they get its signals, too."""


def is_first_process() -> bool:
    """Says, before there is a trainer, whether this process of a run is the one that writes."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "SLURM_PROCID", "NODE_RANK", "LOCAL_RANK"))


class Stopped(BaseException):
    """The program was told to stop: no ``Exception``, so that no code takes it for a failure of its own."""


class _State:
    """What has become of this process: it has one main thread, and so one state."""

    heeded = False
    number: int | None = None
    waiting = 0
    scored = said = lost = pushed = ended = False


def heed() -> None:
    """Sets the handlers, first thing in a process of the command line; what is ignored (``nohup``) stays so."""
    heard = [number for number in NUMBERS if signal.getsignal(number) is not signal.SIG_IGN]
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reader,), daemon=True, name="watch-signals").start()
    os.register_at_fork(before=_block, after_in_parent=_unblock, after_in_child=_become_a_worker)
    for number in heard:
        signal.signal(number, _stop)
    _State.heeded = True


def heed_again() -> bool:
    """Puts the handler of SIGTERM back, which Lightning's trainer replaces; says whether there is one of ours."""
    if _State.heeded and signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN:
        signal.signal(signal.SIGTERM, _stop)
    return _State.heeded


def is_interruption(error: BaseException) -> bool:
    """Says whether somebody interrupts the program: where signals are heeded, no ``KeyboardInterrupt`` is a Ctrl-C."""
    return isinstance(error, Stopped) or (isinstance(error, KeyboardInterrupt) and not _State.heeded)


@contextmanager
def deferred() -> Iterator[None]:
    """Has a signal wait, while scores are kept, until :func:`check` is called, or the end.

    Raises:
        Stopped: At the end, if one came.
    """
    _State.waiting, _State.scored = _State.waiting + 1, True
    try:
        yield
    finally:
        _State.waiting -= 1
    check()


def check() -> None:
    """Stops here if a signal came.

    Raises:
        Stopped: One did.
    """
    if has_come():
        raise Stopped


def has_come() -> bool:
    """Says whether a signal came."""
    return _State.number is not None


def finish() -> None:
    """Has no signal interrupt the process any more: it is about to end."""
    _State.ended = True


def exit_code(code: int) -> int:
    """Returns what the process ends with: 128 and the signal's number, after a line that says so, if one came."""
    if _State.number is None:
        return code
    _say()
    return 128 + _State.number


def _stop(number: int, frame: FrameType | None) -> None:
    if _State.number is None:
        _State.number = number
        # What is cut off in a finaliser, or in a thread, would print where it was.
        sys.unraisablehook = _note_lost
        threading.excepthook = lambda failed: None
        for follower in FOLLOWERS:
            follower.send_signal(number)
    elif not _State.pushed:
        return  # the thread ends the process
    _State.pushed = False
    if not _State.waiting and not _State.ended:
        raise Stopped


def _note_lost(unraisable: Any) -> None:  # noqa: ANN401 - as Python calls it
    if isinstance(unraisable.exc_value, Stopped):
        _State.lost = True


def _say() -> None:
    """Says once why the process ends; of the processes of a run the first does."""
    if _State.said or _State.number is None or not is_first_process():
        return
    _State.said = True
    kept = f" {GOES_ON}" if _State.scored else ""
    with suppress(OSError):  # nobody listens
        os.write(2, f"error: Stopped by {signal.Signals(_State.number).name}.{kept}\n".encode())


def _watch(reader: int) -> None:
    """Ends the process where the main thread does not, or at a second signal."""
    first = 0
    while first not in NUMBERS:
        first = os.read(reader, 1)[0]
    began, pushes, given_up = time.monotonic(), 0, False
    while True:
        readable, _, _ = select.select([reader], [], [], LOOK_EVERY)
        seconds = time.monotonic() - began
        again = [number for number in os.read(reader, 64) if number in NUMBERS] if readable else []
        pushes, again = max(0, pushes - len(again)), again[pushes:]
        if seconds > PATIENCE or (again and seconds > GRACE and is_first_process()):
            _end(first)
        overdue = seconds > BATCH and _State.waiting > 0 and not given_up
        if _State.lost or overdue:
            _State.lost, given_up = False, given_up or overdue
            _State.waiting = 0 if overdue else _State.waiting
            _State.pushed, pushes = True, pushes + 1
            signal.pthread_kill(threading.main_thread().ident or 0, first)


def _end(number: int) -> NoReturn:
    _State.number = _State.number or number
    _say()
    readers = sys.modules["multiprocessing"].active_children() if "multiprocessing" in sys.modules else ()
    for process in (*readers, *FOLLOWERS):
        process.kill()
    os._exit(128 + number)


def _block() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, NUMBERS)


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, NUMBERS)


def _become_a_worker() -> None:
    """Leaves Ctrl-C to the parent, which a terminal sends it to as well, and ends with it, without a word."""
    signal.set_wakeup_fd(-1)
    for number, handler in zip(NUMBERS, (signal.SIG_IGN, signal.SIG_DFL, signal.SIG_IGN), strict=True):
        signal.signal(number, handler)
    _State.heeded, _State.number, _State.waiting = False, None, 0
    sys.excepthook = lambda kind, error, at: None  # of the thread that hands tensors over, when nobody takes them
    _unblock()
