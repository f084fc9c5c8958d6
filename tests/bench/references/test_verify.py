"""Locked numbers: what verify sees, what it does not mistake for a drift, and how a lock is renewed."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_stores import detector, images, keep, scored, sha
from mutations import DEEP_MUTATIONS, MUTATIONS, STATISTICS_MUTATIONS, DoubledWePe, rough_view
from PIL import Image

from bench.cli.app import main
from bench.errors import BenchError
from bench.references.checks import AGREEMENT, SCORES, STATISTICS, LockedScores
from bench.references.locks import Column, Lock, LockedImage, LockedNumber, read_lock, rounded, write_lock
from bench.references.paper import verify_paper
from bench.references.statistics import computed_twice
from bench.references.verify import make_lock, recompute, rerun, verify
from bench.store.whole_store import read_store
from detectors import Rigid, WePe
from detectors.registry import _registered

pytestmark = [pytest.mark.usefixtures("small_views"), pytest.mark.heavy]

MACHINE = {"num_workers": 0}
MADE = images(12, 12, ("flow", "gan"))


def score_of(path, label, source):
    """A score of an order of 1e-3, with noise of its own."""
    return float(1e-3 * (1 + label + np.random.default_rng([*path.encode()]).normal()))


def made_run(output, score=score_of, run="1", of=MADE, label="wepe", content="", **facts):
    """Keeps a run of one detector."""
    described = detector(label, **facts)
    keep(output, run, [scored(of, described, score, content=content)], described)


def made_lock(output):
    """Locks the made run of a store."""
    lock = Lock(("wepe",), {})
    (dataset,) = read_store(output)
    lock = replace(lock, title=dataset.title, protocol=dataset.protocol)
    return make_lock(lock, recompute(lock, output), "made")


@pytest.fixture
def lock(tmp_path):
    """The lock of a made run."""
    made_run(tmp_path / "first")
    return made_lock(tmp_path / "first")


@pytest.fixture(scope="module")
def right():
    """Locks what the right detectors give: an image is its path in the folder and its bytes, so one run serves."""
    made = {}

    def lock_of(root, *names, **options):
        key = (*names, *options)
        if key not in made:
            empty = Lock(names, {"dataset": "folder", **options})
            made[key] = make_lock(empty, rerun(empty, MACHINE | {"data_root": str(root)}), "right")
        return made[key]

    return lock_of


@pytest.fixture
def whole_views(monkeypatch):
    """Has WePe and RIGID look at the 224 x 224 pixels that the transformer of 24 blocks takes."""
    for cls in (WePe, Rigid):
        monkeypatch.setattr(cls, "view", replace(cls.view, size=224))


def drifts(verification, metric):
    return [check for check in verification.checks if check.metric == metric and check.status == "drifts"]


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_wrong_detector_is_seen_in_its_scores_at_ten_times_the_tolerance(mutation, right, image_folder, monkeypatch):
    wrong = MUTATIONS[mutation]
    lock = right(image_folder, wrong.name)
    monkeypatch.setitem(_registered, wrong.name, wrong)
    found = rerun(lock, MACHINE | {"data_root": str(image_folder)})
    verification = verify(lock, found, "lock")
    assert not verification.ok
    assert [check.generator for check in drifts(verification, SCORES)] == ["blurry", "camera", "sharp"]
    times = LockedScores(lock, found.panel).times
    assert times.shape == (1, 36)
    assert np.median(times) >= 10


def test_a_view_without_antialiasing_is_seen(right, image_folder, monkeypatch):
    lock = right(image_folder, "rigid")
    monkeypatch.setattr("datamodules.image_dataset.cut_view", rough_view)
    verification = verify(lock, rerun(lock, MACHINE | {"data_root": str(image_folder)}), "lock")
    assert len(verification.moved) == 36


@pytest.mark.usefixtures("whole_views")
@pytest.mark.parametrize("mutation", DEEP_MUTATIONS)
def test_what_the_papers_configuration_rests_on_is_seen_on_24_blocks(mutation, right, image_folder, monkeypatch):
    lock = right(image_folder, "wepe:ratio=0.01", "rigid", backbone="random-vit24", limit=4)
    for name, wrong in DEEP_MUTATIONS[mutation].items():
        monkeypatch.setattr(name, wrong)
    verification = verify(lock, rerun(lock, MACHINE | {"data_root": str(image_folder)}), "lock")
    seen = {moved.column.detector for moved in verification.moved}
    assert seen == ({"wepe:ratio=0.01"} if mutation == "18 of 24 blocks" else {"wepe:ratio=0.01", "rigid"})


@pytest.mark.parametrize("mutation", STATISTICS_MUTATIONS)
def test_wrong_statistics_are_seen_though_no_score_moves(mutation, lock, tmp_path, monkeypatch):
    found = recompute(lock, tmp_path / "first")
    assert verify(lock, found, "lock").ok
    for name, wrong in STATISTICS_MUTATIONS[mutation].items():
        monkeypatch.setattr(name, wrong)
    verification = verify(lock, found, "lock")
    assert verification.moved == ()
    wrong = [check for check in verification.checks if check.status == "drifts"]
    assert {check.metric for check in wrong} & {STATISTICS, AGREEMENT}
    assert all(check.now < check.locked and check.note for check in wrong if check.metric in (STATISTICS, AGREEMENT))


def test_the_scores_that_statistics_are_locked_of_have_ties_and_several_seeds_and_conditions(tmp_path):
    described = detector("wepe")
    rows = [
        scored(MADE, described, lambda *image, of=1 + seed: of * score_of(*image), condition, seed)
        for condition in ("clean", "jpeg:75")
        for seed in (0, 1)
    ]
    keep(tmp_path, "1", rows, described)
    lock = made_lock(tmp_path)
    numbers = {(n.detector, n.condition, n.generator, n.metric): n.value for n in lock.statistics}
    assert {condition for _, condition, *_ in numbers} == {"clean", "jpeg:75"}
    low, value, high = (numbers["wepe (rounded)", "clean", "gan", f"auroc{end}"] for end in (" low", "", " high"))
    assert low < value < high
    assert value != numbers["wepe", "clean", "gan", "auroc"]
    assert 0 <= numbers["wepe and wepe (rounded)", "jpeg:75", "mean", "p"] <= 1
    assert numbers["wepe", "jpeg:75", "mean", "change low"] <= 0 <= numbers["wepe", "jpeg:75", "mean", "change high"]
    panel = LockedScores(lock, recompute(lock, tmp_path).panel).locked_panel
    assert {twice[0] == pytest.approx(twice[1], abs=1e-12) for twice in computed_twice(panel).values()} == {True}
    moved = replace(lock.statistics[0], value=lock.statistics[0].value * 1.0001)
    verification = verify(replace(lock, statistics=(moved, *lock.statistics[1:])), recompute(lock, tmp_path), "lock")
    assert [check.metric for check in verification.checks if check.status == "drifts"] == [STATISTICS]


@pytest.mark.usefixtures("whole_views")
def test_further_runs_are_rerun_compared_and_renewed_with_the_first(image_folder, tmp_path, capsys):
    deep = {"dataset": "folder", "backbone": "random-vit24", "seeds": 2, "conditions": ["jpeg:75"], "limit": 11}
    first = {"format": 1, "detectors": ["rigid"], "options": {"dataset": "folder"}}
    file, results = tmp_path / "lock.json", str(tmp_path / "results")
    file.write_text(json.dumps({**first, "further": [{"detectors": ["rigid"], "options": deep}]}))
    words = ["verify", "--reference", str(file), "--data-root", str(image_folder), "--num-workers", "0"]
    assert main([*words, "--update", "--reason", "why", "--output", results]) == 0
    lock = read_lock(file)
    assert [len(lock.images), len(lock.further[0].images)] == [36, 33]
    assert [(c.condition, c.seed) for c in lock.further[0].columns] == [
        *(("clean", seed) for seed in (0, 1)),
        *(("jpeg:75", seed) for seed in (0, 1)),
    ]
    assert lock.statistics
    assert all(number.value is not None for number in lock.further[0].statistics if number.metric == "auroc low")
    assert write_lock(lock, tmp_path / "again.json").read_bytes() == file.read_bytes()
    capsys.readouterr()
    words = ["verify", "--reference", str(file), "--output"]
    assert main([*words, results, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], len(told["further"])) == (True, 1)
    assert {check["condition"] for check in told["further"][0]["checks"]} == {"clean", "jpeg:75"}
    assert main(["compare", "--detectors", "rigid", "--dataset", "folder", "--data-root", str(image_folder),
                 "--num-workers", "0", "--output", str(tmp_path / "one"), "--quiet"]) == 0  # fmt: skip
    assert main([*words, str(tmp_path / "one")]) == 1
    printed = capsys.readouterr().out
    assert "drifts" not in printed
    assert f"Make it with '{lock.further[0].command}'" in printed


def test_auroc_alone_does_not_see_doubled_scores(right, image_folder, monkeypatch):
    lock = right(image_folder, "wepe")
    monkeypatch.setitem(_registered, "wepe", DoubledWePe)
    verification = verify(lock, rerun(lock, MACHINE | {"data_root": str(image_folder)}), "lock")
    assert drifts(verification, "auroc") == []
    assert len(verification.moved) == 36


def test_the_right_detector_matches_in_batches_of_another_size(right, image_folder, tmp_path, capsys):
    file = write_lock(right(image_folder, "rigid"), tmp_path / "lock.json")
    words = ["verify", "--reference", str(file), "--rerun", "--data-root", str(image_folder), "--num-workers", "0"]
    assert main([*words, "--batch-size", "5", "--output", str(tmp_path / "results")]) == 0
    assert "17 matches" in capsys.readouterr().out
    words = ["verify", "--reference", str(file), "--output", str(tmp_path / "results")]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["version"], told["ok"], [check["status"] for check in told["checks"]]) == (1, True, ["matches"] * 17)
    assert main([*words, "--quiet"]) == 0
    assert capsys.readouterr().out == ""


def table_of(locked, now):
    """Compares one column of scores."""
    names = [f"real/{number}.png" for number in range(len(locked))]
    found = {name: LockedImage("real", sha(name), (score,)) for name, score in zip(names, locked, strict=True)}
    lock = Lock(("wepe",), {}, columns=(Column("wepe", "clean", 0),), images=found)
    return lambda output: LockedScores(lock, _panel(output, names, now))


def _panel(output, names, now):
    described, values = detector("wepe"), dict(zip(names, now, strict=True))
    keep(output, "1", [scored([(n, 0, "real") for n in names], described, lambda path, *_: values[path])], described)
    return read_store(output)[0].panel


def test_a_score_is_tolerated_relative_to_itself_or_to_the_spread_whichever_is_larger(tmp_path):
    # The locked scores 0, 2 and 4 have a standard deviation of sqrt(8 / 3) = 1.63299.
    times = table_of([0.0, 2.0, 4.0], [1e-4, 2.0004, 4.0])(tmp_path).times
    assert times[0] == pytest.approx([1e-4 / 1.63299e-4, 2.0, 0.0], rel=1e-4)


def test_a_constant_shift_of_small_scores_is_seen_though_no_auroc_is(lock, tmp_path):
    made_run(tmp_path / "now", lambda *image: score_of(*image) + 1e-5)
    verification = verify(lock, recompute(lock, tmp_path / "now"), "lock")
    assert drifts(verification, "auroc") == []
    assert len(verification.moved) == 36


def test_what_becomes_unreadable_has_drifted_and_what_stays_so_matches(tmp_path):
    table = table_of([None, 1.0, None], [None, None, 2.0])(tmp_path)
    assert table.times[0].tolist() == [0.0, np.inf, np.inf]
    assert [(one.locked, one.now) for one in table.moved] == [(1.0, None), (None, 2.0)]


def test_equal_scores_of_zero_match(tmp_path):
    assert table_of([0.0, 0.0], [0.0, 0.0])(tmp_path).moved == []
    assert len(table_of([0.0, 0.0], [0.0, 1e-12])(tmp_path / "other").moved) == 1


def test_a_changed_image_is_missing_and_so_are_its_metrics_but_nothing_drifts(lock, tmp_path):
    changed = [image for image in MADE if image[0] == "gan/003.png"]
    made_run(tmp_path / "now", of=[image for image in MADE if image not in changed])
    made_run(tmp_path / "now", lambda *_: 9.0, "2", of=changed, content="other bytes")
    verification = verify(lock, recompute(lock, tmp_path / "now"), "lock")
    status = {(check.generator, check.metric): check.status for check in verification.checks}
    assert status["gan", SCORES] == status["gan", "auroc"] == status["mean", "ap_real"] == "missing"
    assert status["flow", SCORES] == status["flow", "auroc"] == "matches"
    assert "drifts" not in status.values()
    assert any(note.startswith("1 images of the run are not in the lock") for note in verification.notes)
    assert not verification.ok


def test_images_that_are_not_locked_change_nothing(lock, tmp_path):
    made_run(tmp_path / "now", of=[*MADE, ("gan/900.png", 1, "gan"), ("photographs/900.png", 0, "photographs")])
    assert verify(lock, recompute(lock, tmp_path / "now"), "lock").ok


def test_a_metric_drifts_beyond_a_thousandth(lock, tmp_path):
    numbers = [replace(one, value=one.value + (0.0011 if one.metric == "auroc" else 0.0009)) for one in lock.numbers]
    verification = verify(replace(lock, numbers=tuple(numbers)), recompute(lock, tmp_path / "first"), "lock")
    assert {check.metric for check in verification.checks if check.status == "drifts"} == {"auroc"}


def test_another_version_is_compared_and_another_backbone_is_not_the_run(lock, tmp_path):
    made_run(tmp_path / "now", lambda *image: 3 * score_of(*image), version=2, fingerprint=sha("version 2"))
    assert len(verify(lock, recompute(lock, tmp_path / "now"), "lock").moved) == 36
    made_run(tmp_path / "other", backbone={"name": "another", "weights": sha("w")})
    with pytest.raises(BenchError, match="no run of made-up as locked: make the run with 'python -m bench compare"):
        recompute(lock, tmp_path / "other")


def test_of_two_versions_the_one_run_last_counts(lock, tmp_path):
    made_run(tmp_path / "first", lambda *image: 3 * score_of(*image), "2", fingerprint=sha("version 2"))
    assert len(verify(lock, recompute(lock, tmp_path / "first"), "lock").moved) == 36


def test_a_lacking_detector_is_missing(lock, tmp_path):
    two = replace(
        lock,
        detectors=("rigid", "wepe"),
        columns=(*lock.columns, Column("rigid", "clean", 0)),
        images={path: replace(one, scores=(*one.scores, 1.0)) for path, one in lock.images.items()},
        numbers=(*lock.numbers, LockedNumber("rigid", "clean", "gan", "auroc", 0.5)),
        statistics=(),
    )
    verification = verify(two, recompute(two, tmp_path / "first"), "lock")
    assert {(check.detector, check.status) for check in verification.checks} == {
        ("wepe", "matches"),
        ("rigid", "missing"),
    }


def test_a_lock_is_read_as_it_was_written(lock, tmp_path):
    assert read_lock(write_lock(lock, tmp_path / "lock.json")) == lock
    assert rounded(0.00123456789) == 0.001234568
    assert rounded(float("nan")) is None


def test_the_command_of_a_lock_makes_its_run():
    options = {"dataset": "demo", "limit": 12, "conditions": ["jpeg:75", "blur:1"], "balance": True, "resize": None}
    assert Lock(("wepe", "rigid"), options).command == (
        "python -m bench compare --detectors wepe rigid --limit 12 --conditions jpeg:75 blur:1 --balance --resize none"
    )


def test_a_run_alone_is_filled_and_a_drift_is_told_with_exit_code_one(image_folder, tmp_path, capsys, monkeypatch):
    file = tmp_path / "lock.json"
    file.write_text(json.dumps({"format": 1, "detectors": ["wepe"], "options": {"dataset": "folder"}}))
    words = ["verify", "--reference", str(file), "--data-root", str(image_folder), "--num-workers", "0"]
    assert main([*words, "--update", "--reason", "the  first\nlock"]) == 0
    assert read_lock(file).reason == "the first lock"
    picture = image_folder / "real" / "camera" / "03.png"
    Image.new("RGB", (80, 64)).save(picture)
    assert main([*words, "--rerun"]) == 1
    assert "1 missing" in capsys.readouterr().out
    monkeypatch.setitem(_registered, "wepe", DoubledWePe)
    assert main([*words, "--rerun"]) == 1
    printed = capsys.readouterr().out
    assert "Scores that moved most, 10 of 35" in printed
    assert "1e+04" in printed  # |2 s - s| in units of 1e-4 s


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--update"], "--update needs --reason TEXT"),
        (["--update", "--reason", "  "], "--update needs --reason TEXT"),
        (["--reason", "why"], "--reason goes with --update"),
        (["--reference", "nowhere.json"], "There is no lock nowhere.json"),
        (["--reference", "broken.json"], "Cannot read the lock broken.json"),
        (["--reference", "other.json"], "is not a lock of format 1: its format is None"),
        (["--reference", "bad.json"], "not data_root"),
        (["--reference", "paper", "--rerun"], "--rerun and --update go with a lock"),
        (["--output", "empty"], "There are no scores under empty/scores"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_two(words, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("broken.json").write_text("{")
    Path("other.json").write_text("[1]")
    Path("bad.json").write_text('{"format": 1, "detectors": ["wepe"], "options": {"data_root": "x"}}')
    assert main(["verify", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message in error


def test_a_rerun_does_not_read_scores_that_are_there(lock, tmp_path):
    with pytest.raises(BenchError, match="needs an --output without scores"):
        rerun(lock, {}, tmp_path / "first")


def test_papers_are_checked_and_what_the_store_lacks_of_their_data_is_missing(tmp_path, capsys):
    wepe = detector("wepe", backbone={"name": "another", "weights": sha("w")})
    made = images(30, 30, ("biggan",))
    keep(tmp_path, "1", [scored(made, wepe, score_of)], wepe, name="imagenet")
    checks = {
        (check.method, check.reported.generator, check.reported.metric): check
        for check in verify_paper(tmp_path).checks
        if check.reported.condition == "clean"
    }
    ours = checks["wepe", "biggan", "auroc"]
    assert ours.outcome == "not comparable"
    assert "other backbone" in ours.because
    assert checks["rigid", "biggan", "auroc"].outcome == checks["wepe", "adm", "auroc"].outcome == "missing"
    assert {check.reported.dataset for check in checks.values()} == {"imagenet"}
    assert main(["verify", "--reference", "paper", "--output", str(tmp_path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False
    assert main(["verify", "--reference", "paper", "--output", str(tmp_path)]) == 1
    assert "not comparable" in capsys.readouterr().out


def test_a_run_that_is_not_whole_is_missing_against_the_papers(tmp_path):
    wepe = detector("wepe")
    keep(tmp_path, "1", [scored(images(30, 30, ("biggan",)), wepe, score_of)], wepe, wanted=90, name="imagenet")
    check = next(c for c in verify_paper(tmp_path).checks if c.reported.generator == "biggan" and c.method == "wepe")
    assert (check.outcome, check.because) == ("missing", "not scored whole: 60 of 90 images")


def test_a_store_without_a_papers_data_says_which_command_makes_a_run(tmp_path):
    made_run(tmp_path)
    with pytest.raises(BenchError, match=r"no run on a data set of a paper .*compare --detectors wepe rigid --dataset"):
        verify_paper(tmp_path)
