"""Studies run on a small folder of images, and the paper's numbers are set beside ours."""

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli.app import main
from bench.errors import BenchError
from bench.results.comparing import compare
from bench.results.summary import MEAN
from bench.scoring.options import RunOptions
from bench.studies.arms import Arm
from bench.studies.base import Line, Result
from bench.studies.catalogue import STUDIES
from bench.studies.engine import RULES, AccuracyStudy, ComparisonStudy, RobustnessStudy
from bench.studies.output import write_study
from bench.studies.run import Costs, run_study, settled
from bench.studies.wepe import PAPER

pytestmark = [pytest.mark.usefixtures("small_views"), pytest.mark.heavy]

WEPE, RIGID = Arm("WePe", "wepe:blocks=0-18"), Arm("RIGID", "rigid")
EMBEDDED = "efficientnet-lite0"
ONE_WAY = replace(PAPER, presets=())


def small_study(*arms: Arm, kind: type[ComparisonStudy] = ComparisonStudy, **options) -> ComparisonStudy:
    """A study without presets, unless they are named."""
    settings = {"table": "Table 1", "by_generator": True, "seeds": 2, "paper": ONE_WAY, **options}
    return kind("table1", "a small one", "Table 1", arms or (WEPE, RIGID), dataset="imagenet", **settings)


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
    own = replace(options, dataset="folder", seeds=2, resize=None)
    comparison = compare(["wepe", "rigid"], own)
    assert comparison.scored == 0  # the study's scores are in the shared store, under the detector's own default
    numbers = {(row.detector, row.generator): row.numbers for row in comparison.summary.rows}
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
    outcome = run_study(study, settled(study, options, named()))
    assert outcome.state == "in part"
    assert outcome.reason.startswith("AEROBLADE: ")
    (line,) = lines_of(outcome.result, "AEROBLADE")
    assert line.ours.reason.startswith("not run: ")
    assert (line.reported.value, line.verdict) == (0.5787, None)
    assert lines_of(outcome.result, "RIGID")[0].ours.seeds


def test_a_study_that_cannot_run_has_its_reason_and_the_others_go_on(options, hub_cache):
    studies = [small_study(), small_study(RIGID)]
    first, second = (
        run_study(study, settled(study, options, named(backbone=backbone, seeds=1)))
        for study, backbone in zip(studies, ("dinov2-vits14", EMBEDDED), strict=True)
    )
    assert (first.state, second.state) == ("cannot run here", "done")
    assert first.result == Result()
    assert "dinov2" in first.reason
    assert "\n" not in first.reason
    with pytest.raises(BenchError, match="dinov2"):
        studies[0].run(settled(studies[0], options, named(backbone="dinov2-vits14")))


def test_accuracies_stand_beside_the_papers_under_every_rule_and_the_best_one_is_its_own(options):
    study = small_study(RIGID, kind=AccuracyStudy, table="Table 3", metrics=("accuracy", "balanced_accuracy"))
    study.dataset = "genimage"
    found = study.run(settled(study, options, named(seeds=1)))
    own = [line for line in found.lines if line.ours is not None and line.column == MEAN and line.metric == "accuracy"]
    assert [line.row for line in own] == ["RIGID, fpr:1", "RIGID, fpr:5", "RIGID, fpr:10", "RIGID, best (oracle)"]
    assert len(own) == len(RULES)
    assert all(line.reported.value == 0.7819 for line in own)
    assert ["other threshold" in " ".join(line.verdict.reasons) for line in own] == [True, True, True, False]


def test_each_preset_is_a_row_with_its_own_picture_noise_and_verdict(options):
    study = small_study(WEPE, RIGID, paper=PAPER)
    found = study.run(settled(study, options, named(seeds=1)))
    own = {line.row: line for line in found.lines if line.ours is not None and line.column == MEAN}
    assert set(own) == {"WePe (code)", "WePe (text)", "RIGID (code)", "RIGID (text)"}
    assert own["WePe (code)"].ours.value != own["WePe (text)"].ours.value
    for preset, fit in (("code", "resize"), ("text", "random-crop")):  # the views are small here, but each has its own
        reasons = own[f"WePe ({preset})"].verdict.reasons
        assert f"other view ({fit} 64, paper {fit} 224)" in reasons
        assert not any("rule=" in reason for reason in reasons)
    settings = [note for note in found.notes if note.startswith("wepe")]
    assert any("rule=tensor_mean (code)" in note and "view resize 64" in note for note in settings)
    assert any("rule=tensor_absmean (a reading of the text)" in note and "random-crop 64" in note for note in settings)


def test_a_view_that_the_user_names_holds_for_both_presets(options):
    study = small_study(RIGID, paper=PAPER)
    found = study.run(settled(study, replace(options, limit=8), named(seeds=1, view="common")))
    views = [note for note in found.notes if note.startswith("rigid: ")]
    assert len(views) == 1
    assert "random-crop 64" in views[0]


def test_a_preset_may_be_chosen_and_an_unknown_one_is_named(root, tmp_path, capsys):
    data = ["--dataset", "folder", "--data-root", str(root), "--backbone", EMBEDDED, "--num-workers", "0"]
    few = ["--seeds", "1", "--limit", "4", "--output", str(tmp_path)]
    assert main(["reproduce", "table8", *data, *few, "--preset", "text"]) == 0
    text = (tmp_path / "studies/table8.md").read_text()
    assert "WePe on BLIP (text)" in text
    assert "WePe on BLIP (code)" not in text
    capsys.readouterr()
    with pytest.raises(SystemExit, match="2"):
        main(["reproduce", "table8", *data, *few, "--preset", "paper"])
    assert "--preset must be one of both, code, text, got 'paper'." in capsys.readouterr().err


def test_a_robustness_study_draws_a_figure_for_each_kind(options):
    study = small_study(RIGID, kind=RobustnessStudy, table=None, conditions=("blur:1", "jpeg:50"), seeds=1)
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


def test_costs_are_those_counted_by_hand(options):
    passes = {name: STUDIES[name].cost(settled(STUDIES[name], options, {}), 10).passes for name in STUDIES}
    presets, readings = 2, 2  # of the paper, and of noise
    assert passes["table1"] == presets * (1 + 5 * (1 + 1))
    assert passes["table4"] == presets * 5 * (1 + 5)
    assert passes["table9"] == presets * (1 + 9 * readings) * (1 + 5)
    assert passes["table10"] == presets * (1 + 3 * readings) * (1 + 5 * (1 + 5))
    assert passes["figure8"] == presets * (1 + 5 * (1 + 2 + 3 + 5 + 10))
    assert STUDIES["figure7"].whole_cost(options, 10).passes == presets * STUDIES["figure7"].cost(options, 10).passes
    assert STUDIES["table12"].whole_cost(options, 10) == STUDIES["table12"].cost(options, 10)
    cost = Costs().of(STUDIES["table9"], settled(STUDIES["table9"], options, named()))
    assert cost.images == 48
    lacking = Costs().of(STUDIES["table9"], settled(STUDIES["table9"], replace(options, data_root=None), {}))
    assert lacking == "--dataset imagenet needs --data-root DIR."


def test_the_list_shows_every_study_and_starts_nothing(tmp_path, capsys):
    output = tmp_path / "results"
    assert main(["reproduce", "--list", "--dataset", "demo", "--limit", "2", "--output", str(output)]) == 0
    printed = capsys.readouterr().out
    assert all(f"\n{name} " in printed for name in STUDIES)
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
