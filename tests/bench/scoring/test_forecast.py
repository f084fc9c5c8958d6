"""The plan says what a run then does."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bench.report.forecast import forecast_lines
from bench.results.comparing import compare
from bench.results.time_estimate import TimeEstimate
from bench.scoring.forecast import Forecast, LiveBytes, activation_bytes, forecast, tensor_bytes
from bench.scoring.options import RunOptions

pytestmark = pytest.mark.usefixtures("small_views")

FIVE = ["wepe", "rigid", "mc-dropout:n=3", "gradient-cuff:directions=3", "wepe-gradient-cuff:directions=3"]
FAMILY = [
    *("wepe", "wepe:preset=text", "rigid", "rigid:layer=2", "conv:crops=2", "minder", "contrastive-blur", "warpad"),
    *("hfi", "aeroblade", "mc-dropout:n=2", "gradient-cuff:directions=2", "wepe-gradient-cuff:directions=2"),
]
"""Every training-free detector that needs no download, with fewer draws; several share passes."""


def options_of(root: Path, output: Path, **more: object) -> RunOptions:
    values: dict[str, object] = {"dataset": "folder", "data_root": str(root), "num_workers": 0, "limit": 4}
    return RunOptions(output=output, **(values | more))


def passes_made(output: Path) -> int:
    runs = sorted(output.glob("scores/*/*/run.json"))
    return json.loads(runs[-1].read_text())["cost"]["backbone_passes"]


@pytest.mark.parametrize(
    ("detectors", "more"),
    [
        (["wepe", "rigid"], {}),
        (["wepe", "rigid"], {"view": "common"}),
        (["wepe"], {"seeds": 3}),
        (["wepe"], {"seeds": 3, "crop_seeds": True}),
        (FIVE, {"view": "common"}),
        (["wepe", "aeroblade"], {"conditions": ("jpeg:75",)}),
        (FAMILY, {"resize": None}),
    ],
)
@pytest.mark.heavy
def test_the_planned_passes_are_those_that_are_made(image_folder, tmp_path, detectors, more):
    options = options_of(image_folder, tmp_path, **more)
    planned = forecast(detectors, options)
    compare(detectors, options)
    assert planned.passes == passes_made(tmp_path) > 0
    again = forecast(detectors, options)
    assert (again.passes, again.to_read, again.stored) == (0, 0, again.scores)


@pytest.mark.heavy
def test_what_the_store_has_is_not_planned_again(image_folder, tmp_path):
    compare(["wepe"], options_of(image_folder, tmp_path))
    planned = forecast(["wepe", "rigid"], options_of(image_folder, tmp_path, limit=None))
    assert (planned.images, planned.to_read, planned.scores, planned.stored) == (36, 36, 72, 12)
    assert planned.by_detector == {"wepe": 24, "rigid": 36}
    compare(["wepe", "rigid"], options_of(image_folder, tmp_path, limit=None))
    assert planned.passes == passes_made(tmp_path)


def test_the_plan_scores_nothing(image_folder, tmp_path):
    lines = forecast_lines(forecast(["wepe"], options_of(image_folder, tmp_path)))
    assert not list(tmp_path.rglob("*.parquet"))
    assert "12 wanted, 0 in the store, 12 to compute" in " ".join(lines)


def test_the_check_of_a_precision_is_in_the_plan(image_folder, tmp_path):
    planned = forecast(["wepe"], options_of(image_folder, tmp_path, precision="bf16-mixed"))
    assert planned.check == 12


@pytest.mark.parametrize(
    ("passes", "estimate", "words"),
    [
        (500, None, "--compile does not pay here: compiling takes longer than so few passes can repay (below 1,800)."),
        (5000, None, "--compile pays on some machines only, and for many images: --estimate measures whether it does"),
        (5000, TimeEstimate(20.0, 70.0, 20, without_compile=80.0), "--compile does not pay here: about 80 s without"),
        (500, TimeEstimate(20.0, 70.0, 20, without_compile=95.0), "--compile pays here: about 95 s without it."),
    ],
)
def test_the_plan_says_whether_compiling_pays(passes, estimate, words):
    planned = Forecast(9, 9, ("clean",), 9, 0, passes, {"wepe": 9}, 0, 1, 1, 1, 1, 9)
    assert words not in " ".join(forecast_lines(planned, estimate))
    assert words in " ".join(forecast_lines(replace(planned, compiled=True), estimate))


def test_live_bytes_forget_what_is_freed():
    def chain(images: torch.Tensor) -> torch.Tensor:
        for _ in range(10):
            images = images + 1
        return images

    images = torch.zeros(1000)
    with LiveBytes() as counted:
        result = chain(images)
    assert counted.peak == 2 * 4000  # a sum and the one before it
    assert counted.live == 4000
    del result
    assert counted.live == 0


def test_activations_grow_with_the_batch_and_not_with_the_weights(vit):
    images = torch.zeros(4, 3, 56, 56)
    assert activation_bytes(vit, images) == pytest.approx(activation_bytes(vit, images[:2]), rel=0.1)
    tokens, width = 17, 48
    assert activation_bytes(vit, images) > 4 * tokens * width * 4  # the hidden layer of an MLP


def test_tensors_that_networks_share_count_once(vit):
    twin = vit.with_parameters({"norm.weight": vit.model.norm.weight * 2})
    both = torch.nn.ModuleList([vit, twin])
    assert tensor_bytes(both) == tensor_bytes(vit) + vit.model.norm.weight.nbytes
