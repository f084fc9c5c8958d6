import json

import pytest
from made_stores import detector, images, keep, scored
from started_runs import LIGHT, folder_of, run_here

from bench.cli.app import main
from bench.report.notes import comparison_notes

WEPE = detector("wepe")


@pytest.fixture
def output(tmp_path):
    keep(tmp_path, "1", [scored(images(), WEPE, lambda *_: 1.0)], WEPE)
    return tmp_path


def damaged_part(output, run="*"):
    (part,) = output.glob(f"scores/*/{run}/part-*.parquet")
    part.write_bytes(part.read_bytes()[:-3])
    return part


def test_a_sound_store_is_said_to_be_so(output, capsys):
    assert main(["store", "check", str(output)]) == 0
    assert capsys.readouterr().out == "Examined: parts 1, caches 0. Nothing is wrong.\n"


def test_damage_is_listed_with_exit_code_1_and_mended(output, capsys):
    part = damaged_part(output)
    assert main(["store", "check", str(output)]) == 1
    assert part.exists()
    shown = capsys.readouterr().out
    assert "part-000-" in shown
    assert "does" not in shown.splitlines()[0]
    assert "--mend sets what is damaged aside" in shown
    assert main(["store", "check", str(output), "--mend", "--json"]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert facts["faults"] == [
        {
            "file": str(part),
            "kind": "damaged",
            "reason": "its bytes do not have the checksum in its name",
            "mended": True,
        }
    ]
    assert main(["store", "check", str(output)]) == 0
    assert f"Set aside earlier: {part.relative_to(output)}.damaged." in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [["leaderboard"], ["thresholds"], ["explain", "made-up", "wepe", "gan"]],
    ids=lambda w: w[0],
)
def test_commands_that_only_read_name_the_file_and_the_way_out_in_one_line(output, words, capsys):
    part = damaged_part(output)
    assert main([*words, "--output", str(output)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {part} is damaged: ")
    assert f"'python -m bench store check {output} --mend'" in line


@pytest.mark.heavy
def test_a_run_sets_a_damaged_part_aside_and_scores_its_images_again(image_folder, tmp_path):
    output = tmp_path / "out [1]"
    first = run_here(image_folder, output, LIGHT)
    table = (output / "compare.csv").read_text()
    part = damaged_part(output)
    again = run_here(image_folder, output, LIGHT)
    assert again.scored == first.scored == 72
    assert (output / "compare.csv").read_text() == table
    name = f"{part.parent.name}/{part.name} (its bytes do not have the checksum in its name)"
    assert f"Damaged, set aside as *.damaged, and what was in it made again: {name}." in comparison_notes(again)
    assert part.with_name(f"{part.name}.damaged").exists()
    assert not list(output.glob("scores/*/.claim-*"))


def test_a_dry_run_neither_claims_nor_mends(image_folder, tmp_path, capsys):
    words = ["compare", "--detectors", "rigid", "--dataset", "folder", "--data-root", str(image_folder)]
    words += ["--output", str(tmp_path / "r"), "--accelerator", "cpu", "--num-workers", "0", "--resize", "64"]
    assert main([*words, "--dry-run"]) == 0
    assert not list(tmp_path.glob("r/scores/*"))
    run = tmp_path / "r" / "scores" / "folder-images" / "1"
    run.mkdir(parents=True)
    (run / "part-000-all.parquet").write_text("")
    capsys.readouterr()
    assert main([*words, "--dry-run"]) == 2
    assert "is damaged: " in capsys.readouterr().err
    assert [file.name for file in run.iterdir()] == ["part-000-all.parquet"]


@pytest.mark.heavy
def test_stores_are_merged_and_read_together(tmp_path, photograph, capsys):
    for at in range(2):
        root = folder_of(lambda number, size, at=at: photograph(100 * at + number, size), tmp_path / f"{at}/images", 6)
        run_here(root, tmp_path / f"r{at}", LIGHT)
    one, other, both = (str(tmp_path / name) for name in ("r0", "r1", "both"))
    assert main(["store", "merge", one, other, "--output", both]) == 0
    assert f"1 from {one}, 1 from {other}" in capsys.readouterr().out.replace("\n", "")
    assert main(["leaderboard", "--output", both, "--json"]) == 0
    merged = json.loads(capsys.readouterr().out)["boards"]
    assert main(["leaderboard", "--output", one, other, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["boards"] == merged
    assert len(merged) == 2
    for words in (["merge", one], ["merge", one, other], ["check", one, other]):
        assert main(["store", *words]) == 2
    assert main(["store", "check", both]) == 0
