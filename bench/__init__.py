"""Compares detectors of AI-generated images: scores are saved, and every number is made from the saved scores.

    import bench

    result = bench.compare(["wepe", "rigid"], dataset="demo", limit=20, output="results")
    result.to_polars()

Nothing heavy is imported before the first call.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lazy_loader

if TYPE_CHECKING:
    from bench.errors import BenchError
    from bench.results.comparison import Comparison
    from bench.scoring.files import ScoredImage
    from bench.scoring.options import RunOptions
    from bench.store.dataset import StoredDataset

    __version__: str

__all__ = [
    "BenchError",
    "Comparison",
    "RunOptions",
    "ScoredImage",
    "StoredDataset",
    "__version__",
    "compare",
    "leaderboard",
    "read_store",
    "score_files",
]
_attribute, _, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "errors": ["BenchError"],
        "results.comparison": ["Comparison"],
        "scoring.files": ["ScoredImage"],
        "scoring.options": ["RunOptions"],
        "store.dataset": ["StoredDataset"],
    },
)


def compare(detectors: Sequence[str], *, progress: bool = False, **options: Any) -> "Comparison":  # noqa: ANN401
    """Compares detectors on a dataset, as ``python -m bench compare`` does: what the store has is not scored again.

    A script that calls this on one device needs no ``__main__`` guard. On several devices the script is run once for
    each, and all but the first end here.

    Args:
        detectors: As on the command line, for instance ``["wepe:rule=tensor_std", "rigid"]``.
        progress: Whether to draw a progress bar.
        **options: The fields of :class:`RunOptions`; ``output`` is where the store is, ``compare.csv`` and
            ``compare.md``.

    Returns:
        The findings: ``to_polars()`` and ``to_pandas()`` have a row for each detector, condition, generator and
        metric, ``scores()`` one for each image.

    Raises:
        BenchError: The options cannot be carried out, or a detector failed.
        detectors.UnknownNameError: There is no such detector, backbone or option.
        TypeError: :class:`RunOptions` has no such field.

    Examples:
        >>> import bench, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     result = bench.compare(["rigid"], dataset="demo", limit=4, num_workers=0, output=folder)
        >>> result.to_polars().columns[:8]
        ['detector', 'condition', 'generator', 'metric', 'value', 'low', 'high', 'seeds_sd']
        >>> result.scores().columns
        ['path', 'label', 'generator', 'group', 'detector', 'condition', 'seed', 'score']
    """
    chosen = _options(options)
    from bench.report.comparison import write_comparison
    from bench.report.loggers.session import compare_and_log
    from bench.scoring.machine.caller import not_run_again

    with not_run_again(chosen.dataset):
        comparison = compare_and_log(detectors, chosen, progress)
    if comparison is None:
        raise SystemExit  # another device of the run goes on
    write_comparison(comparison, chosen.output)
    return comparison


def read_store(output: str | Path = "results") -> "list[StoredDataset]":
    """Reads every data set of a score store.

    Args:
        output: The results' folder.

    Returns:
        A store's data sets under each protocol; ``scores()`` has a row for each image.

    Raises:
        BenchError: There are no scores, or a file of the store cannot be read.

    Examples:
        >>> import bench
        >>> bench.read_store("nowhere")
        Traceback (most recent call last):
        bench.errors.BenchError: There are no scores under nowhere/scores: run 'python -m bench compare' first.
    """
    from bench.store.whole_store import read_store

    return read_store(Path(output))


def leaderboard(output: str | Path = "results") -> "list[Comparison]":
    """Makes the leaderboard from the score store alone, as ``python -m bench leaderboard`` does.

    Args:
        output: The results' folder; ``LEADERBOARD.md``, ``leaderboard.csv`` and ``leaderboard.json`` are written there.

    Returns:
        The findings about each data set.

    Raises:
        BenchError: There are no scores, or a file of the store cannot be read.
    """
    from bench.report.board_files import write_boards
    from bench.report.leaderboard import board_reports
    from bench.results.across.findings import across_sets
    from bench.results.leaderboard import read_comparisons

    comparisons = read_comparisons(Path(output))
    write_boards(board_reports(comparisons), Path(output), across=across_sets(comparisons))
    return comparisons


def score_files(
    paths: Iterable[str | Path],
    detectors: Sequence[str],
    *,
    seed: int = 0,
    **options: Any,  # noqa: ANN401
) -> "Iterator[ScoredImage]":
    """Scores image files, exactly as ``compare`` scores the images of a dataset.

    Args:
        paths: Files, folders (with all below) and patterns; see :func:`datamodules.find_files`.
        detectors: As on the command line.
        seed: Seed of the detectors' own randomness.
        **options: Fields of :class:`RunOptions`: backbone, view, resize, batches and machine.

    Returns:
        One row a file, which come as batches are done; mistakes are told before the first.

    Raises:
        datamodules.DatasetNotFoundError: A path does not exist or gives no image.
        BenchError: An option cannot be carried out.
        TypeError: :class:`RunOptions` has no such field.
    """
    chosen = _options(options)
    from bench.scoring.files import Scorer
    from datamodules import find_files

    files = find_files(map(str, paths))
    return Scorer(detectors, chosen, seed).score(files)


def __getattr__(name: str) -> Any:  # noqa: ANN401 - of what is imported when it is used
    if name == "__version__":
        from importlib.metadata import version

        return version("fauxbench")
    return _attribute(name)


def __dir__() -> list[str]:
    return __all__


def _options(given: dict[str, Any]) -> "RunOptions":
    from dataclasses import fields

    from bench.scoring.options import RunOptions, check_names
    from detectors.errors import did_you_mean

    known = [field.name for field in fields(RunOptions)]
    for name in given:
        if name not in known:
            raise TypeError(f"RunOptions has no field {name!r}.{did_you_mean(name, known)}")
    options = RunOptions(**given)
    check_names(options)
    return options
