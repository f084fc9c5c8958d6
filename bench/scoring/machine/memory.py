"""Keeps freed memory for the next batch, and imports out of the search for garbage."""

import ctypes
import gc
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # from glibc's malloc.h
_USUAL = (700, 10, 10)
_NEVER = 2**31 - 1
_MAPPED, _TRIMMED = 65_536, 128 * 1024  # glibc's defaults


def keep_freed_memory() -> bool:
    """Tells glibc's allocator not to hand large freed blocks back to the system.

    A forward pass on the CPU frees and asks for the same few large blocks again and again. By default each goes back
    to the system and returns page by page, zeroed: a third of the time of the demo (see ``benchmarks/``).

    Returns:
        Whether the allocator took the advice; there is another allocator outside Linux with glibc.
    """
    libc = _glibc()
    return libc is not None and bool(libc.mallopt(_M_MMAP_MAX, 0)) and bool(libc.mallopt(_M_TRIM_THRESHOLD, _NEVER))


def hand_freed_memory_back() -> bool:
    """Undoes :func:`keep_freed_memory` once the images are scored: tables of many images need blocks of other sizes."""
    libc = _glibc()
    if libc is None:
        return False
    defaults = libc.mallopt(_M_MMAP_MAX, _MAPPED), libc.mallopt(_M_TRIM_THRESHOLD, _TRIMMED)
    libc.malloc_trim(0)
    return all(defaults)


def trim() -> bool:
    """Hands back what is freed now, as after reading in many pieces; says whether the allocator took the advice."""
    libc = _glibc()
    return libc is not None and bool(libc.malloc_trim(0))


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") else None


def search_garbage_as_usual() -> None:
    """Leaves what was imported out of every search for garbage, and searches as often as Python does by default."""
    gc.freeze()
    gc.set_threshold(*_USUAL)
