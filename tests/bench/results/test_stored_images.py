"""Images of a store, found again by its listings, and never another file in their place."""

import hashlib
import io
import zipfile
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from made_stores import detector, images, keep, scored
from PIL import Image

from bench.cli.app import main
from bench.errors import BenchError
from bench.results.leaderboard import read_comparisons
from bench.results.stored_images import with_images
from datamodules.errors import DatasetNotFoundError

PATHS = [path for path, _, _ in images()]


def picture(path):
    file = io.BytesIO()
    Image.new("RGB", (40, 30), (len(path) * 7 % 256, PATHS.index(path) * 9, 120)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def root(tmp_path):
    """The scored folder."""
    for path in PATHS:
        file = tmp_path / "given" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(picture(path))
    return tmp_path / "given"


@pytest.fixture
def output(tmp_path):
    """A store of the folder, in which real images score high: all are wrong."""
    rows = scored(images(), detector("x"), lambda path, label, _: float(path.encode()[-5] - 10 * label))
    known = {path: hashlib.sha256(picture(path)).hexdigest() for path in PATHS}
    rows = rows.with_columns(sha256=pl.col("path").replace_strict(known))
    keep(tmp_path / "results", "1", [rows], detector("x"))
    return tmp_path / "results"


def one(output, *roots):
    (comparison,) = with_images(read_comparisons(output), roots)
    return comparison


def test_every_image_is_read_where_it_lies_in_a_folder_or_an_archive(output, root, tmp_path):
    archive = tmp_path / "given.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for path in PATHS:
            made.write(root / path, path)
    for place in (root, archive):
        comparison = one(output, place)
        assert [comparison.read_bytes(path) for path in PATHS] == [picture(path) for path in PATHS]


def test_folders_that_were_given_one_by_one_are_known_by_their_names(output, root):
    # --generated gan lists its images as generated/gan/...
    (comparison,) = read_comparisons(output)
    panel = comparison.panel
    renamed = panel.images.with_columns(path="generated/" + pl.col("path"))
    comparison = replace(comparison, panel=replace(panel, images=renamed))
    (comparison,) = with_images([comparison], [root / "gan"])
    assert comparison.read_bytes("generated/gan/000.png") == picture("gan/000.png")
    with pytest.raises(BenchError, match="no such file"):
        comparison.read_bytes("generated/photographs/000.png")


def test_a_missing_and_a_changed_file_are_said_and_not_shown(output, root):
    (root / PATHS[0]).unlink()
    (root / PATHS[1]).write_bytes(picture(PATHS[2]))
    comparison = one(output, root)
    with pytest.raises(BenchError, match="there is no such file"):
        comparison.read_bytes(PATHS[0])
    with pytest.raises(BenchError, match="not the file that was scored"):
        comparison.read_bytes(PATHS[1])


@pytest.mark.parametrize("path", ["../secret.png", "/etc/passwd", "gan/../../secret.png"])
def test_a_listing_leads_nowhere_else(output, root, path):
    (root.parent / "secret.png").write_bytes(b"secret")
    with pytest.raises(BenchError, match="no such file"):
        one(output, root).read_bytes(path)


def test_without_a_folder_nothing_is_read_and_a_wrong_one_is_a_mistake(output, tmp_path):
    assert one(output).read_bytes is None
    (tmp_path / "other").mkdir()
    with pytest.raises(BenchError, match=r"other has no image of the store, such as gan/000\.png: give the"):
        one(output, tmp_path / "other")
    with pytest.raises(DatasetNotFoundError):
        one(output, tmp_path / "nowhere")


def test_the_leaderboards_page_shows_the_most_wrong_images(output, root, capsys):
    page = output.parent / "board.html"
    (root / PATHS[-1]).unlink()
    words = ["leaderboard", "--output", str(output), "--html", str(page), "--quiet"]
    assert main([*words, "--data-root", str(root)]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.count('<img src="data:image/webp;base64,') == len(PATHS) - 1
    assert "cannot be read: there is no such file" in text
    assert main(words) == 0
    assert "<img" not in page.read_text(encoding="utf-8")
    assert np.diff([text.index(label) for label in ("highest scores", "lowest scores")]) > 0


def test_images_without_a_page_are_a_mistake(output, root, capsys):
    assert main(["leaderboard", "--output", str(output), "--data-root", str(root)]) == 2
    assert "add --html FILE" in capsys.readouterr().err
