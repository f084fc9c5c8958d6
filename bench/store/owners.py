"""Who made a file: a process of a machine; and whether that process still runs."""

import hashlib
import os
import socket
from functools import cache
from pathlib import Path


@cache
def machine() -> str:
    """Names where process numbers mean what they mean here: this host since it was started, or one container of it."""
    parts = [socket.gethostname()]
    boot = Path("/proc/sys/kernel/random/boot_id")
    parts += [boot.read_text()] if boot.is_file() else []
    namespace = Path("/proc/self/ns/pid")
    parts += [str(namespace.readlink())] if namespace.is_symlink() else []
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def start_of(process: int) -> str:
    """Tells a process from a later one of the same number: when it started, in ticks; empty where /proc is missing."""
    state = _state_of(process)
    return state[19] if state else ""


def is_running(process: int, start: str = "") -> bool:
    """Says whether a process of this machine runs; with ``start``, whether it is still the same one."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # it is somebody else's
    state = _state_of(process)
    if state and state[0] in "ZX":  # it has ended, and its parent has not asked yet
        return False
    return not (start and state) or start == state[19]


def _state_of(process: int) -> list[str]:
    """Reads what /proc says of a process, from its state on; nothing where it says nothing."""
    try:
        stat = Path(f"/proc/{process}/stat").read_bytes()
    except OSError:
        return []
    return stat.rpartition(b")")[2].decode().split()  # the name before it, in brackets, may hold anything
