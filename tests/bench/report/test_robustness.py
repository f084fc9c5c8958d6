"""Which conditions a robustness study takes, and what it draws and writes."""

import csv
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from io import StringIO

import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from rich.console import Console
from robustness_panels import HALF, IN_ORDER, large, report_of, small

import datamodules.base
from bench.errors import BenchError
from bench.report.plots.robustness import robustness_figure, robustness_svg
from bench.report.plots.svg import series_style
from bench.report.robustness import point_records, print_robustness, robustness_notes, write_robustness
from bench.results.comparing import compare
from bench.results.robustness import Curve, Robustness, areas, robustness_curves
from bench.results.summary import summarise
from bench.scoring.build import create_datamodule
from bench.scoring.conditions import robustness_conditions
from bench.scoring.options import RunOptions
from bench.store.panel import Panel
from datamodules import DataOptionError
from datamodules.degradations import PRESETS, parse_condition
from datamodules.image_dataset import ImageDataset
from detectors import View

pytestmark = pytest.mark.usefixtures("small_views")


def axes_of(panel: Panel) -> Axes:
    curve = curve_of(panel)
    (axes,) = robustness_figure(curve, curve.detectors).axes
    return axes


def curve_of(panel: Panel) -> Curve:
    return robustness_curves(summarise(panel, ["auroc"]))[0]


def test_a_single_level_has_no_area_but_a_figure_with_its_interval():
    panel = large(["x"], ["clean", "jpeg:70"])
    summary = summarise(panel, ["auroc"])
    (area,) = areas(summary)
    assert area.auroc.reason == "an area needs two levels"
    ((level, row),) = curve_of(panel).points["x"]
    low, high = row.numbers["auroc"].interval
    (whisker,) = [lines for lines in axes_of(panel).collections if isinstance(lines, LineCollection)]
    assert [segment.tolist() for segment in whisker.get_segments()] == [[[level, low], [level, high]]]


def test_a_figure_shows_the_numbers_their_intervals_the_clean_images_and_chance():
    panel = large(["x", "y"])
    curve, axes = curve_of(panel), axes_of(panel)
    bands = [band for band in axes.collections if isinstance(band, PolyCollection)]
    for position, detector in enumerate(("x", "y")):
        numbers = [row.numbers["auroc"] for _, row in curve.points[detector]]
        line, clean = axes.lines[2 * position : 2 * position + 2]
        points = [[level, number.value] for level, number in zip(curve.levels, numbers, strict=True)]
        assert line.get_xydata().tolist() == points
        assert (clean.get_linestyle(), set(clean.get_ydata())) == (":", {numbers[0].value})
        corners = {tuple(corner) for corner in bands[position].get_paths()[0].vertices}
        drawn = zip(curve.levels, numbers, strict=True)
        assert {(level, end) for level, number in drawn for end in number.interval} <= corners
        assert line.get_color() == clean.get_color()
    assert set(axes.lines[-1].get_ydata()) == {0.5}
    assert axes.get_ylim()[0] < min(row.numbers["auroc"].interval.low for _, row in curve.points["y"])


@pytest.mark.parametrize(
    ("conditions", "inverted"), [(["blur:1", "blur:2"], False), (["jpeg:9", "jpeg:8"], True), (["crop:0.5"], True)]
)
def test_degradation_grows_to_the_right(conditions, inverted):
    assert axes_of(large(["x"], ["clean", *conditions])).xaxis_inverted() == inverted


@pytest.mark.heavy
@pytest.mark.parametrize("page", [None, "one-"])
def test_a_figure_has_the_same_bytes_twice_and_others_from_other_numbers(page):
    first = robustness_svg(curve_of(large()), page)
    assert first == robustness_svg(curve_of(large()), page)
    assert first != robustness_svg(curve_of(large(seeds=2)), page)
    renamed = robustness_svg(curve_of(large(["x", "y", "other"])), page)
    assert (renamed == first) == (page is not None)  # a page has one legend for all its figures


def test_a_figure_of_a_page_is_small_keeps_colours_and_has_no_legend():
    curve = curve_of(large(["x", "y"]))
    alone, small_one = (robustness_figure(curve, ["none", "x", "y"], small) for small in (False, True))
    assert [len(figure.legends) for figure in (alone, small_one)] == [1, 0]
    assert small_one.get_figwidth() < alone.get_figwidth() / 1.9
    for figure in (alone, small_one):
        assert [line.get_color() for line in figure.axes[0].lines[1:5]] == [
            series_style(position)["color"] for position in (1, 1, 2, 2)
        ]


def test_a_figure_is_xml_in_which_names_stay_text():
    names = ["a$x$b<script>", "_hidden", "wepe:rule=tensor_std,ratio=0.2,blocks=0-3"]
    svg = robustness_svg(curve_of(large(names)))
    texts = ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter() if "text" in element.tag]
    assert set(names) <= set(texts)
    assert "<script>" not in svg


def test_conditions_of_a_preset_and_others_each_once():
    assert robustness_conditions() == PRESETS["rigid"]
    assert robustness_conditions("genimage", ["jpeg:65", "blur:3.0", "webp:80"]) == (*PRESETS["genimage"], "webp:80")
    assert robustness_conditions(conditions=["blur:1+jpeg:75"]) == ("blur:1+jpeg:75",)


def test_only_one_class_is_degraded_if_asked_for():
    limited = robustness_conditions("aeroblade", ["noise:0.1,at=original"], only="real")
    assert len(limited) == 21
    assert limited[-1] == "noise:0.1@real,at=original"
    assert all(parse_condition(text).classes == {0} for text in limited)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "rigd"}, "Unknown --preset 'rigd'. Available: aeroblade, genimage, rigid, wild."),
        ({"only": "fake"}, "--only must be one of generated, real, got 'fake'."),
        ({"conditions": ["clean"]}, "The condition 'clean' is always there: leave it out of --conditions."),
        (
            {"conditions": ["noise:0.1@real"], "only": "real"},
            "The condition 'noise:0.1@real' names its class already: leave out @... there, or --only real.",
        ),
    ],
)
def test_a_mistake_is_one_line(arguments, message):
    with pytest.raises(BenchError) as error:
        robustness_conditions(**arguments)
    assert str(error.value) == message


def test_a_condition_out_of_the_language_is_refused_by_the_language():
    with pytest.raises(DataOptionError, match="Did you mean 'jpeg'"):
        robustness_conditions(conditions=["jpg:75"])


@pytest.mark.parametrize(
    ("condition", "uneven"),
    [("dda,at=original", True), ("blur:1+jpeg:80@real", True), ("social-x", False), ("reencode:75,256px", False)],
)
def test_a_note_says_where_one_class_alone_is_degraded(condition, uneven):
    study = report_of(summarise(large(["x"], ["clean", condition])))
    assert study.uneven == ((condition,) if uneven else ())
    assert any("only that class is degraded" in note for note in robustness_notes(study)) == uneven
    (point,) = (point for point in study.points() if point.row.condition == condition)
    assert (point.kind, point.axis, point.level) == (condition, None, None)


def test_detectors_that_lack_an_area_for_one_reason_share_a_note():
    study = report_of(summarise(large(["x", "y"], ["clean", "jpeg:75"])))
    assert "jpeg, x, y: no area or interval, an area needs two levels." in robustness_notes(study)


def test_files_hold_every_point_area_and_pair(tmp_path):
    conditions = ("clean", "blur:1", "blur:2", "jpeg:80", "jpeg:60", "blur:1+jpeg:80")
    panel = large(["x", "y"], conditions)
    summary = summarise(panel, ["ap_real", "ap_generated"])
    study = report_of(summary, panel)
    files = write_robustness(study, tmp_path)
    assert [file.name for file in files] == [
        "robustness.csv",
        "robustness-areas.csv",
        "robustness-pairs.csv",
        "robustness.md",
        "robustness-heatmap.svg",
        "robustness-blur.svg",
        "robustness-jpeg.svg",
    ]
    rows, all_areas, pairs = (list(csv.DictReader(StringIO(file.read_text()))) for file in files[:3])
    assert len(rows) == 2 * 3 * (3 + 3 + 1)  # detectors, metrics; blur with clean, JPEG with clean, the chain
    wanted = {"kind": "blur", "detector": "y", "level": "2.0", "metric": "auroc"}
    (point,) = [row for row in rows if wanted.items() <= row.items()]
    number = next(row for row in summary.rows if (row.detector, row.condition) == ("y", "blur:2")).numbers["auroc"]
    change = study.changes["y", "blur:2"]
    assert [float(point[name]) for name in ("value", "low", "high")] == [number.value, *number.interval]
    assert [float(point[name]) for name in ("change", "change_low", "change_high")] == [change.value, *change.interval]
    assert [row["level"] for row in rows if row["condition"] == "clean" and row["kind"] == "jpeg"] == [""] * 6
    assert {row["kind"] for row in rows} == {"blur", "jpeg", "blur:1+jpeg:80"}
    (area,) = [row for row in all_areas if (row["kind"], row["detector"]) == ("jpeg", "x")]
    assert (area["levels"], float(area["value"])) == ("60 80", areas(summary)[2].auroc.value)
    assert [row["kind"] for row in pairs] == ["blur", "jpeg"]
    text = files[3].read_text()
    assert "](robustness-blur.svg)" in text
    assert "\n- **Warning:** x, seed 0: a warning.\n" in text
    assert text.endswith("\n- 3 images changed; the scores of their older content are left out.\n")
    assert [file.read_bytes() for file in write_robustness(study, tmp_path)] == [file.read_bytes() for file in files]


def test_without_a_curve_there_are_points_alone(tmp_path):
    study = report_of(small({("x", "clean"): IN_ORDER, ("x", "blur:1+jpeg:80"): HALF}))
    assert (study.curves, study.areas) == ([], [])
    assert {record["condition"] for record in point_records(study)} == {"blur:1+jpeg:80"}
    files = {file.name: file.read_text() for file in write_robustness(study, tmp_path)}
    assert list(files) == ["robustness.csv", "robustness-areas.csv", "robustness-pairs.csv", "robustness.md"]
    assert "Area" not in files["robustness.md"]
    console = Console(file=StringIO(), width=200)
    print_robustness(study, console)
    assert "blur:1+jpeg:80" in console.file.getvalue()


@pytest.mark.parametrize("conditions", [(), PRESETS["rigid"]])
@pytest.mark.heavy
def test_an_image_is_decoded_once_whatever_the_number_of_conditions(image_folder, tmp_path, monkeypatch, conditions):
    decoded: list[int] = []
    decode = datamodules.base.decode_image
    counted = lambda data, *rest: decoded.append(len(data)) or decode(data, *rest)  # noqa: E731
    monkeypatch.setattr(datamodules.base, "decode_image", counted)
    options = RunOptions(dataset="folder", data_root=str(image_folder), output=tmp_path)
    datamodule = create_datamodule(options)
    datamodule.setup()
    datamodule.conditions = (*datamodule.conditions, *map(parse_condition, conditions))
    datamodule.views = (View(size=32),)
    samples = list(map(ImageDataset(datamodule).__getitem__, range(len(datamodule.items))))
    assert len(decoded) == len(samples) == 36
    assert {len(sample.views) for sample in samples} == {1 + len(conditions)}


@pytest.mark.heavy
def test_a_study_through_the_real_trainer(image_folder, tmp_path, monkeypatch):
    """Both studies decode each image equally often, and the second one scores only what is new."""
    decoded: list[int] = []
    decode = datamodules.base.decode_image
    counted = lambda data, *rest: decoded.append(len(data)) or decode(data, *rest)  # noqa: E731
    monkeypatch.setattr(datamodules.base, "decode_image", counted)
    options = RunOptions(dataset="folder", data_root=str(image_folder), num_workers=0, output=tmp_path / "results")
    counts = []
    for chosen in (["noise:0.2"], ["noise:0.2", "noise:0.1", "jpeg:50"]):
        decoded.clear()
        conditions = robustness_conditions(conditions=chosen, only="generated")
        study = Robustness(compare(["rigid"], replace(options, conditions=conditions)))
        counts.append((study.comparison.scored, len(decoded)))
    assert counts == [(72, 36 + 18), (72, 36 + 18)]  # 18 to see whether the numbered images are frames of a video
    jpeg, noise = sorted(study.curves, key=lambda curve: curve.kind)
    assert (jpeg.kind, noise.kind) == ("jpeg@generated", "noise@generated")
    assert noise.levels == [0, 0.1, 0.2]
    area = next(area for area in study.areas if area.kind == noise.kind)
    assert area.auroc.interval.low < area.auroc.value < area.auroc.interval.high
    assert not any("Worst cue" in note for note in robustness_notes(study))
    assert any("how scores can be evaded" in note for note in robustness_notes(study))
    clean, degraded = noise.points["rigid"][0][1], noise.points["rigid"][2][1]
    assert clean.condition == "clean"
    assert degraded.numbers["auroc"].value != clean.numbers["auroc"].value
