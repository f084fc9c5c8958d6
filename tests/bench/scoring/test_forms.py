"""The same images as folder, manifest and Parquet files: the same scores, the same numbers, the same identity."""

import csv
import json

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.results.comparing import compare
from bench.results.estimates import INFLUENCES
from bench.scoring.options import RunOptions
from bench.store.findings import Content

pytestmark = [pytest.mark.heavy, pytest.mark.usefixtures("small_views")]


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
    """Scores and sources by sha256, the numbers of each row, the identity, and what was decided about labels."""
    values = {name: getattr(options, name) for name in ("dataset", "data_root", "image_root")}
    result = compare(["rigid"], RunOptions(**values, output=output, num_workers=0))
    rows = pl.concat([pl.read_parquet(file) for file in output.glob("scores/**/part-*.parquet")]).sort("sha256")
    numbers = {
        # The bootstrap draws groups in the order of their names, and a form has names of its own.
        (row.generator, metric): (number.value, *(number.interval if metric in INFLUENCES else ()))
        for row in result.summary.rows
        for metric, number in row.numbers.items()
        if number.interval is not None
    }
    (content,) = (finding for finding in result.findings if isinstance(finding, Content))
    assert result.cues.rows
    return rows, numbers, content.identity, result.run["data"]["notes"]


@pytest.mark.parametrize("make", [as_manifest, as_json_lines, as_parquet])
def test_a_form_has_the_scores_the_numbers_and_the_identity_of_the_folder(make, image_folder, tmp_path):
    folder = RunOptions(dataset="folder", data_root=str(image_folder))
    expected, numbers, identity, _ = outcome(folder, tmp_path / "folder")
    (tmp_path / "form").mkdir()
    rows, found, same, notes = outcome(make(image_folder, tmp_path / "form"), tmp_path / "out")
    facts = ["sha256", "label", "generator", "status"]
    assert rows.select(facts).equals(expected.select(facts))
    assert rows["score"].to_list() == pytest.approx(expected["score"].to_list(), rel=1e-5)
    assert numbers.keys() == found.keys()
    assert numbers
    for key, values in numbers.items():
        assert found[key] == pytest.approx(values, rel=1e-6)
    assert identity == same is not None
    assert any("human (12 images" in note and "AI_gen (24 images" in note for note in notes)
