import pytest

from datamodules.errors import DataOptionError
from datamodules.trees.layout import opposed, passed_by, read_layout


def told(*folders: str) -> dict[str, tuple[int, str, str, bool]]:
    return {
        folder: (place.label, place.source, place.content, place.paired)
        for folder, place in read_layout(folders).items()
    }


def test_forensynths_generators_and_their_own_reals_are_found():
    assert told("progan/airplane/0_real", "progan/airplane/1_fake", "biggan/0_real", "biggan/1_fake") == {
        "progan/airplane/0_real": (0, "progan", "airplane", True),
        "progan/airplane/1_fake": (1, "progan", "airplane", True),
        "biggan/0_real": (0, "biggan", "", True),
        "biggan/1_fake": (1, "biggan", "", True),
    }


@pytest.mark.parametrize(
    "names", [("real", "fake"), ("REAL", "FAKE"), ("0_real", "1_fake"), ("nature", "ai"), ("1_Real", "0_Fake")]
)
def test_classes_go_by_many_names_in_any_case(names):
    real, fake = names
    assert told(f"{real}/coco", f"{fake}/sd15/a") == {
        f"{real}/coco": (0, "coco", "", False),
        f"{fake}/sd15/a": (1, "sd15", "a", False),
    }


def test_folders_without_a_source_are_unnamed_and_this_suites_own_keep_their_names():
    assert [place.source for place in read_layout(["real", "fake"]).values()] == ["real", "unnamed"]
    assert [place.source for place in read_layout(["0_real", "1_fake"]).values()] == ["unnamed"] * 2
    assert [place.source for place in read_layout(["real", "generated"]).values()] == ["real", "generated"]


def test_genimages_archives_are_generators_and_splits_name_nothing():
    layout = read_layout(
        [
            "ADM/imagenet_ai_0508_adm/val/ai",
            "ADM/imagenet_ai_0508_adm/train/nature",
            "VQDM/imagenet_ai_0419_vqdm/val/ai",
        ]
    )
    assert [(place.label, place.source, place.split) for place in layout.values()] == [
        (1, "ADM", "val"),
        (0, "ADM", "train"),
        (1, "VQDM", "val"),
    ]
    cifake = read_layout(["train/REAL", "test/FAKE"])
    assert [(place.source, place.split, place.paired) for place in cifake.values()] == [
        ("real", "train", False),
        ("unnamed", "test", False),
    ]


def test_pooled_photographs_of_genimage_belong_to_nobody():
    layout = read_layout(["nature/val", "ADM/val/ai", "VQDM/val/ai"])
    assert [(place.label, place.source, place.paired) for place in layout.values()] == [
        (0, "unnamed", False),
        (1, "ADM", True),
        (1, "VQDM", True),
    ]


@pytest.mark.parametrize(
    ("folders", "sources"),
    [
        (["CNN_synth/progan/cat/0_real", "CNN_synth/crn/1_fake"], ["progan", "crn"]),
        (["WildRF/test/reddit/0_real", "WildRF/test/facebook/1_fake"], ["reddit", "facebook"]),
        (["progan/cat/0_real", "progan/dog/1_fake"], ["progan", "progan"]),
        (["mygan/0_real", "mygan/1_fake"], ["mygan", "mygan"]),
    ],
)
def test_a_folder_around_everything_names_no_source_unless_it_is_a_known_generator(folders, sources):
    assert [place.source for place in read_layout(folders).values()] == sources


def test_words_that_may_mean_content_are_classes_only_beside_one_of_the_other_class():
    assert told("nikon/human", "sd15/human") == {}
    assert told("set/human/a", "set/ai_gen/b") == {
        "set/human/a": (0, "set", "a", True),
        "set/ai_gen/b": (1, "set", "b", True),
    }
    assert told("nature/real", "nature/fake", "human/real", "human/fake") == {
        "nature/real": (0, "nature", "", True),
        "nature/fake": (1, "nature", "", True),
        "human/real": (0, "human", "", True),
        "human/fake": (1, "human", "", True),
    }


@pytest.mark.parametrize("folder", ["fake/0_real", "x/1_fake/real", "real/a/1_fake", "ai/nature"])
def test_a_folder_in_folders_of_both_classes_is_a_mistake(folder):
    with pytest.raises(DataOptionError, match=r"lies in folders of both classes.*--real DIR --generated DIR"):
        read_layout([folder])


def test_inside_of_this_suites_own_folders_a_source_may_be_called_anything():
    assert told("generated/real", "real/fake", "generated/val") == {
        "generated/real": (1, "real", "", False),
        "real/fake": (0, "fake", "", False),
        "generated/val": (1, "val", "", False),
    }


def test_edited_images_are_a_kind_of_their_own():
    places = read_layout(["real/coco", "tampered/lama", "fake/sd15"])
    assert [(place.label, place.kind) for place in places.values()] == [(0, None), (1, "partial"), (1, None)]


def test_the_outermost_folder_that_gives_nothing_is_named():
    folders = ["progan/0_real", "progan/masks/a", "notes/a", "notes/b", ""]
    assert passed_by(folders, read_layout(folders)) == ["notes", "progan/masks"]


def test_a_folder_of_the_other_class_is_seen():
    assert opposed("a/0_real/b", 1) == "0_real"
    assert opposed("a/0_real/b", 0) is None
    assert opposed("a/human", 1) is None
