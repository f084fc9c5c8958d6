"""Keeps freed memory for the next batch, and imports out of the search for garbage."""

import ctypes
import gc
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # from glibc's malloc.h
_USUAL = (700, 10, 10)
_NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Tells glibc's allocator not to hand large freed blocks back to the system.

    A forward pass on the CPU frees and asks for the same few large blocks again and again. By default each goes back
    to the system and returns page by page, zeroed: a third of the time of the demo (see ``benchmarks/``).

    Returns:
        Whether the allocator took the advice; there is another allocator outside Linux with glibc.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):
        return False
    return bool(libc.mallopt(_M_MMAP_MAX, 0)) and bool(libc.mallopt(_M_TRIM_THRESHOLD, _NEVER))


def search_garbage_as_usual() -> None:
    """Leaves what was imported out of every search for garbage, and searches as often as Python does by default."""
    gc.freeze()
    gc.set_threshold(*_USUAL)
