"""Damage of every kind, over a small store: readers say it in one line, mending sets it aside and nothing else."""

import json
import os
import shutil
from pathlib import Path

import polars as pl
import pytest
from made_stores import detector, images, keep, scored

from bench.errors import BenchError
from bench.report.leaderboard import board_reports
from bench.results.leaderboard import read_comparisons
from bench.store.damage import DamagedFileError, fault_of, set_aside
from bench.store.dataset import NOT_RECORDED
from bench.store.files import replacing
from bench.store.mending import mend
from bench.store.whole_store import read_store

WEPE, RIGID = detector("wepe"), detector("rigid")
MEMBERS = [("clean", "gan", path) for path, _, _ in images()]


def by_number(path, label, source):
    return 10.0 * label + int(path[-7:-4])


@pytest.fixture
def output(tmp_path):
    """Two runs, each with one part."""
    output = tmp_path / "out [1]"
    keep(output, "1", [scored(images(), WEPE, by_number)], WEPE, members=MEMBERS)
    keep(output, "2", [scored(images(), RIGID, by_number)], RIGID, members=MEMBERS)
    return output


def part_of(output: Path, run: str = "1") -> Path:
    (part,) = output.glob(f"scores/*/{run}/part-*.parquet")
    return part


def without_checksum(part: Path) -> Path:
    """Names a part as older versions did."""
    return part.rename(part.with_name("part-000-000000.parquet"))


def rewritten(part, change):
    table = change(pl.read_parquet(part, glob=False))
    table.write_parquet(part)


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def zeroed(data: bytes, where: slice) -> bytes:
    changed = bytearray(data)
    changed[where] = bytes(where.stop - where.start)
    return bytes(changed)


def with_columns(**columns):
    return lambda part: rewritten(part, lambda table: table.with_columns(**columns))


def linked_to_nothing(part):
    part.unlink()
    part.symlink_to("nothing")


def replaced_by_a_folder(part):
    part.unlink()
    part.mkdir()


DAMAGE = {
    "truncated": lambda part: part.write_bytes(part.read_bytes()[:-100]),
    "cut to its beginning": lambda part: part.write_bytes(part.read_bytes()[:200]),
    "empty": lambda part: part.write_bytes(b""),
    "text": lambda part: part.write_text("path,score\n"),
    "a link to nothing": linked_to_nothing,
    "a folder": replaced_by_a_folder,
    "zeros in the middle": lambda part: part.write_bytes(
        part.read_bytes()[:300] + bytes(400) + part.read_bytes()[700:]
    ),
    "of other columns": lambda part: pl.DataFrame({"a": [1]}).write_parquet(part),
    "without scores": lambda part: rewritten(part, lambda table: table.drop("score")),
    "scores as text": with_columns(score=pl.lit("1")),
    "seeds as numbers of another kind": with_columns(seed=pl.lit(0.5)),
    "paths missing": with_columns(path=pl.lit(None, pl.String)),
    "labels beyond 1": with_columns(label=pl.lit(7, pl.Int8)),
    "an unknown status": with_columns(status=pl.lit("fine")),
}


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("named", [True, False], ids=["checksum", "older"])
def test_a_damaged_part_is_named_in_one_line_and_set_aside_by_mending(output, kind, named):
    part = part_of(output) if named else without_checksum(part_of(output))
    DAMAGE[kind](part)
    with pytest.raises(DamagedFileError) as told:
        read_store(output)
    line = str(told.value)
    assert line.startswith(f"{part} is damaged: ")
    assert f"store check '{output}' --mend" in line
    assert "\n" not in line
    ((file, reason),) = mend(part.parent.parent)
    assert file == part
    assert reason in line
    assert not part.exists()
    assert len(list(part.parent.glob("*.damaged"))) == 1
    (dataset,) = read_store(output)
    assert set(dataset.detectors) == {"rigid"}
    assert mend(part.parent.parent) == []


def test_every_flipped_bit_of_a_part_is_found(output):
    part = part_of(output)
    data = part.read_bytes()
    for bit in range(0, 8 * len(data), 397):
        part.write_bytes(flipped(data, bit))
        assert fault_of(part) is not None, bit
    part.write_bytes(data)
    assert fault_of(part) is None


@pytest.mark.heavy
def test_a_flipped_bit_of_a_part_without_checksum_is_no_other_error(output):
    part = without_checksum(part_of(output))
    data = part.read_bytes()
    named = set()
    for bit in range(5, 8 * len(data), 997):
        part.write_bytes(flipped(data, bit))
        try:
            board_reports(read_comparisons(output))
        except DamagedFileError as error:
            named.add(error.damage.file)
    assert named == {part}


def test_a_part_of_a_newer_version_with_more_columns_beside_others_is_read(output):
    part = without_checksum(part_of(output))
    rewritten(part, lambda table: table.with_columns(confidence=pl.lit(1.0)))
    assert set(read_store(output)[0].detectors) == {"wepe", "rigid"}
    assert mend(part.parent.parent) == []


def test_what_killed_writes_left_is_removed_by_mending(output):
    folder = part_of(output).parent
    left = folder / f".{part_of(output).name}.1.{'0' * 32}"
    left.write_text("half")
    os.utime(left, (0, 0))
    with replacing(folder / "part-000-000001.parquet") as temporary:
        temporary.write_text("whole soon")
        assert mend(folder.parent) == []
        assert not left.exists()
        assert temporary.exists()


def test_what_was_set_aside_before_is_not_overwritten(tmp_path):
    for text in ("first", "second", "third"):
        (tmp_path / "part").write_text(text)
        set_aside(tmp_path / "part")
    kept = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert kept == {"part.damaged": "first", "part.damaged-2": "second", "part.damaged-3": "third"}


def test_a_file_that_another_process_set_aside_is_none_of_ours(tmp_path):
    assert set_aside(tmp_path / "part") is None


def facts_with(**changes):
    def change(file):
        facts = json.loads(file.read_text())
        del facts["checksum"]
        file.write_text(json.dumps({**facts, **changes}))

    return change


RUN_DAMAGE = {
    "half of it": lambda file: file.write_bytes(file.read_bytes()[:100]),
    "empty": lambda file: file.write_bytes(b""),
    "no Unicode": lambda file: file.write_bytes(b'{"command": "\xff"}'),
    "a list": lambda file: file.write_text("[1]"),
    "a number": lambda file: file.write_text("1"),
    "nested 100,000 deep": lambda file: file.write_text("[" * 100_000 + "]" * 100_000),
    "nested 100 deep": lambda file: file.write_text('{"a":' * 100 + "1" + "}" * 100),
    "a key twice": lambda file: file.write_text('{"format": 1, "format": 1}'),
    "data of another type": facts_with(data=[1]),
    "a title of another type": facts_with(data={"title": 1}),
    "contrasts of another type": facts_with(data={"contrasts": {"clean": {"gan": "photographs"}}}),
    "wanted of another type": facts_with(data={"wanted": {"clean": "many"}}),
    "detectors of another type": facts_with(detectors="wepe"),
    "detectors without facts": facts_with(detectors={"f": {}}),
    "cost of another type": facts_with(cost={"seconds": "long"}),
    "another digit": lambda file: file.write_text(file.read_text().replace('"resize": 256', '"resize": 255')),
    "a link to nothing": linked_to_nothing,
    "a folder": replaced_by_a_folder,
}


@pytest.mark.parametrize("kind", RUN_DAMAGE)
def test_damaged_facts_of_a_run_are_named_and_then_count_as_not_recorded(output, kind):
    file = output / "scores" / "made-up" / "1" / "run.json"
    RUN_DAMAGE[kind](file)
    with pytest.raises(DamagedFileError) as told:
        board_reports(read_comparisons(output))
    assert str(told.value).startswith(f"{file} is damaged: ")
    assert len(mend(file.parent.parent)) == 1
    assert {path.name for path in file.parent.glob("*.damaged")} == {"run.json.damaged", "members.parquet.damaged"}
    assert {dataset.protocol for dataset in read_store(output)} == {NOT_RECORDED, "resize=256"}


@pytest.mark.parametrize("kind", ["another member", "text", "missing", "a link to nothing", "of an older version"])
def test_damaged_members_of_a_run_are_named_and_set_aside_with_its_facts(output, kind):
    file = output / "scores" / "made-up" / "1" / "members.parquet"
    match kind:
        case "another member":
            rewritten(file, lambda table: table.head(3))
        case "text":
            file.write_text("members")
        case "missing":
            file.unlink()
        case "a link to nothing":
            linked_to_nothing(file)
        case "of an older version":
            facts = json.loads(file.with_name("run.json").read_text())
            del facts["checksum"], facts["members_checksum"]
            file.with_name("run.json").write_text(json.dumps(facts))
            pl.DataFrame({"a": [1]}).write_parquet(file)
    with pytest.raises(DamagedFileError, match="is damaged: "):
        read_store(output)
    assert len(mend(file.parent.parent)) == 1
    assert not file.with_name("run.json").exists()
    assert {dataset.protocol for dataset in read_store(output)} == {NOT_RECORDED, "resize=256"}


def test_facts_of_a_format_to_come_are_no_damage(output):
    file = output / "scores" / "made-up" / "1" / "run.json"
    facts_with(format=2, data=["other"], detectors=3, versions={"python": "4"})(file)
    assert mend(file.parent.parent) == []
    assert {dataset.protocol for dataset in read_store(output)} == {NOT_RECORDED, "resize=256"}


def test_a_part_that_may_not_be_read_is_not_damaged(output, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("bench.store.damage.checksum", refuse)
    with pytest.raises(BenchError, match=r"Cannot read .*: Permission denied\.$") as told:
        read_store(output)
    assert not isinstance(told.value, DamagedFileError)


def test_a_store_under_a_name_that_is_no_unicode_is_read(output, tmp_path):
    other = Path(str(tmp_path / "caf") + "\udce9")
    shutil.move(output, other)
    assert set(read_store(other)[0].detectors) == {"wepe", "rigid"}
    keep(other, "3", [scored(images(), WEPE, by_number, seed=1)] * 2, WEPE, members=MEMBERS)
    assert [part.name[:12] for part in other.glob("scores/*/3/part-*")] == ["part-000-all"]
    assert mend(other / "scores" / "made-up") == []
