"""Who faces whom: all reals, what the data say, what a file says, or equal names."""

import pytest

from datamodules import DataOptionError, FolderDataModule, UnknownDataNameError
from datamodules.pairing import paired, read_pairs

CONTRASTS = {"adm": ("camera", "scanner"), "adm (partial)": ("camera", "scanner"), "glide": ("camera", "scanner")}
REALS = ("camera", "scanner")


def test_what_the_user_says_goes_before_names_and_names_before_what_the_data_say():
    declared = {"adm": {"scanner"}, "glide": {"scanner", "elsewhere"}}
    assert paired(CONTRASTS, REALS, declared, {}, by_name=False) == {
        "adm": ("scanner",),
        "adm (partial)": ("scanner",),
        "glide": ("scanner",),
    }
    assert paired(CONTRASTS, REALS, declared, {"glide": {"camera"}}, by_name=False)["glide"] == ("camera",)
    named = paired({"camera": REALS, "glide": REALS}, REALS, {}, {}, by_name=True)
    assert named == {"camera": ("camera",), "glide": REALS}


def test_pairs_of_what_is_not_there_are_mistakes():
    with pytest.raises(UnknownDataNameError, match="Unknown real source 'phone'"):
        paired(CONTRASTS, REALS, {}, {"adm": {"phone"}}, by_name=False)
    with pytest.raises(DataOptionError, match=r"no generator has real images of its name.*--pairs FILE"):
        paired(CONTRASTS, REALS, {}, {}, by_name=True)


def test_a_file_of_pairs_is_read_with_a_mark_and_either_header(tmp_path):
    file = tmp_path / "pairs.csv"
    file.write_bytes(b'\xef\xbb\xbfreal_source,Generator\r\ncamera,adm\r\n"a, b",adm\r\n\r\nscanner,glide\r\n')
    assert read_pairs(file) == {"adm": {"camera", "a, b"}, "glide": {"scanner"}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "needs the columns generator and real source"),
        (b"generator,real\na,b\n", "needs the columns generator and real source, has"),
        (b"generator,real source\n", "has no pair"),
        (b"generator,real source\na,b\na\n", "line 3: needs a generator and a real source"),
        (b"generator,real source\na,\n", "line 2: needs a generator and a real source"),
        (b'generator,real source\n"a,b\n', "line 2: unexpected end of data"),
        (b"generator,real source\n\xe9,b\n", "not UTF-8"),
    ],
)
def test_a_broken_file_of_pairs_is_one_line(tmp_path, text, said):
    file = tmp_path / "pairs.csv"
    file.write_bytes(text)
    with pytest.raises(DataOptionError, match=said):
        read_pairs(file)


def test_a_file_of_pairs_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(DataOptionError, match="cannot be read: No such file"):
        FolderDataModule(tmp_path, pairs=str(tmp_path / "none.csv"))


def test_a_folder_faces_as_a_file_says_and_a_chosen_generator_keeps_its_own_reals(image_folder, photograph, tmp_path):
    (image_folder / "real/scanner").mkdir()
    photograph(1).save(image_folder / "real/scanner/1.png")
    file = tmp_path / "pairs.csv"
    file.write_text("generator,real source\nsharp,scanner\n")
    data = FolderDataModule(image_folder, pairs=str(file))
    data.setup()
    assert data.facing == {"blurry": ("camera", "scanner"), "sharp": ("scanner",)}
    data = FolderDataModule(image_folder, pairs=str(file), generators=["sharp"])
    data.setup()
    assert (data.sources(0), data.sources(1)) == (("scanner",), ("sharp",))
    assert len(data.listing) == 37
    file.write_text("generator,real source\nshrap,scanner\n")
    with pytest.raises(UnknownDataNameError, match=r"Unknown generator .shrap...*sharp"):
        FolderDataModule(image_folder, pairs=str(file)).setup()
