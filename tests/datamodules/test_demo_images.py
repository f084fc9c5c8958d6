"""The demo data set's images: what the manifest promises, and that the images keep to it."""

import dataclasses
import os
import subprocess
import sys
import threading
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from datamodules.demo_images import build_demo_images, load_manifest
from datamodules.demo_images.generators import GENERATORS, WEIGHTS, weights_for, weights_path
from datamodules.demo_images.images import list_recipes, make_image, pixel_digest
from datamodules.demo_images.manifest import manifest_digest
from datamodules.demo_images.photographs import CROP, PHOTOGRAPHS, Photograph, crop_corners, load_crops
from datamodules.demo_images.tree import COMPLETE, _host, default_cache, install, remove_leftovers, write_images
from datamodules.errors import DemoImageMismatchError, PhotographMissingError

PHOTOGRAPH = {photograph.name: photograph for photograph in PHOTOGRAPHS}


@pytest.fixture(scope="module")
def manifest():
    return load_manifest()


@pytest.fixture(scope="module")
def recipes():
    return {recipe.path: recipe for recipe in list_recipes()}


@pytest.fixture
def restore_threads():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def make_entries(manifest, *paths):
    return [entry for entry in manifest if entry.path in paths]


def test_manifest_lists_exactly_the_images_that_are_made(manifest, recipes):
    assert [entry.path for entry in manifest] == list(recipes)


def test_manifest_has_one_image_of_every_generator_for_every_real_one(manifest):
    counts = Counter((entry.group, entry.generator) for entry in manifest)
    assert {entry.generator for entry in manifest} == {None, "autoencoder", "upsampler"}
    for name in PHOTOGRAPH:
        assert counts[name, None] == counts[name, "autoencoder"] == counts[name, "upsampler"] > 0


def test_labels_say_whether_there_is_a_generator(manifest):
    for entry in manifest:
        assert entry.label == (entry.generator is not None)
        assert entry.path.startswith("generated/" if entry.label else "real/")


def test_there_are_enough_crops_and_enough_independent_groups(manifest):
    real = [entry for entry in manifest if entry.label == 0]
    assert sum(PHOTOGRAPH[entry.group].colour for entry in real) >= 96
    assert all(count >= 3 for count in Counter(entry.group for entry in real).values())
    assert len({entry.group for entry in real if PHOTOGRAPH[entry.group].colour}) >= 10


def test_no_two_images_are_equal(manifest):
    assert len({entry.sha256 for entry in manifest}) == len(manifest)


def test_halves_are_balanced_between_colour_and_grey():
    counts = Counter((photograph.half, photograph.colour) for photograph in PHOTOGRAPHS)
    assert counts["a", True] == counts["b", True]
    assert abs(counts["a", False] - counts["b", False]) <= 1


@pytest.mark.parametrize("photograph", PHOTOGRAPHS, ids=lambda photograph: photograph.name)
@pytest.mark.parametrize("generator", GENERATORS)
def test_no_photograph_is_shown_to_a_network_trained_on_it(generator, photograph):
    with safe_open(weights_for(generator, photograph), framework="pt") as weights:
        trained_on = weights.metadata()["trained_on"].split(",")
    assert photograph.name not in trained_on
    assert trained_on == [other.name for other in PHOTOGRAPHS if other.half != photograph.half]


def test_weights_are_four_files_of_three_megabytes_at_most():
    files = {weights_path(generator, half) for generator in GENERATORS for half in ("a", "b")}
    assert set(WEIGHTS.iterdir()) == files
    assert sum(file.stat().st_size for file in files) <= 3_000_000


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "path",
    [
        "real/motorcycle/motorcycle-01.png",
        "generated/autoencoder/china-00.png",
        "generated/upsampler/chelsea-02.png",
        "generated/autoencoder/camera-03.png",
    ],
)
def test_images_are_rebuilt_to_the_byte(manifest, recipes, path, threads, restore_threads):
    torch.set_num_threads(threads)
    (entry,) = make_entries(manifest, path)
    assert pixel_digest(make_image(recipes[path])) == entry.sha256


@pytest.mark.parametrize("generator", GENERATORS)
def test_grey_photographs_stay_grey(recipes, generator):
    image = make_image(recipes[f"generated/{generator}/coins-01.png"])
    assert (image == image[..., :1]).all()


def test_crops_lie_inside_the_picture_and_apart():
    corners = crop_corners(400, 500, count=10, margin=20)
    assert all(20 <= top <= 400 - CROP - 20 and 20 <= left <= 500 - CROP - 20 for top, left in corners)
    assert len(set(corners)) == 10
    assert crop_corners(CROP, CROP, count=2) == [(0, 0), (0, 0)]


def test_written_files_decode_to_the_bytes_of_the_manifest(manifest, tmp_path):
    entries = make_entries(manifest, "real/chelsea/chelsea-00.png", "generated/upsampler/chelsea-00.png")
    calls = []
    write_images(tmp_path, entries, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 2), (2, 2)]
    for entry in entries:
        with Image.open(tmp_path / entry.path) as image:
            assert (image.mode, image.size) == ("RGB", (CROP, CROP))
            assert pixel_digest(np.asarray(image)) == entry.sha256


def test_an_image_that_differs_from_the_manifest_stops_the_build_with_its_name(manifest, tmp_path):
    entry = dataclasses.replace(make_entries(manifest, "real/coins/coins-00.png")[0], sha256="0" * 64)
    with pytest.raises(DemoImageMismatchError, match=r"real/coins/coins-00\.png .*0{64}.*Pillow .*--dataset folder"):
        write_images(tmp_path, [entry])
    assert list(tmp_path.iterdir()) == []


def test_an_image_that_the_installed_photographs_do_not_give_stops_the_build(manifest, tmp_path):
    entry = dataclasses.replace(manifest[0], path="real/coins/coins-99.png")
    with pytest.raises(DemoImageMismatchError, match=r"coins-99\.png"):
        write_images(tmp_path, [entry])


def test_a_missing_photograph_is_named_with_what_to_install():
    gone = Photograph("gone", ("skimage/data/gone.png",), colour=True, half="a")
    with pytest.raises(PhotographMissingError, match=r"gone\.png does not exist.*scikit-image"):
        load_crops(gone)


def test_a_complete_folder_is_returned_without_a_build(tmp_path):
    root = tmp_path / f"demo-{manifest_digest()[:12]}"
    root.mkdir()
    (root / COMPLETE).touch()
    assert build_demo_images(tmp_path) == root
    assert [path.name for path in root.iterdir()] == [COMPLETE]


def test_a_half_built_folder_is_not_taken_for_complete(tmp_path):
    root = tmp_path / f"demo-{manifest_digest()[:12]}"
    (root / "real").mkdir(parents=True)

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_demo_images(tmp_path, progress=stop)
    assert not (root / COMPLETE).exists()
    assert list(tmp_path.iterdir()) == [root]


def test_what_a_killed_build_left_goes_with_the_next_and_a_living_one_stays(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    old = tmp_path / f".demo-0123abcd-{'0' * 32}"  # of a release without the process's number
    owners = ((_host(), ended.pid), (_host(), os.getppid()), ("far", ended.pid), ("far", 1))
    dead, alive, elsewhere, new = (tmp_path / f".demo-0123abcd-{host}-{pid}-{'0' * 32}" for host, pid in owners)
    for folder in (old, dead, alive, elsewhere, new):
        (folder / "real").mkdir(parents=True)
    for folder in (old, elsewhere):
        os.utime(folder, (0, 0))
    remove_leftovers(tmp_path)
    assert set(tmp_path.iterdir()) == {alive, new}


def fill(folder, text):
    (folder / "real").mkdir(parents=True)
    (folder / "real" / "x.png").write_text(text)
    return folder


def test_a_finished_build_completes_a_half_built_folder(tmp_path):
    root = fill(tmp_path / "root", "half")
    install(fill(tmp_path / "building", "whole"), root)
    assert (root / "real" / "x.png").read_text() == "whole"
    assert (root / COMPLETE).exists()


def test_a_build_that_comes_second_leaves_the_first_in_place(tmp_path):
    root = tmp_path / "root"
    install(fill(tmp_path / "one", "first"), root)
    install(fill(tmp_path / "two", "second"), root)
    assert (root / "real" / "x.png").read_text() == "first"
    assert (root / COMPLETE).exists()


@pytest.mark.parametrize(
    ("own", "shared", "expected"),
    [("own", "shared", "own"), ("", "shared", "shared/fauxbench"), ("", "", "home/.cache/fauxbench")],
)
@pytest.mark.parametrize("variable", ["FAUXBENCH_CACHE", "AIGI_BENCH_CACHE"])
def test_cache_follows_the_environment(monkeypatch, tmp_path, variable, own, shared, expected):
    for name in ("FAUXBENCH_CACHE", "AIGI_BENCH_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, own and str(tmp_path / own))
    monkeypatch.setenv("XDG_CACHE_HOME", shared and str(tmp_path / shared))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert default_cache() == tmp_path / expected


def test_the_cache_of_the_former_name_serves_until_there_is_a_new_one(monkeypatch, tmp_path):
    for name in ("FAUXBENCH_CACHE", "AIGI_BENCH_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "aigi-bench").mkdir()
    assert default_cache() == tmp_path / "aigi-bench"
    (tmp_path / "fauxbench").mkdir()
    assert default_cache() == tmp_path / "fauxbench"
    monkeypatch.setenv("AIGI_BENCH_CACHE", str(tmp_path / "former"))
    assert default_cache() == tmp_path / "former"
    monkeypatch.setenv("FAUXBENCH_CACHE", str(tmp_path / "own"))
    assert default_cache() == tmp_path / "own"


@pytest.mark.slow
def test_two_builds_at_once_both_end_with_all_images(manifest, tmp_path):
    roots = []
    threads = [threading.Thread(target=lambda: roots.append(build_demo_images(tmp_path))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert roots == [tmp_path / f"demo-{manifest_digest()[:12]}"] * 2
    assert list(tmp_path.iterdir()) == roots[:1]
    files = {path.relative_to(roots[0]).as_posix() for path in roots[0].rglob("*.png")}
    assert files == {entry.path for entry in manifest}
