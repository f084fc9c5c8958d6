import io
import os
import signal
import struct
import tracemalloc
import zlib
from pathlib import Path

import fake_benchmarks as fake
import numpy as np
import polars as pl
import pytest
from PIL import Image
from rich.console import Console

from bench.errors import BenchError
from bench.report.data import Diagnosis, check, findings_frame, print_diagnosis, rows_frame, write_diagnosis
from bench.report.examination import MAX_BYTES, examine
from datamodules import DATASETS, DatasetNotFoundError, FolderDataModule


def diagnosed(root: Path | None, dataset: str = "folder", **options) -> Diagnosis:
    return check(DATASETS[dataset](root, **{"num_workers": 0, **options}))


def said(diagnosis: Diagnosis, severity: str = "wrong") -> set[tuple[str, str]]:
    return {(one.where, one.what) for one in diagnosis.findings if one.severity == severity}


def jpeg_bytes(image: Image.Image, quality: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format="JPEG", quality=quality)
    return stream.getvalue()


def png_chunk(name: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb() -> bytes:
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(bytes(9)))
        + png_chunk(b"IEND")
    )


@pytest.fixture
def broken(image_folder: Path) -> Path:
    """The folder of 12 images a source, and in ``sharp`` one more of each fault that keeps a file from being read."""
    folder = image_folder / "generated" / "sharp"
    whole = (folder / "00.png").read_bytes()
    (folder / "bomb.png").write_bytes(bomb())
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.png").write_bytes(b"")
    (folder / "page.png").write_text("<html>Quota exceeded</html>")
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "gone.png").symlink_to("nowhere.png")
    (folder / "circle").symlink_to(folder)
    os.mkfifo(folder / "pipe.png")
    with (folder / "vast.png").open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    return image_folder


UNREADABLE = {
    "declares more than 89,478,485 pixels": "bomb",
    "truncated": "cut",
    "not an image": "page",
    "Too many levels of symbolic links": "loop",
    "No such file or directory": "gone",
    "larger than 1,073,741,824 bytes": "vast",
}


@pytest.mark.parametrize("workers", [0, 2])
def test_every_kind_of_broken_file_is_a_finding_with_its_path(broken, workers):
    diagnosis = diagnosed(broken, num_workers=workers)
    expected = {("generated sharp", f"1 file cannot be read: {reason}") for reason in UNREADABLE}
    assert said(diagnosis) == expected | {("generated sharp", "2 files cannot be read: empty file")}
    examples = {one.what.partition(": ")[2]: one.examples for one in diagnosis.findings}
    assert examples.pop("empty file") == ("generated/sharp/empty.png", "generated/sharp/pipe.png")
    assert examples == {reason: (f"generated/sharp/{name}.png",) for reason, name in UNREADABLE.items()}
    assert not diagnosis.ok


def test_broken_files_are_counted_and_the_others_described(broken):
    rows = {row.name: row for row in diagnosed(broken).rows}
    assert [(row.label, row.name) for row in rows.values()] == [(0, "camera"), (1, "blurry"), (1, "sharp")]
    assert (rows["sharp"].images, rows["sharp"].unreadable) == (20, 8)
    assert (rows["blurry"].images, rows["blurry"].unreadable) == (12, 0)
    assert rows["sharp"].formats == {"PNG": 12}
    assert rows["sharp"].sizes == {"80x64": 12}
    assert rows["sharp"].jpeg_quality is None


@pytest.mark.usefixtures("permissions_hold")
def test_a_file_that_may_not_be_read_is_a_finding(image_folder):
    (image_folder / "real" / "camera" / "03.png").chmod(0)
    assert said(diagnosed(image_folder)) == {("real camera", "1 file cannot be read: Permission denied")}


class UnforeseenDataModule(FolderDataModule):
    def decode(self, data: bytes, path: str) -> Image.Image:
        if path.endswith("05.png"):
            raise MemoryError("no room")
        return super().decode(data, path)


def test_an_error_that_nobody_foresaw_is_a_finding_too(image_folder):
    diagnosis = check(UnforeseenDataModule(image_folder, num_workers=0))
    assert ("real camera", "1 file cannot be read: MemoryError: no room") in said(diagnosis)
    assert len(said(diagnosis)) == 3


class DeadlyDataModule(FolderDataModule):
    def decode(self, data: bytes, path: str) -> Image.Image:
        if path == "real/camera/00.png":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().decode(data, path)


def test_a_killed_process_is_told_in_one_line_that_names_where_it_was(image_folder):
    with pytest.raises(BenchError, match=r"reading generated/blurry/00\.png or an image after it"):
        check(DeadlyDataModule(image_folder, num_workers=1))


def test_a_folder_without_faults_is_well(image_folder):
    diagnosis = diagnosed(image_folder)
    assert diagnosis.ok
    assert diagnosis.findings == ()


def test_the_demo_is_well():
    diagnosis = diagnosed(None, "demo")
    assert diagnosis.ok
    assert [(row.name, row.images, row.sizes) for row in diagnosis.rows] == [
        (name, 134, {"256x256": 134}) for name in ("photographs", "autoencoder", "upsampler")
    ]


def test_sizes_endings_and_jpeg_qualities_are_described(tmp_path, photograph):
    folder = tmp_path / "real" / "camera"
    folder.mkdir(parents=True)
    for number, (size, quality) in enumerate([((80, 64), 75), ((90, 60), 90), ((80, 64), 95), ((40, 100), 95)]):
        name = f"{number}.{'JPG' if number == 3 else 'jpeg'}"
        (folder / name).write_bytes(jpeg_bytes(photograph(number, size), quality))
    (row,) = diagnosed(tmp_path).rows
    assert row.sizes == {"80x64": 2, "40x100": 1, "90x60": 1}
    assert (row.width, row.height) == ((40, 80, 90), (60, 64, 100))
    assert row.jpeg_quality == (75, 92.5, 95)
    assert row.endings == {".jpeg": 3, ".JPG": 1}


def test_endings_that_lie_are_wrong_and_unusual_ones_are_not(image_folder, photograph):
    folder = image_folder / "generated" / "sharp"
    (folder / "liar.png").write_bytes(jpeg_bytes(photograph(1000), 90))
    (folder / "honest.JFIF").write_bytes(jpeg_bytes(photograph(1001), 90))
    photograph(1002).save(folder / "drawing.dib", format="BMP")
    photograph(1003).save(folder / "several.jpg", format="MPO", save_all=True, append_images=[photograph(1004)])
    diagnosis = diagnosed(image_folder)
    (lie,) = (one for one in diagnosis.findings if one.severity == "wrong")
    assert (lie.where, lie.what) == ("generated sharp", "1 file named .png holds JPEG")
    assert lie.examples == ("generated/sharp/liar.png",)


def test_a_file_in_both_classes_is_wrong(image_folder):
    copy = image_folder / "generated" / "sharp" / "copy.png"
    copy.write_bytes((image_folder / "real" / "camera" / "03.png").read_bytes())
    diagnosis = diagnosed(image_folder)
    assert said(diagnosis) == {
        ("real camera, generated sharp", "1 generated image the same, byte for byte, as a real one")
    }
    assert diagnosis.findings[0].examples == ("real/camera/03.png = generated/sharp/copy.png",)


def test_a_photograph_that_was_stored_anew_as_generated_is_wrong_unless_declared(image_folder):
    photo = Image.open(image_folder / "real" / "camera" / "03.png")
    photo.resize((160, 128), Image.Resampling.BICUBIC).save(image_folder / "generated" / "sharp" / "big.png")
    diagnosis = diagnosed(image_folder)
    ((where, what),) = said(diagnosis)
    assert where == "real camera, generated sharp"
    assert what.startswith("1 generated image in all likelihood the picture of a real one")
    assert diagnosis.findings[0].examples == ("real/camera/03.png ~ generated/sharp/big.png",)
    (image_folder / "groups.csv").write_text(
        "path,group\nreal/camera/03.png,scene\ngenerated/sharp/big.png,scene\n", encoding="utf-8"
    )
    assert diagnosed(image_folder).ok


def test_pictures_that_look_alike_are_noted(image_folder, photograph):
    photo = np.asarray(Image.open(image_folder / "real" / "camera" / "03.png")).astype(np.int16)
    noise = np.random.default_rng(0).normal(0, 30, photo.shape)
    near = Image.fromarray(np.clip(photo + noise, 0, 255).astype(np.uint8))
    near.save(image_folder / "generated" / "sharp" / "near.png")
    diagnosis = diagnosed(image_folder)
    assert diagnosis.ok
    assert said(diagnosis, "note") == {
        ("real camera, generated sharp", "1 generated image like a real one, perhaps by chance: look at the pairs")
    }


def test_flat_pictures_of_both_classes_are_not_taken_for_each_other(image_folder):
    for folder, level in (("real/camera", 250), ("generated/sharp", 251)):
        Image.new("RGB", (80, 64), (level,) * 3).save(image_folder / folder / "flat.png")
    assert diagnosed(image_folder).findings == ()


def test_copies_within_a_class_files_passed_by_and_formats_are_notes(image_folder, photograph):
    camera, sharp = image_folder / "real" / "camera", image_folder / "generated" / "sharp"
    for name in ("x.png", "y.png"):
        (camera / name).write_bytes((camera / "00.png").read_bytes())
    (sharp / "z.png").write_bytes((image_folder / "generated" / "blurry" / "00.png").read_bytes())
    (sharp / "w.webp").write_bytes(b"")
    photograph(1000).save(sharp / "w.webp", lossless=True)
    (camera / "notes.txt").write_text("none")
    diagnosis = diagnosed(image_folder)
    assert diagnosis.ok
    assert said(diagnosis, "note") == {
        ("real camera", "2 files the same, byte for byte, as another"),
        ("generated blurry, generated sharp", "1 file the same, byte for byte, as another"),
        ("folder:images", "files passed by, as their endings are not those of images: 1 .txt"),
        (
            "folder:images",
            "real images are PNG, generated ones PNG and WEBP: what separates the formats may pass for a detector",
        ),
    }


def test_counts_are_held_against_the_published_ones(tmp_path):
    diagnosis = diagnosed(fake.make_genimage(tmp_path, ["adm", "sd15"]), "genimage")
    by = "from the published totals: 162 + 6 images a class, 166 + 8 for SD 1.5"
    assert said(diagnosis) == {
        ("generated adm", f"3 images, where 6,000 are expected ({by})"),
        ("real nature-adm", f"3 images, where 6,000 are expected ({by})"),
        ("generated sd15", f"3 images, where 8,000 are expected ({by})"),
        ("real nature-sd15", f"3 images, where 8,000 are expected ({by})"),
    }
    absent = "Not found under the root: midjourney, sd14, glide, wukong, vqdm, biggan."
    assert ("genimage", absent) in said(diagnosis, "note")


def test_a_sample_is_not_held_against_published_counts(tmp_path):
    diagnosis = diagnosed(fake.make_genimage(tmp_path, ["adm"]), "genimage", limit=2)
    assert diagnosis.ok
    assert ("genimage", "a sample was taken, so numbers were not compared with published ones") in said(
        diagnosis, "note"
    )


def test_generated_images_of_another_size_than_published_are_wrong(tmp_path):
    root = fake.make_genimage(tmp_path, ["adm"])
    file = next((root / "ADM").rglob("*/val/ai/*.PNG"))
    fake.picture(0, (224, 224)).save(file)
    diagnosis = diagnosed(root, "genimage", limit=3)
    assert said(diagnosis) == {("generated adm", "1 file not of the published 256x256 pixels")}


def test_archives_are_examined_image_by_image(tmp_path):
    root = fake.make_imagenet(tmp_path)
    rows = {row.name: row for row in diagnosed(root, "imagenet", limit=100).rows}
    assert (rows["admg"].images, rows["admg"].unreadable) == (5, 0)
    assert rows["admg"].formats == {"raw pixels": 5}
    assert rows["admg"].endings == {".npz": 5}
    assert rows["admg"].sizes == {"256x256": 5}


def test_a_refused_archive_is_a_finding(tmp_path):
    root = fake.make_imagenet(tmp_path)
    archive = root / "admnet_guided_imagenet256.npz"
    np.savez(archive, np.array([object()]))
    reason = "the archive holds a pickle, which is never opened"
    assert ("generated admg", f"1 file cannot be read: {reason}") in said(diagnosed(root, "imagenet", limit=100))


def test_a_missing_root_is_a_users_mistake(tmp_path):
    with pytest.raises(DatasetNotFoundError):
        diagnosed(tmp_path / "nowhere")


def test_the_files_hold_a_row_for_each_source_and_finding(broken, tmp_path):
    diagnosis = diagnosed(broken)
    files = write_diagnosis(diagnosis, tmp_path / "new" / "results")
    assert [file.name for file in files] == ["data-check.csv", "data-findings.csv"]
    rows, findings = map(pl.read_csv, files)
    assert rows["source"].to_list() == ["camera", "blurry", "sharp"]
    assert rows["unreadable"].to_list() == [0, 0, 8]
    assert rows["formats"].to_list() == ["PNG 12"] * 3
    assert len(findings) == len(diagnosis.findings) == 7
    assert rows_frame(diagnosis).width == rows.width
    assert findings_frame(diagnosis)["examples"][0].startswith("generated/sharp/")


def test_names_that_look_like_markup_or_commands_are_printed_as_they_are(image_folder):
    odd = image_folder / "generated" / "[red]\x1b[2J"
    odd.mkdir()
    (odd / "a.png").write_bytes(b"text")
    stream = io.StringIO()
    print_diagnosis(diagnosed(image_folder), Console(file=stream, width=40))
    words = stream.getvalue()
    assert "\x1b" not in words
    assert "wrong: generated [red]\\x1b[2J: 1 file cannot be read: not an image" in words
    assert "    generated/[red]\\x1b[2J/a.png" in words
    assert words.endswith("1 finding is wrong.\n")


def test_progress_is_told_up_to_the_last_image(image_folder):
    told = []
    check(FolderDataModule(image_folder, num_workers=0), lambda done, total: told.append((done, total)))
    assert told == [(32, 36), (36, 36)]


def test_what_is_kept_of_an_image_does_not_grow_with_it(tmp_path):
    folder = tmp_path / "real" / "camera"
    folder.mkdir(parents=True)
    Image.effect_noise((64, 64), 80).save(folder / "0000.png")
    for number in range(1, 2000):
        (folder / f"{number:04d}.png").hardlink_to(folder / "0000.png")
    data = FolderDataModule(tmp_path, num_workers=0)
    data.setup()
    examine(data)
    tracemalloc.start()
    facts = examine(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert facts.estimated_size() < 200 * 2000
    assert peak < 3e6
