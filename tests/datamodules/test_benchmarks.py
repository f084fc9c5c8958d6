import os
import shutil
import zipfile
from pathlib import Path

import fake_benchmarks as fake
import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

from datamodules import (
    GENERATED,
    REAL,
    BenchmarkDataModule,
    DataOptionError,
    DatasetNotFoundError,
    FolderDataModule,
    GenImageDataModule,
    ImageNetDataModule,
    LSUNBedroomDataModule,
    UnknownDataNameError,
    dataset_names,
    find_dataset,
    list_datasets,
)
from datamodules.conditions import CLEAN, Picture
from datamodules.listing import list_files
from datamodules.packing import pack
from detectors import View

CROP, NATIVE = View(224, "random-crop"), View(fit="native")


def make_shards(root: Path) -> Path:
    """The folder's images as tar files."""
    images = fake.make_folder(root.with_name("folder-to-pack"))
    pack(find_dataset("folder")(images, num_workers=0), root)
    return root


def make_manifest(root: Path) -> Path:
    """The folder's images, named by a CSV file."""
    rows = [
        (file.relative_to(root).as_posix(), *file.parts[-3:-1])
        for file in sorted(fake.make_folder(root).rglob("*.png"))
    ]
    pl.DataFrame(rows, ("path", "label", "generator"), orient="row").with_columns(
        pl.col("generator").replace({"camera": "", "phone": ""})
    ).write_csv(root / "manifest.csv")
    return root


def make_parquet(root: Path) -> Path:
    """The folder's images in a Parquet file."""
    images = fake.make_folder(root.with_name("folder-of-rows"))
    rows = [
        {"image": {"bytes": file.read_bytes(), "path": file.name}, "label": file.parts[-3], "generator": file.parts[-2]}
        for file in sorted(images.rglob("*.png"))
    ]
    rows = [row | ({"generator": ""} if row["label"] == "real" else {}) for row in rows]
    root.mkdir()
    pl.DataFrame(rows).write_parquet(root / "train-00000-of-00001.parquet")
    return root


MAKERS = {
    "manifest": make_manifest,
    "parquet": make_parquet,
    "shards": make_shards,
    "folder": fake.make_folder,
    "imagenet": fake.make_imagenet,
    "lsun-bedroom": fake.make_lsun,
    "genimage": fake.make_genimage,
}
BENCHMARKS = [cls for cls in list_datasets().values() if issubclass(cls, BenchmarkDataModule)]


@pytest.fixture(scope="module")
def roots(tmp_path_factory) -> dict[str, Path]:
    """One miniature copy of each dataset; tests that change files take a copy of it."""
    top = tmp_path_factory.mktemp("fakes")
    return {name: make(top / name) for name, make in MAKERS.items()}


def ready(name, root, **options):
    data = find_dataset(name)(root, num_workers=0, **options)
    data.setup()
    return data


def counts(data) -> dict[str, int]:
    return dict(data.items.group_by("generator").len().iter_rows())


def read_all(data, *views):
    """Every image's pixels by path, and every reason by path."""
    data.views = views or (NATIVE,)
    pixels, reasons = {}, {}
    for batch in data.test_dataloader():
        shown = [batch.views[Picture(CLEAN, view)] for view in data.views] if batch.path else []
        pixels |= {path: [views[i] for views in shown] for i, path in enumerate(batch.path)}
        reasons |= {sample.path: sample.reason for sample in batch.unreadable}
    return pixels, reasons


# Every registered dataset.


@pytest.fixture(params=[name for name in dataset_names() if name != "hf"])  # which is read as parquet is: test_hub.py
def dataset(request, roots):
    return request.param, roots.get(request.param)  # the demo is built in its cache, once


def test_contract_of_items_and_contrasts(dataset):
    data = ready(*dataset)
    assert data.items["path"].is_unique().all()
    assert data.items["path"].to_list() == sorted(data.items["path"])
    assert set(data.items["label"]) == {REAL, GENERATED}
    assert set(data.contrasts) == set(data.sources(GENERATED))
    for reals in data.contrasts.values():
        assert reals
        assert set(reals) <= set(data.sources(REAL))
    assert not any("\\" in path or path.startswith("/") for path in data.items["path"])


def test_contract_of_sampling(dataset):
    name, root = dataset
    few = ready(name, root, limit=2)
    assert max(counts(few).values()) <= 2
    assert few.items.equals(ready(name, root, limit=2).items)
    assert set(few.items["path"]) <= set(ready(name, root, limit=3).items["path"])
    even = ready(name, root, balance=True)
    sizes = counts(even)
    assert all(sizes[generator] == sum(sizes.get(r, 0) for r in reals) for generator, reals in even.contrasts.items())
    assert even.items.equals(ready(name, root, balance=True).items)


def test_contract_of_views(dataset):
    name, root = dataset
    data = ready(name, root, limit=1)
    once, unreadable = read_all(data, CROP)
    again, _ = read_all(ready(name, root, limit=1), CROP)
    assert not unreadable
    assert set(once) == set(data.items["path"])
    assert all(torch.equal(once[path][0], again[path][0]) for path in once)
    assert {tuple(pixels.shape) for (pixels,) in once.values()} == {(3, 224, 224)}


def test_contract_of_descriptions(dataset):
    data = ready(*dataset)
    assert all(isinstance(note, str) and note.endswith(".") for note in data.notes)
    assert data.preprocessing
    assert data.title
    assert "resize" in data.protocol


# Every benchmark.


@pytest.mark.parametrize("cls", BENCHMARKS)
def test_constants_are_complete_and_no_folder_means_two_generators(cls, tmp_path):
    data = cls(tmp_path)
    assert cls.full_name
    assert cls.licence
    assert cls.citations
    assert cls.download_page.startswith("https://")
    for generator in cls.known:
        for folder in (generator.name, generator.title, *generator.folders):
            assert data._canonical([folder]) == (generator.name,)
        assert generator.counts
        assert generator.size > 0


@pytest.mark.parametrize("cls", BENCHMARKS)
def test_unknown_generator_gets_a_suggestion(cls, tmp_path):
    with pytest.raises(UnknownDataNameError, match=r"Unknown generator 'admm'. Did you mean 'adm'\? Available: adm"):
        cls(tmp_path, generators=["admm"])


@pytest.mark.parametrize("cls", BENCHMARKS)
def test_missing_root_names_the_download_page(cls, tmp_path):
    with pytest.raises(DatasetNotFoundError, match=f"There is no folder .*nowhere.*{cls.download_page}"):
        cls(tmp_path / "nowhere").setup()


@pytest.mark.parametrize("cls", BENCHMARKS)
def test_empty_root_says_what_was_looked_for(cls, tmp_path):
    with pytest.raises(DatasetNotFoundError) as error:
        cls(tmp_path).setup()
    assert cls.known[-1].folders[0] in str(error.value)
    assert cls.download_page in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("cls", BENCHMARKS)
def test_unknown_split_is_a_mistake(cls, tmp_path):
    with pytest.raises(UnknownDataNameError, match=r"Unknown split 'vall'. Did you mean 'val'"):
        cls(tmp_path, real_split="vall")


@pytest.mark.parametrize("name", ["imagenet", "lsun-bedroom", "genimage"])
def test_broken_files_are_told_and_never_scored(roots, tmp_path, name):
    root = fake.copy_of(roots[name], tmp_path / name)
    broken = [str(file.relative_to(root)) for file in fake.break_files(root, 17)]
    data = ready(name, root)
    pixels, reasons = read_all(data)
    expected = set(broken) & set(data.items["path"])
    assert len(expected) > 5
    assert set(reasons) == expected
    assert set(reasons.values()) == {"empty file", "truncated", "not an image"}
    assert set(pixels) == set(data.items["path"]) - expected


# ImageNet and LSUN Bedroom.


def test_imagenet_is_found_in_any_case_nested_flat_and_in_archives(roots):
    data = ready("imagenet", roots["imagenet"])
    assert counts(data) == {"adm": 6, "dit": 4, "biggan": 4, "maskgit": 4, "admg": 5, "imagenet-val": 8}
    assert data.absent == ("ldm", "gigagan", "stylegan-xl", "rq-transformer")
    assert "Not found under the root: ldm, gigagan, stylegan-xl, rq-transformer." in data.notes
    assert data.contrasts == dict.fromkeys(["adm", "admg", "biggan", "dit", "maskgit"], ("imagenet-val",))


def test_real_split_is_an_option_and_is_told(roots):
    val, train = (ready("imagenet", roots["imagenet"], real_split=split) for split in (None, "train"))
    assert val.notes[0] == "Real images: imagenet-val (imagenet256/imagenet256/val)."
    assert train.sources(REAL) == ("imagenet-train",)
    assert train.notes[0] == "Real images: imagenet-train (imagenet256/imagenet256/train)."
    assert "DINOv2 was trained on" in train.notes[1]


@pytest.mark.parametrize(
    ("folder", "source"),
    [
        ("val", "imagenet-val"),
        ("ImageNet/Validation", "imagenet-val"),
        ("imagenet-val", "imagenet-val"),
        ("ILSVRC2012_val", "imagenet-val"),
        ("data/imagenet256/val", "imagenet-val"),
        ("Imagenet", "imagenet"),
    ],
)
def test_real_images_are_found_under_many_names(tmp_path, folder, source):
    fake.fill(tmp_path / "adm", ["0/0.png"])
    fake.fill(tmp_path / folder, ["n01440764/a.png", "n01440764/b.png"])
    assert counts(ready("imagenet", tmp_path)) == {"adm": 1, source: 2}


def test_the_releases_top_folder_is_no_source_of_real_images(tmp_path):
    fake.fill(tmp_path / "imagenet256/Imagenet256-ADM/Imagenet256-ADM", ["0/0.png"])
    with pytest.raises(DatasetNotFoundError, match=r"No real images under .*'val' in a folder named imagenet256 or"):
        ready("imagenet", tmp_path)


def test_missing_split_says_how_to_take_the_other(tmp_path):
    fake.fill(tmp_path / "Imagenet256-ADM", ["0/0.png"])
    fake.fill(tmp_path / "imagenet256/train", ["0/0.png"])
    with pytest.raises(DatasetNotFoundError, match="--real-split train takes 'train' instead"):
        ready("imagenet", tmp_path)


def test_benchmarks_under_one_root_do_not_mix(roots, tmp_path):
    for name in ("imagenet", "lsun-bedroom", "genimage"):
        (tmp_path / {"imagenet": "imagenet256", "lsun-bedroom": "lsun", "genimage": "GenImage"}[name]).symlink_to(
            roots[name]
        )
    for name in ("imagenet", "lsun-bedroom", "genimage"):
        alone, together = ready(name, roots[name]), ready(name, tmp_path)
        assert len(together.items) == len(alone.items)
        assert together.contrasts == alone.contrasts


def test_generators_are_chosen_by_name_title_or_folder(roots):
    data = ready("imagenet", roots["imagenet"], generators=["ADM", "DiT-XL/2", "Imagenet256-ADM"])
    assert data.generators == ("adm", "dit")
    assert counts(data) == {"adm": 6, "dit": 4, "imagenet-val": 8}
    assert data.absent == ()


def test_chosen_generator_that_is_missing_names_its_folders(roots):
    with pytest.raises(DatasetNotFoundError) as error:
        ready("imagenet", roots["imagenet"], generators=["adm", "gigagan"])
    for part in ("Nothing of gigagan", str(roots["imagenet"]), "Imagenet256-GigaGAN", "layer6ai-labs/dgm-eval"):
        assert part in str(error.value)


def test_of_two_folders_of_a_generator_the_better_name_counts(roots, tmp_path):
    root = fake.copy_of(roots["imagenet"], tmp_path / "imagenet")
    fake.fill(root / "Imagenet256-DiT-XL-2-guided", ["0/0.png", "0/1.png"])
    data = ready("imagenet", root)
    assert counts(data)["dit"] == 4
    assert "dit: taken from imagenet256-DiT-XL-2, not from Imagenet256-DiT-XL-2-guided." in data.notes


def test_chosen_folder_without_images_is_one_clear_error(roots, tmp_path):
    root = fake.copy_of(roots["imagenet"], tmp_path / "imagenet")
    (root / "Imagenet256-LDM" / "0").mkdir(parents=True)
    assert "ldm" in ready("imagenet", root).absent
    with pytest.raises(DatasetNotFoundError, match=r"There is no image of ldm in .*Imagenet256-LDM"):
        ready("imagenet", root, generators=["ldm"])


def test_images_of_256_px_are_not_scaled_and_others_are(roots, tmp_path):
    pixels, _ = read_all(ready("imagenet", roots["imagenet"], generators=["adm"]))
    for path, (native,) in pixels.items():
        file = np.asarray(Image.open(roots["imagenet"] / path))
        assert np.array_equal(native.permute(1, 2, 0).numpy(), file)
    fake.fill(tmp_path / "adm", ["a.png"])
    fake.fill(tmp_path / "val", ["b.png"], (500, 400))
    pixels, _ = read_all(ready("imagenet", tmp_path))
    assert tuple(pixels["val/b.png"][0].shape) == (3, 256, 320)


def test_lsun_is_found_and_its_expected_counts_have_a_source(roots):
    data = ready("lsun-bedroom", roots["lsun-bedroom"])
    assert data.absent == ("ddpm", "diffusion-projected-gan")
    assert data.sources(REAL) == ("lsun-bedroom",)
    assert data.expected("iddpm").number == 100_000
    assert "README" in data.expected("iddpm").source
    assert data.expected("lsun-bedroom") is None
    assert isinstance(data, LSUNBedroomDataModule)


def test_expected_counts_follow_the_split(tmp_path):
    assert GenImageDataModule(tmp_path).expected("sd15").number == 8_000
    assert GenImageDataModule(tmp_path).expected("nature-adm").number == 6_000
    assert GenImageDataModule(tmp_path, real_split="train").expected("adm").number == 162_000
    assert GenImageDataModule(tmp_path, real_split="train").expected("nature-adm") is None
    assert ImageNetDataModule(tmp_path).expected("adm").number == 50_000
    assert ImageNetDataModule(tmp_path).expected("imagenet-val").number == 50_000


# GenImage.


def test_genimage_is_found_in_each_naming_variant(roots):
    data = ready("genimage", roots["genimage"])
    assert data.contrasts == {name: (f"nature-{name}",) for name in fake.GENIMAGE_SHAPES}
    assert set(counts(data).values()) == {3}
    assert data.absent == ()
    assert all("/val/" in path for path in data.items["path"])
    assert data.items.filter(pl.col("path").str.ends_with(".PNG"))["generator"].unique().to_list() == ["adm"]
    assert set(counts(ready("genimage", roots["genimage"], real_split="train")).values()) == {2}


def test_genimage_takes_the_reals_of_the_chosen_generators_alone(roots):
    data = ready("genimage", roots["genimage"], generators=["biggan", "sd14"])
    assert data.sources(REAL) == ("nature-biggan", "nature-sd14")


def test_genimage_paper_protocol_scales_photographs_alone(roots):
    sizes = {}
    for path, (native, crop) in read_all(ready("genimage", roots["genimage"], limit=1), NATIVE, CROP)[0].items():
        kind = "nature" if "/nature/" in path else path.split("/")[0]
        sizes.setdefault(kind, set()).add(tuple(native.shape[1:]))
        assert crop.shape == (3, 224, 224)
    assert sizes.pop("nature") == {(256, 256)}
    assert sizes["Midjourney"] == {(1024, 1024)}
    assert sizes["BigGAN"] == {(128, 128)}
    assert sizes["Stable Diffusion V1.5"] == {(512, 512)}


def test_genimage_pads_biggan_with_zeros(roots):
    data = ready("genimage", roots["genimage"], generators=["biggan"], limit=1)
    pixels, _ = read_all(data, NATIVE, CROP)
    native, crop = next(both for path, both in pixels.items() if "/ai/" in path)
    assert torch.equal(crop[:, 48:176, 48:176], native)
    border = crop.clone()
    border[:, 48:176, 48:176] = 0
    assert not border.any()


@pytest.mark.parametrize(("fit", "photograph"), [("square", (256, 256)), ("short-side", (256, 341))])
def test_genimage_matched_protocol_scales_both_classes_alike(roots, fit, photograph):
    data = ready("genimage", roots["genimage"], protocol="matched", real_fit=fit, limit=1)
    for path, (native,) in read_all(data)[0].items():
        assert tuple(native.shape[1:]) == (photograph if "/nature/" in path else (256, 256))


def test_genimage_protocol_names_what_changes_pixels(tmp_path):
    options = [{}, {"protocol": "matched"}, {"real_fit": "short-side"}, {"resize": 224}, {"resize": None}]
    protocols = [str(GenImageDataModule(tmp_path, **one).protocol) for one in options]
    assert len(set(protocols)) == len(options)
    words = {GenImageDataModule(tmp_path, **one).preprocessing for one in options}
    assert words == {
        "photographs scaled to 256 x 256 px",
        "all images scaled to 256 x 256 px",
        "photographs scaled to a short side of 256 px",
        "photographs scaled to 224 x 224 px",
        "native scale",
    }


@pytest.mark.parametrize("option", ["protocol", "real_fit"])
def test_genimage_impossible_option_says_what_there_is(tmp_path, option):
    with pytest.raises(DataOptionError, match=f"--{option.replace('_', '-')} must be one of .*, got 'x'"):
        GenImageDataModule(tmp_path, **{option: "x"})


@pytest.mark.parametrize("missing", ["ai", "nature"])
def test_genimage_half_a_generator_is_one_clear_error(tmp_path, missing):
    root = fake.make_genimage(tmp_path, ["adm"])
    folder = root / "ADM/imagenet_ai_0508_adm/val" / missing
    folder.rename(folder.with_name("elsewhere"))
    folder.touch()  # a class folder that is a file
    with pytest.raises(DatasetNotFoundError, match=f"adm/val has no folder '{missing}'; unpack the archive whole"):
        ready("genimage", root)


def test_genimage_an_incomplete_generator_stops_no_run_that_asks_for_others(tmp_path):
    root = fake.make_genimage(tmp_path, ["adm", "glide", "vqdm"])
    shutil.rmtree(root / "VQDM/imagenet_ai_0419_vqdm/val/nature")
    with pytest.raises(
        DatasetNotFoundError, match=r"vqdm/val has no .*whole\. --generators adm glide goes on without vqdm"
    ):
        ready("genimage", root)
    with pytest.raises(DatasetNotFoundError, match=r"vqdm/val has no .*--generators adm goes on without vqdm"):
        ready("genimage", root, generators=["adm", "vqdm"])
    data = ready("genimage", root, generators=["adm"])
    assert data.facing == {"adm": ("nature-adm",)}
    assert counts(data) == {"adm": 3, "nature-adm": 3}
    assert set(data.listing["generator"]) == {"adm", "nature-adm", "glide", "nature-glide"}


@pytest.mark.parametrize("place", ["nature/val", "nature", "real/val", "GenImage/nature"])
@pytest.mark.parametrize("fakes", ["ADM/val/ai", "ADM/val"])
def test_genimage_with_pooled_photographs_is_read(tmp_path, place, fakes):
    fake.fill(tmp_path / place, ["ILSVRC2012_val_00000001.JPEG", "ILSVRC2012_val_00000002.JPEG"])
    fake.fill(tmp_path / fakes, ["0.png"])
    fake.make_genimage(tmp_path, ["vqdm"])
    data = ready("genimage", tmp_path)
    assert data.facing == {"adm": ("nature",), "vqdm": ("nature-vqdm",)}
    assert counts(data) == {"adm": 1, "nature": 2, "vqdm": 3, "nature-vqdm": 3}
    assert data.expected("nature") is None
    assert ready("genimage", tmp_path, generators=["vqdm"]).sources(REAL) == ("nature-vqdm",)


# Archives.


@pytest.fixture
def with_archive(tmp_path):
    fake.fill(tmp_path / "val", ["a.png"])
    return tmp_path


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("place", ["Imagenet256-ADM/samples.npz", "admnet_imagenet256.NPZ"])
def test_archive_gives_its_images_one_by_one(with_archive, place, compressed):
    made = fake.save_archive(with_archive / "new.npz", 12, 32, compressed)
    (with_archive / place).parent.mkdir(exist_ok=True)
    (with_archive / "new.npz").rename(with_archive / place)
    data = ready("imagenet", with_archive, resize=None, batch_size=5)
    paths = data.items.filter(pl.col("label") == GENERATED)["path"].to_list()
    assert paths == [f"{place}#{number:02d}" for number in range(12)]
    pixels, reasons = read_all(data)
    assert not reasons
    for path, expected in zip(paths, made, strict=True):
        assert np.array_equal(pixels[path][0].permute(1, 2, 0).numpy(), expected)
    for number in (3, 0, 11):  # backwards too
        assert data.read_bytes(paths[number]) == made[number].tobytes()
    assert data.items["bytes"][0] == 32 * 32 * 3


def test_archive_is_read_by_workers(with_archive):
    made = fake.save_archive(with_archive / "adm.npz", 9, 32, compressed=True)
    data = ImageNetDataModule(with_archive, resize=None, batch_size=2, num_workers=2)
    data.setup()
    data.read_bytes("adm.npz#4")  # open in this process before the workers are forked
    pixels, _ = read_all(data)
    assert all(np.array_equal(pixels[f"adm.npz#{n}"][0].permute(1, 2, 0).numpy(), made[n]) for n in range(9))


class Pickled:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((2, 8, 8, 3), np.float32), "arr_0 must be uint8 of shape (N, H, W, 3), is float32 of shape"),
        (np.zeros((2, 3, 8, 8), np.uint8), "arr_0 must be uint8 of shape (N, H, W, 3), is uint8 of shape (2, 3, 8, 8)"),
        (np.zeros((2, 8, 8), np.uint8), "arr_0 must be uint8 of shape"),
        (np.zeros((0, 8, 8, 3), np.uint8), "arr_0 must be uint8 of shape"),
        (np.asfortranarray(np.zeros((2, 8, 8, 3), np.uint8)), "Fortran order"),
    ],
)
def test_archive_of_another_kind_is_refused_with_a_reason(with_archive, array, reason):
    np.savez(with_archive / "adm.npz", array)
    pixels, reasons = read_all(ready("imagenet", with_archive))
    assert set(pixels) == {"val/a.png"}
    assert reason in reasons["adm.npz"]


def test_archive_with_a_pickle_is_refused_and_never_opened(with_archive):
    mark = with_archive / "mark"
    images = np.empty(1, dtype=object)
    images[0] = Pickled(mark)
    np.savez(with_archive / "adm.npz", images)
    _, reasons = read_all(ready("imagenet", with_archive))
    assert reasons == {"adm.npz": "the archive holds a pickle, which is never opened"}
    assert not mark.exists()


def write_member(file: Path, header_shape: tuple[int, ...], data: bytes, name: str = "arr_0.npy") -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as stream:
        header = {"descr": "|u1", "fortran_order": False, "shape": header_shape}
        np.lib.format.write_array_header_1_0(stream, header)
        stream.write(data)


@pytest.mark.parametrize(
    ("shape", "size", "reason"),
    [
        ((10**9, 1, 1, 3), 3, "declares 1,000,000,000 images, too many"),
        ((1, 50_000, 50_000, 3), 3, "arr_0 declares 7500000000 bytes and has 3"),
        ((4, 8, 8, 3), 100, "arr_0 declares 768 bytes and has 100"),
    ],
)
def test_archive_that_declares_what_it_has_not_is_refused(with_archive, shape, size, reason):
    write_member(with_archive / "adm.npz", shape, bytes(size))
    assert read_all(ready("imagenet", with_archive))[1] == {"adm.npz": reason}


def test_archive_that_is_none_or_has_no_array_is_refused(with_archive):
    write_member(with_archive / "adm.npz", (1, 8, 8, 3), bytes(192), name="../../arr_0.npy")
    (with_archive / "ldm.npz").write_bytes(b"<html>Quota exceeded</html>")
    (with_archive / "biggan.npz").touch()
    data = ready("imagenet", with_archive)
    assert read_all(data)[1] == {
        "adm.npz": "the archive has no array arr_0",
        "ldm.npz": "broken archive: File is not a zip file",
        "biggan.npz": "broken archive: File is not a zip file",
    }


@pytest.mark.parametrize("compressed", [False, True])
def test_archive_that_was_damaged_gives_reasons_for_its_images(with_archive, compressed):
    fake.save_archive(with_archive / "adm.npz", 4, 64, compressed)
    data = ready("imagenet", with_archive)
    fake.save_archive(with_archive / "adm.npz", 2, 64, compressed)
    _, reasons = read_all(data)
    assert reasons == {f"adm.npz#{number}": "the archive holds 2 images" for number in (2, 3)}


# Untrusted folders.


def test_links_in_circles_and_links_to_themselves_end(roots, tmp_path):
    root = fake.copy_of(roots["imagenet"], tmp_path / "imagenet")
    before = counts(ready("imagenet", root))
    (root / "loop").symlink_to(root, target_is_directory=True)
    (root / "imagenet256" / "imagenet256" / "imagenet256").symlink_to(root / "imagenet256")
    (root / "Imagenet256-ADM" / "up").symlink_to(root / "Imagenet256-ADM", target_is_directory=True)
    (root / "self").symlink_to("self")
    (root / "Imagenet256-ADM" / "self.png").symlink_to("self.png")
    after = counts(ready("imagenet", root))
    assert after == before | {"adm": before["adm"] + 1}
    assert "Too many levels" in read_all(ready("imagenet", root))[1]["Imagenet256-ADM/self.png"]


def test_names_that_no_table_can_hold_are_counted(image_folder):
    file = os.fsencode(image_folder / "real" / "camera") + b"/\xff.png"
    try:
        Path(os.fsdecode(file)).touch()
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    data = FolderDataModule(image_folder)
    data.setup()
    assert len(data.items) == 36
    assert dict(data.ignored) == {"a name that is not UTF-8": 1}


@pytest.mark.usefixtures("permissions_hold")
def test_folder_that_may_not_be_read_is_one_clear_error(image_folder):
    (image_folder / "real" / "camera").chmod(0)
    with pytest.raises(DatasetNotFoundError, match=r"May not read .*camera: Permission denied"):
        FolderDataModule(image_folder).setup()


def test_folder_that_vanishes_is_one_clear_error(image_folder, tmp_path):
    class Vanishing(FolderDataModule):
        def list_items(self):
            yield from ()
            yield from list_files(tmp_path / "gone", self.ignored)

    with pytest.raises(DatasetNotFoundError, match=r"May not read .*gone: No such file"):
        Vanishing(image_folder).setup()


# Balance.


def test_balance_caps_generators_that_share_reals_at_the_smallest(roots):
    assert set(counts(ready("imagenet", roots["imagenet"], balance=True)).values()) == {4}


def test_balance_on_genimage_is_each_generators_own(roots, tmp_path):
    root = fake.copy_of(roots["genimage"], tmp_path / "genimage")
    for file in sorted((root / "BigGAN/imagenet_ai_0419_biggan/val/nature").iterdir())[1:]:
        file.unlink()
    sizes = counts(ready("genimage", root, balance=True))
    assert sizes["biggan"] == sizes["nature-biggan"] == 1
    assert sizes["adm"] == sizes["nature-adm"] == 3


def test_balance_counts_the_reals_of_several_sources_together(roots):
    sizes = counts(ready("folder", roots["folder"], balance=True))
    assert sizes["blurry"] == sizes["sharp"] == sizes["camera"] + sizes["phone"] == 4


def test_balance_leaves_a_single_class_as_it_is(image_folder):
    (image_folder / "real").rename(image_folder.with_name("elsewhere"))
    assert counts(ready("folder", image_folder, balance=True)) == {"blurry": 12, "sharp": 12}
