"""Runs ``python -m bench``, and prints how long its phases took as a last line of JSON: seconds and peak memory.

What is between phases counts as ``start`` before the first, and as ``writing and the rest`` later.
"""

import functools
import json
import resource
import sys
import time

from measure import KILO

BEFORE, BETWEEN = "start", "writing and the rest"


def main() -> int:
    """Runs the command with the phases' beginnings and ends noted."""
    began = time.perf_counter()
    from bench.scoring.machine import phases

    spent: dict[str, list[float]] = {}
    now, since = BEFORE, began

    def change(words: str) -> None:
        nonlocal now, since
        moment = time.perf_counter()
        known = spent.setdefault(now, [0.0, 0.0])
        known[:] = known[0] + moment - since, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KILO
        now, since = words, moment

    phases.begin, phases.end = change, functools.partial(change, BETWEEN)
    from bench.__main__ import main as run

    code = run()
    phases.end()
    print(json.dumps(spent))
    return code


if __name__ == "__main__":
    sys.exit(main())
