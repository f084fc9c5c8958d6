"""Hostile and damaged shards: each is refused in words, and nothing is ever written."""

import gzip
import io
import json
import tarfile

import pytest

from datamodules import DataOptionError, FolderDataModule, ShardsDataModule, UnknownDataNameError
from datamodules.packing import pack
from datamodules.tar_headers import read_members

GOOD = {"label": 1, "generator": "dit"}


def tar_of(*members, form=tarfile.GNU_FORMAT) -> bytes:
    """A tar file of (name, data) or of whole headers."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for one in members:
            info, data = (tarfile.TarInfo(one[0]), one[1]) if isinstance(one, tuple) else (one, b"")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def sample(key="0", facts=GOOD, image=b"png"):
    text = facts if isinstance(facts, bytes) else json.dumps(facts).encode()
    return (f"{key}.json", text), (f"{key}.png", image)


def special(kind, name="0.png"):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    return info


def with_size(size: int) -> bytes:
    """A sample whose image claims a size."""
    data = bytearray(tar_of(*sample()))
    info = tarfile.TarInfo("0.png")
    info.size = size
    data[1024:1536] = info.tobuf(tarfile.GNU_FORMAT)
    return bytes(data)


def read(root, data: bytes):
    (root / "x.tar").write_bytes(data)
    loaded = ShardsDataModule(root, num_workers=0)
    loaded.setup()
    return loaded


PIXELS = [("0.json", json.dumps(GOOD | {"height": 2, "width": 2}).encode()), ("0.rgb", bytes(11))]
HOSTILE = {
    "upwards": (tar_of(("../../x.png", b"")), r"name '\.\./\.\./x\.png' leads outside"),
    "absolute": (tar_of(special(tarfile.REGTYPE, "/etc/x.png")), "leads outside"),
    "backslashes": (tar_of(("..\\..\\x.png", b"")), "leads outside"),
    "hard-link": (tar_of(special(tarfile.LNKTYPE)), "is a hard link"),
    "symbolic-link": (tar_of(special(tarfile.SYMTYPE)), "is a symbolic link"),
    "device": (tar_of(special(tarfile.CHRTYPE)), "is a character device"),
    "pipe": (tar_of(special(tarfile.FIFOTYPE)), "is a pipe"),
    "unknown-type": (tar_of(special(b"Z")), "of the unknown type"),
    "more-bytes": (with_size(10**6), r"claims 1,000,000 bytes and the file has [\d,]+ left"),
    "many-more-bytes": (with_size(10**15), "claims 1,000,000,000,000,000 bytes"),
    "truncated": (tar_of(*sample(image=bytes(20_000)))[:15_000], "claims 20,000 bytes"),
    "no-end": (tar_of(*sample())[:2048], "ends without a tar's end mark"),
    "empty": (b"", "ends without a tar's end mark"),
    "not-utf-8": (tar_of(("0.png", b"")).replace(b"0.png", b"\xff.png", 1), "damaged|no tar"),
    "no-tar": (b"<html>Quota exceeded</html>" * 100, "it is no tar file"),
    "compressed": (gzip.compress(tar_of(*sample(image=bytes(range(256)) * 99))) + bytes(512), "must be decompressed"),
    "damaged-header": (tar_of(*sample()).replace(b"0.png", b"1.png"), "a header is damaged"),
    "pax-upwards": (tar_of(("a" * 200 + "/../" + "é.png", b""), form=tarfile.PAX_FORMAT), "leads outside"),
    "same-key-later": (tar_of(*sample("0"), *sample("1"), *sample("0")), "the key '0' comes twice"),
    "same-member": (tar_of(*sample(), ("0.png", b"other")), "or one twice"),
    "many-members": (tar_of(*((f"0.{n}", b"") for n in range(200))), "more than 100 members"),
    "no-image": (tar_of(sample()[0]), "has 0 images, must have 1"),
    "two-images": (tar_of(*sample(), ("0.b.jpg", b"")), "has 2 images, must have 1"),
    "no-facts": (tar_of(sample()[1]), r"needs a \.json with label"),
    "no-json": (tar_of(*sample(facts=b"{")), "is no JSON"),
    "deep-json": (tar_of(*sample(facts=b"[" * 10**5)), "is no JSON"),
    "long-json": (tar_of(*sample(facts=b" " * (2 << 20))), "JSON is too long"),
    "list": (tar_of(*sample(facts=[1])), "holds no JSON object"),
    "no-label": (tar_of(*sample(facts={"generator": "dit"})), "label must be 0"),
    "label-7": (tar_of(*sample(facts=GOOD | {"label": 7})), "label must be 0 .* is '7'"),
    "label-true": (tar_of(*sample(facts=GOOD | {"label": True})), "label must be 0"),
    "cls-7": (tar_of(("0.cls", b"7"), ("0.png", b"")), "label must be 0"),
    "generator-3": (tar_of(*sample(facts=GOOD | {"generator": 3})), "generator must be a text"),
    "surrogate": (tar_of(*sample(facts=GOOD | {"generator": "\ud800"})), "generator must be a text"),
    "path-upwards": (tar_of(*sample(facts=GOOD | {"path": "a/../../b.png"})), "leads outside"),
    "same-path": (
        tar_of(*sample("0", GOOD | {"path": "b.png"}), *sample("1", GOOD | {"path": "b.png"})),
        "path 'b.png'",
    ),
    "pixels-without-size": (tar_of(*sample()[:1], ("0.rgb", b"x")), "need a height and a width"),
    "pixels-of-another-size": (tar_of(*PIXELS), "2 x 2 pixels are not 11 bytes"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_shard_is_refused_with_a_reason_and_nothing_is_written(tmp_path, case):
    data, reason = HOSTILE[case]
    root = tmp_path / "a" / "b" / "shards"
    root.mkdir(parents=True)
    with pytest.raises(DataOptionError, match=reason):
        read(root, data)
    assert [file.name for file in tmp_path.rglob("*") if file.suffix not in ("", ".parquet")] == ["x.tar"]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_format_of_tar_is_read_as_tarfile_reads_it(tmp_path, form):
    names = ["a/0.png", f"{'b' * 90}/{'c' * 60}.png"] + ([] if form == tarfile.USTAR_FORMAT else ["d" * 300, "é" * 90])
    data = tar_of(special(tarfile.DIRTYPE, "a"), *((name, name.encode() * 9) for name in names), form=form)
    found = list(read_members(io.BytesIO(data), len(data)))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        expected = [(one.name, one.offset_data, one.size) for one in archive if one.isfile()]
    assert [(one.name, one.offset, one.size) for one in found] == expected


def test_what_belongs_to_no_sample_is_passed_over(tmp_path):
    data = read(tmp_path, tar_of(("README", b""), ("._0.png", b"x"), *sample(), ("0.txt", b"a caption")))
    assert data.items["path"].to_list() == ["x/0.png"]


@pytest.fixture
def packed(image_folder, tmp_path):
    pack(FolderDataModule(image_folder, num_workers=0, limit=2), tmp_path / "shards")
    return tmp_path / "shards"


DESCRIPTIONS = {
    "title": ("..", DataOptionError, "cannot name a folder"),
    "dataset": ("shards", DataOptionError, "packed as shards"),
    "options": ({"root": "/etc"}, DataOptionError, "has no option 'root'"),
    "protocol": ({"resize": 3}, DataOptionError, "pack it again"),
    "shards": ({"../x.tar": 3}, DataOptionError, "no plain name"),
    "notes": ([3], DataOptionError, "notes must be texts"),
    "complete": ("yes", DataOptionError, "complete must be of type bool"),
    "surprise": (1, DataOptionError, "unexpected keyword"),
    "format": ("2", DataOptionError, "does not say that it is of the format"),
}


@pytest.mark.parametrize("field", DESCRIPTIONS)
def test_a_hostile_description_is_refused(packed, field):
    value, error, reason = DESCRIPTIONS[field]
    file = packed / "dataset.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {field: value}))
    with pytest.raises(error, match=reason):
        ShardsDataModule(packed).setup()


def test_a_dataset_that_is_not_known_here_gets_the_list(packed):
    file = packed / "dataset.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"dataset": "foldr"}))
    with pytest.raises(UnknownDataNameError, match="Did you mean 'folder'"):
        ShardsDataModule(packed).setup()


@pytest.mark.parametrize("missing", ["path", "label", "generator", "group", "sha256"])
def test_packed_samples_must_have_every_field(packed, missing):
    facts = {"path": "a.png", "label": 1, "generator": "dit", "group": "g", "sha256": "0" * 64}
    facts.pop(missing)
    shard = next(packed.glob("*.tar"))
    shard.write_bytes(tar_of(*sample(facts=facts)))
    with pytest.raises(DataOptionError, match=missing):
        ShardsDataModule(packed).setup()
