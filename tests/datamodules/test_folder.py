import shutil
import tarfile
import zipfile
from pathlib import Path

import fake_benchmarks as fake
import polars as pl
import pytest
from tree_forms import rearranged, tarred, zipped

from datamodules import GENERATED, DataOptionError, DatasetNotFoundError, FolderDataModule, UnknownDataNameError
from datamodules.keys import sha256_of


def ready(root: Path | None, **options) -> FolderDataModule:
    """A folder's data set, listed."""
    data = FolderDataModule(root, **{"num_workers": 0, **options})
    data.setup()
    return data


def test_sources_are_the_folders_and_reals_face_every_generator(image_folder):
    data = FolderDataModule(image_folder)
    data.setup()
    assert len(data.items) == 36
    assert data.sources(0) == ("camera",)
    assert data.contrasts == {"blurry": ("camera",), "sharp": ("camera",)}


def test_every_ending_in_any_case_and_any_depth_is_found(image_folder):
    deep = image_folder / "real" / "phone" / "a" / "b.c"
    deep.mkdir(parents=True)
    names = ["x.PNG", "y.JPEG", "a.b.webp", "z.Tif", ".hidden.png"]
    for name in names:
        (deep / name).touch()
    (deep / "notes.txt").touch()
    (deep / "LICENSE").touch()
    data = FolderDataModule(image_folder)
    data.setup()
    found = data.items.filter(data.items["generator"] == "phone")["path"]
    assert sorted(Path(path).name for path in found) == sorted(names)
    assert dict(data.ignored) == {".txt": 1, "LICENSE": 1}


def test_images_straight_in_a_class_folder_are_a_source(tmp_path):
    (tmp_path / "generated").mkdir()
    (tmp_path / "generated" / "a.png").touch()
    data = FolderDataModule(tmp_path)
    data.setup()
    assert data.sources(1) == ("generated",)


def test_a_circle_of_links_ends(image_folder):
    (image_folder / "real" / "camera" / "loop").symlink_to(image_folder / "real", target_is_directory=True)
    data = FolderDataModule(image_folder)
    data.setup()
    assert len(data.items) == 36


def test_limit_takes_the_same_images_whatever_else_is_there(image_folder):
    def chosen() -> list[str]:
        data = FolderDataModule(image_folder, limit=5)
        data.setup()
        assert data.items.group_by("generator").len()["len"].to_list() == [5, 5, 5]
        return data.items.filter(data.items["generator"] == "blurry")["path"].to_list()

    before = chosen()
    for number in range(12):
        (image_folder / "generated" / "sharp" / f"{number:02d}.png").rename(
            image_folder / "generated" / "sharp" / f"other{number}.png"
        )
    assert chosen() == before


def test_generators_are_chosen_by_name_and_all_reals_stay(image_folder):
    data = FolderDataModule(image_folder, generators=["sharp"])
    data.setup()
    assert data.contrasts == {"sharp": ("camera",)}
    with pytest.raises(UnknownDataNameError, match=r"Unknown generator 'shrap'\. Did you mean 'sharp'"):
        FolderDataModule(image_folder, generators=["shrap"]).setup()


def test_groups_can_be_declared(image_folder):
    (image_folder / "groups.csv").write_text("path,group\nreal/camera/00.png,scene\nreal/camera/01.png,scene\n")
    data = FolderDataModule(image_folder)
    data.setup()
    assert data.items["group"].to_list().count("scene") == 2
    assert data.items["group"].n_unique() == 35


def test_groups_file_without_its_columns_is_a_mistake(image_folder):
    (image_folder / "groups.csv").write_text("file,prompt\n")
    with pytest.raises(DataOptionError, match="needs the columns path and group"):
        FolderDataModule(image_folder).setup()


def test_missing_folder_says_which_and_what_to_do(tmp_path):
    with pytest.raises(DatasetNotFoundError, match=r"There is no folder .*nowhere.*--data-root"):
        FolderDataModule(tmp_path / "nowhere").setup()


def test_other_layout_says_what_was_expected_what_was_found_and_every_way_out(image_folder):
    (image_folder / "real").rename(image_folder / "pictures")
    (image_folder / "generated").rename(image_folder / "genrated")
    with pytest.raises(DatasetNotFoundError) as error:
        FolderDataModule(image_folder).setup()
    for part in (
        "expected real/<source>/... and generated/<generator>/..., or pairs of folders such as 0_real and 1_fake",
        "found 'genrated' (rename it 'generated'), 'pictures'.",
        "--real DIR [DIR ...] --generated DIR [DIR ...]",
        "--dataset manifest reads a list of paths and labels",
        "a link (ln -s)",
    ):
        assert part in str(error.value)


def test_a_shard_given_as_an_archive_of_folders_is_told_from_one(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for name in ("0.jpg", "0.json"):
            archive.addfile(tarfile.TarInfo(name))
    with pytest.raises(DatasetNotFoundError, match=rf"--dataset shards --data-root {tmp_path} reads WebDataset"):
        ready(tmp_path / "x.tar")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("data/train-00000-of-00001.parquet", "--dataset parquet --data-root {root} reads .parquet files"),
        ("set/metadata.csv", "--dataset manifest --data-root {root} reads lists of images with labels (.csv)"),
        ("labels.jsonl", "--dataset manifest --data-root {root} reads lists of images with labels (.jsonl)"),
        ("clip.MP4", ".mp4: extract frames first, e.g. ffmpeg -i VIDEO FOLDER/%05d.png"),
        (
            "shard-000000.tar",
            "--dataset shards --data-root {root} reads WebDataset .tar files, --data-root FILE.tar one",
        ),
        ("fakes.zip", "--data-root FILE.zip reads one archive, --real FILES --generated FILES several"),
        ("fakes.tar.gz", "unpack compressed archives"),
    ],
)
@pytest.mark.parametrize("classes", [False, True])
def test_other_forms_of_data_are_named_with_what_reads_them(tmp_path, file, message, classes):
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).touch()
    for name in ("real", "generated") if classes else ():
        (tmp_path / name).mkdir()
        (tmp_path / file).rename(tmp_path / name / Path(file).name) if name == "real" else None
    with pytest.raises(DatasetNotFoundError) as error:
        FolderDataModule(tmp_path).setup()
    assert message.format(root=tmp_path) in str(error.value)


def test_no_image_at_all_is_an_error(tmp_path):
    (tmp_path / "real").mkdir()
    with pytest.raises(DatasetNotFoundError, match="There is no image under"):
        FolderDataModule(tmp_path).setup()


@pytest.mark.parametrize("option", ["limit", "resize", "batch_size"])
def test_impossible_option_says_what_is_wrong(tmp_path, option):
    with pytest.raises(DataOptionError, match=f"--{option.replace('_', '-')} must be at least 1, got 0"):
        FolderDataModule(tmp_path, **{option: 0})


@pytest.mark.parametrize(
    ("real", "generated", "message"),
    [
        ("real", "genrated", "no generated images; passed by: 'genrated' (rename it 'generated'), 'notes'"),
        ("Rael", "generated", "no real images; passed by: 'Rael' (rename it 'real'), 'notes'"),
        ("real", "generated", None),
        ("Real", "1_fake", None),
    ],
)
def test_a_class_whose_folder_goes_by_another_name_is_named(image_folder, real, generated, message):
    (image_folder / "notes").mkdir()
    (image_folder / "real").rename(image_folder / real)
    (image_folder / "generated").rename(image_folder / generated)
    data = FolderDataModule(image_folder)
    data.setup()
    missing = data.missing_class()
    assert "notes" in data.passed_by
    assert len(data.passed_by) == (1 if message is None else 2)
    assert missing is None if message is None else missing.startswith(f"{image_folder} has {message}; --real DIR")


def test_what_was_decided_of_names_that_are_not_this_suites_own_is_told(image_folder, tmp_path):
    assert ready(image_folder).notes == ()
    places = {"real/camera": "progan/cat/0_real", "generated/blurry": "progan/dog/1_fake", "generated/sharp": "0_fake"}
    data = ready(rearranged(image_folder, tmp_path / "other", lambda path: f"{places[path[:-7]]}/{path[-6:]}"))
    assert data.notes == (
        "By the names of their folders, images are: 12 real (such as progan/cat/0_real/00.png, "
        "progan/cat/0_real/01.png); 24 generated (such as 0_fake/00.png, 0_fake/01.png).",
        "No folder says where generated images are from: their source is called 'unnamed'.",
        "Folders that name no source, but what images show or a part of one: cat, dog.",
    )
    assert data.facing == {"progan": ("progan",), "unnamed": ("progan",)}


def test_images_beside_the_folders_of_the_classes_are_counted(image_folder):
    (image_folder / "generated").rename(image_folder / "fake")
    shutil.copyfile(image_folder / "real/camera/00.png", image_folder / "loose.png")
    (image_folder / "masks").mkdir()
    shutil.copyfile(image_folder / "real/camera/00.png", image_folder / "masks/0.png")
    data = ready(image_folder)
    assert data.notes[0] == "Images beside the folders of the classes, not taken: 1 (loose.png)."
    assert data.passed_by == ["masks"]
    assert data.sources(GENERATED) == ("blurry", "sharp")


def test_splits_are_told_and_one_can_be_taken(image_folder, tmp_path):
    splits = {"real/camera": "train/REAL", "generated/blurry": "train/FAKE", "generated/sharp": "test/FAKE"}
    root = rearranged(image_folder, tmp_path / "cifake", lambda path: f"{splits[path[:-7]]}/{path[-6:]}")
    data = ready(root)
    assert "Images of all splits are taken (test 12, train 24); --split takes those of one." in data.notes
    assert len(ready(root, split="Training").items) == 24
    assert set(ready(root, split="test").items["path"]) == {f"test/FAKE/{number:02d}.png" for number in range(12)}
    with pytest.raises(UnknownDataNameError, match=r"Unknown split 'val'\. Available: test, train"):
        ready(root, split="val")
    with pytest.raises(UnknownDataNameError, match=r"Unknown split 'tset'\. Did you mean 'test'"):
        ready(root, split="tset")


def test_the_same_images_in_every_form_are_the_same_items_and_bytes(image_folder, tmp_path):
    (image_folder / "groups.csv").write_text("path,group\nreal/camera/00.png,scene\nreal/camera/01.png,scene\n")
    forms = {
        "folder": FolderDataModule(image_folder),
        "zip": FolderDataModule(zipped(image_folder, tmp_path / "packed.zip")),
        "zip with its folder": FolderDataModule(zipped(image_folder, tmp_path / "top.zip", "images/")),
        "tar": FolderDataModule(tarred(image_folder, tmp_path / "packed.tar", "./images/")),
    }
    tables = {}
    for form, data in forms.items():
        data.setup()
        read = [sha256_of(data.read_bytes(path)) for path in data.items["path"]]
        tables[form] = data.items.drop("mtime_ns", "bytes").with_columns(sha256=pl.Series(read))
        assert data.items["bytes"].to_list() == forms["folder"].items["bytes"].to_list(), form
        assert tables[form].equals(tables["folder"]), form
        assert data.notes == ()
    assert tables["zip"]["group"].to_list().count("scene") == 2
    assert forms["zip"].title == "folder:packed"

    sources = [str(image_folder / name) for name in ("real/camera", "generated/blurry", "generated/sharp")]
    apart = ready(None, real=sources[:1], generated=[sources[1], str(zipped(Path(sources[2]), tmp_path / "sharp.zip"))])
    read = pl.Series([sha256_of(apart.read_bytes(path)) for path in apart.items["path"]])
    own = tables["folder"].with_columns(group=pl.col("path"))
    assert apart.items.drop("mtime_ns", "bytes").with_columns(sha256=read).equals(own)
    assert apart.title == "folder:camera-vs-blurry+sharp"

    def beside(path: str) -> str:
        word, source, name = path.split("/")
        return f"{'0_real' if word == 'real' else '1_fake'}/{source}/{name}"

    numbered = ready(rearranged(image_folder, tmp_path / "numbered", beside))
    facts = ("label", "generator", "sha256")
    read = pl.Series([sha256_of(numbered.read_bytes(path)) for path in numbered.items["path"]])
    assert (
        numbered.items.with_columns(sha256=read).select(facts).sort("sha256").equals(own.select(facts).sort("sha256"))
    )


def test_folders_of_classes_given_apart_must_be_of_one_class_and_of_different_names(image_folder, tmp_path):
    camera = image_folder / "real" / "camera"
    camera.rename(image_folder / "real" / "0_real")
    with pytest.raises(
        DataOptionError, match=r"--generated .*real holds 0_real/00\.png, which lies in a folder '0_real'"
    ):
        ready(None, generated=[str(image_folder / "real")])
    for name in ("a", "b"):
        fake.fill(tmp_path / name / "images", ["x.png"])
    with pytest.raises(DataOptionError, match=r"are both called 'images', which names the source.*ln -s"):
        ready(None, generated=[str(tmp_path / "a/images"), str(tmp_path / "b/images")])
    with pytest.raises(DataOptionError, match="take the place of --data-root"):
        FolderDataModule(image_folder, real=[str(camera)])
    with pytest.raises(DataOptionError, match=r"needs --data-root DIR; or --real DIR"):
        FolderDataModule(None)
    with pytest.raises(DatasetNotFoundError, match=r"There is no folder nowhere\..*with --real DIR"):
        ready(None, real=["nowhere"])
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "a.mp4").touch()
    with pytest.raises(DatasetNotFoundError, match=r"no image in --real .*none: .mp4: extract frames first"):
        ready(None, real=[str(tmp_path / "none")])
    alone = ready(None, generated=[str(tmp_path / "a/images")])
    assert alone.missing_class().startswith("folder:images has no real images; --real DIR")


def test_an_archive_is_read_by_workers_and_its_damage_is_told(image_folder, tmp_path):
    file = zipped(image_folder, tmp_path / "x.zip", compression=zipfile.ZIP_STORED)
    data = bytearray(file.read_bytes())
    picture = (image_folder / "generated/sharp/03.png").read_bytes()
    data[data.index(picture) + 100] ^= 1
    file.write_bytes(data)
    loaded = ready(file, num_workers=2)
    lost = {one.path: one.reason for batch in loaded.test_dataloader() for one in batch.unreadable}
    assert lost == {"generated/sharp/03.png": "the archive is damaged here: wrong checksum"}


def test_a_name_too_long_for_a_folder_of_results_is_a_mistake(image_folder):
    long = image_folder.rename(image_folder.with_name("n" * 250))
    with pytest.raises(DataOptionError, match=r"^The data set's title, folder:n+\.\.\., .* 257 bytes.*--name"):
        FolderDataModule(long).setup()


def test_what_macos_and_windows_leave_is_passed_by_and_counted(image_folder):
    camera = image_folder / "real" / "camera"
    (camera / "__MACOSX").mkdir()
    for name in ("._00.png", "__MACOSX/00.png", ".DS_Store", "Thumbs.db"):
        (camera / name).write_bytes(b"\0\5\x16\7")
    data = FolderDataModule(image_folder)
    data.setup()
    assert len(data.items) == 36
    assert dict(data.ignored) == {"._* or __MACOSX": 2}


def test_declared_groups_are_read_from_an_archive_and_need_one_folder_beside_all(image_folder, tmp_path):
    (image_folder / "groups.csv").write_text("path,group\nreal/camera/00.png,scene\n")
    assert FolderDataModule(zipped(image_folder, tmp_path / "x.zip")).declared_groups() == {
        "real/camera/00.png": "scene"
    }
    with pytest.raises(DataOptionError, match=r"A groups\.csv lies in the folder of --data-root: link the others"):
        FolderDataModule(None, real=[str(image_folder / "real/camera")]).declared_groups()
    (image_folder / "groups.csv").write_text("path,group\nreal/x.png,\n")
    with pytest.raises(DataOptionError, match=r"groups\.csv, line 2: the group is empty"):
        ready(zipped(image_folder, tmp_path / "y.zip"))
