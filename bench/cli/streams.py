"""Standard output and error of the command line: what cannot be written ends it in one line, a closed pipe in silence.

Standard output that is closed (``>&-``) or full (``/dev/full``) is a mistake, which is told once the files are written;
where its reader has gone (``| head``), there is nobody to be told.
"""

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

CLOSED_PIPE = 141
"""Exit code as a shell gives it: 128 and the number of SIGPIPE."""


class ClosedPipe(BaseException):
    """Nobody reads standard output any more: no ``Exception``, as rich and others have an end of their own for it."""


class _Output(io.FileIO):
    """Standard output."""

    def write(self, data: "ReadableBuffer") -> int:
        from bench.errors import BenchError

        try:
            return super().write(data)
        except BrokenPipeError:
            raise ClosedPipe from None
        except OSError as error:
            reason = "it is closed" if error.errno == errno.EBADF else error.strerror
            raise BenchError(f"Cannot write to standard output: {reason}. What goes into files is there.") from error


class _Complaints(io.FileIO):
    """Standard error: where it cannot be written, nobody can be told so."""

    def write(self, data: "ReadableBuffer") -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def guard() -> None:
    """Takes the process's streams over.

    A closed one becomes one that cannot be written or has nothing to read, so that no file that is opened takes its
    number.
    """
    for number, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        if _is_closed(number):
            os.dup2(os.open(os.devnull, flags), number)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - lives as long as the process
    sys.stdout = _guarded(sys.stdout, _Output(1, "w", closefd=False))
    sys.stderr = _guarded(sys.stderr, _Complaints(2, "w", closefd=False), line_buffering=True)


def _is_closed(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return True
    return False


def _guarded(stream: TextIO | None, raw: io.FileIO, line_buffering: bool = False) -> io.TextIOWrapper:
    """Makes a stream like another, with its letters and buffers, over what writes."""
    like = stream if isinstance(stream, io.TextIOWrapper) else io.TextIOWrapper(io.BytesIO(), errors="backslashreplace")
    like.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=like.encoding,
        errors=like.errors,
        line_buffering=line_buffering or like.line_buffering,
        write_through=like.write_through,
    )
