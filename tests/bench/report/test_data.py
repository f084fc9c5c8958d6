import io
import re

import fake_benchmarks as fake
import polars as pl
from diagnosed_folders import break_each_way, diagnosed
from rich.console import Console

from bench.report.data import finding_records, print_diagnosis, print_entries, source_records, write_diagnosis
from datamodules.checks.catalogue import CatalogueEntry, list_entries


def test_the_files_hold_a_row_for_each_source_and_finding(image_folder, tmp_path):
    diagnosis = diagnosed(break_each_way(image_folder))
    files = write_diagnosis(diagnosis, tmp_path / "new" / "results")
    assert [file.name for file in files] == ["data-check.csv", "data-findings.csv"]
    rows, findings = map(pl.read_csv, files)
    assert rows["source"].to_list() == ["camera", "blurry", "sharp"]
    assert rows["unreadable"].to_list() == [0, 0, 8]
    assert rows["formats"].to_list() == ["PNG 12"] * 3
    assert len(findings) == len(diagnosis.findings) == 8
    assert [list(record) for record in source_records(diagnosis)] == [rows.columns] * 3
    assert finding_records(diagnosis)[0]["examples"].startswith("generated/sharp/")


def test_names_that_look_like_markup_or_commands_are_printed_as_they_are(image_folder):
    odd = image_folder / "generated" / "[red]\x1b[2J"
    odd.mkdir()
    (odd / "a.png").write_bytes(b"text")
    stream = io.StringIO()
    print_diagnosis(diagnosed(image_folder), Console(file=stream, width=200))
    words = stream.getvalue()
    assert "\x1b" not in words
    assert "wrong: generated [red]\\x1b[2J: 1 file cannot be read: not an image" in words
    assert "    generated/[red]\\x1b[2J/a.png" in words
    assert words.endswith("1 finding is wrong.\n")


def printed(entries: list[CatalogueEntry], **options) -> str:
    stream = io.StringIO()
    print_entries(entries, Console(file=stream, width=200), **options)
    return stream.getvalue()


def test_the_table_shows_names_counts_and_where_to_get_it_whole():
    words = printed(list_entries(datasets=["imagenet"]))
    assert "DiT-XL/2" in words
    assert "50,000 (val)" in words
    assert "found" not in words
    assert "imagenet: ImageNet 256 x 256 (dgm-eval); licence: MIT (samples, by Layer 6 AI)" in words
    assert words.endswith("from https://github.com/layer6ai-labs/dgm-eval#data-access\n")


def test_counts_of_several_splits_stand_beside_each_other_and_what_is_found_below_each_other(tmp_path):
    lines = printed(list_entries(datasets=["genimage"])).splitlines()
    assert any(re.search(r"  8,000 \(val\), 166,000 \(train\)$", line) for line in lines)
    words = printed(list_entries(fake.make_genimage(tmp_path, ["adm"]), ["genimage"]), with_found=True)
    first, second = (line for line in words.splitlines() if "/ai: " in line)
    assert first.endswith("  ADM/imagenet_ai_0508_adm/val/ai: 3")
    assert second.endswith(" ADM/imagenet_ai_0508_adm/train/ai: 2")


def test_found_names_are_printed_as_they_are(tmp_path):
    fake.fill(tmp_path / "generated" / "[red]\x1b[2J", ["a.png"])
    words = printed(list_entries(tmp_path, ["folder"]), with_found=True)
    assert "\x1b" not in words
    assert "generated/[red]\\x1b[2J: 1" in words
