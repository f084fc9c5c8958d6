from pathlib import Path

import pytest

from datamodules import DataOptionError, DatasetNotFoundError, FolderDataModule, UnknownDataNameError


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


def test_other_layout_says_what_was_expected_and_found(tmp_path):
    (tmp_path / "0_real").mkdir()
    with pytest.raises(DatasetNotFoundError, match=r"expected real/<source>.*found '0_real'"):
        FolderDataModule(tmp_path).setup()


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
        ("real", "fake", "no generated images; passed by: 'fake' (rename it 'generated'), 'notes'"),
        ("real", "genrated", "no generated images; passed by: 'genrated' (rename it 'generated'), 'notes'"),
        ("Reals", "generated", "no real images; passed by: 'Reals' (rename it 'real'), 'notes'"),
        ("real", "generated", None),
    ],
)
def test_a_class_whose_folder_goes_by_another_name_is_named(image_folder, real, generated, message):
    (image_folder / "notes").mkdir()
    (image_folder / "real").rename(image_folder / real)
    (image_folder / "generated").rename(image_folder / generated)
    data = FolderDataModule(image_folder)
    data.setup()
    missing = data.missing_class()
    assert missing is None if message is None else missing == f"{image_folder} has {message}"


def test_other_names_of_both_classes_are_told_from_others(image_folder):
    (image_folder / "real").rename(image_folder / "0_real")
    (image_folder / "generated").rename(image_folder / "1_fake")
    with pytest.raises(DatasetNotFoundError, match=r"found '0_real' \(rename it 'real'\), '1_fake' \(rename it 'gen"):
        FolderDataModule(image_folder).setup()


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
