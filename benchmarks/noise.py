"""Times the noise that RIGID and MINDER draw for each image, by one thread and by as many as there are cores.

The noise is a function of each image's key, to the bit, whatever the number of threads::

    python benchmarks/noise.py
"""

import argparse
import time

import torch
from machine import describe_machine, usable_cores
from measure import markdown_table, ratios, spread

from bench.scoring.machine.memory import keep_freed_memory
from detectors.randomness import image_noise


def seconds_of(threads: int, images: torch.Tensor, keys: torch.Tensor) -> tuple[float, torch.Tensor]:
    """Draws the noise of a batch."""
    torch.set_num_threads(threads)
    started = time.perf_counter()
    noise = image_noise(images, keys, "rigid", 0, 0)
    return time.perf_counter() - started, noise


def main() -> None:
    """Draws in turn by one thread and by several, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32, help="images at once (default 32)")
    parser.add_argument("--threads", type=int, default=usable_cores(), help="threads (default: cores)")
    parser.add_argument("--repeats", type=int, default=21, help="repeats of both (default 21)")
    options = parser.parse_args()
    keep_freed_memory()
    images, keys = torch.empty(options.batch, 3, 224, 224), torch.arange(options.batch)
    times: dict[int, list[float]] = {1: [], options.threads: []}
    with torch.inference_mode():
        for repeat in range(options.repeats + 1):
            drawn = {threads: seconds_of(threads, images, keys) for threads in times}
            for threads, (seconds, _) in drawn.items() if repeat else ():  # the first asks for memory
                times[threads].append(seconds)
        first, *others = (noise for _, noise in drawn.values())
        assert all(torch.equal(first, other) for other in others)
    rows = [
        [
            str(threads),
            spread([1000 * one / options.batch for one in seconds], unit=" ms"),
            spread(ratios(times[1], seconds)),
        ]
        for threads, seconds in times.items()
    ]
    print(describe_machine())
    print(f"Setting: {options.batch} images of 224 px at once; medians of {options.repeats} repeats (range).\n")
    print(markdown_table(["threads", "an image", "times faster"], rows))


if __name__ == "__main__":
    main()
