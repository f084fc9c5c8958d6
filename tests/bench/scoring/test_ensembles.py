import os
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest
from released_files import write_checkpoint

from bench.errors import BenchError
from bench.report.notes import comparison_notes, sentence, warnings_of
from bench.results.comparing import compare
from bench.results.leaderboard import read_comparisons
from bench.scoring.ensembles import tied_pairs
from bench.scoring.exclusion import groups_to_fit
from bench.scoring.findings import TiedScores
from bench.scoring.options import RunOptions
from bench.scoring.specs import parse_detector
from detectors.fusion import MAD_TO_STD

pytestmark = pytest.mark.usefixtures("small_views")


def run(root, output, detectors, **more):
    options = {"dataset": "folder", "data_root": str(root), "num_workers": 0, "output": output} | more
    result = compare(detectors, RunOptions(**options))
    assert result is not None
    return result


@pytest.fixture
def images(image_folder, photograph):
    for number in range(12, 30):
        photograph(number).save(image_folder / "real" / "camera" / f"{number}.png")
    return image_folder


@pytest.mark.heavy
def test_a_fused_score_is_the_mean_of_robust_z_scores_of_held_out_reals(images, tmp_path):
    result = run(images, tmp_path / "r", ["wepe", "rigid", "rigid+wepe"])
    singles = run(images, tmp_path / "r", ["wepe", "rigid"])
    assert (result.scored, singles.scored) == (54 * 2, 0)
    reals = singles.scores().filter(pl.col("label") == 0)
    fit = groups_to_fit(reals.unique("path").select("path", "label", "group"))
    z = 0
    for name in ("wepe", "rigid"):
        own = singles.scores().filter(pl.col("detector") == name).sort("path")
        of_fit = own.filter(pl.col("group").is_in(fit))["score"].to_numpy()
        median = np.median(of_fit)
        z = z + (own["score"].to_numpy() - median) / (MAD_TO_STD * np.median(np.abs(of_fit - median)))
    expected = own.select("path").with_columns(pl.Series("z", z / 2))
    fused = result.scores().filter(pl.col("detector") == "rigid+wepe").join(expected, on="path")
    assert len(fused) == 54 - len(fit)
    np.testing.assert_allclose(fused["score"], fused["z"], rtol=1e-9)


@pytest.mark.heavy
def test_the_images_it_was_fitted_to_are_in_none_of_its_own_numbers(images, tmp_path):
    result = run(images, tmp_path / "r", ["rigid+wepe", "rigid"])
    assert {(row.detector, row.n_real) for row in result.summary.rows} == {("rigid+wepe", 30 - 8), ("rigid", 30)}
    assert any("set on 8 real images of 8 groups" in note for note in comparison_notes(result))


@pytest.mark.heavy
def test_fused_scores_are_stored_once(images, tmp_path):
    for _ in range(2):
        run(images, tmp_path / "r", ["rigid+wepe"])
    rows = pl.concat([pl.read_parquet(part) for part in (tmp_path / "r").glob("scores/*/*/part-*.parquet")])
    fused = rows.filter(pl.col("detector") == "rigid+wepe")
    assert len(fused) == len(fused.unique("path")) == 54


@pytest.mark.heavy
def test_conditions_and_seeds_are_fused_with_the_scales_of_the_clean_images(images, tmp_path):
    result = run(images, tmp_path / "r", ["rigid+wepe"], conditions=("jpeg:40",), seeds=2)
    assert {(row.condition, row.generator) for row in result.summary.rows} == {
        (condition, generator) for condition in ("clean", "jpeg:40") for generator in ("blurry", "sharp", "mean")
    }
    assert result.summary.rows[0].numbers["auroc"].seeds_sd is not None


def test_members_keep_their_options_and_must_differ(images, tmp_path):
    spec = parse_detector("rigid:noise=0.1+wepe:blocks=0-2,4")
    assert [member.options for member in spec.members] == [{"noise": 0.1}, {"blocks": "0-2,4"}]
    with pytest.raises(BenchError, match="fuses a detector with itself"):
        parse_detector("rigid:noise=0.1+rigid:noise=0.1")


def test_too_few_reals_for_an_ensemble_is_one_line(image_folder, tmp_path):
    with pytest.raises(BenchError, match="12 real images are too few"):
        run(image_folder, tmp_path / "r", ["rigid+wepe"])


@pytest.mark.heavy
def test_blocks_chosen_by_a_probe_are_in_the_fingerprint_and_its_images_left_out(images, tmp_path):
    result = run(images, tmp_path / "r", ["wepe:blocks=probe:3", "wepe"])
    (note,) = (note for note in comparison_notes(result) if note.startswith("wepe:blocks=probe:3: the 3 blocks"))
    blocks = note.rpartition(": ")[2].rstrip(".")
    assert len(blocks.split(",")) == 3
    assert {row.n_real for row in result.summary.rows if row.detector == "wepe"} == {30}
    assert {row.n_real for row in result.summary.rows if row.detector != "wepe"} == {30 - 8}
    same = run(images, tmp_path / "r", [f"wepe:blocks={blocks}"])
    assert same.scored == 0


def test_a_native_view_and_a_crop_run_side_by_side(image_folder, tmp_path):
    result = run(image_folder, tmp_path / "r", ["aeroblade", "rigid"], limit=2, resize=64)
    assert result.scored == 12
    assert result.scores()["score"].is_finite().fill_null(False).all()


MEMBERS = ("rigid", "wepe", "npr:preprocessing=native")
FUSED = {name: f"fuse={name}:{'+'.join(MEMBERS)}" for name in ("minp", "stouffer")}


@pytest.fixture(scope="module")
def fused(tmp_path_factory, photograph):
    """A store of two methods on a backbone and a trained network for images as they are; then all fused from it.

    Before that every image is overwritten, with its size and time of change as they were: whatever reads one fails. The
    names have no numbers in a row, so that no picture is looked at for frames of a video.
    """
    root, folder = (tmp_path_factory.mktemp(name) for name in ("images", "results"))
    for number in range(36):
        source = root / ("real/camera" if number < 24 else "generated/gan")
        source.mkdir(parents=True, exist_ok=True)
        photograph(number).save(source / f"{number:02d}-picture.png")
    npr = f"npr:preprocessing=native,checkpoint={write_checkpoint('npr', folder)}"
    scored = run(root, folder, [*MEMBERS[:2], npr], conditions=("jpeg:40",), resize=32)
    for file in root.rglob("*.png"):
        known = file.stat()
        file.write_bytes(bytes(known.st_size))
        os.utime(file, ns=(known.st_atime_ns, known.st_mtime_ns))
    reads = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("datamodules.base.read_file", lambda path: reads.append(path))
        asked = ["+".join([*MEMBERS[:2], npr]), *(f"fuse={name}:{'+'.join([*MEMBERS[:2], npr])}" for name in FUSED)]
        result = run(root, folder, [*MEMBERS[:2], npr, *asked], conditions=("jpeg:40",), resize=32)
    return scored, result, reads, folder


@pytest.mark.heavy
def test_detectors_of_a_store_are_fused_without_reading_an_image(fused):
    scored, result, reads, _ = fused
    assert (scored.scored, result.scored, reads) == (36 * 3 * 2, 0, [])
    assert result.scores().filter(pl.col("condition") == "clean")["score"].is_finite().all()
    assert not [note for note in comparison_notes(result) if "could not be read" in note]


def scores_of(comparison, label, condition):
    """Scores of the images that its numbers are on, by path."""
    rows = comparison.scores().filter((pl.col("detector") == label) & (pl.col("condition") == condition))
    return dict(rows.select("path", "score").iter_rows())


def labels_of(comparison):
    """Labels by how the members are fused; None for single detectors."""
    ways = {"fuse=minp:": "minp", "fuse=stouffer:": "stouffer"}
    found = {}
    for label in comparison.detectors:
        way = next((way for prefix, way in ways.items() if label.startswith(prefix)), "zscore")
        found.setdefault(way if "+" in label else None, []).append(label)
    return found


@pytest.mark.parametrize("condition", ["clean", "jpeg:40"])
@pytest.mark.heavy
def test_p_values_are_ranks_among_held_out_clean_reals(fused, condition):
    """A plain twin: every score is compared with every held-out real's."""
    _, result, _, _ = fused
    labels = labels_of(result)
    items = result.scores().unique("path").select("path", "label", "group")
    fit = items.filter((pl.col("label") == 0) & pl.col("group").is_in(groups_to_fit(items)))["path"].to_list()
    assert len(fit) == 8
    ps = {}
    for member in labels[None]:
        clean = scores_of(result, member, "clean")
        for path, score in scores_of(result, member, condition).items():
            ps.setdefault(path, []).append((1 + sum(clean[real] >= score for real in fit)) / 9)
    expected = {
        "minp": {path: -np.log(min(three)) for path, three in ps.items()},
        "stouffer": {
            path: sum(NormalDist().inv_cdf(1 - min(p, 8.5 / 9)) for p in three) / np.sqrt(3)
            for path, three in ps.items()
        },
    }
    for way, by_path in expected.items():
        found = scores_of(result, labels[way][0], condition)
        assert found.keys() == ps.keys() - set(fit)
        assert found == pytest.approx({path: by_path[path] for path in found}, abs=1e-9)


@pytest.mark.heavy
def test_held_out_reals_are_left_out_of_the_fused_rows_alone(fused):
    _, result, _, _ = fused
    found = {(row.detector.count("+"), row.n_real, row.n_generated) for row in result.summary.rows}
    assert found == {(0, 24, 12), (2, 16, 12)}


@pytest.mark.heavy
def test_fused_rows_have_intervals_and_paired_tests_and_stand_on_the_leaderboard(fused):
    _, result, _, folder = fused
    labels = labels_of(result)
    (ranked,) = read_comparisons(folder)
    for comparison in (result, ranked):
        rows = {row.detector: row for row in comparison.summary.rows if row.condition == "clean"}
        tests = {frozenset((pair.first, pair.second)): pair for pair in comparison.rankings["clean"].pairs}
        for label in (labels[way][0] for way in ("zscore", "minp", "stouffer")):
            assert rows[label].numbers["auroc"].interval is not None
            pair = tests[frozenset((label, labels[None][0]))]
            assert pair.images == 28
            assert 0 < pair.test.p <= 1
    known = [
        {row.detector: row.numbers["auroc"] for row in c.summary.rows if row.condition == "clean"}
        for c in (result, ranked)
    ]
    assert known[0] == known[1]
    facts = ranked.detectors[labels["minp"][0]]
    assert facts["options"]["fuse"] == "minp"
    assert (facts["options"]["sides"], len(facts["held_out"]), len(facts["members"])) == (1, 8, 3)
    assert "2601.18900" in facts["paper"]


@pytest.mark.heavy
def test_notes_name_the_way_and_warn_of_coarse_p_values(fused):
    _, result, _, _ = fused
    labels = labels_of(result)
    text = " ".join(comparison_notes(result))
    assert f"{labels['minp'][0]}: minus the logarithm of the members' least p-value" in text
    assert f"{labels['stouffer'][0]}: Stouffer's sum of the members' p-values" in text
    (tied,) = (f for f in result.findings if isinstance(f, TiedScores) and f.detector == labels["minp"][0])
    rows = result.scores().filter((pl.col("detector") == tied.detector) & (pl.col("condition") == "clean"))
    real, generated = (rows.filter(pl.col("label") == label)["score"].to_numpy() for label in (0, 1))
    assert tied.tied == pytest.approx(np.mean(real[:, None] == generated))
    assert tied.tied > 0.05
    assert sentence(tied) in warnings_of(result)
    assert f"ranks among 8 real images, in steps of 1/9; {tied.tied:.0%} of the pairs" in sentence(tied)
    assert not [f for f in result.findings if isinstance(f, TiedScores) and f.detector == labels["zscore"][0]]


def test_pairs_of_one_class_or_without_a_score_are_not_tied():
    scores = {"score": [1.0, 1.0, None, None], "label": [0, 0, 0, 1]}
    assert tied_pairs(pl.DataFrame(scores)) == 0
    assert tied_pairs(pl.DataFrame({"score": [1.0, 1.0, 2.0], "label": [0, 1, 1]})) == 0.5
