"""The cores that decode."""

import os


def usable_cores() -> int:
    """Counts the cores that this process may use, which a cluster's scheduler may have limited."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
