from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

from bench.errors import BenchError
from bench.scoring.images import image_batches
from bench.scoring.options import RunOptions
from bench.scoring.setting import Setting
from bench.statistics.number import Number
from bench.studies.base import Line
from bench.studies.features.base import Features, read_features
from bench.studies.features.blocks import (
    READINGS,
    BlocksStudy,
    decision,
    distance_lines,
    draw_profiles,
    nearest_first,
    prediction,
    printed_row,
)
from bench.studies.features.fid import FidStudy, make_sides, printed_numbers, rank_lines
from bench.studies.features.fid import distance_lines as fid_lines
from bench.studies.features.prefixes import PrefixStudy, PrefixSweep
from bench.studies.features.sensitivity import LEVELS, GrowingNoiseStudy, level_lines, principal_plane
from bench.studies.features.tsne import make_map
from bench.studies.output import study_markdown
from bench.studies.wepe import FEATURES, PAPER
from datamodules import Batch, FolderDataModule
from datamodules.conditions import CLEAN, Picture
from detectors import Backbone, Perturbation, View, WePe
from detectors.similarity import cosine_distance

pytestmark = pytest.mark.usefixtures("small_views")

STUDIES = {study.name: study for study in FEATURES}
SMALL = View(56, "random-crop")
SVG = "{http://www.w3.org/2000/svg}svg"


@pytest.fixture
def options(image_folder, tmp_path) -> RunOptions:
    return RunOptions(
        dataset="folder", data_root=str(image_folder), limit=6, batch_size=4, num_workers=0, output=tmp_path / "out"
    )


@pytest.fixture
def setting(image_folder, vit) -> Setting:
    """The small transformer on the folder, with pictures of its size."""
    datamodule = FolderDataModule(image_folder, batch_size=5, num_workers=0)
    datamodule.setup()
    return Setting(datamodule, vit, torch.device("cpu"), SMALL)


def batches_of(setting: Setting, indices: list[int] | None = None) -> Iterator[Batch]:
    return image_batches(setting.datamodule, (setting.view,), setting.device, indices)


def random_table(natural: int, generated: int, generators: int = 1) -> pl.DataFrame:
    """Images without pixels; two natural images share a group."""
    rows = [(f"real/{i}", f"group {i // 2}", 0, "camera") for i in range(natural)]
    rows += [(f"{g}/{i}", f"{g}/{i}", 1, f"made {g}") for g in range(generators) for i in range(generated)]
    schema = {"path": pl.String, "group": pl.String, "label": pl.Int8, "generator": pl.String}
    return pl.DataFrame(rows, schema, orient="row")


@pytest.mark.parametrize("name", sorted(set(STUDIES) - {"table12", "table14"}))
@pytest.mark.heavy
def test_every_study_runs_on_a_folder_with_a_broken_file_and_gives_the_same_again(name, options, image_folder):
    (image_folder / "real" / "camera" / "broken.png").write_bytes(b"no picture")
    options = replace(options, limit=13, generators=("blurry",))
    result = STUDIES[name].run(options)
    assert result.lines
    assert all(line.ours is not None for line in result.lines)
    for svg in result.figures.values():
        assert ElementTree.fromstring(svg).tag == SVG
    notes = " ".join(result.notes)
    assert "Not comparable with the paper: other data (folder" in notes
    assert name == "figure2" or "Unreadable, left out: 1" in notes
    study = STUDIES[name]
    again = study.run(options)
    assert study_markdown(study, again) == study_markdown(study, result)
    assert again.figures == result.figures


def test_costs_are_known_before_anything_is_read(options):
    costs = {name: study.cost(replace(options, backbone="dinov2-vitl14"), 1000) for name, study in STUDIES.items()}
    assert costs["figure5"].passes == 1 + 13  # the clean pass, and 24 + 24 * 23 / 2 = 300 block passes of 24
    assert costs["table14"].passes == 14 * 14  # 24 + 24 * 25 / 2 = 324 block passes of 24, rounded up, 14 times
    assert costs["table14"].images == 128
    assert costs["figure7"].passes == 4
    assert costs["figure2"].images == 2


@pytest.mark.heavy
def test_the_sweep_gives_the_scores_of_wepe_for_every_number_of_blocks(setting, cnn):
    (batch, *_) = batches_of(setting)
    images = batch.views[Picture(CLEAN, SMALL)]
    for backbone in (setting.backbone, cnn):
        sweep = PrefixSweep(backbone, Perturbation(), seed=3)
        for part in (images[:2], images[2:]):  # the second batch meets recordings of the first
            found = sweep.distances(part, backbone.compute(part))
            expected = [WePe(backbone, blocks=k, seed=3)(part, batch.key) for k in range(1, backbone.depth + 1)]
            torch.testing.assert_close(found, torch.stack(expected), rtol=0, atol=1e-12)
        assert sweep.split
        assert sweep.block_passes() == backbone.depth + backbone.depth * (backbone.depth - 1) // 2


def test_the_sweep_draws_whole_networks_where_prefixes_cannot_be_shared(setting):
    (batch, *_) = batches_of(setting)
    images = batch.views[Picture(CLEAN, SMALL)]
    sweep = PrefixSweep(setting.backbone, Perturbation(), seed=0)
    sweep.recording.record = setting_order(sweep.recording.record, sweep.recording)
    found = sweep.distances(images, setting.backbone.compute(images))
    assert not sweep.split
    expected = [WePe(setting.backbone, blocks=k)(images, batch.key) for k in range(1, setting.backbone.depth + 1)]
    torch.testing.assert_close(found, torch.stack(expected), rtol=0, atol=1e-12)
    assert sweep.block_passes() == setting.backbone.depth**2


def setting_order(record, recording):
    """Wraps a recording so that the blocks seem to have run backwards."""

    def wrapped(images):
        features = record(images)
        recording.order.reverse()
        return features

    return wrapped


@pytest.mark.heavy
def test_the_sweep_of_a_data_set_has_a_line_for_each_k_and_generator(setting, options):
    study = STUDIES["figure5"]
    assert isinstance(study, PrefixStudy)
    result = study.measure(setting, replace(options, seeds=2))
    depth = setting.backbone.depth
    assert [line.row for line in result.lines[::3]] == [f"first {k}" for k in range(1, depth + 1)]
    assert {line.column for line in result.lines} == {"blurry", "sharp", "mean"}
    assert all(line.ours.interval is not None and len(line.ours.seeds) == 2 for line in result.lines if line.ours)


def test_sides_are_equal_disjoint_and_keep_groups_together():
    table = random_table(40, 30)
    sides = make_sides(table, {"made 0": ("camera",)})
    assert sides.n == 20
    for first, second in sides.pairs["natural"]:
        assert len(first) == len(second) == 20
        groups = [set(table["group"].to_numpy()[half]) for half in (first, second)]
        assert not groups[0] & groups[1]
    assert all(table["label"].to_numpy()[rows].all() and len(rows) == 20 for _, rows in sides.pairs["made 0"])
    assert make_sides(table, {"made 0": ("camera",)}, most=8).n == 8


def test_distances_are_refused_under_twice_the_features_and_measured_from_there_on(setting):
    table = random_table(80, 40)
    stream = np.random.default_rng(0)
    values = stream.normal(size=(len(table), 20)) + 0.8 * (table["label"].to_numpy() == 1)[:, None]
    sides = make_sides(table, {"made 0": ("camera",)})
    lines = {
        (line.row, line.metric): line.ours for line in fid_lines(setting, Features(table, (values,), ()), sides, {})
    }
    assert lines["made 0", "fid"].value > 2 * lines["natural", "fid"].value > 0
    assert len(lines["natural", "fid"].seeds) == 5
    assert lines["made 0", "kid"].value > 10 * abs(lines["natural", "kid"].value)

    wide = np.concatenate([values, values[:, :1]], axis=1)
    refused = fid_lines(setting, Features(table, (wide,), ()), sides, {})
    for line in refused:
        assert np.isnan(line.ours.value) == (line.metric == "fid")
        if line.metric == "fid":
            assert line.ours.reason.startswith("refused: 40 images a side are fewer than 2 x 21 features")


def test_a_distance_on_the_papers_data_stands_beside_the_printed_one_and_is_not_comparable(setting):
    setting.datamodule.name = "lsun-bedroom"
    table = random_table(80, 40).with_columns(pl.col("generator").replace("made 0", "adm"))
    values = np.random.default_rng(0).normal(size=(len(table), 4))
    sides, printed = make_sides(table, {"adm": ("camera",)}), printed_numbers(PAPER, "lsun-bedroom")
    found = fid_lines(setting, Features(table, (values,), ()), sides, printed)
    lines = {(line.row, line.metric): line for line in found}
    assert lines["natural", "fid"].reported.value == 1.09
    assert lines["adm", "fid"].reported.value == 18.25
    assert lines["adm", "kid"].reported is None
    assert lines["adm", "fid"].verdict.kind == "not comparable"
    reasons = " ".join(lines["adm", "fid"].verdict.reasons)
    assert "other backbone (small-dinov2" in reasons
    assert "unpublished: which DINOv2 model gave the features" in reasons


def test_ranks_are_correlated_from_three_generators_on_without_the_natural_images():
    def lines(*points: tuple[str, float, float]) -> list[Line]:
        return [
            Line(name, "", metric, Number(value))
            for name, distance, auroc in points
            for metric, value in (("fid", distance), ("auroc", auroc))
        ]

    points = [("natural", 1.0, 0.5), ("a", 2.0, 0.7), ("b", 3.0, 0.6), ("c", 4.0, 0.9)]
    by_fid, by_kid = rank_lines(lines(*points))
    assert by_fid.ours.value == pytest.approx(0.5)  # ranks 1 2 3 against 2 1 3
    assert "few points" in by_fid.ours.reason
    assert np.isnan(by_kid.ours.value)
    assert np.isnan(rank_lines(lines(*points[:3]))[0].ours.value)


def test_the_printed_distances_are_found_and_are_those_of_the_paper():
    printed = printed_numbers(PAPER, "lsun-bedroom")
    assert printed["natural", "fid"].value == 1.09
    assert printed["adm", "auroc"].value == 0.7385
    assert printed_numbers(PAPER, "demo") == {}
    assert STUDIES["table6"].dataset == "lsun-bedroom"
    assert isinstance(STUDIES["table6"], FidStudy)


def test_readings_are_ranked_by_their_distance_to_the_printed_row():
    printed = [number.value for _, number in sorted(printed_row(PAPER).items())]
    assert (len(printed), printed[0], printed[22]) == (24, 0.994, 0.3481)
    profiles = {reading: [value - 0.01 * (i + 1) for value in printed] for i, reading in enumerate(READINGS)}
    profiles[READINGS[4]] = list(printed)
    order = nearest_first(profiles, printed)
    assert order[:2] == [READINGS[4], READINGS[0]]
    lines = distance_lines(profiles, printed, order)
    assert [line.ours.value for line in lines[:4]] == pytest.approx([0, 1, 0.01, 1], abs=1e-9)
    words = decision(profiles, printed, order)
    assert "rule=block_absmean_var, tensors=all (0.00 points; next rule=tensor_absmean, tensors=all, 1.00)" in words
    assert ElementTree.fromstring(draw_profiles(profiles, printed, "title")).tag == SVG


def test_another_reading_by_rank_correlation_is_said():
    profiles = {("tensor_std", "all"): [0.8, 0.9], ("tensor_mean", "all"): [0.5, 0.1]}
    words = decision(profiles, [0.9, 0.8], nearest_first(profiles, [0.9, 0.8]))
    assert "rule=tensor_std, tensors=all (10.00 points" in words
    assert "but rule=tensor_mean, tensors=all by rank correlation (1.000)" in words


@pytest.mark.heavy
def test_every_reading_is_probed_and_another_backbone_decides_nothing(setting, options):
    study = STUDIES["table14"]
    assert isinstance(study, BlocksStudy)
    result = study.measure(setting, options)
    assert {line.row for line in result.lines} == {f"rule={rule}, tensors={tensors}" for rule, tensors in READINGS}
    assert len(result.lines) == 14 * setting.backbone.depth
    assert all(line.reported is None for line in result.lines)
    assert "decides nothing" in " ".join(result.notes)


def test_growing_noise_is_the_similarity_to_the_clean_features(setting, options):
    study = STUDIES["figure2"]
    assert isinstance(study, GrowingNoiseStudy)
    result = study.measure(setting, options)
    path = next(note for note in result.notes if "real: " in note).partition("real: ")[2].partition(",")[0]
    row = setting.datamodule.items["path"].to_list().index(path)
    (batch,) = batches_of(setting, [row])
    images = batch.views[Picture(CLEAN, SMALL)]
    twin = WePe(setting.backbone, ratio=0.2)
    expected = 1 - twin(images, batch.key).item()
    assert {line.column: line.ours.value for line in result.lines if line.row == "real"}["ratio 0.2"] == pytest.approx(
        expected, abs=1e-12
    )


def test_a_class_without_a_readable_image_is_a_mistake(options, image_folder):
    for file in (image_folder / "real" / "camera").iterdir():
        file.write_bytes(b"no picture")
    with pytest.raises(BenchError, match="no readable real image"):
        STUDIES["figure2"].run(options)


def test_levels_by_hand():
    units = np.zeros((1, len(LEVELS), 2))
    units[0, :, 0] = 1
    units[0, 3] = [0, 1]
    values = [line.ours.value for line in level_lines("real", units)]
    assert values == pytest.approx([1, 1, 0, 1, 1])


def test_the_plane_keeps_points_of_a_line_on_the_first_axis():
    points = np.outer([-2.0, 0.0, 2.0], [3.0, 4.0, 0.0])
    np.testing.assert_allclose(principal_plane(points), [[-10, 0], [0, 0], [10, 0]], atol=1e-12)


def test_a_map_has_a_point_for_each_image_and_network_and_parts_what_is_far_apart():
    stream = np.random.default_rng(0)
    far = np.repeat([[10.0, 0, 0], [0, 10.0, 0]], 20, axis=0) + stream.normal(scale=0.1, size=(40, 3))
    points, divergence = make_map([far, far])
    assert points.shape == (2, 40, 2)
    clouds = points[0, :20], points[0, 20:]
    gap = np.linalg.norm(clouds[0].mean(axis=0) - clouds[1].mean(axis=0))
    assert gap > 2 * max(cloud.std() for cloud in clouds)
    again, same = make_map([far, far])
    np.testing.assert_array_equal(again, points)
    assert same == divergence


def test_features_are_those_of_the_network_in_the_order_of_the_images(setting):
    found = read_features(setting, [setting.backbone], [3, 30])
    (batch,) = batches_of(setting, [3, 30])
    assert found.images["path"].to_list() == batch.path
    expected = setting.backbone.compute(batch.views[Picture(CLEAN, SMALL)])
    assert cosine_distance(torch.from_numpy(found.features[0]), expected).max() < 1e-12


def test_the_prediction_says_how_little_noise_matrices_get_and_whether_code_and_table_agree():
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    for layer in network:
        layer.weight.data = torch.tensor([[1.0, -1.0], [1.02, -0.98]])  # a mean of 0.01, a deviation of nearly 1
    words = prediction(Backbone("two", network, ["0", "1"]), [0.99, 0.98], [0.9, 0.35])
    assert "the mean of a weight matrix is 1.00% of its standard deviation" in words
    assert "the least similarity is 98.0%, of block 1" in words
    assert "The table's least is 35.0%, of block 1, where it is 98.0% here: code and table disagree." in words
    assert "code and table agree there" in prediction(Backbone("two", network, ["0", "1"]), [0.99, 0.36], [0.9, 0.35])
    assert "table" not in prediction(Backbone("two", network, ["0", "1"]), [0.99, 0.98], [])
