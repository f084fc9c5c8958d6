"""One miniature of each published data set whose columns and labels are known: the right labels, or a refusal."""

import io
import re

import pyarrow as pa
import pytest
from made_tables import IMAGE, images, labels, listed, picture, write
from PIL import Image

from datamodules import DataOptionError, ManifestDataModule, ParquetDataModule, UnreadableImageError

REFUSED = "do not say which images are generated"


def test_openfake_has_words_models_and_dates(tmp_path):
    columns = {
        "image": images(4),
        "prompt": ["a cat", "a dog", "a cat", None],
        "label": ["real", "fake", "fake", "fake"],
        "model": ["real", "sdxl", "flux", "sdxl"],
        "type": ["photo", "full", "full", "full"],
        "release_date": ["", "2023-07", "2024-08-01", "2023-07-26"],
    }
    write(tmp_path / "core" / "train-00000-of-00001.parquet", columns)
    write(tmp_path / "reddit" / "test-00000-of-00001.parquet", columns | {"image": images(4, 10)})
    data = ParquetDataModule(tmp_path)
    items = listed(data)
    assert items["label"].to_list() == [0, 1, 1, 1] * 2
    assert items["generator"].to_list() == ["real", "sdxl", "flux", "sdxl"] * 2
    assert items["group"].to_list()[:3] == ["a cat", "a dog", "a cat"]
    assert data.release_dates == {"sdxl": "2023-07", "flux": "2024-08-01"}
    assert items["path"][0] == "core/train-00000-of-00001.parquet#000000"
    assert "Splits: test 4, train 4; all are taken, and --split NAME takes one." in data.notes
    assert len(listed(ParquetDataModule(tmp_path, split="test"))) == 4


@pytest.mark.parametrize("kind", [int, str])
def test_community_forensics_has_bytes_and_numbers(kind, tmp_path):
    columns = {
        "image_data": [picture(0), picture(1), picture(2)],
        "image_name": ["a.png", "b.png", "c.png"],
        "label": [kind(0), kind(1), kind(1)],
        "model_name": ["", "sd15", "dit"],
        "architecture": ["Real", "LatDiff", "LatDiff"],
        "prompt": [None, "x", "y"],
    }
    file = write(tmp_path / "CompEval-00000-of-00001.parquet", columns)
    with pytest.raises(DataOptionError, match=rf"{REFUSED}.*0 \(1 image, .*#000000.*--generated-label 0 or"):
        listed(ParquetDataModule(tmp_path))
    data = ParquetDataModule(tmp_path, generated_label="1", split="CompEval")
    assert labels(data) == [0, 1, 1]
    assert data.sources(1) == ("dit", "sd15")
    assert data.read_bytes(f"{file.name}#000001") == picture(1)


def mask(share: float) -> dict[str, object]:
    image = Image.new("L", (10, 10))
    image.paste(255, (0, 0, 10, int(10 * share)))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return {"bytes": stream.getvalue(), "path": None}


def test_sid_set_has_tampered_images_with_masks(tmp_path):
    columns = {
        "img_id": ["real_0", "full_0", "tampered_0"],
        "image": images(3),
        "mask": pa.array([None, None, mask(0.3)], IMAGE),
        "label": [0, 1, 2],
    }
    write(tmp_path / "named.parquet", columns, {"label": ["real", "full_synthetic", "tampered"]})
    data = ParquetDataModule(tmp_path / "named.parquet")
    items = listed(data)
    assert items["label"].to_list() == [0, 1, 1]
    assert items["kind"].to_list() == [None, None, "partial"]
    assert data.edited_share(items["path"][2]) == pytest.approx(0.3)
    assert data.edited_share(items["path"][1]) is None
    write(tmp_path / "numbers.parquet", columns)
    with pytest.raises(DataOptionError, match=f"{REFUSED}.*--generated-label 2 --real-label 0"):
        listed(ParquetDataModule(tmp_path / "numbers.parquet", generated_label="1"))
    data = ParquetDataModule(tmp_path / "numbers.parquet", generated_label="1,partial=2", real_label="0")
    assert listed(data)["kind"].to_list() == [None, None, "partial"]
    data = ParquetDataModule(tmp_path / "numbers.parquet", generated_label="1", real_label="0")
    assert labels(data) == [0, 1]
    assert any("left out: 2 (1 image, such as numbers.parquet#000002)" in note for note in data.notes)


def test_so_fake_has_generators(tmp_path):
    columns = {
        "image": images(3),
        "filename": ["a", "b", "c"],
        "label": [0, 1, 1],
        "generator": [None, "flux", "gpt-4o"],
    }
    write(tmp_path / "a.parquet", columns)
    data = ParquetDataModule(tmp_path, generated_label="1")
    assert labels(data) == [0, 1, 1]
    assert data.sources(1) == ("flux", "gpt-4o")


def test_semi_truths_says_the_label_in_a_url(tmp_path):
    url = [f"s3://x/{name}.tar" for name in ("original", "inpainting", "p2p", "inpainting")]
    key = ["coco/1", "coco/1_0", "coco/1_1", "coco/1_0_mask"]
    write(tmp_path / "a.parquet", {"__key__": key, "__url__": url, "png": images(4)})
    with pytest.raises(DataOptionError, match=r"no column of labels.*__key__, __url__, png.*--label-from-path"):
        listed(ParquetDataModule(tmp_path))
    data = ParquetDataModule(tmp_path, label_from_path="(?P<skip>mask)|(?P<real>original)")
    assert labels(data) == [0, 1, 1]
    assert "Left out by --label-from-path: 1 rows, such as a.parquet#000003." in data.notes


def test_opensdi_says_partial_in_its_key(tmp_path):
    columns = {
        "key": ["sd15/real_1", "sd15/full_2", "sd15/partial_3"],
        "image": images(3),
        "mask": pa.array([mask(0), mask(1), mask(0.5)], IMAGE),
        "label": [0, 1, 1],
    }
    write(tmp_path / "a.parquet", columns)
    data = ParquetDataModule(tmp_path, generated_label="1")
    items = listed(data)
    assert items["label"].to_list() == [0, 1, 1]
    assert items["kind"].to_list() == [None, None, "partial"]
    assert data.edited_share(items["path"][2]) == pytest.approx(0.5)


def test_defactify_numbers_its_generators(tmp_path):
    columns = {"Image": images(4), "Caption": ["a", "a", "a", "b"], "Label_A": [0, 1, 1, 1], "Label_B": [0, 1, 2, 2]}
    write(tmp_path / "a.parquet", columns)
    data = ParquetDataModule(tmp_path, generated_label="1")
    items = listed(data)
    assert items["label"].to_list() == [0, 1, 1, 1]
    assert items["generator"].to_list() == ["real", "1", "2", "2"]
    assert items["group"].to_list()[:3] == ["a"] * 3


@pytest.mark.parametrize(
    ("names", "numbers", "expected"),
    [
        (["FAKE", "REAL"], [0, 1, 1], [1, 0, 0]),  # CIFAKE
        (["ai_gen", "human"], [0, 1, 0], [1, 0, 1]),  # AIGeneratedImages_Midjourney
        (["fake", "real"], [0, 0, 1], [1, 1, 0]),  # midjourney-dalle-sd-nanobananapro-dataset
        (["0fake", "1real"], [0, 0, 1], [1, 1, 0]),  # Art_Images_Ai_And_Real_
        (["NOT_AI", "AI"], [0, 1, 1], [0, 1, 1]),  # aiornot
    ],
)
def test_class_names_of_a_schema_decide(names, numbers, expected, tmp_path):
    write(tmp_path / "a.parquet", {"image": images(3), "label": numbers}, {"label": names})
    data = ParquetDataModule(tmp_path)
    assert labels(data) == expected
    assert any(f"0 = {names[0]}" in note for note in data.notes)
    generated = numbers[expected.index(1)]
    assert labels(ParquetDataModule(tmp_path, generated_label=str(generated))) == expected
    with pytest.raises(DataOptionError, match=r"says that .* is generated, and by its name it is real"):
        listed(ParquetDataModule(tmp_path, generated_label=str(1 - generated)))


def test_ai_vs_real_needs_to_be_told_that_0_is_generated(tmp_path):
    write(tmp_path / "a.parquet", {"image": images(2), "binary_label": [0, 1]})
    with pytest.raises(DataOptionError, match=f"binary_label {REFUSED}"):
        listed(ParquetDataModule(tmp_path))
    assert labels(ParquetDataModule(tmp_path, generated_label="0")) == [1, 0]
    assert labels(ParquetDataModule(tmp_path, real_label="1")) == [1, 0]


def test_aigc_benchmarks_have_generator_0_for_reals(tmp_path):
    names = {"generator": ["real", "adm", "biggan"]}
    columns = {"image": images(3), "label": [0, 1, 1], "generator": [0, 1, 2]}
    write(tmp_path / "named.parquet", columns, names)
    write(tmp_path / "numbers.parquet", columns)
    named = ParquetDataModule(tmp_path / "named.parquet", generated_label="1")
    assert (labels(named), named.sources(1)) == ([0, 1, 1], ("adm", "biggan"))
    numbers = ParquetDataModule(tmp_path / "numbers.parquet", generated_label="1")
    assert (labels(numbers), numbers.sources(1)) == ([0, 1, 1], ("1", "2"))


def test_elsa_has_four_generators_a_row_and_no_reals(tmp_path):
    columns = {"id": ["a", "b"], "url": ["u", "v"], "original_prompt": ["x", "y"]}
    columns |= {f"image_gen{n}": images(2, 10 * n) for n in range(4)}
    columns |= {f"filepath_gen{n}": [f"gen{n}/a.png", f"gen{n}/b.png"] for n in range(4)}
    write(tmp_path / "shards" / "a.parquet", columns)
    data = ParquetDataModule(tmp_path / "shards")
    items = listed(data)
    assert data.sources(1) == ("gen0", "gen1", "gen2", "gen3")
    assert len(items) == 8
    assert data.read_bytes("image_gen3@a.parquet#000001") == picture(31)
    assert "no real images" in data.missing_class()
    assert "--real DIR" in data.missing_class()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(picture(99))
    data = ParquetDataModule(tmp_path / "shards", real=[str(tmp_path / "photos")])
    data.setup()
    assert data.sources(0) == ("photos",)
    assert data.missing_class() is None
    assert data.read_bytes(data.items.filter(data.items["label"] == 0)["path"][0]) == picture(99)


def test_ai_genbench_has_no_generator_for_reals(tmp_path):
    write(tmp_path / "a.parquet", {"image": images(2), "label": [0, 1], "generator": ["", "ddpm"], "id": ["7", "8"]})
    data = ParquetDataModule(tmp_path, generated_label="1")
    assert (labels(data), data.sources(0), data.sources(1)) == ([0, 1], ("real",), ("ddpm",))


def test_ntire_has_a_table_in_each_folder(tmp_path):
    for shard in range(2):
        folder = tmp_path / f"shard_{shard}"
        (folder / "images").mkdir(parents=True)
        for number in range(2):
            (folder / "images" / f"{number}.jpg").write_bytes(picture(10 * shard + number, "jpg"))
        (folder / "labels.csv").write_text("image_path,label\nimages/0.jpg,0\nimages/1.jpg,1\n")
    data = ManifestDataModule(tmp_path, generated_label="1")
    items = listed(data)
    assert items["path"].to_list() == [f"shard_{shard}/images/{number}.jpg" for shard in (0, 1) for number in (0, 1)]
    assert items["label"].to_list() == [0, 1, 0, 1]
    assert data.read_bytes("shard_1/images/0.jpg") == picture(10, "jpg")


def test_unzipped_folders_take_their_labels_off_the_paths(tmp_path):
    names = ["progan/0_real/a.png", "progan/1_fake/b.png"]
    for seed, name in enumerate(names):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(picture(seed))
    (tmp_path / "files.csv").write_text("filename\n" + "\n".join(names) + "\n")
    data = ManifestDataModule(tmp_path / "files.csv", label_from_path="/([01]_[a-z]+)/")
    assert listed(data)["label"].to_list() == [0, 1]


def test_a_row_without_an_image_is_unreadable(tmp_path):
    column = pa.array([{"bytes": picture(0), "path": "a"}, None], IMAGE)
    write(tmp_path / "a.parquet", {"image": column, "label": ["real", "fake"]})
    data = ParquetDataModule(tmp_path)
    assert labels(data) == [0, 1]
    with pytest.raises(UnreadableImageError, match=re.escape("the row holds no image")):
        data.read_bytes("a.parquet#000001")
