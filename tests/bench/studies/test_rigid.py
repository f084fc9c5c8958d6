"""The RIGID paper's studies: what they declare, and that its printed numbers stand beside our rows."""

import inspect
from dataclasses import replace

import pytest

from bench.references.comparability import Ours
from bench.references.reported import load_reported
from bench.results.summary import MEAN
from bench.scoring.options import RunOptions
from bench.scoring.specs import parse_detector
from bench.statistics.bootstrap import Interval
from bench.statistics.number import Number
from bench.statistics.standard_errors import StandardError
from bench.studies.arms import Arm
from bench.studies.base import Result
from bench.studies.catalogue import STUDIES
from bench.studies.engine import ComparisonStudy
from bench.studies.output import write_study
from bench.studies.paper_table import Measured, PaperTable
from bench.studies.rigid import STUDIES as RIGIDS
from bench.studies.run import Costs, run_study, settled
from detectors import View, list_detectors

IMAGENET, LSUN, VITL = "imagenet", "lsun-bedroom", "dinov2-vitl14"
# Name: (source, data, backbone).
EXPECTED = {
    "rigid-imagenet": ("RIGID, main results", IMAGENET, VITL),
    "rigid-lsun-bedroom": ("RIGID, main results", LSUN, VITL),
    "rigid-noise": ("RIGID, kinds of noise", IMAGENET, VITL),
}
# The paper's own average, in per cent, as (AUROC, AP); of each study's first row.
MEANS = {"rigid-imagenet": (86.67, 85.40), "rigid-lsun-bedroom": (87.69, 87.47), "rigid-noise": (None, 85.40)}
OTHERS = {
    "rigid-imagenet": {("AEROBLADE", "auroc"): 59.32, ("AEROBLADE", "ap_real"): 59.33},
    "rigid-lsun-bedroom": {("AEROBLADE", "auroc"): 59.46, ("AEROBLADE", "ap_real"): 58.98},
    "rigid-noise": {("gamma", "ap_real"): 85.28, ("chi-square", "ap_real"): 84.88, ("laplace", "ap_real"): 84.55},
}
# A few of the printed cells: data, generator, metric, per cent.
PRINTED = [
    (IMAGENET, "adm", "auroc", 87.75),
    (IMAGENET, "dit", "ap_real", 69.55),
    (IMAGENET, "maskgit", "ap_real", 91.91),
    (LSUN, "adm", "auroc", 74.04),
    (LSUN, "stylegan", "ap_real", 81.53),
    (LSUN, "unleashing-transformers", "auroc", 92.49),
]


def comparison(name: str) -> ComparisonStudy:
    study = STUDIES[name]
    assert isinstance(study, ComparisonStudy)
    return study


def demo_options(tmp_path, name: str) -> RunOptions:
    return settled(STUDIES[name], RunOptions(limit=6, num_workers=0, output=tmp_path / "results"), {"dataset": "demo"})


def origin_of(dataset: str) -> Ours:
    """What a run that follows the paper keeps of itself."""
    generators = next(one.generators for one in load_reported() if (one.source, one.dataset) == ("rigid", dataset))
    return Ours.of(
        {
            "name": "rigid",
            "options": {"noise": 0.05, "space": "normalised", "draws": 1},
            "view": "resize 224",
            "backbone": {"name": VITL},
            "precision": "32-true",
        },
        {"name": dataset, "protocol": {"resize": None, "crop_seed": 0}},
        RunOptions(dataset=dataset, backbone=VITL).as_facts(),
        "auroc",
        generators=generators,
    )


def measured(arm: Arm, column: str, metric: str, value: float) -> Measured:
    interval = Interval(value - 0.02, value + 0.02)
    number = Number(value, interval, None, None, StandardError(0.01, 100.0), (value,), (2048.0, 2048.0))
    return Measured(arm.row, arm, column, "clean", metric, number)


def test_every_table_of_the_paper_is_declared_with_its_source_data_and_backbone():
    assert {study.name: (study.source, study.dataset, study.backbone) for study in RIGIDS} == EXPECTED
    assert set(EXPECTED) <= set(STUDIES)
    tables = {(one.table, one.dataset) for one in load_reported() if one.source == "rigid"}
    assert {(study.table, study.dataset) for study in map(comparison, EXPECTED)} == tables


@pytest.mark.parametrize("name", EXPECTED)
def test_rigid_is_run_once_with_its_own_view_and_the_papers_settings(name):
    study = comparison(name)
    assert (study.seeds, study.view, study.conditions, study.paper.source) == (1, "method", (), "rigid")
    (arm,) = study.arms
    spec, rigid = parse_detector(arm.detector), list_detectors()["rigid"]
    parameters = inspect.signature(rigid.__init__).parameters
    defaults = {name: parameters[name].default for name in ("noise", "space", "draws")}
    assert (spec.name, defaults | dict(spec.options)) == (
        "rigid",
        {"noise": 0.05, "space": "normalised", "draws": 1},
    )
    assert rigid.view == View(224, "resize")


@pytest.mark.parametrize(("dataset", "generator", "metric", "printed"), PRINTED)
def test_on_the_papers_data_each_generator_stands_beside_its_printed_number(dataset, generator, metric, printed):
    study = comparison(f"rigid-{dataset}")
    table = PaperTable(study.paper, study.table, study.dataset, other_data=False)
    line = table.line(measured(study.arms[0], generator, metric, printed / 100), origin_of(dataset))
    assert line.reported.value == pytest.approx(printed / 100, abs=1e-12)
    assert (line.reported.source, line.reported.row) == ("rigid", "RIGID")
    assert line.verdict.under(0.3).kind == "matches"
    far = table.line(measured(study.arms[0], generator, metric, printed / 100 - 0.2), origin_of(dataset))
    assert far.verdict.kind == "differs"


@pytest.mark.parametrize("name", MEANS)
@pytest.mark.heavy
def test_on_the_demo_the_papers_means_stand_beside_ours_and_its_other_rows_as_reported(name, tmp_path):
    study = comparison(name)
    found = study.run(demo_options(tmp_path, name))
    row = study.arms[0].row
    for metric, printed in zip(("auroc", "ap_real"), MEANS[name], strict=True):
        lines = [line for line in found.lines if (line.row, line.column, line.metric) == (row, MEAN, metric)]
        assert [line.reported.value for line in lines] == ([] if printed is None else [pytest.approx(printed / 100)])
        for line in lines:
            assert 0 <= line.ours.value <= 1
            assert line.verdict.kind == "not comparable"
            assert f"other data (demo, paper {study.dataset})" in line.verdict.reasons
    generators = [line for line in found.lines if line.ours is not None and line.column != MEAN]
    assert {line.column for line in generators} == ({"autoencoder", "upsampler"} if study.by_generator else set())
    assert all(line.reported is None for line in generators)
    rest = {(line.row, line.metric): line for line in found.lines if line.ours is None}
    assert {key: line.reported.value for key, line in rest.items()} == {
        key: pytest.approx(value / 100) for key, value in OTHERS[name].items()
    }
    assert all(line.verdict is None and line.column == MEAN for line in rest.values())
    assert set(study.notes) < set(found.notes)


@pytest.mark.heavy
def test_a_study_of_rigid_writes_its_files_under_its_name(tmp_path):
    study = comparison("rigid-noise")
    found = study.run(demo_options(tmp_path, "rigid-noise"))
    files = write_study(study, found, tmp_path)
    assert [file.name for file in files] == ["rigid-noise.md", "rigid-noise.csv", "rigid-noise.svg"]
    text = files[0].read_text()
    assert text.startswith("# RIGID, kinds of noise: the distribution of the noise\n")
    assert "| gaussian | mean | AP (real) | " in text
    assert "| gamma | mean | AP (real) |  | 0.8528 | reported only |" in text
    assert "![rigid-noise](rigid-noise.svg)" in text


def test_costs_are_a_clean_pass_and_a_noisy_one(tmp_path):
    for name in EXPECTED:
        cost = Costs().of(STUDIES[name], demo_options(tmp_path, name))
        assert (cost.images, cost.passes, cost.note) == (3 * 6, 2, "")


def test_without_the_papers_data_the_study_says_so(tmp_path):
    study, options = STUDIES["rigid-imagenet"], RunOptions(output=tmp_path, num_workers=0)
    outcome = run_study(study, replace(settled(study, options, {}), data_root=None))
    assert (outcome.state, outcome.result) == ("cannot run here", Result())
    assert outcome.reason == "--dataset imagenet needs --data-root DIR."
