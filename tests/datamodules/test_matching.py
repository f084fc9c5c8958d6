import io

import numpy as np
import polars as pl
import pytest
from PIL import Image

from datamodules import DataOptionError
from datamodules.cues import CONTAINER_CUES, measure_cues
from datamodules.matching import NoMatch, Reencode, Unbiased, Unify, parse_match


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def facts(*rows: tuple[str, int, str, int, int, int | None]) -> pl.DataFrame:
    schema = {
        "path": pl.String,
        "label": pl.Int8,
        "generator": pl.String,
        "width": pl.Int64,
        "height": pl.Int64,
        "jpeg_quality": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def chosen(frame: pl.DataFrame, contrast: str = "sd") -> set[str]:
    return set(frame.filter(pl.col("contrast") == contrast)["path"])


def test_the_option_is_read():
    assert parse_match("none") == NoMatch()
    assert parse_match("unbiased") == Unbiased()
    assert parse_match("reencode:75", side=224) == Reencode(75, 224)
    assert parse_match("reencode:75", side=None) == Reencode(75, 256)
    for text in ("none", "unbiased", "reencode:75"):
        assert parse_match(text).name == text


@pytest.mark.parametrize("text", ["reencode", "reencode:0", "reencode:101", "reencode:75.5", "unbias", ""])
def test_another_option_is_refused(text):
    with pytest.raises(DataOptionError, match=rf"--match must be none, reencode:Q .* or unbiased; got '{text}'\."):
        parse_match(text)


def test_reencoding_is_a_resize_a_crop_and_pillows_jpeg():
    image, buffer = picture(100, 60), io.BytesIO()
    resized = image.resize((53, 32), Image.Resampling.BILINEAR)
    resized.crop((10, 0, 42, 32)).save(buffer, "JPEG", quality=75)
    match = Reencode(75, 32)
    assert match.encode(image) == buffer.getvalue()
    assert np.array_equal(match.apply(image), Image.open(buffer))


def test_after_reencoding_containers_are_all_alike_but_for_what_the_picture_needs():
    files = []
    for form, size in (("JPEG", (300, 200)), ("PNG", (64, 64)), ("WEBP", (50, 80))):
        buffer = io.BytesIO()
        picture(*size).save(buffer, form)
        files.append(Image.open(buffer).convert("RGB"))
    cues = [measure_cues(Reencode(75, 64).encode(image), "image.jpg") for image in files]
    for name in set(CONTAINER_CUES) - {"bytes_per_pixel", "blockiness"}:
        assert len({getattr(one, name) for one in cues}) == 1


def test_a_comment_of_the_old_file_does_not_weigh_in_the_new_one():
    image = picture(64, 64)
    bare = Reencode(75, 64).encode(image)
    image.info["comment"] = b"shot on a camera" * 100
    assert Reencode(75, 64).encode(image) == bare


def test_unbiased_keeps_what_the_recipe_keeps():
    frame = facts(
        ("r/lower", 0, "camera", 461, 563, 96),
        ("r/upper", 0, "camera", 563, 461, 97),
        ("r/small", 0, "camera", 460, 512, 96),
        ("r/large", 0, "camera", 512, 564, 96),
        ("r/coarse", 0, "camera", 512, 512, 90),
        ("r/png", 0, "camera", 512, 512, None),
        ("r/elsewhere", 0, "phone", 512, 512, 96),
        ("g/png", 1, "sd", 512, 512, None),
        ("g/jpeg96", 1, "sd", 512, 512, 96),
        ("g/jpeg75", 1, "sd", 512, 512, 75),
        ("g/wide", 1, "sd", 768, 512, None),
    )
    selection = Unbiased().select(frame, {"sd": ("camera",)})
    assert chosen(selection.chosen) == {"r/lower", "r/upper", "g/png", "g/jpeg96"}
    compress = dict(selection.chosen.select("path", "compress").iter_rows())
    assert compress == {"r/lower": False, "r/upper": False, "g/png": True, "g/jpeg96": False}
    assert selection.chosen.select("crop_width", "crop_height").unique().rows() == [(461, 461)]
    assert selection.dropped.select("label", "reason", "images").rows() == [
        (0, "JPEG of another quality", 1),
        (0, "not a JPEG", 1),
        (0, "not near the generator's size", 2),
        (1, "JPEG of another quality", 1),
        (1, "not of the generator's usual size", 1),
    ]


def test_a_real_image_faces_each_generator_of_its_size():
    frame = facts(
        ("r/1", 0, "camera", 512, 512, 96),
        ("r/2", 0, "camera", 256, 256, 96),
        ("a/1", 1, "a", 512, 512, None),
        ("b/1", 1, "b", 500, 500, None),
        ("c/1", 1, "c", 1024, 1024, None),
    )
    selection = Unbiased().select(frame, dict.fromkeys("abc", ("camera",)))
    assert {name: chosen(selection.chosen, name) for name in "abc"} == {
        "a": {"r/1", "a/1"},
        "b": {"r/1", "b/1"},
        "c": set(),
    }
    sides = dict(selection.chosen.select("contrast", "crop_width").unique().iter_rows())
    assert sides == {"a": 461, "b": 450}


def many(n_real: int, n_generated: int) -> pl.DataFrame:
    rows = [(f"r/{i}", 0, "camera", 512, 500, 96) for i in range(n_real)]
    return facts(*rows, *((f"g/{i}", 1, "sd", 512, 512, None) for i in range(n_generated)))


def test_classes_are_balanced_by_the_paths_alone():
    frame = many(9, 4)
    first = Unbiased().select(frame, {"sd": ("camera",)})
    assert first.chosen["label"].value_counts().sort("label").rows() == [(0, 4), (1, 4)]
    assert first.dropped.rows() == [("sd", 0, "surplus of its class", 5)]
    shuffled = Unbiased().select(frame.sample(fraction=1, shuffle=True, seed=1), {"sd": ("camera",)})
    assert chosen(shuffled.chosen) == chosen(first.chosen)
    fewer = Unbiased().select(many(9, 3), {"sd": ("camera",)})
    assert chosen(fewer.chosen) - {"g/3"} <= chosen(first.chosen) | {"g/0", "g/1", "g/2"}


def test_classes_are_balanced_within_each_content_class_where_it_is_known():
    frame = many(4, 4).with_columns(content_class=pl.Series(["cat", "cat", "cat", "dog", "cat", "dog", "dog", "bird"]))
    selection = Unbiased().select(frame, {"sd": ("camera",)})
    counts = selection.chosen.group_by("content_class", "label").len().sort("content_class", "label")
    assert counts.rows() == [("cat", 0, 1), ("cat", 1, 1), ("dog", 0, 1), ("dog", 1, 1)]


def test_no_image_at_all_is_no_mistake():
    selection = Unbiased().select(many(2, 0), {"sd": ("camera",)})
    assert selection.chosen.is_empty()
    assert selection.dropped["images"].sum() == 2


def test_unifying_compresses_whole_and_then_crops():
    image, buffer = picture(64, 60), io.BytesIO()
    image.save(buffer, "JPEG", quality=96)
    assert np.array_equal(Unify(40, 38, True).apply(image), Image.open(buffer).crop((12, 11, 52, 49)))
    assert np.array_equal(Unify(40, 38, False).apply(image), image.crop((12, 11, 52, 49)))
