"""Data sets on the Hugging Face hub, against a small server of our own: no test reaches the hub itself."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import huggingface_hub.constants
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_server import COMMIT, serving

from datamodules import DataOptionError, DatasetNotFoundError
from datamodules.hub import configs_of
from datamodules.modules import HubDataModule

REPOSITORY = "owner/a-set"
FEATURES = {"label": {"names": ["real", "fake"], "_type": "ClassLabel"}, "image": {"_type": "Image"}}
CARD = """---
license: mit
configs:
- config_name: core
  data_files:
  - split: train
    path: core/train-*
  - split: test
    path: [core/test-*.parquet]
- config_name: inpainting
  data_files: inpainting/**/*.parquet
---
# A set
"""


@pytest.fixture
def files(photograph) -> dict[str, bytes]:
    """The files of a data set: two splits of one configuration, and another configuration."""

    def table(first: int) -> bytes:
        rows = {"image": [], "label": []}
        for number in range(first, first + 4):
            stream = io.BytesIO()
            photograph(number).save(stream, "PNG")
            rows["image"].append({"bytes": stream.getvalue(), "path": f"{number}.png"})
            rows["label"].append(number % 2)
        made = pa.table(rows).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": FEATURES}})})
        sink = io.BytesIO()
        pq.write_table(made, sink)
        return sink.getvalue()

    return {
        "README.md": CARD.encode(),
        "core/train-00000-of-00001.parquet": table(0),
        "core/test-00000-of-00001.parquet": table(10),
        "inpainting/a.parquet": table(20),
        "images.zip": b"PK",
    }


@pytest.fixture
def at(tmp_path, monkeypatch):
    """Points the library at an address, with an empty cache."""

    def point(address: str) -> None:
        constants = huggingface_hub.constants
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)

    return point


def ready(source: str, **options) -> HubDataModule:
    data = HubDataModule(source=source, num_workers=0, **options)
    data.setup()
    return data


def test_the_files_of_a_configuration_and_a_split_are_fetched_once_and_their_commit_is_kept(files, at):
    with serving(REPOSITORY, files) as (address, asked):
        at(address)
        data = ready(f"{REPOSITORY}:core@v1", split="test")
        assert data.title == f"hf:{REPOSITORY}:core"
        assert data.revision == COMMIT
        assert f"Files of {REPOSITORY} at commit {COMMIT}." in data.notes
        assert (len(data.items), data.items["label"].sum()) == (4, 2)
        assert data.read_bytes(data.items["path"][0])[:4] == b"\x89PNG"
        fetched = [path.rpartition("/")[2] for path in asked if "/resolve/" in path]
        assert fetched == ["README.md", "test-00000-of-00001.parquet"]
        asked.clear()
        assert len(ready(f"{REPOSITORY}:core@{COMMIT}").items) == 8
        assert [path.rpartition("/")[2] for path in asked if "/resolve/" in path] == ["train-00000-of-00001.parquet"]
        assert len(ready(f"{REPOSITORY}:inpainting").items) == 4


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("source", "options", "kind", "message"),
    [
        ("a-set", {}, DataOptionError, r"--dataset hf:a-set must be hf:OWNER/NAME, hf:OWNER/NAME:CONFIG@REVISION"),
        (
            REPOSITORY,
            {},
            DataOptionError,
            r"several configurations: name one, as in hf:owner/a-set:core; there are core,",
        ),
        (f"{REPOSITORY}:croe", {}, DataOptionError, r"no configuration 'croe'; there are: core, inpainting\."),
        (f"{REPOSITORY}:core", {"split": "val"}, DatasetNotFoundError, r"no split 'val'; it has test, train\."),
        ("owner/none", {}, DatasetNotFoundError, r"The hub has no data set owner/none, or it is private"),
        (
            f"{REPOSITORY}:core@v2",
            {},
            DatasetNotFoundError,
            r"could not be fetched from http.*Where there is a network",
        ),
    ],
)
def test_what_is_not_there_is_one_clear_error(files, at, source, options, kind, message):
    with serving(REPOSITORY, files) as (address, _):
        at(address)
        with pytest.raises(kind, match=message):
            ready(source, **options)


def test_a_set_without_a_card_is_taken_whole_or_by_a_folder(files, at):
    del files["README.md"]
    with serving(REPOSITORY, files) as (address, _):
        at(address)
        assert len(ready(REPOSITORY).items) == 12
        assert len(ready(f"{REPOSITORY}:inpainting").items) == 4


def test_a_set_without_parquet_files_says_what_it_holds(at):
    with serving(REPOSITORY, {"a.zip": b"", "b.zip": b""}) as (address, _):
        at(address)
        with pytest.raises(
            DatasetNotFoundError, match=r"holds no \.parquet file, but 2 \.zip\. hf:.*@refs/convert/parquet"
        ):
            ready(REPOSITORY)


def test_a_gated_set_says_so(files, at):
    with serving(REPOSITORY, files, gated=True) as (address, _):
        at(address)
        with pytest.raises(DatasetNotFoundError, match="agree on its page"):
            ready(REPOSITORY)


def test_without_a_network_the_files_and_what_reads_them_are_named(files, at):
    with serving(REPOSITORY, files) as (address, _):
        at(address)
        ready(f"{REPOSITORY}:core@{COMMIT}")
    with pytest.raises(DatasetNotFoundError) as error:
        ready(f"{REPOSITORY}:core@{COMMIT}")
    for part in (
        f"hf download {REPOSITORY} --repo-type dataset --revision {COMMIT} --include 'core/*.parquet' --local-dir DIR",
        "--dataset parquet --data-root DIR reads them.",
        f"What was fetched before lies in {huggingface_hub.constants.HF_HUB_CACHE}",
    ):
        assert part in str(error.value)
    assert "\n" not in str(error.value)
    with pytest.raises(DatasetNotFoundError, match=r"reads them\.$"):
        ready("owner/other")


@pytest.mark.parametrize(
    ("card", "configs"),
    [
        ("", {}),
        ("---\n: [\n---\n", {}),
        ("---\nlicense: mit\n---\n", {}),
        ("---\nconfigs:\n- data_files:\n  - split: 1\n    path: [a, b]\n---\n", {"default": [("1", "a"), ("1", "b")]}),
    ],
)
def test_cards_of_other_kinds_are_taken_as_they_are(card, configs):
    assert configs_of(card) == configs


@pytest.mark.heavy
def test_the_address_of_the_environment_is_used_and_the_commit_is_in_the_runs_facts(files, tmp_path):
    words = ["compare", "--detectors", "rigid", "--dataset", f"hf:{REPOSITORY}:core", "--num-workers", "0"]
    with serving(REPOSITORY, files) as (address, _):
        environment = os.environ | {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "home"), "COLUMNS": "200"}
        done = subprocess.run(
            [sys.executable, "-m", "bench", *words, "--long", "--output", str(tmp_path / "out")],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    assert f"at commit {COMMIT}" in done.stdout
    (file,) = Path(tmp_path / "out").rglob("run.json")
    assert json.loads(file.read_text())["data"]["revision"] == COMMIT
