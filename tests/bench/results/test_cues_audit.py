import math

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from bench.report.audit import audit_records, write_audit
from bench.results.cues.audit import GeneratorAudit, audit, feature_of
from bench.results.cues.study import CueStudy, _spearman, score_correlations
from bench.statistics.crossfit import Images, combined, cross_fitted, learned, mean_auroc, parts_of
from bench.statistics.metrics import auroc
from bench.store.contrasts import rules_of

CONTRASTS = {"gan": ("camera",)}


def table(n: int = 24, **columns: object) -> pl.DataFrame:
    """As many real as generated images, the real ones first, each its own group."""
    labels = np.repeat([0, 1], n)
    return pl.DataFrame(
        {
            "path": [f"{i:03d}" for i in range(2 * n)],
            "label": labels,
            "generator": ["gan" if label else "camera" for label in labels],
            "group": [f"{i:03d}" for i in range(2 * n)],
            **columns,
        }
    )


def audits_of(frame: pl.DataFrame, contrasts: dict[str, tuple[str, ...]] = CONTRASTS) -> list[GeneratorAudit]:
    return [audit(frame, rule) for rule in rules_of(contrasts)]


def results(frame: pl.DataFrame) -> dict[str, object]:
    (found,) = audits_of(frame)
    return {cue.name: cue for cue in found.cues}


def study_of(audits: list[GeneratorAudit]) -> CueStudy:
    return CueStudy("made-up", {"clean": audits}, ())


def images_of(frame: pl.DataFrame) -> Images:
    return Images(frame["label"].to_numpy(), frame["group"].to_list())


def test_a_cue_that_is_lower_for_generated_images_separates_as_well():
    brightness = np.concatenate([np.arange(24) + 20.0, np.arange(24)])
    cue = results(table(brightness=brightness))["brightness"]
    assert cue.detail == "lower"
    assert cue.apparent == 1 - auroc(np.repeat([0, 1], 24), brightness)
    assert cue.auroc == pytest.approx(cue.apparent, abs=0.02)
    assert cue.interval.low < cue.auroc < cue.interval.high <= 1


def test_the_value_is_the_mean_of_two_halves_each_in_the_direction_of_the_other():
    frame = table(brightness=np.random.default_rng(0).normal(size=48))
    labels, values = frame["label"].to_numpy(), frame["brightness"].to_numpy()
    first = parts_of(images_of(frame), 2) == 0
    a, b = auroc(labels[first], values[first]), auroc(labels[~first], values[~first])
    expected = ((a if b >= 0.5 else 1 - a) + (b if a >= 0.5 else 1 - b)) / 2
    assert results(frame)["brightness"].auroc == pytest.approx(expected)


@pytest.mark.heavy
def test_cues_without_meaning_come_out_at_one_half_even_the_worst_of_many():
    generator = np.random.default_rng(0)
    names = ("brightness", "contrast", "saturation", "laplacian", "blockiness")
    singles, worsts, sums, apparent = [], [], [], []
    for _ in range(40):
        (found,) = audits_of(table(**{name: generator.normal(size=48) for name in names}))
        singles += [cue.auroc for cue in found.cues]
        apparent.append(max(cue.apparent for cue in found.cues))
        worsts.append(found.worst["all"].auroc)
        sums.append(found.combined["all"].auroc)
    assert np.mean(singles) == pytest.approx(0.5, abs=0.02)
    assert np.mean(worsts) == pytest.approx(0.5, abs=0.03)
    assert np.mean(sums) == pytest.approx(0.5, abs=0.03)
    assert np.mean(apparent) > 0.58


def test_shares_of_categories_by_hand():
    column = pl.Series("ending", [".jpg", ".jpg", ".jpg", ".png", ".png", ".png", ".png", ".webp"])
    labels, rows = np.array([0, 0, 0, 0, 1, 1, 0, 1]), np.arange(8) < 6
    scores = learned(feature_of(column, True), labels, rows)
    # 4 real and 2 generated images weigh 3 each: 3 and 1 real ones count 2.25 and 0.75, 2 generated ones count 3.
    jpg, png = 0.5 / (2.25 + 1), (3 + 0.5) / (0.75 + 3 + 1)
    assert scores == pytest.approx([jpg] * 3 + [png] * 4 + [0.5])


def test_an_ending_is_a_category():
    cue = results(table(ending=[".jpg", ".JPEG"] * 12 + [".jpg", ".png"] * 12))["ending"]
    assert (cue.detail, cue.kind) == ("by category", "container")
    # Of pairs, a half have the real .JPEG below all, a quarter .jpg below .png, and a quarter are tied at .jpg.
    assert cue.auroc == pytest.approx(0.875, abs=0.03)


def test_a_constant_cue_says_nothing():
    frame = table(ending=[".png"] * 48, brightness=[0.5] * 48, jpeg_quality=pl.Series([None] * 48, dtype=pl.Int64))
    for cue in results(frame).values():
        assert (cue.auroc, cue.apparent, cue.detail) == (0.5, 0.5, "constant")


def test_one_size_of_all_generated_images_is_found_as_a_category():
    sides = np.random.default_rng(1).integers(300, 700, 24)
    cues = results(table(width=[*sides, *[512] * 24], height=[400] * 48))
    assert cues["size"].auroc == 1
    assert cues["width"].auroc < 0.8


def test_a_missing_quality_is_lower_than_every_quality():
    feature = feature_of(pl.Series("jpeg_quality", [75, None, 96, 90]), False)
    assert feature.values.tolist() == [75, 74, 96, 90]
    cue = results(table(jpeg_quality=[96] * 24 + [75] * 12 + [None] * 12))["jpeg_quality"]
    assert (cue.auroc, cue.detail) == (1, "lower")


def test_a_missing_category_is_its_own():
    feature = feature_of(pl.Series("ending", [".png", None, ".jpg", None]), True)
    assert feature.values.tolist() == [1, 3, 0, 3]


def test_groups_are_never_cut_and_parts_are_even():
    frame = table(n=30).with_columns(group=pl.Series([f"g{i // 3}" for i in range(60)]))
    for count in (2, 5):
        parts = parts_of(images_of(frame), count)
        assert all(len(set(parts[i : i + 3])) == 1 for i in range(0, 60, 3))
        sizes = np.bincount(parts[:30]), np.bincount(parts[30:])
        assert all(size.tolist() == [30 // count] * count for size in sizes)


def test_parts_depend_on_the_names_of_the_groups_alone():
    frame = table()
    shuffled = frame.sample(fraction=1, shuffle=True, seed=3)
    part_of = dict(zip(frame["group"], parts_of(images_of(frame), 2), strict=True))
    assert dict(zip(shuffled["group"], parts_of(images_of(shuffled), 2), strict=True)) == part_of


def test_the_audit_does_not_depend_on_the_order_of_the_rows():
    generator = np.random.default_rng(5)
    frame = table(brightness=generator.normal(size=48), ending=generator.choice([".png", ".jpg"], 48))
    shuffled = frame.sample(fraction=1, shuffle=True, seed=1)
    first, second = (audit_records(study_of(audits_of(rows))) for rows in (frame, shuffled))
    assert first == second


def test_the_worst_cue_is_the_one_that_separates():
    generator = np.random.default_rng(2)
    strong = generator.normal(size=48) + np.repeat([0, 3], 24)
    frame = table(brightness=generator.normal(size=48), contrast=strong, jpeg_quality=generator.integers(50, 99, 48))
    (found,) = audits_of(frame)
    contrast = next(cue for cue in found.cues if cue.name == "contrast")
    for kind in ("content", "all"):
        assert (found.worst[kind].detail, found.worst[kind].auroc) == ("contrast", contrast.auroc)
    assert found.worst["container"].detail == "jpeg_quality"


def test_a_combination_is_better_than_its_weak_parts():
    generator = np.random.default_rng(4)
    shared, sign = generator.normal(size=200), np.repeat([-0.3, 0.3], 100)
    frame = table(100, brightness=shared + sign, contrast=shared - sign)
    (found,) = audits_of(frame)
    assert max(cue.auroc for cue in found.cues) < 0.75
    assert found.combined["content"].auroc > 0.95
    features = [feature_of(frame[name], False) for name in ("brightness", "contrast")]
    parts = parts_of(images_of(frame), 5)
    scores = combined(features, frame["label"].to_numpy(), parts)
    assert found.combined["content"].auroc == mean_auroc(frame["label"].to_numpy(), scores, parts)


def test_a_combination_takes_categories_and_missing_numbers():
    frame = table(ending=[".jpg"] * 24 + [".jpg", ".png"] * 12, jpeg_quality=[90] * 24 + [None, 90] * 12)
    (found,) = audits_of(frame)
    assert found.combined["container"].auroc > 0.95


def test_each_generator_faces_its_own_real_images():
    frame = pl.concat([table(brightness=np.repeat([0.0, 1.0], 24)), table(brightness=np.repeat([0.0, 1.0], 24))])
    second = pl.int_range(pl.len()) >= 48
    renamed = frame.with_columns(
        pl.when(second).then(pl.col("generator") + "2").otherwise("generator").alias("generator"),
        pl.when(second).then("b" + pl.col("path")).otherwise("path").alias("path"),
        pl.when(second & (pl.col("label") == 0)).then(9.0).otherwise("brightness").alias("brightness"),
    )
    own = audits_of(renamed, {"gan": ("camera",), "gan2": ("camera2",)})
    assert [found.cues[0].detail for found in own] == ["higher", "lower"]
    assert [found.cues[0].auroc for found in own] == [1, 1]
    assert [len(found.images) for found in own] == [48, 48]


def test_too_few_images_have_a_reason_and_no_number():
    one = results(table(1, brightness=[0.0, 1.0]))["brightness"]
    assert math.isnan(one.auroc)
    assert one.reason == "fewer than 2 independent groups of a class"
    (few,) = audits_of(table(3, brightness=np.arange(6.0)))
    assert few.cues[0].auroc == 1
    assert few.cues[0].interval is None
    assert few.cues[0].reason.startswith("fewer than 10 independent groups")
    assert few.worst["all"].reason == "fewer than 4 independent groups of a class"
    assert few.combined["all"].detail == "3 folds"


def test_what_was_learned_has_no_interval_but_says_why():
    frame = table(brightness=np.random.default_rng(0).normal(size=48), ending=[".png", ".jpg"] * 24)
    (found,) = audits_of(frame)
    chosen = [found.worst["all"], found.combined["all"], results(frame)["ending"]]
    assert [cue.interval for cue in chosen] == [None] * 3
    assert [cue.reason.rsplit(" ", 1)[-1] for cue in chosen] == ["cues", "weights", "categories"]
    assert results(frame)["brightness"].interval is not None


def test_the_file_has_a_row_for_each_cue_the_worst_and_the_combinations(tmp_path):
    audits = audits_of(table(brightness=np.arange(48.0), width=[8] * 48, height=[8] * 48))
    frame, empty = (pl.read_csv(write_audit(study_of(given), tmp_path)[0]) for given in (audits, []))
    assert frame.select("cue", "kind").rows() == [
        ("width", "container"),
        ("height", "container"),
        ("size", "container"),
        ("brightness", "content"),
        *(("worst", kind) for kind in ("container", "content", "all")),
        *(("combined", kind) for kind in ("container", "content", "all")),
    ]
    assert frame["auroc"].to_list()[:4] == [0.5, 0.5, 0.5, 1]
    assert set(frame["n_real"]) == set(frame["n_generated"]) == {24}
    assert empty.columns == frame.columns


def test_cross_fitted_scores_of_one_part_do_not_depend_on_its_own_labels():
    frame = table(brightness=np.random.default_rng(7).normal(size=48))
    labels, parts = frame["label"].to_numpy(), parts_of(images_of(frame), 2)
    feature = feature_of(frame["brightness"], False)
    flipped = np.where(parts == 0, 1 - labels, labels)
    inside = parts == 0
    assert np.array_equal(cross_fitted(feature, labels, parts)[inside], cross_fitted(feature, flipped, parts)[inside])


def real_images(n: int = 30) -> tuple[pl.DataFrame, pl.DataFrame]:
    generator = np.random.default_rng(9)
    quality = generator.integers(70, 80, n)
    cues = table(n, jpeg_quality=[*quality.tolist(), *[50] * n], width=[*range(n), *[9] * n], height=[2] * 2 * n)
    score = generator.normal(size=2 * n) + np.concatenate([quality / 4, np.full(n, 99)])
    return cues, pl.DataFrame({"path": cues["path"], "detector": "a", "score": score})


def test_correlations_are_scipys_within_the_real_images():
    cues, scores = real_images()
    quality, pixels = score_correlations(scores, cues, draws=200)
    assert (quality.fact, pixels.fact, quality.n) == ("jpeg_quality", "pixels", 30)
    assert quality.rho == pytest.approx(spearmanr(scores["score"][:30], cues["jpeg_quality"][:30]).statistic)
    assert pixels.rho == pytest.approx(spearmanr(scores["score"][:30], cues["width"][:30]).statistic)
    assert quality.interval.low < quality.rho < quality.interval.high
    assert quality.interval.low > 0


def test_the_interval_of_a_correlation_is_that_of_repeated_images():
    cues, scores = real_images()
    pairs = [scores["score"].to_numpy()[:30], cues["jpeg_quality"].to_numpy()[:30].astype(float)]
    counts = np.random.default_rng(0).integers(0, 4, (20, 30))
    expected = [spearmanr(*(np.repeat(values, row) for values in pairs)).statistic for row in counts]
    assert _spearman(pairs, np.zeros(30, int), counts) == pytest.approx(expected)


def test_a_correlation_that_cannot_be_has_a_reason():
    cues, scores = real_images()
    flat, _ = score_correlations(scores, cues.with_columns(jpeg_quality=pl.lit(75)), draws=10)
    assert math.isnan(flat.rho)
    assert flat.reason == "jpeg_quality of a source's real images all alike"
    none, _ = score_correlations(scores, cues.with_columns(jpeg_quality=pl.lit(None, pl.Int64)), draws=10)
    assert none.reason == "no real images with this fact"
    few = score_correlations(scores.head(5), cues, draws=10)[1]
    assert (few.n, few.interval) == (5, None)
    assert few.reason == "fewer than 10 independent groups"


def test_a_difference_between_sources_is_no_correlation_within_them():
    """Two sources that differ in quality and in score, without any relation within either."""
    rng, n = np.random.default_rng(3), 400
    source = np.repeat([0, 1], n)
    cues = pl.DataFrame(
        {
            "path": [f"{i:03d}" for i in range(2 * n)],
            "label": 0,
            "generator": np.where(source, "web", "camera"),
            "group": [f"{i:03d}" for i in range(2 * n)],
            "jpeg_quality": rng.integers(70, 80, 2 * n) + 15 * source,
            "width": 8,
            "height": 8,
        }
    )
    scores = pl.DataFrame({"path": cues["path"], "detector": "a", "score": rng.normal(size=2 * n) + 3 * source})
    assert spearmanr(scores["score"], cues["jpeg_quality"]).statistic > 0.5
    quality, pixels = score_correlations(scores, cues, draws=200)
    within = [
        spearmanr(scores["score"].filter(part), cues["jpeg_quality"].filter(part)).statistic
        for part in (pl.Series(source == 0), pl.Series(source == 1))
    ]
    assert quality.rho == pytest.approx(np.mean(within), abs=0.01)
    assert quality.interval.low < 0 < quality.interval.high
    assert (quality.n, pixels.reason) == (2 * n, "pixels of a source's real images all alike")


def test_a_source_without_variation_does_not_dilute_a_correlation():
    cues, scores = real_images()
    alone = score_correlations(scores, cues, draws=10)[0]
    flat = cues.head(30).with_columns(path=pl.col("path") + "b", generator=pl.lit("web"), jpeg_quality=pl.lit(50))
    more = pl.concat([scores, scores.head(30).with_columns(path=pl.col("path") + "b")])
    both = score_correlations(more, pl.concat([cues, flat.select(cues.columns)], how="vertical_relaxed"), draws=10)[0]
    assert (both.rho, both.n) == (pytest.approx(alone.rho), 30)
