from pathlib import Path

import pytest

from datamodules import DataOptionError, FolderDataModule

HEAD = b"path,group\n"
ROW = b"real/camera/00.png,scene\n"


def groups_of(folder: Path, text: bytes) -> FolderDataModule:
    (folder / "groups.csv").write_bytes(text)
    data = FolderDataModule(folder)
    data.setup()
    return data


@pytest.mark.parametrize(
    "text",
    [
        HEAD + ROW + b"real/camera/01.png,scene",
        b"\xef\xbb\xbf" + HEAD + ROW + b"real/camera/01.png,scene\n",
        (HEAD + ROW + b"real/camera/01.png,scene\n").replace(b"\n", b"\r\n"),
        HEAD + b"./real/camera/00.png,scene\n././real/camera/01.png,scene\n",
        HEAD + b"real\\camera\\00.png,scene\n.\\real\\camera\\01.png,scene\n",
        HEAD + b"\n" + ROW + ROW + b'"real/camera/01.png","scene"\n\n',
        b"note,group,path\n,scene,real/camera/00.png\nx,scene,real/camera/01.png\n",
    ],
)
def test_spreadsheets_and_other_systems_are_understood(image_folder, text):
    data = groups_of(image_folder, text)
    grouped = data.items.filter(data.items["group"] == "scene")["path"].to_list()
    assert grouped == ["real/camera/00.png", "real/camera/01.png"]
    assert data.notes == ()


def test_a_backslash_that_is_part_of_a_name_stays(image_folder):
    (image_folder / "real" / "camera" / "00.png").rename(image_folder / "real" / "camera" / "a\\b.png")
    data = groups_of(image_folder, HEAD + b"real/camera/a\\b.png,scene\n")
    assert data.items.filter(data.items["group"] == "scene")["path"].to_list() == ["real/camera/a\\b.png"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "is empty"),
        (b"path,group,group\n", r"needs the columns path and group, has \['path', 'group', 'group'\]"),
        (HEAD + ROW + b"real/camera/01.png,\n", "line 3: the group is empty"),
        (HEAD + b",scene\n", "line 2: the path is empty"),
        (HEAD + b"real/camera/01.png\n", "line 2: 1 cells, where the header has 2"),
        (HEAD + b"real/camera/1,5.png,scene\n", "line 2: 3 cells.*a comma in a name needs quotes"),
        (HEAD + ROW + b"./real/camera/00.png,other\n", "line 3: './real/camera/00.png' has group 'other', and 'scene'"),
        (HEAD + ROW + b'"real/camera/01.png,scene\nreal/camera/02.png,scene\n', "line 3: a quote is not closed"),
        (HEAD + b'"real/camera/00.png"x,scene\n', "line 2: "),
        (HEAD + ROW + "réal.png,scene\n".encode("latin-1"), "line 3: not UTF-8; save the file as CSV in UTF-8"),
        ((HEAD + ROW).decode().encode("utf-16"), "line 1: not UTF-8"),
        (HEAD + ROW + b"real/\0.png,scene\n", "line 3: holds a zero byte"),
        (HEAD + b"x" * 200_000 + b",scene\n", "line 2: field larger than field limit"),
        (HEAD + b"camera/00.png,scene\n", r"names no image that is here; the first is 'camera/00.png'"),
    ],
)
def test_what_would_change_an_interval_unseen_is_a_mistake(image_folder, text, message):
    with pytest.raises(DataOptionError, match=message) as raised:
        groups_of(image_folder, text)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400


def test_paths_that_are_not_here_are_counted(image_folder):
    data = groups_of(image_folder, HEAD + ROW + b"real/camera/xx.png,scene\nreal/camera/yy.png,b\n")
    assert data.not_here == ["real/camera/xx.png", "real/camera/yy.png"]
    assert data.notes == ("groups.csv names 2 files that are not here, the first real/camera/xx.png.",)
