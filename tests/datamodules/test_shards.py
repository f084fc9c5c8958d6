import importlib.util
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.scoring.batches import plan_batches
from datamodules import DataOptionError, DatasetNotFoundError, UnknownDataNameError, find_dataset
from datamodules.packing import pack
from datamodules.shards import ShardsDataModule
from detectors import View

# Test files cannot import each other by name under --import-mode=importlib.
_spec = importlib.util.spec_from_file_location("fake_benchmarks", Path(__file__).with_name("fake_benchmarks.py"))
fake = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fake)

VIEWS = (View(64, "random-crop"), View(fit="native"))
MAKERS = {
    "folder": fake.make_folder,
    "imagenet": fake.make_imagenet,
    "lsun-bedroom": fake.make_lsun,
    "genimage": lambda root: fake.make_genimage(root, ("sd14", "adm", "biggan")),
}
FACTS = ("path", "sha256", "generator", "group")


@pytest.fixture(scope="module")
def roots(tmp_path_factory) -> dict[str, Path]:
    """A miniature copy of each dataset, one image broken."""
    top = tmp_path_factory.mktemp("fakes")
    roots = {name: make(top / name) for name, make in MAKERS.items()}
    for root in roots.values():
        fake.break_files(root, 2)
    return roots


@pytest.fixture(scope="module")
def packed(roots, tmp_path_factory) -> dict[str, Path]:
    """The shards of each."""
    top = tmp_path_factory.mktemp("shards")
    for name, root in roots.items():
        pack(find_dataset(name)(root, num_workers=0), top / name, shard_bytes=12_000)
    return {name: top / name for name in roots}


def ready(cls, root, **options):
    data = cls(root, num_workers=0, batch_size=7, **options)
    data.setup()
    data.views = VIEWS
    return data


def assert_same_batches(one, other):
    for left, right in zip(one.test_dataloader(), other.test_dataloader(), strict=True):
        assert [getattr(left, fact) for fact in FACTS] == [getattr(right, fact) for fact in FACTS]
        assert torch.equal(left.label, right.label)
        assert torch.equal(left.key, right.key)
        assert left.views.keys() == right.views.keys()
        for view, pixels in left.views.items():
            for image, twin in zip(pixels, right.views[view], strict=True):
                assert torch.equal(image, twin)
        assert left.unreadable == right.unreadable


@pytest.mark.parametrize("name", MAKERS)
def test_batches_from_shards_equal_those_from_folders(roots, packed, name):
    folders, shards = ready(find_dataset(name), roots[name]), ready(ShardsDataModule, packed[name])
    assert len(shards.shards) > 1
    assert folders.items.drop("mtime_ns").equals(shards.items.drop("mtime_ns"))
    assert_same_batches(folders, shards)


@pytest.mark.parametrize("name", MAKERS)
def test_shards_stand_for_the_dataset_they_were_made_of(roots, packed, name):
    folders, shards = ready(find_dataset(name), roots[name]), ready(ShardsDataModule, packed[name])
    for fact in ("title", "facing", "protocol", "preprocessing", "notes"):
        assert getattr(shards, fact) == getattr(folders, fact)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("folder", {"limit": 2, "resize": 96}),
        ("folder", {"generators": ["sharp"], "balance": True}),
        ("imagenet", {"limit": 2, "crop_seed": 3}),
        ("imagenet", {"generators": ["ADM-G", "dit"], "balance": True}),
        ("genimage", {"generators": ["imagenet_ai_0508_adm"], "resize": None}),
        ("genimage", {"limit": 1, "generators": ["biggan", "sd14"]}),
    ],
)
def test_every_option_of_every_dataset_chooses_the_same(roots, packed, name, options):
    folders, shards = (
        ready(find_dataset(name), roots[name], **options),
        ready(ShardsDataModule, packed[name], **options),
    )
    assert (shards.facing, shards.protocol) == (folders.facing, folders.protocol)
    assert_same_batches(folders, shards)


def test_a_datasets_own_options_are_those_it_was_packed_with(roots, tmp_path):
    options = {"protocol": "matched", "real_fit": "short-side", "real_split": "train", "generators": ["adm"]}
    folders = ready(find_dataset("genimage"), roots["genimage"], **options)
    pack(folders, tmp_path / "shards")
    shards = ready(ShardsDataModule, tmp_path / "shards")
    assert shards.protocol == folders.protocol
    assert shards.protocol["protocol"] == "matched"
    assert_same_batches(folders, shards)


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
def test_each_image_is_seen_once_on_any_number_of_ranks(packed, ranks):
    seen = []
    for rank in range(ranks):
        data = ready(ShardsDataModule, packed["imagenet"])
        data.batches = plan_batches(np.ones((len(data.items), 1), dtype=bool), 4, rank, ranks)
        for batch in data.test_dataloader():
            seen += [*batch.path, *(sample.path for sample in batch.unreadable)]
    assert sorted(seen) == data.items["path"].to_list()


def test_workers_read_the_same(packed):
    data = ShardsDataModule(packed["folder"], num_workers=2, batch_size=3)
    data.setup()
    data.views = VIEWS[:1]
    read = [sha256 for batch in data.test_dataloader() for sha256 in batch.sha256]
    assert read == [
        sha256 for batch in ready(ShardsDataModule, packed["folder"]).test_dataloader() for sha256 in batch.sha256
    ]


def test_any_tar_reader_finds_json_and_image_of_every_sample(roots, packed):
    found = {}
    for shard in sorted(packed["folder"].glob("*.tar")):
        with tarfile.open(shard) as archive:
            members = archive.getmembers()
            for described, image in zip(members[::2], members[1::2], strict=True):
                assert described.name.partition(".")[0] == image.name.partition(".")[0]
                facts = json.load(archive.extractfile(described))
                found[facts["path"]] = archive.extractfile(image).read()
    files = (file for file in roots["folder"].rglob("*") if file.is_file())
    assert found == {file.relative_to(roots["folder"]).as_posix(): file.read_bytes() for file in files}


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # webdataset leaves its files to the garbage collector
def test_webdataset_reads_them(packed):
    webdataset = pytest.importorskip("webdataset")
    shards = sorted(map(str, packed["folder"].glob("*.tar")))
    samples = list(webdataset.WebDataset(shards, shardshuffle=False))
    assert len(samples) == 16
    assert all({"json", "png"} < set(sample) for sample in samples)


def test_an_unknown_generator_gets_a_suggestion(packed):
    with pytest.raises(UnknownDataNameError, match=r"'shrap'\. Did you mean 'sharp'"):
        ready(ShardsDataModule, packed["folder"], generators=["shrap"])


@pytest.mark.parametrize("root", ["nowhere", "."])
def test_a_folder_without_shards_says_what_to_do(tmp_path, monkeypatch, root):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetNotFoundError, match=r"--data-root|bench pack"):
        ready(ShardsDataModule, root)


def test_other_peoples_shards_are_read_when_they_have_labels(tmp_path, photograph):
    with tarfile.open(tmp_path / "a.0.tar", "w") as archive:
        for key, ending, text in (("x/0", "json", '{"label": 1, "generator": "dit"}'), ("x/1", "cls", "0")):
            buffer = io.BytesIO()
            photograph(1).save(buffer, "PNG")
            for name, data in ((f"{key}.{ending}", text.encode()), (f"{key}.PNG", buffer.getvalue())):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    data = ready(ShardsDataModule, tmp_path)
    assert data.title == f"shards:{tmp_path.name}"
    assert data.contrasts == {"dit": ("real",)}
    assert data.items["path"].to_list() == ["a.0/x/0.PNG", "a.0/x/1.PNG"]
    assert sum(len(batch) for batch in data.test_dataloader()) == 2


def test_names_with_dots_are_told_to_be_cut(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for name in ("photo 0.01.jpg", "photo 0.01.json", "photo 0.02.JPG"):
            archive.addfile(tarfile.TarInfo(name))
    with pytest.raises(DataOptionError, match=r"WebDataset cuts names at the first dot, here 'photo 0\.01\.jpg'"):
        ready(ShardsDataModule, tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.parquet", r"There is no \.tar file in .*; here, --dataset parquet --data-root .* reads \.parquet files\.$"),
        ("data/a.parquet", r"; here, --dataset parquet --data-root .* reads \.parquet files\.$"),
        ("a.tar.gz", r"There is no \.tar file in .*; here, unpack compressed archives\.$"),
        ("a.txt", r"`python -m bench pack` writes some\.$"),
    ],
)
def test_a_folder_without_shards_says_what_reads_what_is_there(tmp_path, name, message):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(DatasetNotFoundError, match=message):
        ready(ShardsDataModule, tmp_path)


def test_a_shard_given_as_such_is_told_from_its_folder(tmp_path):
    (tmp_path / "a.tar").touch()
    with pytest.raises(DatasetNotFoundError, match=r"a\.tar is a file\. Give the folder of the shards"):
        ready(ShardsDataModule, tmp_path / "a.tar")
