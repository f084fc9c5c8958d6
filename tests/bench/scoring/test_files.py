"""Scores of single files, and how they stand among real images, from Python."""

import numpy as np
import polars as pl
import pytest
import torch
from scipy.stats import norm
from stored_rows import stored_rows
from torch import Tensor

from bench import score_files
from bench.errors import BenchError, DetectorFailedError
from bench.results.comparing import compare
from bench.results.leaderboard import read_comparisons
from bench.results.reference_set import Reference, Standing, read_references
from bench.scoring.files import Scorer
from bench.scoring.options import RunOptions
from bench.statistics.number import Number
from bench.store.facts import facts_text, parse_facts
from datamodules import DatasetNotFoundError
from detectors import Detector, UnknownNameError
from detectors.registry import _registered

pytestmark = pytest.mark.usefixtures("small_views")

QUICK = {"num_workers": 0, "batch_size": 64}
TWO = ["wepe", "rigid"]


def rows_of(paths, detectors=TWO, seed=0, **options):
    return list(score_files(paths, detectors, seed=seed, **(QUICK | options)))


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Some demo images as ``compare`` scored them: the results folder, and the rows with whole paths."""
    output = tmp_path_factory.mktemp("results")
    result = compare(TWO, RunOptions(limit=6, output=output, **QUICK))
    root = result.read_bytes.__self__.root
    rows = stored_rows(output).with_columns(scoring=pl.col("detector").replace_strict({"wepe": 0, "rigid": 1}))
    return output, rows.sort("scoring", "path").with_columns(whole=pl.lit(f"{root}/") + pl.col("path"))


@pytest.mark.heavy
def test_a_file_scores_as_in_compare_to_the_last_bit_in_batches_of_the_same_size(demo):
    _, stored = demo
    paths = stored.filter(pl.col("scoring") == 0)["whole"].to_list()
    found = rows_of(paths)
    assert [row.path for row in found] == paths
    assert [row.sha256 for row in found] == stored.filter(pl.col("scoring") == 0)["sha256"].to_list()
    for label in TWO:
        expected = stored.filter(pl.col("detector") == label)["score"].to_numpy()
        assert np.std(expected) > 0.01
        np.testing.assert_allclose([row.scores[label] for row in found], expected, rtol=1e-6)


@pytest.mark.parametrize("options", [{"batch_size": 1}, {"batch_size": 5, "num_workers": 2}])
@pytest.mark.heavy
def test_a_score_depends_on_batches_and_workers_by_rounding_alone(demo, options):
    _, stored = demo
    paths = stored.filter(pl.col("scoring") == 0)["whole"].to_list()[::-1]
    for label in TWO:
        expected = stored.filter(pl.col("detector") == label)["score"].to_numpy()[::-1]
        found = [row.scores[label] for row in rows_of(paths, **options)]
        np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.heavy
def test_a_mixed_precision_scores_as_in_compare(image_folder, tmp_path):
    options = RunOptions(
        dataset="folder", data_root=str(image_folder), precision="bf16-mixed", output=tmp_path, **QUICK
    )
    stored = compare(["rigid"], options).scores().sort("path")
    paths = [image_folder / path for path in stored["path"]]
    found = [row.scores["rigid"] for row in rows_of(paths, ["rigid"], precision="bf16-mixed")]
    np.testing.assert_allclose(found, stored["score"], rtol=1e-6)
    assert max(abs(np.array(found) / [row.scores["rigid"] for row in rows_of(paths, ["rigid"])] - 1)) > 1e-3


@pytest.mark.heavy
def test_a_seed_and_a_view_score_as_in_compare(image_folder, tmp_path):
    options = RunOptions(
        dataset="folder", data_root=str(image_folder), seeds=3, view="common", output=tmp_path, **QUICK
    )
    stored = compare(["rigid"], options).scores().filter(pl.col("seed") == 2).sort("path")
    found = rows_of([image_folder / path for path in stored["path"]], ["rigid"], seed=2, view="common")
    np.testing.assert_allclose([row.scores["rigid"] for row in found], stored["score"], rtol=1e-6)


def test_an_unreadable_file_is_a_row_in_its_place_with_a_reason(image_folder):
    good = sorted(image_folder.rglob("*.png"))[:3]
    (image_folder / "half.png").write_bytes(good[0].read_bytes()[:300])
    (image_folder / "text.png").write_text("no image")
    paths = [image_folder / "half.png", good[0], image_folder / "text.png", good[1], good[2]]
    rows = rows_of(paths, ["rigid"], batch_size=2)
    assert [row.path for row in rows] == [str(path) for path in paths]
    assert [row.reason for row in rows] == ["truncated", None, "not an image", None, None]
    assert [len(row.scores) for row in rows] == [0, 1, 0, 1, 1]
    assert all(len(row.sha256) == 64 for row in rows)
    assert [row.reason for row in rows_of([image_folder / "text.png"], ["rigid"])] == ["not an image"]


def test_rows_come_before_later_files_are_read(image_folder):
    paths = sorted(image_folder.rglob("*.png"))[:3]
    rows = score_files(paths, ["rigid"], num_workers=0, batch_size=1)
    assert next(rows).reason is None
    paths[2].unlink()
    assert [row.reason for row in rows] == [None, "No such file or directory"]


@pytest.mark.parametrize(
    ("detectors", "options", "error", "message"),
    [
        (["rigd"], {}, UnknownNameError, "Did you mean 'rigid'"),
        (
            ["rigid+wepe"],
            {},
            BenchError,
            "'rigid\\+wepe' is fitted to real images of a data set: score its members, rig",
        ),
        (["wepe:blocks=probe:3"], {}, BenchError, "asks for a probe of a dataset: name the blocks"),
        (["wepe", "wepe:ratio=0.1"], {}, BenchError, "'wepe:ratio=0.1' is the same detector as 'wepe'"),
        (["rigid"], {"view": "mine"}, BenchError, "--view must be one of method, common, got 'mine'"),
        (["dire"], {}, BenchError, "'dire' reads a dire-map in the place of each image: score takes images alone"),
        (["rigid"], {"precision": "tf32", "accelerator": "cpu"}, BenchError, "tf32 needs an NVIDIA GPU"),
        (["rigid"], {"precision": "8"}, BenchError, "--precision must be one of 32-true"),
        (["rigid"], {"accelerator": "mps"}, BenchError, "--accelerator mps: "),
    ],
)
def test_a_mistake_is_told_before_any_file_is_read(image_folder, detectors, options, error, message):
    with pytest.raises(error, match=message):
        score_files([image_folder], detectors, **QUICK, **options)


def test_a_missing_path_is_told_before_the_detectors_are_built():
    with pytest.raises(DatasetNotFoundError, match=r"There is no file or folder nowhere\.png"):
        score_files(["nowhere.png"], ["no such detector"])


@pytest.fixture
def failing():
    """A detector that says what it is told to."""

    class Failing(Detector):
        name, paper, passes = "failing", "none", 0

        def __init__(self, *, how: str = "raise", seed: int = 0) -> None:
            super().__init__()
            self.how, self.seed = how, seed

        def forward(self, images: Tensor, keys: Tensor) -> Tensor:
            scores = images.mean(dim=(1, 2, 3))
            if self.how == "raise":
                raise RuntimeError("out of order")
            if self.how == "nan":
                scores[1] = float("nan")
            return scores[1:] if self.how == "fewer" else scores

    _registered["failing"] = Failing
    yield
    del _registered["failing"]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (
            "raise",
            r"failed on .*00\.png \(or one of the 2 images after it\): The plugin .* failed: .*out of order",
        ),
        ("nan", r"gave the score nan for .*01\.png"),
        ("fewer", r"gave scores of shape \(2,\) for 3 images"),
    ],
)
def test_a_detector_that_fails_names_the_image(image_folder, failing, how, message):
    paths = [image_folder / f"real/camera/0{number}.png" for number in range(3)]
    with pytest.raises(DetectorFailedError, match=message):
        rows_of(paths, [f"failing:how={how}"])


@pytest.mark.parametrize("folder", [".", "scores", "scores/demo"])
def test_a_standing_is_what_counting_the_real_scores_gives(demo, folder):
    output, stored = demo
    scorer = Scorer(TWO, RunOptions(**QUICK))
    references = read_references(output / folder, scorer)
    assert list(references) == TWO
    for label, reference in references.items():
        own = stored.filter(pl.col("detector") == label)
        reals = own.filter(pl.col("label") == 0)["score"].to_list()
        highest = own.filter(pl.col("label") == 0).group_by("group").agg(pl.col("score").max())["score"].to_list()
        assert len(highest) == 5  # of six images
        assert reference.dataset == "demo"
        (row,) = (row for row in read_comparisons(output)[0].summary.means if row.detector == label)
        assert reference.auroc.value == row.numbers["auroc"].value
        assert reference.auroc.interval == row.numbers["auroc"].interval
        for score in [*own["score"], -9.0, 9.0]:
            standing = reference.standing(score)
            higher = sum(real >= score for real in reals)
            assert (standing.higher, standing.reals) == (higher, len(reals))
            assert standing.share == (sum(one >= score for one in highest) + 1) / 6
        assert len({reference.standing(score).share for score in own["score"]}) > 4


def test_a_standing_in_words():
    def words(higher, n):
        return str(Standing("demo", higher, n, higher, n))

    assert words(12, 1000) == "of 1,000 real images of demo, 12 score at least as high: 1.3 %"
    assert words(1, 9) == "of 9 real images of demo, 1 scores at least as high: 20 %"
    assert words(0, 9999) == "of 9,999 real images of demo, none scores at least as high: 0.01 %"
    grouped = "of 800 real images of demo, 12 score at least as high (4 of 99 groups): 5 %"
    assert str(Standing("demo", 12, 800, 4, 99)) == grouped


def reference_of(scores, groups):
    """A reference of real images in groups."""
    highest = [scores[groups == group].max() for group in np.unique(groups)]
    return Reference("made", np.sort(scores), np.sort(highest), frozenset(), Number(np.nan))


def test_a_share_of_at_most_p_comes_with_a_probability_of_at_most_p_where_reals_are_in_groups():
    # 50 groups of 8 images that share 0.8 of their variance. Shares of images would be at most 1 % in 1.5 % of cases.
    rng, groups, shares = np.random.default_rng(0), np.repeat(np.arange(51), 8), []
    for _ in range(2000):
        scores = np.repeat(rng.normal(0, np.sqrt(0.8), 51), 8) + rng.normal(0, np.sqrt(0.2), 51 * 8)
        shares.append(reference_of(scores[:-8], groups[:-8]).standing(scores[-1]).share)
    for level in (0.02, 0.05, 0.1, 0.2):
        assert np.mean(np.array(shares) <= level) <= level + 2 * np.sqrt(level / 2000)


@pytest.mark.parametrize(("n", "low", "high"), [(100, 0.017, 0.099), (400, 0.031, 0.073)])
def test_how_often_other_reals_have_a_low_share_with_a_given_reference(n, low, high):
    rng = np.random.default_rng(0)
    found = reference_of(rng.normal(size=n), np.arange(n)).alarm_range(0.05)
    rates = []
    for _ in range(2000):
        reference = np.sort(rng.normal(size=n))
        limit = reference[n - int(0.05 * (n + 1))]  # a higher score has a share of at most 5 %
        rates.append(norm.sf(limit))
    assert found == pytest.approx(np.quantile(rates, [0.025, 0.975]), abs=0.006)
    assert found == pytest.approx((low, high), abs=0.003)
    assert reference_of(rng.normal(size=18), np.arange(18)).alarm_range(0.05) == (0, 0)


@pytest.mark.parametrize(
    ("detectors", "options", "seed", "message"),
    [
        (["rigid:noise=0.1"], {}, 0, r"of rigid:noise=0\.1: there option noise is 0\.05, here 0\.1\.$"),
        (["wepe"], {"resize": 128}, 0, r"of wepe: there resize is 256, here 128\.$"),
        (["rigid"], {"view": "common"}, 0, r"there view is resize 64, here random-crop 64\.$"),
        (["rigid"], {"precision": "bf16-mixed"}, 0, r"there precision is 32-true, here bf16-mixed\.$"),
        (["rigid"], {"resize": None}, 0, r"there resize is 256, here None\.$"),
        (["wepe", "rigid"], {}, 4, r"has scores of wepe with seed 0, not with --seed 4\.$"),
        (["mc-dropout"], {}, 0, r"it has no scores of mc-dropout, but of rigid, wepe\.$"),
    ],
)
def test_a_store_of_other_scores_is_refused_with_what_differs(demo, detectors, options, seed, message):
    output, _ = demo
    scorer = Scorer(detectors, RunOptions(**(QUICK | options)), seed)
    with pytest.raises(BenchError, match=message):
        read_references(output, scorer)


def test_other_weights_are_named(demo, tmp_path, cnn):
    output, _ = demo
    state = {name: value + 0.01 if name.endswith("bias") else value for name, value in cnn.model.state_dict().items()}
    state |= {"classifier.weight": torch.zeros(1000, 1280), "classifier.bias": torch.zeros(1000)}
    torch.save(state, tmp_path / "other.pth")
    scorer = Scorer(["rigid"], RunOptions(weights=str(tmp_path / "other.pth"), **QUICK))
    with pytest.raises(BenchError, match=r"there weights is 803e1a00, here \w{8}\.$"):
        read_references(output, scorer)


@pytest.mark.heavy
def test_a_folder_without_or_with_several_sets_of_scores_is_refused(demo, image_folder, tmp_path):
    scorer = Scorer(["rigid"], RunOptions(**QUICK))
    with pytest.raises(BenchError, match="There is no folder"):
        read_references(tmp_path / "nowhere", scorer)
    with pytest.raises(BenchError, match="There are no scores under"):
        read_references(image_folder, scorer)
    output = tmp_path / "both"
    for data in ({"limit": 2}, {"dataset": "folder", "data_root": str(image_folder)}):
        compare(["rigid"], RunOptions(output=output, **data, **QUICK))
    with pytest.raises(BenchError, match=r"has scores of demo, folder-images: give one of them, such as --calibration"):
        read_references(output, scorer)
    assert read_references(output / "scores" / "folder-images", scorer)["rigid"].dataset == "folder:images"


@pytest.mark.heavy
def test_unreadable_degraded_generated_and_held_out_images_are_no_reference(image_folder, tmp_path):
    (image_folder / "real/camera/05.png").write_text("no image")
    output = tmp_path / "results"
    options = RunOptions(
        dataset="folder", data_root=str(image_folder), conditions=("jpeg:50",), seeds=2, output=output, **QUICK
    )
    compare(["rigid"], options)
    rows = stored_rows(output)
    held_out = "real/camera/03.png"
    for run in (output / "scores" / "folder-images").glob("*/run.json"):
        facts = parse_facts(run.read_bytes())
        for detector in facts["detectors"].values():
            detector["held_out"] = [held_out]
        run.write_text(facts_text(facts))
    reference = read_references(output, Scorer(["rigid"], RunOptions(**QUICK)))["rigid"]
    wanted = rows.filter(
        (pl.col("condition") == "clean")
        & (pl.col("seed") == 0)
        & (pl.col("label") == 0)
        & (pl.col("status") == "ok")
        & (pl.col("path") != held_out)
    )
    assert len(wanted) == 10
    assert reference.scores.tolist() == sorted(wanted["score"])


@pytest.mark.heavy
def test_a_changed_image_counts_once_with_its_newer_score(image_folder, tmp_path, photograph):
    options = RunOptions(dataset="folder", data_root=str(image_folder), output=tmp_path / "results", **QUICK)
    before = compare(["rigid"], options).scores()
    photograph(77).save(image_folder / "real/camera/00.png")
    after = compare(["rigid"], options).scores().filter(pl.col("label") == 0)
    reference = read_references(tmp_path / "results", Scorer(["rigid"], RunOptions(**QUICK)))["rigid"]
    assert reference.scores.tolist() == sorted(after["score"])
    assert set(after["score"]) != set(before.filter(pl.col("label") == 0)["score"])
