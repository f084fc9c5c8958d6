"""``score TABLE --append FILE``: scores beside the rows of a copy."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.cli.app import main

pytestmark = pytest.mark.usefixtures("small_views")


def append(capsys, *words):
    capsys.readouterr()
    code = main(["score", *map(str, words), "--num-workers", "0"])
    return code, *capsys.readouterr()


@pytest.fixture
def table(image_folder):
    """A manifest with odd cells, a copy of a row and a row whose file is gone."""
    lines = ['path,note,"a, b"']
    lines += [f"real/camera/{number:02d}.png,Ü {number},x" for number in (0, 1, 1)]
    lines += ["gone.png,,"]
    (image_folder / "m.csv").write_bytes(("\ufeff" + "\r\n".join(lines) + "\r\n").encode())
    return image_folder / "m.csv"


def scores_of(capsys, folder, *names):
    words = [folder / "real/camera" / name for name in names]
    _, out, _ = append(capsys, *words, "--detectors", "rigid", "wepe", "--format", "csv")
    return [(float(row["rigid"]), float(row["wepe"])) for row in csv.DictReader(out.splitlines())]


@pytest.mark.heavy
def test_a_csv_file_comes_back_with_the_scores_that_its_files_have(table, tmp_path, capsys):
    before = table.read_bytes()
    target = tmp_path / "out.csv"
    code, out, err = append(capsys, table, "--append", target, "--detectors", "rigid", "wepe")
    assert (code, table.read_bytes()) == (1, before)
    assert "1 of 3 images could not be read." in err
    assert f"Written: {target}, with the columns rigid, wepe (4 rows, 3 images, 2 of them scored" in out
    data = target.read_bytes()
    assert data.startswith('\ufeffpath,note,"a, b",rigid,wepe\r\n'.encode())
    rows = list(csv.reader(data.decode("utf-8-sig").splitlines()))[1:]
    assert [row[:3] for row in rows] == list(csv.reader(before.decode("utf-8-sig").splitlines()))[1:]
    found = [tuple(map(float, row[3:])) for row in rows[:3]]
    assert found[1] == found[2] != found[0]
    assert found[:2] == [pytest.approx(one, rel=1e-5) for one in scores_of(capsys, table.parent, "00.png", "01.png")]
    assert rows[3][3:] == ["", ""]


def test_json_lines_keep_what_was_written(image_folder, tmp_path, capsys):
    source, target = image_folder / "m.jsonl", tmp_path / "out.jsonl"
    lines = ['{"path": "real/camera/00.png",  "n": 1e5, "deep": {"a": [1]}}', '{"path":"gone.png"}']
    source.write_text("\n\n".join(lines))
    code, _, _ = append(capsys, source, "--append", target, "--detectors", "rigid")
    written = target.read_text().splitlines()
    assert code == 1
    assert written[0].startswith('{"path": "real/camera/00.png",  "n": 1e5, "deep": {"a": [1]}, "rigid": ')
    assert json.loads(written[1]) == {"path": "gone.png", "rigid": None}


@pytest.mark.heavy
def test_a_parquet_file_keeps_its_columns_types_and_row_groups(image_folder, tmp_path, capsys):
    files = [image_folder / f"real/camera/{number:02d}.png" for number in range(5)]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    stored = [{"bytes": file.read_bytes(), "path": None} for file in files[:4]] + [None]
    features = {"image": {"_type": "Image"}}
    table = pa.table({"image": pa.array(stored, kind), "n": pa.array(range(5), pa.int16())})
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}}), "x": "y"})
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(table, source, row_group_size=2, compression="zstd")
    code, _, _ = append(capsys, source, "--append", target, "--detectors", "rigid")
    copy = pq.read_table(target)
    assert code == 1
    assert copy.drop(["rigid"]).equals(table)
    assert copy["rigid"].null_count == 1
    assert copy["rigid"][4].as_py() is None
    metadata = pq.ParquetFile(target).metadata
    assert (metadata.num_row_groups, metadata.row_group(0).column(0).compression) == (3, "ZSTD")
    described = json.loads(copy.schema.metadata[b"huggingface"])["info"]["features"]
    assert described == {**features, "rigid": {"dtype": "float64", "_type": "Value"}}
    assert copy.schema.metadata[b"x"] == b"y"
    rows = scores_of(capsys, image_folder, *(file.name for file in files[:4]))
    assert copy["rigid"].to_pylist()[:4] == pytest.approx([rigid for rigid, _ in rows], rel=1e-5)
    assert append(capsys, target, "--append", tmp_path / "more.parquet", "--detectors", "rigid")[0] == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["m.csv", "--append", "m.csv"], "is the table itself"),
        (["m.csv", "--append", "link.csv"], "is the table itself"),
        (["m.csv", "--append", "out.tsv"], "must end in .csv"),
        (["m.csv", "--append", "none/out.csv"], "there is no such folder"),
        (["m.csv", "m.csv", "--append", "out.csv"], "takes one table, got 2 paths"),
        (["real", "--append", "out.csv"], "takes one manifest or Parquet file"),
        (["real/camera/00.png", "--append", "out.png"], "is no table: its name must end in .csv"),
        (["m.csv", "--append", "out.csv", "--output-file", "x"], "--output-file does not go with --append"),
        (["taken.csv", "--append", "out.csv"], "has a column 'rigid' already"),
        (["m.csv"], "score m.csv --append FILE"),
        (["real", "--columns", "image=path"], "--columns is for the rows of a table"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(words, message, table, capsys, monkeypatch):
    monkeypatch.chdir(table.parent)
    (table.parent / "link.csv").symlink_to(table)
    (table.parent / "taken.csv").write_text("path,rigid\nreal/camera/00.png,1\n")
    before = table.read_bytes()
    code, _, err = append(capsys, *words, "--detectors", "rigid")
    assert (code, err.count("\n")) == (2, 1)
    assert message in err
    assert table.read_bytes() == before
    assert not (table.parent / "out.csv").exists()
