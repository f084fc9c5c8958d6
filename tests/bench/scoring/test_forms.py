"""The same images as folder, manifest and Parquet files: the same scores, the same numbers, the same identity."""

import csv
import json

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.results.comparison import compare
from bench.scoring.options import RunOptions

pytestmark = pytest.mark.usefixtures("small_views")


def facts_of(root):
    for file in sorted(root.rglob("*.png")):
        path = file.relative_to(root).as_posix()
        label, source, _ = path.split("/")
        yield {
            "path": path,
            "label": {"real": "human", "generated": "AI_gen"}[label],
            "generator": source if label == "generated" else None,
            "real_source": source if label == "real" else None,
        }


def as_manifest(root, folder):
    with (folder / "list.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["path", "label", "generator", "real_source"])
        writer.writeheader()
        writer.writerows(facts_of(root))
    return RunOptions(dataset="manifest", data_root=str(folder / "list.csv"), image_root=str(root))


def as_json_lines(root, folder):
    lines = (json.dumps(facts | {"path": f"{root}/{facts['path']}"}) for facts in facts_of(root))
    (folder / "list.jsonl").write_text("\n".join(lines))
    return RunOptions(dataset="manifest", data_root=str(folder / "list.jsonl"))


def as_parquet(root, folder):
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows = list(facts_of(root))
    for part in range(2):
        chosen = rows[part::2]
        images = [{"bytes": (root / facts["path"]).read_bytes(), "path": facts["path"]} for facts in chosen]
        columns = {"image": pa.array(images, kind), "label": [int(facts["label"] == "human") for facts in chosen]}
        columns |= {name: pa.array([row[name] for row in chosen], pa.string()) for name in ("generator", "real_source")}
        features = {"label": {"names": ["AI_gen", "human"], "_type": "ClassLabel"}}
        table = pa.table(columns).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
        pq.write_table(table, folder / f"train-{part:05d}-of-00002.parquet", row_group_size=5)
    return RunOptions(dataset="parquet", data_root=str(folder))


def outcome(options, output):
    """Scores by sha256, the numbers of each generator, and the identity."""
    values = {name: getattr(options, name) for name in ("dataset", "data_root", "image_root")}
    result = compare(["rigid"], RunOptions(**values, output=output, num_workers=0))
    scores = pl.concat([pl.read_parquet(file) for file in output.glob("scores/**/part-*.parquet")])
    scores = scores.select("sha256", "label", "generator", "score").sort("sha256")
    (file,) = output.glob("scores/**/run.json")
    rows = [(row.generator, row.auroc.value, row.auroc.low, row.auroc.high) for row in result.rows]
    return scores, rows, json.loads(file.read_text())["data"]["identity"], result


@pytest.fixture(scope="module")
def folder_outcome():
    return {}


@pytest.mark.parametrize("make", [as_manifest, as_json_lines, as_parquet])
def test_a_form_has_the_scores_the_numbers_and_the_identity_of_the_folder(make, image_folder, tmp_path):
    folder = RunOptions(dataset="folder", data_root=str(image_folder))
    expected, rows, identity, _ = outcome(folder, tmp_path / "folder")
    (tmp_path / "form").mkdir()
    scores, found, same, result = outcome(make(image_folder, tmp_path / "form"), tmp_path / "out")
    assert scores.equals(expected)
    assert found == rows
    assert identity == same is not None
    assert any("human" in note and "AI_gen" in note for note in result.data_notes)
