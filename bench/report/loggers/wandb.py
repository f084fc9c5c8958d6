"""What a W&B run is told beside numbers: configuration, tables, charts, and the scores themselves."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.pytorch.loggers import WandbLogger

from bench.report.comparison import AGAINST_CHANCE, COUNTS, VERDICT, verdict_of
from bench.report.heat_map import heat_records
from bench.report.loggers.curves import robustness_lines, roc_lines
from bench.report.loggers.numbers import with_ends
from bench.report.loggers.wandb_session import LONGEST_NAME, project_of, start_run
from bench.report.table import columns_of
from bench.results.comparison import Comparison
from bench.results.heat_map import heat_map_of
from bench.results.robustness import Curve, robustness_curves
from bench.results.summary import Row
from bench.scoring.options import RunOptions
from bench.store.scores import ScoreStore

if TYPE_CHECKING:
    import wandb
    from wandb.plot.custom_chart import CustomChart

ROC_CHART = "wandb/area-under-curve/v0"
"""W&B's own, which ``wandb.plot.roc_curve`` takes, too; that one averages nothing."""


def wandb_logger(options: RunOptions) -> WandbLogger:
    """Starts a run, on the first device only, and makes its logger.

    Raises:
        BenchError: The results' folder cannot be written to, or W&B refuses the key or cannot be reached.
    """
    # Lightning would start the run itself, but with an option that W&B warns of.
    return WandbLogger(project=project_of(options), save_dir=options.output, experiment=start_run(options))


def log_report(logger: WandbLogger, comparison: Comparison) -> None:
    """Logs all that is no number of its own."""
    run = logger.experiment
    run.config.update(_config(comparison.run))
    run.log(_tables_and_charts(comparison))
    output = Path(str(logger.save_dir))
    run.log_artifact(score_artifact(ScoreStore(output, comparison.run["data"]["title"]).folder))


def _config(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Names detectors by their labels; the options are in the configuration since the run's start."""
    detectors = {
        # A data set's groups are too many for a configuration; run.json has their names.
        detector["label"]: {**detector, "fingerprint": fingerprint, "held_out": len(detector["held_out"])}
        for fingerprint, detector in facts["detectors"].items()
    }
    return {**{name: value for name, value in facts.items() if name != "options"}, "detectors": detectors}


def _tables_and_charts(comparison: Comparison) -> dict[str, Any]:
    curves = robustness_curves(comparison.summary)
    logged: dict[str, Any] = {"leaderboard": _table(leaderboard_rows(comparison))}
    if curves:
        logged["robustness/points"] = _table(point_rows(curves))
    changes = heat_records(heat_map_of(comparison))
    if changes:
        logged["robustness/heatmap"] = _table(changes)
    return logged | _charts(comparison, curves)


def _charts(comparison: Comparison, curves: Sequence[Curve]) -> dict[str, "CustomChart"]:
    import wandb

    charts = {}
    for condition, by_detector in roc_lines(comparison):
        points = [
            {"detector": detector, "fpr": fpr, "tpr": tpr}
            for detector, line in by_detector.items()
            for fpr, tpr in line
        ]
        charts[f"roc/{condition}"] = wandb.plot_table(
            vega_spec_name=ROC_CHART,
            data_table=_table(points),
            fields={"x": "fpr", "y": "tpr", "class": "detector"},
            string_fields={
                "title": f"ROC curves, {condition}",
                "x-axis-title": "False positive rate",
                "y-axis-title": "True positive rate",
            },
        )
    for curve in curves:
        names, lines = zip(*robustness_lines(curve), strict=True)
        charts[f"robustness/{curve.kind}"] = wandb.plot.line_series(
            xs=[[level for level, _ in line] for line in lines],
            ys=[[value for _, value in line] for line in lines],
            keys=names,
            title=f"Mean AUROC under {curve.kind}",
            xname=f"{curve.kind}: {curve.axis.title}",
        )
    return charts


def point_rows(curves: Sequence[Curve]) -> list[dict[str, Any]]:
    """Makes a row for each point of each curve; clean images without a level have None."""
    rows = []
    for curve in curves:
        for detector, points in curve.points.items():
            clean = curve.clean_without_level(detector)
            for level, row in [*points, *([(None, clean)] if clean else [])]:
                names = {"degradation": curve.kind, "detector": detector, "level": level, "condition": row.condition}
                rows.append({**names, **with_ends(row, ["auroc"])})
    return rows


def leaderboard_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Makes the rows of the comparison's table, with numbers in place of their text."""
    return [
        {
            **columns_of(row, "detector", "condition", "generator"),
            **dict(zip(COUNTS, row.counts.values(), strict=True)),
            **with_ends(row),
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
