"""What seeds and methods share is done once."""

import copy
import json
from pathlib import Path

import polars as pl
import pytest
import torch
from released_files import small_clip, small_network, write_checkpoint
from stored_rows import stored_rows

from bench.report.notes import comparison_notes
from bench.results.comparing import compare
from bench.results.comparison import Comparison
from bench.scoring import plan
from bench.scoring.machine.costs import CostMeter
from bench.scoring.options import RunOptions
from datamodules import FolderDataModule
from datamodules.conditions import Picture
from detectors import Backbone, View, create_detector
from detectors.trained import on_clip

pytestmark = pytest.mark.usefixtures("small_views")


def run(root: Path, output: Path, detectors: list[str], **more: object) -> Comparison:
    values: dict[str, object] = {"dataset": "folder", "data_root": str(root), "num_workers": 0, "limit": 4}
    result = compare(detectors, RunOptions(output=output, **(values | more)))
    assert result is not None
    return result


def passes(output: Path) -> int:
    (facts,) = (json.loads(file.read_text()) for file in output.glob("scores/*/*/run.json"))
    return facts["cost"]["backbone_passes"]


@pytest.mark.parametrize(
    ("detector", "crop_seeds", "each"),
    [("wepe:preset=text", False, 6), ("wepe:preset=text", True, 10), ("wepe", False, 6), ("wepe", True, 6)],
)
@pytest.mark.heavy
def test_five_seeds_share_the_clean_pass_unless_each_crops_anew(image_folder, tmp_path, detector, crop_seeds, each):
    result = run(image_folder, tmp_path, [detector], seeds=5, crop_seeds=crop_seeds)
    assert passes(tmp_path) == 12 * each  # by default the whole image is scaled: there is no crop to draw
    text = "another random crop" if crop_seeds else "all see the same crop"
    words = text if "text" in detector else "no picture is cropped"
    assert sum(words in note for note in comparison_notes(result)) == 1


@pytest.mark.heavy
def test_the_first_seeds_crop_is_the_one_that_all_share_otherwise(image_folder, tmp_path):
    run(image_folder, tmp_path / "fixed", ["wepe:preset=text"], seeds=2)
    run(image_folder, tmp_path / "anew", ["wepe:preset=text"], seeds=2, crop_seeds=True)
    fixed, anew = (stored_rows(tmp_path / name).sort("seed", "path") for name in ("fixed", "anew"))
    assert set(fixed["fingerprint"]).isdisjoint(anew["fingerprint"])
    same = (fixed["score"] / anew["score"] - 1).abs() < 1e-5
    assert same.filter(fixed["seed"] == 0).all()
    assert not same.filter(fixed["seed"] == 1).any()


@pytest.mark.heavy
def test_the_protocol_of_a_table_says_how_crops_are_drawn(image_folder, tmp_path):
    run(image_folder, tmp_path, ["wepe"], seeds=2, crop_seeds=True)
    (facts,) = (json.loads(file.read_text()) for file in tmp_path.glob("scores/*/*/run.json"))
    assert facts["data"]["protocol"]["crop_seed"] == "one a seed"


def test_each_crop_is_cut_once_from_one_decoded_image(image_folder):
    data = FolderDataModule(image_folder, num_workers=0, limit=2, resize=None)
    data.setup()
    crop, square = View(24, "random-crop"), View(24, "resize")
    data.views, data.crops = (crop, square), (0, 1, 2)
    (batch,) = data.test_dataloader()
    pictures = {Picture("clean", crop, number) for number in range(3)} | {Picture("clean", square)}
    assert set(batch.views) == pictures
    assert not torch.equal(batch.views[Picture("clean", crop, 1)], batch.views[Picture("clean", crop, 2)])
    data.crops, data.crop_seed = None, 1
    (alone,) = data.test_dataloader()
    assert torch.equal(alone.views[Picture("clean", crop)], batch.views[Picture("clean", crop, 1)])


def test_two_methods_share_a_perturbed_network_and_its_pass(vit: Backbone):
    first = create_detector("wepe", vit)
    cuff = create_detector("wepe-gradient-cuff", vit, directions=3)
    assert first.perturbed[0] is cuff.perturbed[0]
    assert create_detector("wepe", vit, seed=1).perturbed[0] is not first.perturbed[0]
    assert create_detector("wepe", vit, ratio=0.2).perturbed[0] is not first.perturbed[0]
    images, keys = torch.rand(2, 3, 56, 56), torch.arange(2)
    before = vit.counter.images
    with torch.inference_mode():
        scores = first(images, keys)
        cuff(images, keys)
    assert vit.counter.images - before == 2 * (1 + 3)
    expected = create_detector("wepe", vit.with_parameters({}))(images, keys)
    torch.testing.assert_close(scores, expected)


def test_a_run_counts_the_blocks_that_it_spared(own_vit: Backbone):
    images, keys = torch.rand(2, 3, 56, 56), torch.arange(2)
    cuff = create_detector("wepe-gradient-cuff", own_vit, directions=3, blocks="2")
    with torch.inference_mode():
        cuff(images.clone(), keys)
        meter = CostMeter()
        meter.start([own_vit])
        cuff(images, keys)
    cost = meter.cost(2, [1.0], 2)
    assert (cost["backbone_passes"], cost["spared_block_passes"]) == (2 * (1 + 3), 2 * 3 * 2)


@pytest.mark.heavy
@pytest.mark.parametrize("own", [False, True])
def test_univfd_and_rine_make_one_clean_pass(image_folder, tmp_path, monkeypatch, own):
    """Of the run's CLIP, and beside another backbone of the one that both name."""
    clip = small_clip(tmp_path, side=224)
    monkeypatch.setattr(plan if not own else on_clip, "create_backbone", lambda *asked: clip)
    clip_file = f",clip_weights={tmp_path / 'clip.safetensors'}" if own else ""
    names = [f"{name}:checkpoint={write_checkpoint(name, tmp_path)}{clip_file}" for name in ("univfd", "rine")]
    backbone = "efficientnet-lite0" if own else "clip-vitl14"
    with small_network("rine"):
        run(image_folder, tmp_path / "results", names, backbone=backbone, resize=None)
    assert clip.counter.images == 12


def test_a_network_that_was_cast_is_not_shared_with_one_that_was_not(vit: Backbone):
    own = copy.deepcopy(vit)
    held = create_detector("wepe", own)
    held.perturbed[0].model.get_submodule("blocks.0.mlp.fc1").to(torch.bfloat16)
    fresh = create_detector("wepe", own)
    assert fresh.perturbed[0] is not held.perturbed[0]
    assert {parameter.dtype for parameter in fresh.perturbed[0].parameters()} == {torch.float32}


def test_a_network_whose_weights_change_is_drawn_anew(vit: Backbone):
    own = copy.deepcopy(vit)
    held = create_detector("wepe", own).perturbed[0]
    assert create_detector("wepe", own).perturbed[0] is held
    with torch.no_grad():
        own.model.get_parameter("blocks.0.mlp.fc1.weight").mul_(2)
    assert create_detector("wepe", own).perturbed[0] is not held
    assert create_detector("wepe", copy.deepcopy(own)).perturbed[0] is not held


@pytest.mark.heavy
def test_scores_of_one_image_under_one_seed_are_stored_once(image_folder, tmp_path):
    run(image_folder, tmp_path, ["wepe"], seeds=2, crop_seeds=True)
    rows = stored_rows(tmp_path)
    assert len(rows) == len(rows.unique(["path", "seed"])) == 24
    assert rows["status"].eq("ok").all()
    assert rows.select(pl.col("score").is_finite().all()).item()
