import numpy as np
import polars as pl
import pytest

from bench.errors import BenchError
from bench.report.notes import comparison_notes
from bench.results.comparison import compare
from bench.scoring.exclusion import groups_to_fit
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


def test_the_images_it_was_fitted_to_are_in_none_of_its_own_numbers(images, tmp_path):
    result = run(images, tmp_path / "r", ["rigid+wepe", "rigid"])
    assert {(row.detector, row.n_real) for row in result.summary.rows} == {("rigid+wepe", 30 - 8), ("rigid", 30)}
    assert any("set on 8 real images of 8 groups" in note for note in comparison_notes(result))


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
