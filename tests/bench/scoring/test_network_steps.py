"""Pictures that a network gives back, and every condition of the grid `wild` in any number of processes."""

import hashlib
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch.nn import functional as F

from bench.cli.app import main
from bench.errors import BenchError
from bench.scoring import network_steps
from bench.scoring.conditions import robustness_conditions
from bench.scoring.grids import PRESETS, WILD
from datamodules import DataOptionError, FolderDataModule
from datamodules.degradations import parse_condition
from datamodules.demo_images.generators import Autoencoder, Upsampler, weights_path
from detectors import View
from detectors.errors import WeightsNotFoundError

KINDS = {"vae": ("autoencoder", Autoencoder, 8), "upscale": ("upsampler", Upsampler, 4)}


def plain_twin(image: Image.Image, name: str, half: str) -> np.ndarray:
    """What the demo's own class makes of a picture whose sides are extended by their last pixels."""
    generator, cls, multiple = KINDS[name]
    network = cls()
    network.load_state_dict(load_file(weights_path(generator, half)))
    pixels = torch.tensor(np.asarray(image)).permute(2, 0, 1)[None].float() / 255
    right, below = (-image.width % multiple, -image.height % multiple)
    with torch.no_grad():
        made = network(F.pad(pixels, (0, right, 0, below), mode="replicate"))
    return (made[0, :, : image.height, : image.width].clamp(0, 1) * 255).permute(1, 2, 0).numpy()


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("half", ["a", "b"])
@pytest.mark.parametrize("size", [(80, 64), (61, 47)])
def test_a_picture_is_the_networks_and_keeps_its_size(photograph, name, half, size):
    image = photograph(1, size)
    made = parse_condition(f"{name}:embedded-{half}").apply(image, 0, 0)
    assert (made.size, made.mode) == (size, "RGB")
    assert np.abs(np.asarray(made) - plain_twin(image, name, half)).max() <= 0.501  # the nearest level
    assert 0.5 < np.abs(np.asarray(made).astype(int) - np.asarray(image)).mean() < 30


def test_a_tiny_picture_is_extended_to_what_a_network_takes():
    made = parse_condition("vae:embedded-a").apply(Image.new("RGB", (3, 5), (90, 120, 60)), 0, 0)
    assert made.size == (3, 5)
    assert np.abs(np.asarray(made).astype(int) - [90, 120, 60]).max() < 60


@pytest.mark.parametrize("name", KINDS)
def test_a_large_picture_is_taken_in_tiles_without_seams(photograph, monkeypatch, name):
    image = photograph(2, (200, 150))
    whole = np.asarray(parse_condition(f"{name}:embedded-a").apply(image, 0, 0)).astype(int)
    monkeypatch.setattr(network_steps, "TILE", 64)
    tiled = np.asarray(parse_condition(f"{name}:embedded-a").apply(image, 0, 0)).astype(int)
    assert np.abs(whole - tiled).max() <= 1  # the context covers what a network sees; rounding may differ


@pytest.fixture
def set_threads():
    """Sets the number of torch's threads, which is put back."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_threads_change_nothing_and_are_given_back(photograph, set_threads):
    image, made = photograph(3), []
    for threads in (1, 2, 3):
        set_threads(threads)
        made.append(parse_condition("vae:embedded-b").apply(image, 0, 0).tobytes())
        assert torch.get_num_threads() == threads
    assert made[0] == made[1] == made[2]


def test_the_text_holds_the_weights_and_is_read_back():
    condition = parse_condition("vae:embedded-a@real")
    assert condition.name == "vae:embedded-a,weights=bff9ac7f@real"
    assert parse_condition(condition.name) == condition
    assert pickle.loads(pickle.dumps(condition)) == condition
    assert condition.curve is None
    names = {parse_condition(f"{kind}:embedded-{half}").name for kind in KINDS for half in "ab"}
    assert len({name.partition("=")[2] for name in names}) == 4


def test_other_weights_under_the_same_name_stand_apart_and_are_not_run():
    other = parse_condition("vae:embedded-a,weights=00000000")
    assert other.name != parse_condition("vae:embedded-a").name
    with pytest.raises(BenchError, match=r"asks for other weights than the ones that are here: weights=bff9ac7f\.$"):
        other.prepare()
    absent = parse_condition("vae:nowhere/at-all/vae,weights=12345678")  # of a store: it is read, nothing is fetched
    assert absent.name == "vae:nowhere/at-all/vae,weights=12345678"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("vae:nosuch", "Unknown autoencoder 'nosuch' in 'vae:nosuch'. Available: embedded-a, embedded-b, sd1, "),
        ("vae", "Unknown autoencoder '' in 'vae'"),
        ("vae:embedded", "Unknown autoencoder 'embedded' in .* Did you mean 'embedded-"),
        ("upscale:sd1", "Unknown upsampler 'sd1' in 'upscale:sd1'. Available: embedded-a, embedded-b."),
        ("upscale:embedded-a,weights=xyz", "'weights' in .* must be 8 hexadecimal digits, got 'xyz'"),
        ("vae:embedded-a,sample=yes", "Unknown option of 'vae' 'sample' .* Available: weights"),
    ],
)
def test_a_mistake_is_named(text, message):
    with pytest.raises(DataOptionError, match=message):
        parse_condition(text)


def test_weights_that_are_nowhere_are_one_line(hub_cache):
    with pytest.raises(BenchError, match=r"^vae:sd1 needs weights that are neither here nor .* vae:embedded-a\.$") as e:
        parse_condition("vae:sd1")
    assert isinstance(e.value.__cause__, WeightsNotFoundError)


@pytest.mark.heavy
def test_a_condition_that_cannot_be_carried_out_ends_a_run_before_it_begins(image_folder, tmp_path, capsys):
    words = ["robustness", "--detectors", "rigid", "--dataset", "folder", "--data-root", str(image_folder)]
    words += ["--output", str(tmp_path / "results"), "--conditions"]
    for text, told in (
        ("vae:nosuch", "error: Unknown autoencoder 'nosuch'"),
        ("vae:embedded-a,weights=00000000@real", "error: vae:embedded-a,weights=00000000 asks for other weights"),
    ):
        assert main([*words, text]) == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1
        assert lines[0].startswith(told)
    assert not (tmp_path / "results").exists()


def test_the_grid_is_of_distinct_conditions_that_are_read_back():
    names = robustness_conditions("wild")
    assert len(set(names)) == len(WILD) == len(PRESETS["wild"]) >= 12
    assert [parse_condition(name).name for name in names] == list(names)
    assert sum(name.endswith(",at=original") for name in names) == 11
    uneven = {name for name in names if not parse_condition(name).even}
    assert {name.partition(":")[0].partition(",")[0] for name in uneven} == {"dda", "vae", "upscale"}


def test_a_condition_of_one_class_is_not_limited_again():
    for text in ("dda", "vae:embedded-a@real"):
        with pytest.raises(BenchError, match="names its class already"):
            robustness_conditions(conditions=[text], only="generated")


def views_of(folder, workers: int, batch_size: int) -> dict[tuple[str, str], bytes]:
    """Every picture that a detector would be shown, by image and condition."""
    data = FolderDataModule(folder, num_workers=workers, batch_size=batch_size, limit=2)
    data.setup()
    data.views = (View(48, "centre-crop"),)
    data.conditions = tuple(map(parse_condition, WILD))
    return {
        (path, picture.condition): hashlib.sha256(image.numpy().tobytes()).digest()
        for batch in data.test_dataloader()
        for picture, images in batch.views.items()
        for path, image in zip(batch.path, images, strict=True)
    }


@pytest.mark.heavy
def test_workers_and_batches_change_no_bit_of_any_condition(image_folder, set_threads):
    set_threads(2)  # which processes that read do not have
    alone = views_of(image_folder, 0, 1)
    assert len(alone) == 6 * len(WILD)
    assert views_of(image_folder, 1, 4) == alone
    assert views_of(image_folder, 2, 2) == alone


SCRIPT = """
import hashlib, sys
import numpy as np
from PIL import Image
from bench.scoring.grids import WILD
import bench.scoring.network_steps
from datamodules.degradations import parse_condition
image = Image.open(sys.argv[1]).convert("RGB")
for text in WILD:
    for label in (0, 1):
        made = parse_condition(text).apply(image, 123, label)
        print(text, label, made.size, hashlib.sha256(made.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_processes_with_other_numbers_of_threads_make_the_same_pictures(photograph, tmp_path):
    photograph(4, (90, 70)).save(tmp_path / "image.png")
    said = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path / "image.png")],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "OMP_NUM_THREADS": threads},
        ).stdout
        for threads in ("1", "2")
    }
    assert len(said) == 1
    lines = [line.rsplit(" ", 1)[1] for line in said.pop().splitlines()]
    assert len(lines) == 2 * len(WILD)
    for text, real, generated in zip(WILD, lines[::2], lines[1::2], strict=True):
        assert (real == generated) == parse_condition(text).even, text
