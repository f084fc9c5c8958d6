"""Studies run on a small folder of images, and the paper's numbers are set beside ours."""

import csv
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from bench.cli import main
from bench.compare import compare
from bench.errors import BenchError
from bench.numbers import MEAN, Number
from bench.options import RunOptions
from bench.standard_errors import StandardError
from bench.statistics import Interval
from bench.studies.arms import Arm, adapted, chosen_arms, grouped
from bench.studies.base import Line, Result
from bench.studies.catalogue import STUDIES
from bench.studies.engine import ComparisonStudy
from bench.studies.judging import Measured, Origin, PaperTable
from bench.studies.running import Costs, run_studies, settled
from bench.studies.special import RULES, AccuracyStudy, RobustnessStudy
from bench.studies.writing import figure_file, study_frame, study_markdown, write_study

NINE = ("adm", "admg", "biggan", "dit", "gigagan", "ldm", "maskgit", "rq-transformer", "stylegan-xl")
WEPE, RIGID = Arm("WePe", "wepe:blocks=0-18"), Arm("RIGID", "rigid")
EMBEDDED = "efficientnet-lite0"
# What a run that follows the paper keeps of itself.
PAPERS = Origin(
    {
        "name": "wepe",
        "options": {
            "ratio": 0.1, "rule": "tensor_absmean", "family": "gaussian", "match": "std", "tensors": "all",
            "blocks": "0-18 of 24", "n": 1, "statistic": "similarity",
        },
        "view": "random-crop 224",
        "backbone": {"name": "dinov2-vitl14"},
        "precision": "32-true",
    },
    {"name": "imagenet", "protocol": {"resize": 256, "crop_seed": 0}},
    RunOptions(dataset="imagenet", backbone="dinov2-vitl14").as_facts(),
    NINE,
)  # fmt: skip


def number(value: float) -> Number:
    """Ours, with 2,048 images a class and five seeds."""
    seeds = tuple(value + step for step in (-0.01, -0.005, 0.0, 0.005, 0.01))
    interval = Interval(value - 0.02, value + 0.02)
    return Number(value, interval, 0.008, None, StandardError(0.01, 100.0), seeds, (2048.0, 2048.0))


def measured(value: float, column: str = MEAN, metric: str = "auroc", arm: Arm = WEPE) -> Measured:
    return Measured(arm.row, arm, column, "clean", metric, number(value))


def small_study(*arms: Arm, kind: type[ComparisonStudy] = ComparisonStudy, **options) -> ComparisonStudy:
    settings = {"table": "Table 1", "by_generator": True, "seeds": 2, **options}
    return kind("table1", "a small one", "WePe, Table 1", "imagenet", arms or (WEPE, RIGID), **settings)


def named(**options):
    """What the user names, for a study on the small folder."""
    return {"dataset": "folder", "backbone": EMBEDDED, **options}


@pytest.fixture(scope="module")
def root(tmp_path_factory, photograph) -> Path:
    """Sixteen real and two times sixteen generated images."""
    folder = tmp_path_factory.mktemp("images")
    for seed, source in enumerate(("real/camera", "generated/blurry", "generated/sharp")):
        (folder / source).mkdir(parents=True)
        for count in range(16):
            photograph(100 * seed + count).save(folder / source / f"{count:02d}.png")
    return folder


@pytest.fixture(scope="module")
def options(root, tmp_path_factory) -> RunOptions:
    return RunOptions(data_root=str(root), num_workers=0, output=tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def result(options) -> Result:
    study = small_study()
    return study.run(settled(study, options, named()))


def lines_of(result: Result, row: str, column: str = MEAN, metric: str = "auroc") -> list[Line]:
    return [line for line in result.lines if (line.row, line.column, line.metric) == (row, column, metric)]


def test_numbers_are_those_of_a_comparison_with_the_same_options(result, options):
    own = replace(options, dataset="folder", seeds=2, view="common")
    comparison = compare(["wepe", "rigid"], own)
    assert comparison.scored == 0  # the study's scores are in the shared store, under the detector's own default
    numbers = {(row.detector, row.generator): row.numbers for row in comparison.report.summary.rows}
    for row, label in (("WePe", "wepe"), ("RIGID", "rigid")):
        for column in ("blurry", "sharp", MEAN):
            for metric in ("auroc", "ap_real"):
                (line,) = lines_of(result, row, column, metric)
                assert line.ours == numbers[label, column][metric]


def test_on_other_data_and_backbone_the_papers_mean_stands_beside_ours_and_is_not_comparable(result):
    (line,) = lines_of(result, "WePe")
    assert line.reported.value == 0.8799
    assert line.verdict.kind == "not comparable"
    assert "other data (folder, paper imagenet)" in line.verdict.reasons
    assert f"other backbone ({EMBEDDED}, paper dinov2-vitl14)" in line.verdict.reasons
    assert lines_of(result, "WePe", "blurry")[0].reported is None


def test_methods_that_are_not_run_are_shown_as_reported(result):
    rest = {line.row: line for line in result.lines if line.ours is None and line.metric == "auroc"}
    assert {row: line.reported.value for row, line in rest.items()} == {
        "CNNspot": 0.6704,
        "Ojha": 0.8535,
        "DIRE": 0.5270,
        "NPR": 0.8600,
        "AEROBLADE": 0.5787,
    }
    assert all(line.verdict is None and line.column == MEAN for line in rest.values())


def test_notes_say_what_stands_in_the_place_of_the_declaration(result):
    assert "--dataset folder rather than the study's imagenet." in result.notes
    assert f"--backbone {EMBEDDED} rather than the study's dinov2-vitl14." in result.notes
    assert any(note.startswith(f"On {EMBEDDED} blocks are the detector's default") for note in result.notes)
    assert not any(note.startswith("--seeds") for note in result.notes)


def test_a_second_run_writes_the_same_bytes(result, options, tmp_path):
    study = small_study()
    again = study.run(settled(study, options, named()))
    first, second = (write_study(study, one, tmp_path / name) for name, one in (("a", result), ("b", again)))
    assert [file.name for file in first] == ["table1.md", "table1.csv", "table1.svg"]
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
    ElementTree.fromstring(first[2].read_text())


def test_what_the_user_names_overrides_the_declaration_and_a_note_says_so(options):
    study = small_study(RIGID, conditions=("blur:1",))
    own = settled(study, replace(options, limit=10), named(seeds=1, conditions=("jpeg:50",)))
    found = study.run(own)
    assert {line.row for line in found.lines if line.ours is not None} == {"RIGID", "RIGID, jpeg:50"}
    assert "--seeds 1 rather than the study's 2." in found.notes
    assert "--conditions jpeg:50 rather than the study's blur:1." in found.notes
    assert "--limit 10: at most so many images of each source." in found.notes


def test_a_row_whose_weights_are_missing_says_so_and_the_others_go_on(options, hub_cache):
    lacking = Arm("AEROBLADE", "aeroblade:autoencoder=published", view="method", seeds=1)
    study = small_study(RIGID, lacking)
    (outcome,) = run_studies([study], options, named())
    assert outcome.state == "in part"
    assert outcome.reason.startswith("AEROBLADE: ")
    (line,) = lines_of(outcome.result, "AEROBLADE")
    assert line.ours.reason.startswith("not run: ")
    assert lines_of(outcome.result, "RIGID")[0].ours.seeds


def test_a_study_that_cannot_run_has_its_reason_and_the_others_go_on(options, hub_cache):
    studies = [small_study(), small_study(RIGID)]
    first, second = (
        next(iter(run_studies([study], options, named(backbone=backbone, seeds=1))))
        for study, backbone in zip(studies, ("dinov2-vits14", EMBEDDED), strict=True)
    )
    assert (first.state, second.state) == ("cannot run here", "done")
    assert first.result == Result()
    assert "dinov2" in first.reason
    assert "\n" not in first.reason
    with pytest.raises(BenchError, match="dinov2"):
        studies[0].run(settled(studies[0], options, named(backbone="dinov2-vits14")))


def test_accuracies_stand_beside_the_papers_under_every_rule_and_are_never_comparable(options):
    study = small_study(RIGID, kind=AccuracyStudy, table="Table 3", metrics=("accuracy", "balanced_accuracy"))
    study.dataset = "genimage"
    found = study.run(settled(study, options, named(seeds=1)))
    own = [line for line in found.lines if line.ours is not None and line.column == MEAN and line.metric == "accuracy"]
    assert [line.row for line in own] == ["RIGID, fpr:1", "RIGID, fpr:5", "RIGID, fpr:10", "RIGID, best (oracle)"]
    assert len(own) == len(RULES)
    assert all(line.reported.value == 0.7819 for line in own)
    assert all("unpublished: the threshold's rule" in line.verdict.reasons for line in own)


def test_a_robustness_study_draws_a_figure_for_each_kind(options):
    study = small_study(RIGID, kind=RobustnessStudy, table=None, conditions=("blur:1", "blur:2", "jpeg:50"), seeds=1)
    found = study.run(settled(study, options, named()))
    assert set(found.figures) == {"table1", "table1-rigid-robustness-blur", "table1-rigid-robustness-jpeg"}
    for svg in found.figures.values():
        ElementTree.fromstring(svg)


def test_block_probes_run_on_another_backbone(options):
    arms = tuple(Arm(f"WePe top-{k}", f"wepe:blocks=0-{k - 1}", printed=(f"WePe top-{k}",), top=k) for k in (8, 10))
    study = small_study(*arms, table="Table 15")
    found = study.run(settled(study, options, named(seeds=1)))
    (line,) = lines_of(found, "WePe top-8")
    assert line.reported.value == 0.8792
    assert line.ours.n_groups[0] < 16  # the images that were probed are left out
    assert lines_of(found, "WePe top-10")[0].ours is None
    assert f"WePe top-10: the same blocks as WePe top-8 on {EMBEDDED}, left out." in found.notes


def test_a_number_on_the_papers_data_is_judged_by_its_own_row():
    table = PaperTable("Table 1", "imagenet", other_data=False)
    near, far, rigid = (
        table.line(measured(0.88), PAPERS),
        table.line(measured(0.70, "adm"), PAPERS),
        table.line(measured(0.84, arm=RIGID), replace(PAPERS, detector={**PAPERS.detector, "name": "dire"})),
    )
    assert (near.reported.value, near.verdict.kind) == (0.8799, "matches")
    assert (far.reported.value, far.verdict.kind) == (0.8979, "differs")
    assert rigid.reported.row == "DIRE"
    rest = table.rest(["auroc"], by_generator=True)
    assert len(rest) == 7 * 10 - 3  # methods x (generators and mean), less those beside ours
    assert len(table.rest(["auroc"], by_generator=False)) == 5


def test_a_row_stands_beside_the_printed_row_it_names_and_no_other():
    table = PaperTable("Table 5", "imagenet", other_data=False)
    uniform = replace(PAPERS, detector={**PAPERS.detector, "options": {**PAPERS.detector["options"], "family": "?"}})
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
    kept, notes = adapted(arms, "imagenet", 24)
    assert [arm.detector for arm in kept] == [arm.detector for arm in arms]
    assert notes == []
    kept, notes = adapted([replace(arm, backbone=EMBEDDED) for arm in arms], "imagenet", 7)
    # 8, 10, 12, 14, 16 and 18 of 24 are 2.3, 2.9, 3.5, 4.1, 4.7 and 5.25 of 7.
    assert [arm.detector for arm in kept] == [f"wepe:blocks=probe:{count}" for count in (2, 3, 4, 5)]
    assert sum("left out" in note for note in notes) == 2


def test_rows_with_their_own_view_or_held_out_images_are_compared_by_themselves():
    arms = [replace(arm, backbone="b") for arm in (*STUDIES["table1"].arms, *STUDIES["table7"].arms)]
    groups = grouped(arms, "common", 5)
    assert [(group.view, group.seeds, len(group.arms)) for group in groups] == [
        ("common", 5, 5),
        ("method", 1, 1),
        ("common", 5, 1),
    ]


def test_options_are_the_studys_unless_named_and_the_demo_has_the_embedded_backbone(tmp_path):
    study, shared = STUDIES["table3"], RunOptions()
    own = settled(study, shared, {})
    assert (own.dataset, own.backbone, own.seeds, own.view) == ("genimage", "dinov2-vitl14", 5, "common")
    assert own.generators == study.generators
    demo = settled(study, shared, {"dataset": "demo"})
    assert (demo.dataset, demo.backbone, demo.generators) == ("demo", EMBEDDED, None)
    assert settled(study, shared, {"dataset": "demo", "backbone": "clip-vitl14"}).backbone == "clip-vitl14"
    (tmp_path / "genimage").mkdir()
    rooted = replace(shared, data_root=str(tmp_path))
    assert settled(study, rooted, {}).data_root == str(tmp_path / "genimage")
    assert settled(study, rooted, {"dataset": "genimage"}).data_root == str(tmp_path)
    assert settled(STUDIES["table1"], rooted, {}).data_root == str(tmp_path)


def test_costs_are_those_counted_by_hand(options):
    passes = {name: STUDIES[name].cost(settled(STUDIES[name], options, {}), 10).passes for name in STUDIES}
    assert passes["table1"] == 1 + 5 * (1 + 1)
    assert passes["table4"] == 5 * (1 + 5)
    assert passes["table9"] == 10 * (1 + 5)
    assert passes["table10"] == 4 * (1 + 5 * (1 + 5))
    assert passes["figure8"] == 1 + 5 * (1 + 2 + 3 + 5 + 10)
    cost = Costs().of(STUDIES["table9"], settled(STUDIES["table9"], options, named()))
    assert cost.images == 48
    lacking = Costs().of(STUDIES["table9"], settled(STUDIES["table9"], replace(options, data_root=None), {}))
    assert lacking == "--dataset imagenet needs --data-root DIR."


def test_tables_say_ours_the_papers_and_the_verdict(tmp_path):
    study = small_study()
    table = PaperTable("Table 1", "imagenet", other_data=False)
    lines = (table.line(measured(0.88), PAPERS), *table.rest(["auroc"], by_generator=False)[:1])
    found = Result(lines, {"extra": "<svg/>"}, ("A note | with a bar.",))
    text = study_markdown(study, found)
    assert "| WePe | mean | AUROC | 0.8800 ±0.0080 [0.860, 0.900] | 0.8799 | matches |" in text
    assert "| CNNspot | mean | AUROC |  | 0.6704 | reported only |" in text
    assert "![extra](table1-extra.svg)" in text
    assert "- A note \\| with a bar." in text
    ours, reported = csv.DictReader(StringIO(study_frame(study, found).write_csv()))
    assert (float(ours["value"]), float(ours["reported"]), ours["verdict"]) == (0.88, 0.8799, "matches")
    assert float(ours["expected_low"]) < 0.8799 < float(ours["expected_high"])
    assert (reported["value"], reported["reported"], reported["reported_in"]) == ("", "0.6704", "wepe, Table 1")
    assert figure_file(study, "table1-jpeg.svg") == "table1-jpeg.svg"


def test_the_list_shows_every_study_and_starts_nothing(tmp_path, capsys):
    output = tmp_path / "results"
    assert main(["reproduce", "--list", "--dataset", "demo", "--limit", "2", "--output", str(output)]) == 0
    printed = capsys.readouterr().out
    assert all(f"│ {name} " in printed for name in STUDIES)
    assert not output.exists()


def test_the_command_writes_its_files_and_ends_with_0(root, tmp_path, capsys):
    data = ["--dataset", "folder", "--data-root", str(root), "--backbone", EMBEDDED, "--num-workers", "0"]
    assert main(["reproduce", "table8", *data, "--seeds", "1", "--limit", "4", "--output", str(tmp_path)]) == 0
    assert {file.name for file in (tmp_path / "studies").iterdir()} == {"table8.md", "table8.csv", "table8.svg"}
    assert "The numbers of Table 8 are lost in the text at hand" in (tmp_path / "studies/table8.md").read_text()
    assert "table8" in capsys.readouterr().out


def test_studies_that_cannot_run_end_with_1_and_a_single_one_is_a_users_mistake(tmp_path, capsys):
    output = ["--output", str(tmp_path)]
    assert main(["reproduce", "table1", "table9", *output]) == 1
    printed = capsys.readouterr().out
    for name in ("table1", "table9"):
        assert f"{name} cannot run here: --dataset imagenet needs --data-root DIR." in printed
    assert main(["reproduce", "table1", *output]) == 2
    assert capsys.readouterr().err == "error: --dataset imagenet needs --data-root DIR.\n"


@pytest.mark.parametrize(
    ("names", "message"),
    [(["tabel1"], "Unknown study 'tabel1'. Did you mean 'table1'?"), ([], "Name a study, or all, or take --list")],
)
def test_an_unknown_study_is_a_users_mistake(names, message, capsys):
    assert main(["reproduce", *names]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"error: {message}")
    assert captured.out == ""
