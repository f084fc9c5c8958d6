"""A task holds the images that a comparison with the same options would choose."""

import hashlib

import pytest
from PIL import Image

from bench.errors import BenchError
from bench.scoring.build import set_up
from bench.scoring.freezing import freeze_task
from bench.scoring.options import RunOptions
from datamodules.errors import DataError


def options(**changes):
    return RunOptions(**{"dataset": "demo", "limit": 2, "num_workers": 0, **changes})


@pytest.fixture
def folder(tmp_path):
    """Six pictures: two sources of reals, two generators."""
    colours = {"real/a/1": 10, "real/a/2": 20, "real/b/3": 30, "generated/g/4": 40, "generated/g/5": 50,
               "generated/h/6": 60}  # fmt: skip
    for name, colour in colours.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), (colour, 0, 0)).save(tmp_path / f"{name}.png")
    return tmp_path


def of_folder(folder, **changes):
    return freeze_task(options(dataset="folder", data_root=str(folder), limit=None, **changes))


def sha256_of(folder, name):
    return hashlib.sha256((folder / f"{name}.png").read_bytes()).hexdigest()


def test_the_images_are_those_of_compare():
    task = freeze_task(options(conditions=("jpeg:75",))).task
    datamodule = set_up(options())
    items = datamodule.items
    sha256 = [hashlib.sha256(datamodule.read_bytes(path)).hexdigest() for path in items["path"]]
    assert sorted(sha256) == task.images["sha256"].to_list()
    labels = dict(zip(sha256, items["label"], strict=True))
    assert task.images["label"].to_list() == [labels[key] for key in task.images["sha256"]]
    assert task.conditions == ("clean", "jpeg:75")
    assert task.protocol == datamodule.protocol
    assert {rule.generator: rule.reals for rule in task.contrasts["clean"]} == datamodule.facing


def test_options_that_leave_images_out_or_pair_them_hold(folder):
    (folder / "pairs.csv").write_text("generator,real_source\ng,a\nh,b\n")
    task = of_folder(folder, pairs=str(folder / "pairs.csv"), resize=None).task
    assert {rule.generator: rule.reals for rule in task.contrasts["clean"]} == {"g": ("a",), "h": ("b",)}
    assert task.protocol["resize"] is None
    alone = of_folder(folder, generators=["h"]).task
    assert set(alone.images.filter(label=1)["generator"]) == {"h"}


def test_what_cannot_be_in_a_task_is_left_out_and_told(folder):
    (folder / "generated/g/copy.png").write_bytes((folder / "real/a/1.png").read_bytes())
    (folder / "real/b/again.png").write_bytes((folder / "real/b/3.png").read_bytes())
    (folder / "real/a/broken.png").write_bytes(b"no picture")
    frozen = of_folder(folder)
    kept = ("real/a/2", "real/b/3", "generated/g/4", "generated/g/5", "generated/h/6")
    assert frozen.task.images["sha256"].to_list() == sorted(sha256_of(folder, name) for name in kept)
    assert [row[1:] for row in frozen.contradicted] == [("real/a/1.png", "generated/g/copy.png")]
    assert frozen.copies == 1
    assert [path for path, _ in frozen.unreadable] == ["real/a/broken.png"]


def test_a_task_needs_both_classes_and_no_attack(folder):
    with pytest.raises(BenchError, match="depends on the detector"):
        freeze_task(options(conditions=("attack:pgd:2/255",)))
    for name in ("1", "2"):
        (folder / f"real/a/{name}.png").write_bytes(b"no picture")
    (folder / "real/b/3.png").write_bytes(b"no picture")
    with pytest.raises(BenchError, match="No real image"):
        of_folder(folder)
    with pytest.raises(DataError):
        of_folder(folder, generators=["nobody"])


def test_name_version_and_licence_are_told(folder):
    frozen = freeze_task(options(), "a name", 3, "a licence")
    assert frozen.task.named | {"digest": ""} == {"name": "a name", "version": 3, "digest": ""}
    assert frozen.task.license == "a licence"
    assert freeze_task(options()).task.name == "demo"
