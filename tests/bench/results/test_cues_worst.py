import numpy as np
import polars as pl
from report_sections import made_panel

from bench.results.cues.worst import ALL_CUES, WORST_CUE, AgainstCues, compare_with_cues
from bench.store.panel import Panel

LABELS = np.repeat([0, 1, 1], 30)
SOURCES = np.repeat(["camera", "gan", "small"], 30).tolist()


def cues_of(panel: Panel, **columns: np.ndarray) -> dict[str, pl.DataFrame]:
    return {"clean": panel.images.select("path").with_columns(**{n: pl.Series(v) for n, v in columns.items()})}


def compared(scores: dict[str, np.ndarray], sources: list[str] = SOURCES) -> AgainstCues:
    """On images of which brightness tells nothing and contrast much."""
    rng, labels = np.random.default_rng(0), np.array([source != "camera" for source in sources]).astype(int)
    panel = made_panel(scores, labels, sources)
    ordered = panel.labels
    return compare_with_cues(
        panel, cues_of(panel, brightness=rng.normal(size=len(labels)), contrast=rng.normal(size=len(labels)) + ordered)
    )


def test_both_rows_of_the_cues_stand_without_an_interval_and_say_why():
    result = compared({"good": 3.0 * LABELS + np.random.default_rng(1).normal(size=90)})
    assert [(row.detector, row.generator) for row in result.rows] == [
        (name, target) for name in (WORST_CUE, ALL_CUES) for target in ("gan", "small", "mean")
    ]
    numbers = [row.numbers["auroc"] for row in result.rows]
    assert all(0.5 < number.value < 1 and number.interval is None for number in numbers)
    assert {number.reason for number in numbers} == {
        "no interval covers the choice among cues",
        "no interval covers the fit of the weights",
    }
    assert set(result.names) == {("clean", "gan"), ("clean", "small")}


def test_under_ten_groups_of_one_generator_there_is_no_verdict_on_it_or_on_the_mean():
    for n in (9, 3):
        sources = ["camera"] * 30 + ["gan"] * 30 + ["other"] * 30 + ["small"] * n
        scores = np.random.default_rng(1).normal(size=90 + n) + np.repeat([0.0, 3.0], [30, 60 + n])
        assert set(compared({"good": scores}, sources).verdicts) == {
            ("good", "clean", name) for name in ("gan", "other")
        }


def test_a_detector_that_lacks_images_is_tested_on_those_it_has_and_moves_nobody_else():
    noise = np.random.default_rng(1).normal(size=90)
    whole = {"good": 4.0 * LABELS + noise}
    alone = compared(whole)
    lacking = np.where(np.arange(90) % 30 < 12, whole["good"], np.nan)
    panel = made_panel({**whole, "part": lacking}, LABELS, SOURCES)
    present = panel.present & np.isfinite(panel.scores)
    panel = Panel(panel.images, panel.scorings, panel.scores, present, panel.contrasts)
    rng = np.random.default_rng(0)
    cues = cues_of(panel, brightness=rng.normal(size=90), contrast=rng.normal(size=90) + panel.labels)
    both = compare_with_cues(panel, cues)
    mine = {place: verdict for place, verdict in both.verdicts.items() if place[0] == "good"}
    assert mine == alone.verdicts
    assert [row.numbers["auroc"].value for row in both.rows] == [row.numbers["auroc"].value for row in alone.rows]
    kept, last = panel.only(present[1]), slice(1, None)
    few = compare_with_cues(
        Panel(kept.images, kept.scorings[last], kept.scores[last], kept.present[last], kept.contrasts), cues
    )
    assert {place: verdict for place, verdict in both.verdicts.items() if place[0] == "part"} == few.verdicts
    assert set(few.verdicts) == {("part", "clean", name) for name in ("gan", "small", "mean")}
