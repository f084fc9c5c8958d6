"""Images that are not independent though nobody has said so."""

import csv

import numpy as np
import polars as pl
import pytest
from PIL import Image

from bench.cli.app import main
from bench.report.notes import comparison_notes, warnings_of
from bench.results.comparing import compare
from bench.results.groupings import OtherGroups
from bench.scoring.options import RunOptions
from datamodules import FolderDataModule
from datamodules.checks.diagnosis import check
from datamodules.fingerprints import perceptual_hash
from datamodules.grouping import FEWEST_FRAMES, frames_of_videos, merged, near_duplicates, same_content

VIDEOS, FRAMES = 5, 8
NO_GROUPS = "fewer than 10 independent groups among the real images (5)"


@pytest.fixture
def videos(tmp_path, photograph):
    """Five videos a class of eight frames each: a slow pan over a picture."""
    root = tmp_path / "videos"
    for number in range(2 * VIDEOS):
        source = "real/camera" if number % 2 else "generated/svd"
        folder = root / source / f"vid{number // 2:03d}"
        folder.mkdir(parents=True)
        picture = photograph(number, (140, 140)).resize((280, 280))
        for frame in range(FRAMES):
            picture.crop((3 * frame, 2 * frame, 240 + 3 * frame, 240 + 2 * frame)).save(
                folder / f"frame_{frame:04d}.png"
            )
    return root


def hash_in(root):
    return lambda path: perceptual_hash(Image.open(root / path))


def items_of(root):
    data = FolderDataModule(root, num_workers=0)
    data.setup()
    return data.items


@pytest.mark.heavy
def test_frames_of_videos_are_found_by_their_names_and_pictures(videos):
    found = frames_of_videos(items_of(videos), hash_in(videos))
    assert 1 < len(found) <= 2 * VIDEOS
    assert "generated/svd/vid000/frame_" in found


def test_numbered_images_of_different_things_are_no_frames(image_folder):
    assert len(list((image_folder / "real" / "camera").iterdir())) >= FEWEST_FRAMES
    assert frames_of_videos(items_of(image_folder), hash_in(image_folder)) == []


@pytest.mark.heavy
def test_few_pictures_are_looked_at(videos):
    looked_at = []
    frames_of_videos(items_of(videos), lambda path: looked_at.append(path))
    assert 0 < len(looked_at) <= 36


@pytest.mark.heavy
def test_declared_frames_are_not_told_again(videos):
    items = items_of(videos)
    grouped = items.with_columns(group=pl.col("path").str.extract("(.*)/"))
    assert frames_of_videos(grouped, hash_in(videos)) == []


def test_copies_are_merged_and_images_without_a_key_are_not():
    groups, keys = pl.Series("group", ["d", "c", "b", "a", "e"]), pl.Series(["x", "y", "x", "", ""])
    assert merged(groups, same_content(keys)).to_list() == ["b", "c", "b", "a", "e"]


def test_near_duplicates_have_hashes_that_differ_in_few_bits():
    hashes = pl.Series([0b1111, 0b0000, None, 2**63 - 1, 0b1111], dtype=pl.UInt64)
    assert merged(pl.Series("group", list("abcde")), near_duplicates(hashes)).to_list() == ["a", "a", "c", "d", "a"]


@pytest.mark.heavy
def test_data_check_writes_the_groups_that_a_folder_reads(videos, tmp_path, capsys):
    declared = "generated/svd/vid000/frame_0000.png", "generated/svd/vid001/frame_0000.png"
    (videos / "groups.csv").write_text("path,group\n" + "".join(f"{path},mine\n" for path in declared))
    check_words = ["data", "check", "--dataset", "folder", "--data-root", str(videos), "--num-workers", "0"]
    words = [*check_words, "--output", str(tmp_path / "r"), "--write-groups", str(videos / "groups.csv")]
    assert main(words) == 0
    assert "look like frames of videos" in " ".join(capsys.readouterr().out.split())
    with (videos / "groups.csv").open() as lines:
        assert len(list(csv.DictReader(lines))) == 2 * VIDEOS * FRAMES
    items = items_of(videos)
    assert items["group"].n_unique() == 2 * VIDEOS - 1  # two of the videos were declared to be one
    assert items.filter(pl.col("path").str.contains("svd/vid00[01]"))["group"].n_unique() == 1
    assert not any("frames" in one.what for one in check(FolderDataModule(videos, num_workers=0)).findings)


def test_groups_are_written_for_a_folder_alone(tmp_path, capsys):
    assert main(["data", "check", "--output", str(tmp_path), "--write-groups", "x.csv"]) == 2
    assert "--write-groups is for --dataset folder" in capsys.readouterr().err


@pytest.mark.usefixtures("small_views")
@pytest.mark.heavy
def test_compare_warns_of_frames_and_counts_copies_as_one(videos, tmp_path):
    folder = videos / "real" / "camera" / "vid000"
    (folder / "copy-of-one.png").write_bytes((folder / "frame_0000.png").read_bytes())
    options = {"dataset": "folder", "data_root": str(videos), "num_workers": 0, "output": tmp_path / "r", "resize": 64}
    result = compare(["rigid"], RunOptions(**options))
    (warning,) = (words for words in warnings_of(result) if "frames of videos" in words)
    assert "groups.csv" in warning
    assert len(result.panel.images) == 2 * VIDEOS * FRAMES + 1
    assert len(np.unique(result.panel.groups)) == 2 * VIDEOS * FRAMES
    given = result.summary.rows[0].numbers["auroc"]
    again = {name: compare(["rigid"], RunOptions(**options, groups=name)) for name in ("none", "duplicates")}
    findings = {name: next(f for f in one.findings if isinstance(f, OtherGroups)) for name, one in again.items()}
    assert {name: finding.groups for name, finding in findings.items()} == {"none": (80, 81), "duplicates": (80, 10)}
    assert findings["none"].aurocs["rigid"][0] == given == again["none"].summary.rows[0].numbers["auroc"]
    assert findings["none"].aurocs["rigid"][1].interval is not None
    assert findings["duplicates"].aurocs["rigid"][1].reason == NO_GROUPS
    said = "With every image a group of its own (81 groups, 80 as given) the mean AUROC is: rigid "
    assert any(note.startswith(said) for note in comparison_notes(again["none"]))
