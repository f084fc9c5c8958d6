import os
from collections import Counter
from pathlib import Path

import pytest
import torch
from PIL import Image

from datamodules import DatasetNotFoundError, FilesDataModule, FolderDataModule, find_files
from datamodules.conditions import CLEAN, Picture
from detectors import View


@pytest.fixture
def tree(tmp_path, monkeypatch) -> Path:
    for name in ("a/x.png", "a/b/y.JPG", "a-b/z.png", "a/notes.txt", "scan.bin", "[1].png"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        (["a"], ["a/b/y.JPG", "a/x.png"]),
        (["a-b/z.png", "a/x.png"], ["a-b/z.png", "a/x.png"]),
        (["scan.bin"], ["scan.bin"]),
        (["[1].png"], ["[1].png"]),
        (["*/*.png"], ["a-b/z.png", "a/x.png"]),
        (["a/**"], ["a/b/y.JPG", "a/x.png"]),
        (["**/*.JPG"], ["a/b/y.JPG"]),
        (["./a/x.png", "a", "a/b/../x.png"], ["./a/x.png", "a/b/y.JPG"]),
        (["a/x.png", "a/x.png"], ["a/x.png"]),
    ],
)
def test_files_folders_and_patterns_give_each_file_once_in_the_order_given(tree, paths, found):
    assert find_files(paths) == found


def test_files_that_are_no_images_by_their_ending_are_counted_once(tree):
    ignored: Counter[str] = Counter()
    assert find_files(["**"], ignored) == ["[1].png", "a/b/y.JPG", "a/x.png", "a-b/z.png"]
    assert ignored == {".txt": 1, ".bin": 1}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere.png", r"There is no file or folder nowhere\.png\."),
        ("", "There is no file or folder ''"),
        ("*.gif", r"No file matches \*\.gif\."),
        ("*.bin", r"There is no image among \*\.bin\."),
        ("empty", r"There is no image under empty\."),
        ("lost.png", r"There is no file or folder lost\.png\."),
    ],
)
def test_a_path_that_gives_no_image_is_named(tree, path, message):
    (tree / "empty").mkdir()
    (tree / "lost.png").symlink_to(tree / "gone.png")
    with pytest.raises(DatasetNotFoundError, match=message):
        find_files(["a", path])


def test_a_name_that_cannot_be_written_down_is_named_or_counted(tree):
    name = os.fsdecode(b"caf\xe9.png")
    (tree / "a" / name).touch()
    ignored: Counter[str] = Counter()
    assert len(find_files(["a", "a/*.png"], ignored)) == 2
    assert ignored["a name that is not UTF-8"] == 2
    with pytest.raises(DatasetNotFoundError, match=r"a/caf\\udce9\.png has a name that is not UTF-8: rename it"):
        find_files([f"a/{name}"])


def test_a_folder_that_may_not_be_read_is_named(tree, permissions_hold):
    (tree / "a").chmod(0)
    try:
        with pytest.raises(DatasetNotFoundError, match="May not read a: Permission denied"):
            find_files(["a"])
    finally:
        (tree / "a").chmod(0o755)


def test_files_come_in_the_order_given_with_the_pixels_that_a_dataset_gives_them(image_folder):
    views = (View(32, "random-crop"), View(24, "resize"))
    folder = FolderDataModule(image_folder, resize=48, num_workers=0, batch_size=100)
    folder.views = views
    folder.setup()
    (whole,) = folder.test_dataloader()
    paths = [str(image_folder / path) for path in reversed(whole.path)]
    files = FilesDataModule(paths, resize=48, num_workers=0, batch_size=7)
    files.views = views
    files.setup()
    batches = list(files.test_dataloader())
    assert [path for batch in batches for path in batch.path] == paths
    for view in views:
        pixels = torch.cat([batch.views[Picture(CLEAN, view)] for batch in batches])
        assert torch.equal(pixels.flip(0), whole.views[Picture(CLEAN, view)])
    assert files.protocol == folder.protocol


@pytest.mark.parametrize(("name", "text"), [("l.txt", "a/x.png\n"), ("l i.csv", "path\na/x.png\n"), ("l.json", "[]")])
def test_a_list_in_the_place_of_images_says_how_lists_are_read(tree, name, text):
    (tree / name).write_text(text)
    with pytest.raises(DatasetNotFoundError, match=r"is text, not an image\. .*one a line.*score - < ['l]"):
        find_files([name])
    assert find_files([name, "a/x.png"]) == [name, "a/x.png"]  # of many files it is one without a score


def test_an_image_that_is_named_as_a_list_is_taken(tree):
    Image.new("RGB", (9, 9)).save(tree / "photo.txt", "PNG")
    assert find_files(["photo.txt"]) == ["photo.txt"]


@pytest.mark.parametrize("paths", [["a"], ["a/*"], ["a/**"]])
def test_what_macos_leaves_is_passed_by_and_counted(tree, paths):
    (tree / "a" / "._x.png").touch()
    (tree / "a" / "__MACOSX").mkdir()
    (tree / "a" / "__MACOSX" / "x.png").touch()
    ignored: Counter[str] = Counter()
    assert find_files(paths, ignored) == ["a/b/y.JPG", "a/x.png"]
    assert ignored["._* or __MACOSX"] in (1, 2)  # a pattern matches no name that begins with a dot
    assert find_files(["a/._x.png"]) == ["a/._x.png"]
