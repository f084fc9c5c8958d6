import json
import os
import zlib
from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from bench.store.runs import RunRecord
from bench.store.schema import SCHEMA, Scoring
from bench.store.scores import ScoreStore, missing
from bench.store.writer import ScoreWriter
from datamodules import FolderDataModule
from datamodules.keys import sha256_of

WEPE, RIGID = Scoring("wepe", "f" * 64, 0), Scoring("rigid", "e" * 64, 0)


@pytest.fixture
def data(image_folder: Path) -> FolderDataModule:
    data = FolderDataModule(image_folder)
    data.setup()
    return data


def rows_of(data: FolderDataModule, scoring: Scoring, count: int) -> pl.DataFrame:
    items = data.items.head(count)
    return items.with_columns(
        pl.Series("sha256", [sha256_of((data.root / path).read_bytes()) for path in items["path"]]),
        pl.Series("score", [float(i) for i in range(count)]),
        dataset=pl.lit(data.title),
        detector=pl.lit(scoring.detector),
        fingerprint=pl.lit(scoring.fingerprint),
        condition=pl.lit(scoring.condition),
        seed=pl.lit(scoring.seed),
        status=pl.lit("ok"),
        reason=pl.lit(None, dtype=pl.String),
        share=pl.lit(None, dtype=pl.Float64),
    ).select(*SCHEMA)


def known_rows(store: ScoreStore, data: FolderDataModule, scorings: list[Scoring]) -> pl.DataFrame:
    return store.known(data, scorings)


@pytest.fixture
def store(data: FolderDataModule, tmp_path: Path) -> ScoreStore:
    """Holds WePe's scores of ten images and RIGID's of three."""
    store = ScoreStore(tmp_path / "results", data.title)
    writer = ScoreWriter(store.folder, RunRecord("first", {"command": "test"}))
    writer.append(rows_of(data, WEPE, 10))
    writer.flush()
    writer.append(rows_of(data, RIGID, 3))
    writer.close()
    return store


def test_what_was_written_is_read(store, data):
    rows = known_rows(store, data, [RIGID, WEPE])
    assert rows.group_by("scoring").len().sort("scoring")["len"].to_list() == [3, 10]
    facts = json.loads((store.folder / "first" / "run.json").read_text())
    assert facts == {"command": "test", "checksum": facts["checksum"]}


def test_an_empty_store_misses_everything(data, tmp_path):
    known = ScoreStore(tmp_path / "none", data.title).known(data, [WEPE])
    assert missing(known, 36, 1).all()


def test_missing_says_which_image_lacks_which_score(store, data):
    absent = missing(store.known(data, [WEPE, RIGID]), 36, 2)
    assert absent.sum(axis=0).tolist() == [26, 33]
    assert not absent[:3].any()


@pytest.mark.parametrize("other", [Scoring("wepe", "a" * 64, 0), Scoring("wepe", "f" * 64, 1)])
def test_another_fingerprint_or_seed_is_another_score(store, data, other):
    assert missing(store.known(data, [other]), 36, 1).all()


def test_a_changed_image_is_scored_again_and_a_copied_one_is_not(store, data):
    touched, changed = (data.root / path for path in data.items["path"][:2])
    os.utime(touched, ns=(1, 1))
    changed.write_bytes((data.root / data.items["path"][20]).read_bytes())
    fresh = FolderDataModule(data.root)
    fresh.setup()
    absent = missing(store.known(fresh, [WEPE]), 36, 1)
    assert absent[:10].ravel().tolist() == [False, True] + [False] * 8


def test_an_image_changed_in_place_is_scored_again_where_its_size_is_the_same(image_folder, tmp_path):
    file = image_folder / "real" / "camera" / "changed.bmp"
    Image.new("RGB", (16, 16), (10, 20, 30)).save(file)
    data = FolderDataModule(image_folder)
    data.setup()
    store = ScoreStore(tmp_path / "results", data.title)
    writer = ScoreWriter(store.folder, RunRecord("first", {}))
    writer.append(rows_of(data, WEPE, len(data.items)))
    writer.close()
    before = file.stat()
    with Image.open(file) as image:
        image.putpixel((3, 3), (11, 20, 30))
        image.save(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert file.stat().st_size == before.st_size
    fresh = FolderDataModule(image_folder)
    fresh.setup()
    absent = missing(store.known(fresh, [WEPE]), len(fresh.items), 1).ravel()
    assert fresh.items.filter(pl.Series(absent))["path"].to_list() == ["real/camera/changed.bmp"]


def test_scores_of_a_version_that_kept_no_size_or_time_hold_where_the_content_is_the_same(store, data):
    (part,) = store.folder.glob("first/*.parquet")
    pl.read_parquet(part).drop("bytes", "mtime_ns").write_parquet(part.with_name("part-000-all.parquet"))
    part.unlink()
    (data.root / data.items["path"][1]).write_bytes((data.root / data.items["path"][20]).read_bytes())
    absent = missing(store.known(data, [WEPE]), 36, 1)
    assert absent[:10].ravel().tolist() == [False, True] + [False] * 8


def test_the_parts_of_a_run_are_merged(store):
    (part,) = store.folder.glob("first/*.parquet")
    assert part.name == f"part-000-all.{zlib.crc32(part.read_bytes()):08x}.parquet"


def test_doubles_are_read_once(store, data):
    writer = ScoreWriter(store.folder, RunRecord("second", {}))
    writer.append(rows_of(data, WEPE, 10))
    writer.close()
    assert len(known_rows(store, data, [WEPE])) == 10


def test_a_half_written_part_is_never_read(store, data):
    whole = next(store.folder.glob("first/*.parquet")).read_bytes()
    (store.folder / "first" / ".part-000-000007.parquet.tmp").write_bytes(whole[: len(whole) // 2])
    assert len(known_rows(store, data, [WEPE])) == 10


def test_two_folders_share_a_store_without_mixing(store, data):
    assert known_rows(ScoreStore(store.folder.parent.parent, "folder:other"), data, [WEPE]).is_empty()


@pytest.mark.parametrize(
    ("reason", "holds"),
    [
        ("declares more than 1,000 pixels", True),
        ("declares more than 999 pixels", False),
        ("declares a side of more than 100,000 pixels", True),
        ("HEIC: convert it, or install fauxbench[heic]", False),
        ("truncated", True),
    ],
)
def test_an_image_without_a_score_is_tried_again_where_its_reason_has_lapsed(data, tmp_path, reason, holds):
    data.max_pixels = 1000
    lost = rows_of(data, WEPE, 1).with_columns(
        score=pl.lit(None, pl.Float64), status=pl.lit("unreadable"), reason=pl.lit(reason)
    )
    store = ScoreStore(tmp_path / "lost", data.title)
    writer = ScoreWriter(store.folder, RunRecord("first", {"command": "test"}))
    writer.append(pl.concat([lost, rows_of(data, WEPE, 3)[1:]]))
    writer.close()
    assert known_rows(store, data, [WEPE])["index"].sort().to_list() == ([0, 1, 2] if holds else [1, 2])
