"""Archives read in place: whole ones, and all that can be wrong with one."""

import io
import multiprocessing
import pickle
import struct
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from tree_forms import tarred, zipped

from datamodules.errors import DataOptionError
from datamodules.reading import UnreadableImageError
from datamodules.trees.opening import open_tree
from datamodules.trees.tree import Tree

FILES = {"real/a.png": b"a" * 2000, "real/b/ü é.JPG": b"b" * 700, "generated/x.png": b"", "generated/y.webp": b"y"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "set"
    for name, data in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    (root / "notes.txt").write_text("none")
    (root / "groups.csv").write_text("path,group\n")
    return root


def listed(tree: Tree) -> tuple[dict[str, int], dict[str, int]]:
    ignored = Counter[str]()
    return {path: size for path, size, _ in tree.files(ignored)}, dict(ignored)


MAKERS = {
    "zip": lambda folder, top: zipped(folder, folder.parent / "x.zip", top),
    "stored zip": lambda folder, top: zipped(folder, folder.parent / "x.zip", top, zipfile.ZIP_STORED),
    "tar": lambda folder, top: tarred(folder, folder.parent / "x.tar", top),
}


@pytest.mark.parametrize("top", ["", "set/", "./", "./set/"])
@pytest.mark.parametrize("form", MAKERS)
def test_an_archive_holds_what_its_folder_holds(folder, form, top):
    here, tree = open_tree(folder), open_tree(MAKERS[form](folder, top))
    sizes, ignored = listed(tree)
    assert sizes == listed(here)[0]
    assert {**ignored, ".csv": 1} == listed(here)[1]
    assert tree.folders() == here.folders() == ["generated", "real"]
    assert {path: tree.read(path) for path in sizes} == FILES
    assert tree.holds("groups.csv")
    assert not tree.holds("real/c.png")
    assert tree.read("groups.csv") == b"path,group\n"
    with pytest.raises(FileNotFoundError):
        tree.read("real/c.png")


def _read_in_process(tree: Tree, queue: "multiprocessing.Queue[bytes]") -> None:
    queue.put(tree.read("real/a.png"))


@pytest.mark.parametrize("form", MAKERS)
def test_an_archive_is_read_by_processes_that_were_forked_or_sent_it(folder, form):
    tree = open_tree(MAKERS[form](folder, ""))
    assert tree.read("real/a.png") == FILES["real/a.png"]
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    readers = [context.Process(target=_read_in_process, args=(tree, queue)) for _ in range(3)]
    for reader in readers:
        reader.start()
    assert [queue.get(timeout=30) for _ in readers] == [FILES["real/a.png"]] * 3
    for reader in readers:
        reader.join()
    assert pickle.loads(pickle.dumps(tree)).read("real/a.png") == FILES["real/a.png"]


def test_an_archive_that_has_changed_is_not_read_as_if_it_had_not(folder):
    tree = open_tree(zipped(folder, folder.parent / "x.zip"))
    listed(tree)
    zipped(folder / "real", folder.parent / "x.zip")
    with pytest.raises(UnreadableImageError, match="the file has changed since it was listed"):
        tree.read("real/a.png")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_damaged_members_have_a_reason_and_the_others_are_read(folder, compression):
    file = zipped(folder, folder.parent / "x.zip", compression=compression)
    with zipfile.ZipFile(file) as archive:
        start = archive.getinfo("real/a.png").header_offset + 30 + len("real/a.png")
    data = bytearray(file.read_bytes())
    data[start : start + 4] = b"\xff\xff\xff\xff"
    file.write_bytes(data)
    tree = open_tree(file)
    assert len(listed(tree)[0]) == 4
    with pytest.raises(UnreadableImageError, match="the archive is damaged here"):
        tree.read("real/a.png")
    assert tree.read("generated/y.webp") == b"y"


def test_a_member_that_holds_more_than_it_says_is_never_unpacked_whole(tmp_path):
    file = tmp_path / "bomb.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("real/a.png", bytes(50_000_000))
    data = bytearray(file.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 1000)
    file.write_bytes(data)
    with pytest.raises(UnreadableImageError, match="not as many bytes as it says"):
        open_tree(file).read("real/a.png")


def test_encrypted_members_and_odd_compressions_have_a_reason(tmp_path):
    file = tmp_path / "x.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("real/a.png", b"a")
        archive.writestr(zipfile.ZipInfo("real/b.png"), b"b")
    data = bytearray(file.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    file.write_bytes(data)
    tree = open_tree(file)
    with pytest.raises(UnreadableImageError, match="zip method 12, which is not read: unpack the archive"):
        tree.read("real/a.png")
    with pytest.raises(UnreadableImageError, match="encrypted: unpack the archive"):
        tree.read("real/b.png")


def test_names_that_lead_outside_links_and_litter_are_counted_and_never_read(tmp_path):
    link = zipfile.ZipInfo("real/link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in (
            "../up.png",
            "/etc/a.png",
            "real/../../b.png",
            "__MACOSX/._a.png",
            "real/._a.png",
            "real/.DS_Store",
        ):
            archive.writestr(name, b"x")
        archive.writestr(link, "/etc/passwd")
        archive.writestr("real\\windows.png", b"w")
    tree = open_tree(tmp_path / "x.zip")
    assert listed(tree) == (
        {"real/windows.png": 1},
        {"a name that leads outside": 3, "._* or __MACOSX": 2, "a symbolic link": 1},
    )
    with tarfile.open(tmp_path / "x.tar", "w", format=tarfile.GNU_FORMAT) as archive:
        for name, kind in (("../up.png", tarfile.REGTYPE), ("a.png", tarfile.SYMTYPE), ("real/b.png", tarfile.REGTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "l" * 300
            archive.addfile(info, io.BytesIO())
    assert listed(open_tree(tmp_path / "x.tar")) == (
        {"real/b.png": 0},
        {"a name that leads outside": 1, "a symbolic link": 1},
    )


def test_names_that_are_no_utf8_are_counted_and_old_zips_names_are_read(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w", encoding="latin-1", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("real/\xe9.png"))
        archive.addfile(tarfile.TarInfo("real/e.png"))
    assert listed(open_tree(tmp_path / "x.tar")) == ({"real/e.png": 0}, {"a name that is not UTF-8": 1})
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in ("real/UU.png", "real/D.png", "generated/é.png"):
            archive.writestr(name, b"")
    data = (tmp_path / "x.zip").read_bytes()
    data = data.replace(b"UU", "ü".encode()).replace(b"/D.", b"/\x82.")  # UTF-8 that does not say so, and code page 437
    (tmp_path / "x.zip").write_bytes(data)
    assert set(listed(open_tree(tmp_path / "x.zip"))[0]) == {"real/ü.png", "real/é.png", "generated/é.png"}


def test_the_later_of_two_members_of_one_name_counts(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for data in (b"old", b"newer"):
            info = tarfile.TarInfo("real/a.png")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    tree = open_tree(tmp_path / "x.tar")
    assert listed(tree)[0] == {"real/a.png": 5}
    assert tree.read("real/a.png") == b"newer"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("x.zip", b"PK", r"x\.zip is no zip file that can be read .*: fetch it again whole, or unpack it"),
        ("x.tar", b"no tar" * 200, r"x\.tar: it is no tar file"),
        ("x.tar", b"", r"x\.tar: the file ends without a tar's end mark: it is truncated; copy it again"),
        ("x.tar.gz", b"", r"x\.tar\.gz is compressed as a whole: unpack it, or repack it as an uncompressed \.tar"),
        ("x.TGZ", b"", "is compressed as a whole"),
        ("x.7z", b"", r"is no folder, \.zip or \.tar: unpack compressed archives"),
        ("x.parquet", b"", r"--dataset parquet --data-root .*x\.parquet reads \.parquet files"),
        ("x.csv", b"", r"--dataset manifest --data-root .*x\.csv reads lists of images with labels"),
        ("x.MP4", b"", r"\.mp4: extract frames first, e\.g\. ffmpeg"),
        ("x.doc", b"", r"is no folder, \.zip or \.tar: give one with --real"),
    ],
)
def test_what_is_no_archive_says_what_to_do(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataOptionError, match=message):
        listed(open_tree(tmp_path / name, "--real"))
