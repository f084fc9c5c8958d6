"""Manifests as people write them, and the mistakes in them."""

import json

import numpy as np
import pyarrow as pa
import pytest
from made_tables import IMAGE, images, listed, picture, write
from PIL import Image

from datamodules import (
    DataOptionError,
    DatasetNotFoundError,
    FolderDataModule,
    ManifestDataModule,
    ParquetDataModule,
    UnknownDataNameError,
)

NAMES = ["real/camera/a b.png", "real/camera/ü.png", "generated/sharp/0.png", "generated/blurry/1.png"]
FACTS = [("real", ""), ("real", ""), ("fake", "sharp"), ("fake", "blurry")]


@pytest.fixture
def root(tmp_path):
    for seed, name in enumerate(NAMES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(picture(seed))
    return tmp_path


def lines(separator=","):
    head = separator.join(["path", "label", "generator"])
    return [head, *(separator.join([name, *facts]) for name, facts in zip(NAMES, FACTS, strict=True))]


def manifest(root, text, name="m.csv", encoding="utf-8", **options):
    (root / name).write_bytes(text.encode(encoding))
    return ManifestDataModule(root / name, **options)


def refused(root, text, message, **options):
    with pytest.raises(DataOptionError, match=message) as caught:
        listed(manifest(root, text, **options))
    assert "\n" not in str(caught.value)


def test_a_manifest_of_a_folder_has_its_items(root):
    folder, data = FolderDataModule(root), manifest(root, "\n".join(lines()))
    expected, items = listed(folder), listed(data)
    assert items["path"].to_list() == expected["path"].to_list()
    assert items.select("label", "bytes", "mtime_ns").equals(expected.select("label", "bytes", "mtime_ns"))
    assert items["generator"].to_list() == ["blurry", "sharp", "real", "real"]
    assert items["group"].to_list() == items["path"].to_list()
    assert data.read_bytes(NAMES[1]) == picture(1)
    assert data.title == "manifest:m"


@pytest.mark.parametrize(
    ("text", "name", "encoding"),
    [
        ("\r\n".join(lines()) + "\r\n", "m.csv", "utf-8-sig"),
        ("\n\n".join(lines()), "m.csv", "utf-8"),
        ("\n".join(lines(";")), "m.CSV", "utf-8"),
        ("\n".join(lines("\t")), "m.tsv", "utf-8-sig"),
        ("\n".join(lines("\t")), "m.csv", "utf-8"),
        ("\n".join(f'"{line}"' for line in lines('","')), "m.csv", "utf-8"),
        ("\n".join(lines()).replace("real/", ".//real\\"), "m.csv", "utf-8"),
        ("\n".join(lines()).upper().replace(".PNG", ".png").replace("PATH,", "Path,", 1), "m.csv", "utf-8"),
    ],
)
def test_ways_to_write_the_same(root, text, name, encoding):
    if text.isupper() or "Path," in text:
        for line in NAMES:
            text = text.replace(line.upper().replace(".PNG", ".png"), line)
    items = listed(manifest(root, text, name, encoding))
    assert items["path"].to_list() == sorted(NAMES)
    assert items["label"].to_list() == [1, 1, 0, 0]


def test_json_lines_with_numbers_truth_and_missing_keys(root):
    rows = [{"image": NAMES[0], "is_fake": False}, {"image": NAMES[2], "is_fake": True, "generator": "sharp"}]
    data = manifest(root, "\ufeff" + "\n".join(map(json.dumps, rows)) + "\n\n", "m.jsonl")
    items = listed(data)
    assert items.select("label", "generator").rows() == [(1, "sharp"), (0, "real")]
    rows = [{"image": NAMES[0], "label": 1.0}, {"image": NAMES[2], "label": 0}]
    data = manifest(root, "\n".join(map(json.dumps, rows)), "n.jsonl", generated_label="0")
    assert listed(data)["label"].to_list() == [1, 0]
    assert "No column names generators: all are called unnamed; --columns generator=COLUMN names one." in data.notes


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{", r"m\.jsonl, line 2: not JSON"),
        ("[1]", r"m\.jsonl, line 2: not an object"),
        ('{"path": ["a"], "label": "real"}', r"m\.jsonl, line 2: the path is \['a'\]"),
        ('{"path": "\\ud800", "label": "real"}', r"m\.jsonl, line 2: the path .* no Unicode"),
        ('{"path": "a\\u0000", "label": "real"}', r"m\.jsonl, line 2: .* zero byte"),
    ],
)
def test_mistakes_in_json_lines_name_the_line(root, row, message):
    refused(root, f'{{"path": "{NAMES[0]}", "label": "real"}}\n{row}\n', message, name="m.jsonl")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no row and no header"),
        ("path,label\n", "has no row"),
        ("file,label\nx", r"m\.csv, line 2: 1 cells, where the header has 2"),
        ("\n".join(lines()) + "\na,b.png,real,", r"m\.csv, line 6: 4 cells"),
        ('path,label\n"a,real\n', r"m\.csv, line 2: a quote is not closed"),
        ("path,path,label\n", "two columns called 'path'"),
        ("name,label\na,real", r"no column of images or their paths; its columns: name, label\. .*--columns image="),
        (f"path,kind\n{NAMES[0]},real", r"no column of labels.*path, kind.*--columns label=COLUMN.*--label-from-path"),
        (f"path,label\n{NAMES[0]},real\n{NAMES[1]},\n", r"m\.csv, line 3: the label is empty, as in 1 of 2 rows"),
        (f"path,label\n,real\n{NAMES[1]},real\n", r"m\.csv, line 2: the path is empty"),
        (f"path,label\n{NAMES[0]},rael\n{NAMES[1]},real\n", r"meaning is not known: rael \(1 image, such as real/cam"),
        (
            f"path,label\n{NAMES[0]},0\n{NAMES[2]},1\n",
            r"do not say which.*Look at those images, then give --generated-lab",
        ),
        (
            f"path,label\n{NAMES[0]},real\n./{NAMES[0]},fake\n",
            r"line 3: .* has the label 'generated', and 'real' in .*line 2",
        ),
        (f"path,label,model\n{NAMES[0]},fake,a\n{NAMES[0]},fake,b\n", r"line 3: .* has the source 'b', and 'a' in"),
        (f"path,label,model\n{NAMES[0]},real,sd15\n{NAMES[2]},fake,x\n", r"line 2: the image is real, and has the gen"),
        (
            f"path,label,model\n{NAMES[0]},real,\n{NAMES[2]},fake,Real\n",
            r"line 3: its label says generated, and its gen",
        ),
        ("path,label\n../a.png,real\n", r"line 2: '\.\./a\.png' leads out of .*--image-root DIR"),
        ("path,label\nreal/../../a.png,real\n", "leads out of"),
        ("path,label\n..\\a.png,real\n", "leads out of"),
    ],
)
def test_mistakes_are_one_line_with_file_and_line(root, text, message):
    refused(root, text, message)


def test_what_is_not_utf8_is_named_by_its_line(root):
    refused(root, "\n".join(lines()), r"m\.csv, line 3: not UTF-8", encoding="latin-1")
    refused(root, "\n".join(lines()), r"m\.csv, line 1: not UTF-8", encoding="utf-16")


def test_a_missing_file_is_counted_and_a_folder_of_missing_ones_is_a_mistake(root):
    data = manifest(root, "\n".join([*lines(), "gone.png,fake,sharp"]))
    items = listed(data)
    assert items.filter(items["path"] == "gone.png")["bytes"].to_list() == [-1]
    with pytest.raises(FileNotFoundError):
        data.read_bytes("gone.png")
    with pytest.raises(DatasetNotFoundError, match=r"names 1 files, none of which is there.*--image-root"):
        listed(manifest(root, "path,label\ngone.png,real\n"))


def test_a_link_that_leads_out_is_refused_and_one_within_is_not(root, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "x.png").write_bytes(picture(9))
    (root / "in.png").symlink_to(root / NAMES[0])
    (root / "out.png").symlink_to(outside / "x.png")
    (root / "away").symlink_to(outside, target_is_directory=True)
    assert len(listed(manifest(root, "path,label\nin.png,real"))) == 1
    for path in ("out.png", "away/x.png"):
        refused(root, f"path,label\n{path},real", "line 2: .* leads out of .* by a link")
    absolute = manifest(root, f"path,label\n{outside / 'x.png'},real")
    assert listed(absolute)["path"].to_list() == ["x.png"]  # all lie in one folder
    assert absolute.read_bytes("x.png") == picture(9)
    both = manifest(root, f"path,label\n{outside / 'x.png'},real\n{NAMES[0]},real")
    assert listed(both)["path"].to_list() == [str(outside / "x.png"), NAMES[0]]
    assert both.read_bytes(str(outside / "x.png")) == picture(9)


def test_absolute_paths_of_a_folder_give_its_items(root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    data = manifest(elsewhere, "\n".join(lines()).replace("\n", f"\n{root}/"))
    assert listed(data)["path"].to_list() == listed(FolderDataModule(root))["path"].to_list()
    assert data.read_bytes(NAMES[2]) == picture(2)


def test_paths_may_count_from_another_folder(root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    data = manifest(elsewhere, "\n".join(lines()), image_root=str(root))
    assert listed(data)["path"].to_list() == sorted(NAMES)
    assert data.read_bytes(NAMES[2]) == picture(2)
    under = manifest(root, "\n".join(lines()).replace("\n", f"\n{root}/"))
    assert listed(under)["path"].to_list() == sorted(NAMES)


def test_columns_can_be_named_and_switched_off(root):
    text = "where,what,who,prompt\n" + "".join(f"{n},{f[0]},{f[1]},same\n" for n, f in zip(NAMES, FACTS, strict=True))
    words = ["image=where", "label=what", "generator=who"]
    items = listed(manifest(root, text, columns=words))
    assert items["group"].unique().to_list() == ["same"]
    assert items["generator"].to_list() == ["blurry", "sharp", "real", "real"]
    alone = listed(manifest(root, text, columns=[*words, "group="]))
    assert alone["group"].to_list() == alone["path"].to_list()
    for word, message in (
        ("label", "words such as"),
        ("lable=x", "Did you mean 'label'"),
        ("label=wath", "mean 'what'"),
    ):
        refused(root, text, message, columns=["image=where", word])
    refused(root, text, "twice", columns=["image=where", "path=where"])


def test_splits_are_named_and_chosen(root):
    text = "\n".join(
        [lines()[0] + ",split", *(f"{line},{split}" for line, split in zip(lines()[1:], "aabb", strict=True))]
    )
    data = manifest(root, text)
    assert len(listed(data)) == 4
    assert "Splits: a 2, b 2; all are taken, and --split NAME takes one." in data.notes
    assert len(listed(manifest(root, text, split="b"))) == 2
    assert len(listed(manifest(root, text, split="a, b"))) == 4
    with pytest.raises(UnknownDataNameError, match="Unknown split 'c'"):
        listed(manifest(root, text, split="c"))
    assert len(listed(manifest(root, text.replace(",a", ","), split="b"))) == 2
    with pytest.raises(DatasetNotFoundError, match="no image"):
        listed(
            manifest(
                root,
                text.replace(",a", ",").replace(",b", ","),
                split="(none)",
                label_from_path="(?P<skip>.)|(?P<real>x)",
            )
        )


def test_real_sources_pair_and_name(root):
    text = f"path,label,generator,real_source\n{NAMES[0]},real,,camera\n{NAMES[2]},fake,sharp,camera\n"
    data = manifest(root, text)
    assert listed(data)["generator"].to_list() == ["sharp", "camera"]
    assert data.declared_pairs == {"sharp": {"camera"}}
    same = f"path,label,source\n{NAMES[0]},real,camera\n{NAMES[2]},fake,sharp\n"
    assert listed(manifest(root, same))["generator"].to_list() == ["sharp", "camera"]
    refused(root, same + f"{NAMES[1]},real,sharp\n", "line 4: the image is real, and has the generator 'sharp'")
    named = same.replace("source", "model_name")
    words = ["generator=model_name", "real_source=model_name"]
    data = manifest(root, named, columns=words)
    assert listed(data)["generator"].to_list() == ["sharp", "camera"]
    assert data.declared_pairs == {}


def test_a_label_may_be_a_generators_name(root):
    text = f"filename,typ\n{NAMES[0]},real\n{NAMES[2]},sdxl\n{NAMES[3]},dalle2\n"
    refused(root, text, "meaning is not known: sdxl .*--generated-label sdxl")
    assert listed(manifest(root, text, real_label="real"))["generator"].to_list() == ["dalle2", "sdxl", "real"]


def test_labels_on_paths_must_be_of_one_class(root):
    text = "path\n" + "\n".join(NAMES)
    assert listed(manifest(root, text, label_from_path="(?P<real>^m.csv/real)"))["label"].to_list() == [1, 1, 0, 0]
    assert listed(manifest(root, text, label_from_path="/(real|generated)/"))["label"].to_list() == [1, 1, 0, 0]
    refused(root, text, "finds generated and real in", label_from_path="(?P<real>png)|(?P<generated>sharp)")
    refused(root, text, "finds nothing in", label_from_path="(?P<real>x)|(?P<generated>y)")
    refused(root, text, "captures 'sharp'", label_from_path=r"/(\w+)/[^/]*$")
    refused(root, text, "--label-from-path \\(: ", label_from_path="(")
    words = "\n".join(lines()).replace("sharp/0.png,fake", "sharp/0.png,real")
    refused(root, words.replace(",sharp", ","), "line 4: its label says 'real'", label_from_path="/(real|generated)/")


def test_long_prompts_are_groups_by_a_short_name(root):
    text = "path,label,prompt\n" + "".join(f"{n},{f[0]},{'word ' * 50}\n" for n, f in zip(NAMES, FACTS, strict=True))
    groups = listed(manifest(root, text))["group"].unique().to_list()
    assert len(groups) == 1
    assert len(groups[0]) < 20


def test_a_parquet_file_is_a_manifest_of_paths_or_of_bytes(root):
    columns = {"path": NAMES, "label": [label for label, _ in FACTS], "generator": [name for _, name in FACTS]}
    write(root / "paths.parquet", columns)
    data = ManifestDataModule(root / "paths.parquet")
    assert listed(data)["path"].to_list() == sorted(NAMES)
    write(root / "bytes.parquet", columns | {"image": [picture(seed) for seed in range(4)]})
    data = ManifestDataModule(root / "bytes.parquet")
    assert listed(data)["path"].to_list() == [f"bytes.parquet#{number:06d}" for number in range(4)]
    assert data.read_bytes("bytes.parquet#000002") == picture(2)
    written = pa.array([{"bytes": None, "path": name} for name in NAMES], IMAGE)
    write(root / "struct.parquet", {"image": written, "label": columns["label"]})
    assert listed(ParquetDataModule(root / "struct.parquet"))["path"].to_list() == sorted(NAMES)


@pytest.mark.parametrize("column", [[1.0, 2.0], [[1, 2], [3]], [{"a": 1}, {"a": 2}]])
def test_an_image_column_of_another_type_is_named(column, root):
    write(root / "a.parquet", {"image": column, "label": ["real", "fake"]})
    with pytest.raises(DataOptionError, match=r"a\.parquet: the column image is .*--columns image=COLUMN"):
        listed(ParquetDataModule(root / "a.parquet"))


def test_lists_are_no_labels_and_other_columns_of_lists_are_not_needed(root):
    columns = {"image": [picture(0), picture(1)], "caption": [["a"], ["b", "c"]]}
    write(root / "a.parquet", columns | {"label": ["real", "fake"]})
    assert listed(ParquetDataModule(root / "a.parquet"))["label"].to_list() == [0, 1]
    write(root / "b.parquet", columns | {"label": [["real"], ["fake"]]})
    with pytest.raises(DataOptionError, match=r"b\.parquet: the column label holds no text .*--columns label="):
        listed(ParquetDataModule(root / "b.parquet"))


def test_numbers_of_pandas_with_gaps_are_whole(root):
    text = f"path,label,generator\n{NAMES[0]},0.0,0.0\n{NAMES[2]},1.0,2.0\n"
    items = listed(manifest(root, text, generated_label="1"))
    assert items.select("label", "generator").rows() == [(1, "2"), (0, "real")]


def test_a_mask_may_be_a_file(root):
    Image.fromarray(np.repeat(np.array([[0, 255, 255, 255]], dtype=np.uint8), 4, axis=0)).save(root / "mask.png")
    text = f"path,label,mask\n{NAMES[0]},real,\n{NAMES[2]},tampered,mask.png\n{NAMES[3]},partial,gone.png\n"
    data = manifest(root, text)
    assert listed(data)["kind"].to_list() == ["partial", "partial", None]
    assert (data.edited_share(NAMES[2]), data.edited_share(NAMES[3]), data.edited_share(NAMES[0])) == (0.75, None, None)


def test_what_is_no_table_is_refused(root):
    with pytest.raises(DatasetNotFoundError, match=r"There is no Parquet file \(\.parquet\) under"):
        listed(ParquetDataModule(root))
    with pytest.raises(DatasetNotFoundError, match="There is no file or folder"):
        listed(ManifestDataModule(root / "none.csv"))
    with pytest.raises(DataOptionError, match=r"its name must end in \.csv, \.tsv"):
        listed(ManifestDataModule(root / NAMES[0]))
    (root / "broken.parquet").write_bytes(b"PAR1 not")
    with pytest.raises(DataOptionError, match=r"broken\.parquet is no whole Parquet file"):
        listed(ParquetDataModule(root))
    with pytest.raises(DataOptionError, match="needs --data-root"):
        ManifestDataModule(None)


def test_a_pattern_chooses_among_manifests(root):
    for name in ("x", "y"):
        (root / name).mkdir()
        (root / name / "metadata.csv").write_text("path,label\n" + f"{name}.png,{'real' if name == 'x' else 'fake'}\n")
        (root / name / f"{name}.png").write_bytes(picture(ord(name)))
        (root / name / "statistics.csv").write_text("a,b\n1,2\n")
    with pytest.raises(
        DataOptionError, match=r"statistics\.csv has no column of images.*--data-root 'DIR/\*\*/NAME\.csv'"
    ):
        listed(ManifestDataModule(root))
    items = listed(ManifestDataModule(root / "*" / "metadata.csv"))
    assert items.select("path", "label").rows() == [("x/x.png", 0), ("y/y.png", 1)]


def test_missing_shards_are_named(root):
    for number in (0, 2):
        write(root / "data" / f"train-{number:05d}-of-00003.parquet", {"image": images(1), "label": ["real"]})
    data = ParquetDataModule(root)
    listed(data)
    assert any("1, the first data/train-00001-of-00003.parquet" in note for note in data.notes)
