"""What a run would do, and how long it would take: the lines of ``--dry-run``."""

from bench.results.time_estimate import TimeEstimate
from bench.scoring.forecast import Forecast
from bench.scoring.machine.precision import slow_words
from bench.scoring.options import EXACT
from bench.store.schema import CLEAN

REPAID = 1_800
"""The fewest passes that ever made up for compiling, of the machines in benchmarks/README.md."""


def forecast_lines(forecast: Forecast, estimate: TimeEstimate | None = None) -> list[str]:
    """Says what a run would do, and how long it would take where that was estimated."""
    rest = [name for name in forecast.conditions if name != CLEAN]
    memory = (forecast.network_bytes, forecast.picture_bytes, forecast.activation_bytes)
    networks, pictures, activations = map(_size, memory)
    more = f", {forecast.check:,} more in {EXACT} to measure what the precision does." if forecast.check else "."
    return [
        f"Images: {forecast.images:,}, of which {forecast.to_read:,} lack a score and would be read, each once.",
        f"Conditions: {len(forecast.conditions)} ({', '.join((CLEAN, *rest))}).",
        f"Scores: {forecast.scores:,} wanted, {forecast.stored:,} in the store, "
        f"{forecast.scores - forecast.stored:,} to compute{more}",
        "By detector: " + ", ".join(f"{name} {count:,}" for name, count in forecast.by_detector.items()) + ".",
        f"Passes: {forecast.passes:,} images through the backbone and its perturbed copies, the clean ones shared.",
        *([f"Passes not known: {', '.join(forecast.uncounted)}."] if forecast.uncounted else []),
        f"Memory of a device: about {_size(sum(memory))} ({networks} of networks, {pictures} of pictures and "
        f"{activations} of activations for {forecast.batch_size} images at once), beside the program itself.",
        f"Devices: {forecast.devices}.",
        *([f"Warning: {slow_words(forecast.slow_precision)}"] if forecast.slow_precision else []),
        *([_compile_words(forecast, estimate)] if forecast.compiled else []),
        *([_time_words(estimate)] if estimate else []),
        "Nothing was scored (--dry-run).",
    ]


def _compile_words(forecast: Forecast, estimate: TimeEstimate | None) -> str:
    """Says whether compiling pays: as measured here or, of few passes, as measured anywhere."""
    if estimate is not None and estimate.without_compile is not None:
        pays = estimate.seconds < estimate.without_compile
        words = "pays" if pays else "does not pay"
        return f"--compile {words} here: about {_duration(estimate.without_compile)} without it."
    if forecast.passes < REPAID:
        return f"--compile does not pay here: compiling takes longer than so few passes can repay (below {REPAID:,})."
    return "--compile pays on some machines only, and for many images: --estimate measures whether it does here."


def _time_words(estimate: TimeEstimate) -> str:
    exact = estimate.in_exact_precision
    return (
        f"Time: about {_duration(estimate.seconds)}, {_duration(estimate.scoring)} of it to score, at the speed of "
        f"{estimate.images} images on this machine; the tables of many images take longer than theirs."
        + ("" if exact is None else f" In {EXACT} it would be about {_duration(exact)}.")
    )


def _duration(seconds: float) -> str:
    """Writes seconds to the digits that an estimate deserves.

    Examples:
        >>> _duration(7.44), _duration(95), _duration(5000), _duration(100_000)
        ('7 s', '95 s', '83 min', '28 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
