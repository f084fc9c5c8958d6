"""Studies without a run: which rows there are, what stands beside them, how they are written."""

import csv
from dataclasses import replace
from io import StringIO

from bench.references.comparability import Ours
from bench.results.summary import MEAN
from bench.scoring.options import RunOptions
from bench.statistics.bootstrap import Interval
from bench.statistics.number import Number
from bench.statistics.standard_errors import StandardError
from bench.studies.arms import Arm, adapted, chosen_arms, grouped
from bench.studies.base import Result
from bench.studies.catalogue import STUDIES
from bench.studies.output import figure_file, study_markdown, write_study
from bench.studies.paper_table import Measured, PaperTable
from bench.studies.run import settled
from bench.studies.wepe import PAPER

NINE = ("adm", "admg", "biggan", "dit", "gigagan", "ldm", "maskgit", "rq-transformer", "stylegan-xl")
WEPE, RIGID = Arm("WePe", "wepe:blocks=0-18"), Arm("RIGID", "rigid")
EMBEDDED = "efficientnet-lite0"
# What a run that follows the paper keeps of itself.
PAPERS = Ours.of(
    {
        "name": "wepe",
        "options": {
            "ratio": 0.1, "rule": "tensor_mean", "family": "gaussian", "match": "std", "tensors": "all",
            "blocks": "0-18 of 24", "n": 1, "statistic": "similarity",
        },
        "view": "resize 224",
        "backbone": {"name": "dinov2-vitl14"},
        "precision": "32-true",
    },
    {"name": "imagenet", "protocol": {"resize": None, "crop_seed": 0}},
    RunOptions(dataset="imagenet", backbone="dinov2-vitl14").as_facts(),
    "auroc",
    generators=NINE,
)  # fmt: skip


def number(value: float) -> Number:
    """Ours, with 2,048 images a class and five seeds."""
    seeds = tuple(value + step for step in (-0.01, -0.005, 0.0, 0.005, 0.01))
    interval = Interval(value - 0.02, value + 0.02)
    return Number(value, interval, 0.008, None, StandardError(0.01, 100.0), seeds, (2048.0, 2048.0))


def measured(value: float, column: str = MEAN, metric: str = "auroc", arm: Arm = WEPE) -> Measured:
    return Measured(arm.row, arm, column, "clean", metric, number(value))


def test_a_number_on_the_papers_data_is_judged_by_its_own_row():
    table = PaperTable(PAPER, "Table 1", "imagenet", other_data=False)
    near, far, rigid = (
        table.line(measured(0.88), PAPERS),
        table.line(measured(0.70, "adm"), PAPERS),
        table.line(measured(0.84, arm=RIGID), replace(PAPERS, detector="dire")),
    )
    assert (near.reported.value, near.verdict.kind) == (0.8799, "too wide to tell")
    assert Result((near,)).under(0.1).lines[0].verdict.kind == "matches"
    assert (far.reported.value, far.verdict.kind) == (0.8979, "differs")
    assert rigid.reported.row == "DIRE"
    rest = table.rest(["auroc"], by_generator=True)
    assert len(rest) == 7 * 10 - 3  # methods x (generators and mean), less those beside ours
    assert len(table.rest(["auroc"], by_generator=False)) == 5


def test_a_row_stands_beside_the_printed_row_it_names_and_no_other():
    table = PaperTable(PAPER, "Table 5", "imagenet", other_data=False)
    uniform = replace(PAPERS, options={**PAPERS.options, "family": "?"})
    line = table.line(measured(0.88, arm=replace(WEPE, printed=("Uniform noise",))), uniform)
    assert line.reported.value == 0.8906
    assert line.verdict.kind == "not comparable"
    assert table.line(measured(0.88, arm=replace(WEPE, printed=())), PAPERS).reported is None


def test_a_backbone_that_is_named_is_the_only_one_to_run():
    table4 = STUDIES["table4"]
    everything = chosen_arms(table4.arms, table4.backbone, table4.backbone)
    assert [arm.backbone for arm in everything] == table4.backbone.split(", ")
    (only,) = chosen_arms(table4.arms, "dinov2-vitg14", table4.backbone)
    assert (only.row, only.backbone) == ("DINOv2 ViT-g/14", "dinov2-vitg14")
    (other,) = chosen_arms(table4.arms, EMBEDDED, table4.backbone)
    assert (other.row, other.backbone, other.printed) == (f"wepe on {EMBEDDED}", EMBEDDED, ())


def test_blocks_are_the_papers_on_its_backbone_and_shares_of_the_depth_elsewhere():
    arms = [replace(arm, backbone="dinov2-vitl14") for arm in STUDIES["table15"].arms]
    kept, notes = adapted(arms, "imagenet", 24, PAPER)
    assert [arm.detector for arm in kept] == [arm.detector for arm in arms]
    assert notes == []
    kept, notes = adapted([replace(arm, backbone=EMBEDDED) for arm in arms], "imagenet", 7, PAPER)
    # 8, 10, 12, 14, 16 and 18 of 24 are 2.3, 2.9, 3.5, 4.1, 4.7 and 5.25 of 7.
    assert [arm.detector for arm in kept] == [f"wepe:blocks=probe:{count}" for count in (2, 3, 4, 5)]
    assert sum("left out" in note for note in notes) == 2


def test_rows_with_their_own_view_or_held_out_images_are_compared_by_themselves():
    arms = [replace(arm, backbone=EMBEDDED) for arm in (*STUDIES["table1"].arms, *STUDIES["table7"].arms)]
    groups = grouped(arms, RunOptions(view="common", seeds=5))
    assert [(options.view, options.seeds, len(group)) for options, group in groups] == [
        ("common", 5, 5),
        ("method", 1, 1),
        ("common", 5, 1),
    ]


def test_options_are_the_studys_unless_named_and_the_demo_has_the_embedded_backbone(tmp_path):
    study, shared = STUDIES["table3"], RunOptions()
    own = settled(study, shared, {})
    assert (own.dataset, own.backbone, own.seeds, own.view) == ("genimage", "dinov2-vitl14", 5, "method")
    assert own.generators == study.generators
    demo = settled(study, shared, {"dataset": "demo"})
    assert (demo.dataset, demo.backbone, demo.generators) == ("demo", EMBEDDED, None)
    assert settled(study, shared, {"dataset": "demo", "backbone": "clip-vitl14"}).backbone == "clip-vitl14"
    (tmp_path / "genimage").mkdir()
    rooted = replace(shared, data_root=str(tmp_path))
    assert settled(study, rooted, {}).data_root == str(tmp_path / "genimage")
    assert settled(study, rooted, {"dataset": "genimage"}).data_root == str(tmp_path)
    assert settled(STUDIES["table1"], rooted, {}).data_root == str(tmp_path)


def test_tables_say_ours_the_papers_and_the_verdict(tmp_path):
    study = STUDIES["table1"]
    table = PaperTable(PAPER, "Table 1", "imagenet", other_data=False)
    lines = (table.line(measured(0.88), PAPERS), *table.rest(["auroc"], by_generator=False)[:1])
    found = Result(lines, {"extra": "<svg/>"}, ("A note | with a bar.",)).under(0.1)
    text = study_markdown(study, found)
    assert "| WePe | mean | AUROC | 0.880 ±0.008 [0.860, 0.900] | 0.8799 | matches | 0.0" in text
    assert "| matches at 500 to 10,000 |" in text
    assert "| CNNspot | mean | AUROC |  | 0.6704 | reported only |" in text
    assert "![extra](table1-extra.svg)" in text
    assert "- A note \\| with a bar." in text
    ours, reported = csv.DictReader(StringIO(write_study(study, found, tmp_path)[1].read_text()))
    assert (float(ours["value"]), float(ours["reported"]), ours["verdict"]) == (0.88, 0.8799, "matches")
    assert float(ours["expected_low"]) < 0.8799 < float(ours["expected_high"])
    assert 0.03 < float(ours["detectable"]) < 0.06
    assert (ours["sensitivity"], reported["sensitivity"]) == ("matches at 500 to 10,000", "")
    assert (reported["value"], reported["reported"], reported["reported_in"]) == ("", "0.6704", "wepe, Table 1")
    assert figure_file(study, "table1-jpeg") == "table1-jpeg.svg"
