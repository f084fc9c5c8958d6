"""What a W&B run is told: configuration, a comparison's numbers, robustness curves, and the scores themselves.

Metrics of single seeds are logged by the test loop as they come from torchmetrics; everything here comes from the
comparison, which is made from the stored scores.
"""

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.utilities import rank_zero_only

from bench.errors import BenchError
from bench.report.comparison import AGAINST_CHANCE, COUNTS, VERDICT, verdict_of
from bench.report.heat_map import heat_records
from bench.report.table import columns_of
from bench.results.comparison import Comparison, compare
from bench.results.heat_map import heat_map_of
from bench.results.robustness import Curve, robustness_curves
from bench.results.summary import MEAN, Row, Summary
from bench.scoring.options import RunOptions
from bench.statistics.metrics import shown_metrics
from bench.statistics.number import Number
from bench.store.facts import Facts
from bench.store.scores import ScoreStore
from datamodules.degradations import CLEAN

if TYPE_CHECKING:
    import wandb

OFFLINE = ("offline", "dryrun")
LONGEST_NAME = 128  # of a project, and of an artifact
FORBIDDEN = "/\\#?%:"  # in a project's name
REMEDY = "WANDB_MODE=offline keeps the run on disk."


def compare_and_log(
    detectors: Sequence[str], options: RunOptions, progress: bool = False, noted: Facts | None = None
) -> Comparison | None:
    """Compares detectors and, with ``--wandb``, logs the run; arguments as for `bench.results.comparison.compare`.

    Raises:
        BenchError: The options cannot be carried out, a detector failed, or W&B did.
    """
    if options.wandb is None:
        return compare(detectors, options, progress, noted=noted)
    loggers: list[WandbLogger] = []

    def start() -> WandbLogger:
        loggers.append(create_wandb_logger(options))
        return loggers[0]

    with wandb_session(options):
        comparison = compare(detectors, options, progress, start, noted)
        if comparison is not None:
            _log_comparison(loggers[0].experiment, comparison, options.output)
    return comparison


@contextmanager
def wandb_session(options: RunOptions) -> Iterator[None]:
    """Surrounds a comparison: W&B keeps all its files under ``--output``, and a run does not outlive a failure.

    An open run would be gone on with by the next comparison in this process. Without ``--wandb`` nothing happens.

    Raises:
        BenchError: The project's name cannot be, a run is open in this process already, or W&B failed.
    """
    if options.wandb is None:
        yield
        return
    _check_project(options.wandb)
    import wandb

    if wandb.run is not None:
        raise BenchError(f"The W&B run {wandb.run.id} is open in this process: call wandb.finish() first.")
    with _folders_under(options.output):
        try:
            yield
        except BaseException as error:
            if wandb.run is not None:
                wandb.run.finish(exit_code=1)
            if isinstance(error, wandb.Error):
                raise BenchError(f"W&B: {str(error).rstrip('.')}. {REMEDY}") from error
            raise


def _check_project(name: str) -> None:
    """Refuses a name that W&B would refuse when the run starts."""
    if not name.strip():
        raise BenchError(f"--wandb needs the name of a project, got {name!r}.")
    if len(name) > LONGEST_NAME:
        raise BenchError(f"--wandb takes a name of at most {LONGEST_NAME} characters, got {len(name)}: {name!r}.")
    if set(name) & set(FORBIDDEN):
        allowed = f"a project's name without any of {' '.join(FORBIDDEN)} (a team goes into WANDB_ENTITY)"
        raise BenchError(f"--wandb takes {allowed}, got {name!r}.")


@contextmanager
def _folders_under(output: Path) -> Iterator[None]:
    """Sends what W&B would keep in the home folder to the results, unless the user has said where it goes."""
    home = output.resolve() / "wandb"
    folders = {"WANDB_CACHE_DIR": str(home / "cache"), "WANDB_DATA_DIR": str(home / "data")}
    ours = {name: folder for name, folder in folders.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


def create_wandb_logger(options: RunOptions) -> WandbLogger:
    """Starts a run, on the first device only, and makes its logger.

    The run is offline where ``WANDB_MODE`` says so or there is no key; nobody is asked for one.

    Raises:
        BenchError: The results' folder cannot be written to, or W&B refuses the key or cannot be reached.
    """
    # Lightning would start the run itself, but with an option that W&B warns of.
    return WandbLogger(project=options.wandb, save_dir=options.output, experiment=_start(options))


@rank_zero_only
def _start(options: RunOptions) -> "wandb.Run":
    import wandb

    output, mode = options.make_output(), _mode()
    # The terminal shows progress bars and the report, which is logged as numbers.
    settings = wandb.Settings(quiet=True, silent=mode == "offline", console="off")
    return wandb.init(project=options.wandb, dir=output, config=options.as_facts(), mode=mode, settings=settings)


def _mode() -> Literal["offline", "disabled"] | None:
    """Asks W&B how to run; None leaves it to W&B, which has a key."""
    import wandb

    try:
        mode = wandb.setup().settings.mode
        if mode == "disabled":
            return "disabled"
        return None if mode not in OFFLINE and wandb.login(prompt=False) else "offline"
    except (wandb.Error, ValueError) as error:
        raise BenchError(f"W&B: {str(error).rstrip('.')}. {REMEDY}") from error


def _log_comparison(run: "wandb.Run", comparison: Comparison, output: Path) -> None:
    """Logs a comparison and ends the run, which is open on the first device alone."""
    run.config.update(_config(comparison.run))  # type: ignore[no-untyped-call]
    run.log({**mean_numbers(comparison.summary), **_tables_and_charts(comparison)})
    run.log_artifact(score_artifact(ScoreStore(output, comparison.run["data"]["title"]).folder))
    run.finish()
    if run.settings.mode == "offline":
        import wandb

        wandb.termlog(f"The run is on disk; to upload it: wandb sync {Path(run.dir).parent}")


def _config(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Names detectors by their labels; the options are in the configuration since the run's start."""
    detectors = {
        # A data set's groups are too many for a configuration; run.json has their names.
        detector["label"]: {**detector, "fingerprint": fingerprint, "held_out": len(detector["held_out"])}
        for fingerprint, detector in facts["detectors"].items()
    }
    return {**{name: value for name, value in facts.items() if name != "options"}, "detectors": detectors}


def mean_numbers(summary: Summary) -> dict[str, float]:
    """Returns means over generators with the ends of their intervals, named as the test loop names its metrics.

    Examples:
        >>> mean_numbers(Summary([Row("rigid", "jpeg:75", "mean", 9, 9, 0, {"auroc": Number(0.75)})], []))
        {'rigid/jpeg:75/mean/auroc': 0.75}
    """
    numbers: dict[str, float] = {}
    for row in summary.means:
        place = row.detector if row.condition == CLEAN else f"{row.detector}/{row.condition}"
        values = {f"{place}/{MEAN}/{metric}": value for metric, value in _with_ends(row).items()}
        numbers |= {name: value for name, value in values.items() if value is not None}
    return numbers


def _with_ends(row: Row, metrics: Sequence[str] = ()) -> dict[str, float | None]:
    """Returns metrics, by default all, with their intervals' ends and spreads over seeds; None where there is none."""
    cells: dict[str, float | None] = {}
    for metric in metrics or shown_metrics():
        number = row.numbers.get(metric, Number(math.nan))
        cells |= number.columns(metric) | {f"{metric}_seeds_sd": number.seeds_sd}
    return cells


def _tables_and_charts(comparison: Comparison) -> dict[str, Any]:
    import wandb

    curves = robustness_curves(comparison.summary)
    logged: dict[str, Any] = {"leaderboard": _table(leaderboard_rows(comparison))}
    if curves:
        logged["robustness/points"] = _table(point_rows(curves))
    changes = heat_records(heat_map_of(comparison))
    if changes:
        logged["robustness/heatmap"] = _table(changes)
    for curve in curves:
        names, lines = zip(*chart_lines(curve), strict=True)
        logged[f"robustness/{curve.kind}"] = wandb.plot.line_series(
            xs=[[level for level, _ in line] for line in lines],
            ys=[[value for _, value in line] for line in lines],
            keys=names,
            title=f"Mean AUROC under {curve.kind}",
            xname=f"{curve.kind}: {curve.axis.title}",
        )
    return logged


def chart_lines(curve: Curve) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """Yields a line for each detector and, where clean images have no level, a flat one for those."""
    for detector, points in curve.points.items():
        line = [(level, row.numbers["auroc"].value) for level, row in points]
        yield detector, [(level, value) for level, value in line if not math.isnan(value)]
        clean = curve.clean_without_level(detector)
        if clean is not None and not math.isnan(clean.numbers["auroc"].value):
            yield f"{detector}, {CLEAN}", [(level, clean.numbers["auroc"].value) for level, _ in line]


def point_rows(curves: Sequence[Curve]) -> list[dict[str, Any]]:
    """Makes a row for each point of each curve; clean images without a level have None."""
    rows = []
    for curve in curves:
        for detector, points in curve.points.items():
            clean = curve.clean_without_level(detector)
            for level, row in [*points, *([(None, clean)] if clean else [])]:
                names = {"degradation": curve.kind, "detector": detector, "level": level, "condition": row.condition}
                rows.append({**names, **_with_ends(row, ["auroc"])})
    return rows


def leaderboard_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Makes the rows of the comparison's table, with numbers in place of their text."""
    return [
        {
            **columns_of(row, "detector", "condition", "generator"),
            **dict(zip(COUNTS, row.counts.values(), strict=True)),
            **_with_ends(row),
            "rank": _letters(comparison, row),
            AGAINST_CHANCE: row.numbers["auroc"].against_chance,
            VERDICT: verdict_of(comparison, row),
        }
        for row in comparison.rows
    ]


def _letters(comparison: Comparison, row: Row) -> str | None:
    """Detectors that share a letter are not separated; said of what they are ranked by, the mean."""
    ranking = comparison.rankings.get(row.condition)
    if ranking is None or all(row is not mean for mean in comparison.summary.means):
        return None
    return ranking.letters.get(row.detector)


def _table(rows: Sequence[Mapping[str, Any]]) -> "wandb.Table":
    import wandb

    return wandb.Table(columns=list(rows[0]), data=[list(row.values()) for row in rows])


def score_artifact(folder: Path) -> "wandb.Artifact":
    """Lists the finished files of the score store; they are uploaded from where they are, without another copy."""
    import wandb

    name = "scores-" + re.sub(r"[^A-Za-z0-9_.-]+", "-", folder.name)
    artifact = wandb.Artifact(name[:LONGEST_NAME], type="scores")
    for file in sorted([*folder.glob("*/*.parquet"), *folder.glob("*/run.json")]):
        # Absolute: an offline run is uploaded later, from any folder.
        artifact.add_file(str(file.resolve()), name=file.relative_to(folder).as_posix(), policy="immutable")
    return artifact
