"""A set of one class, because a folder's name is not understood, or because it is meant so."""

import json

import pytest

from bench.cli.app import main

pytestmark = pytest.mark.usefixtures("small_views")


def words(command, root, output, *more):
    return [
        *command,
        "--dataset",
        "folder",
        "--data-root",
        str(root),
        "--output",
        str(output),
        "--num-workers",
        "0",
        *more,
    ]


@pytest.fixture
def misnamed(image_folder):
    (image_folder / "generated").rename(image_folder / "genrated")
    return image_folder


@pytest.mark.parametrize(
    "command",
    [
        ["compare", "--detectors", "rigid"],
        ["compare", "--detectors", "rigid", "--dry-run"],
        ["robustness", "--detectors", "rigid", "--conditions", "blur:1"],
        ["audit"],
    ],
)
def test_a_class_that_is_not_there_is_an_error_that_names_the_folder_passed_by(misnamed, tmp_path, capsys, command):
    assert main(words(command, misnamed, tmp_path / "results")) == 2
    error = capsys.readouterr().err.strip()
    assert error == (
        f"error: {misnamed} has no generated images; passed by: 'genrated' (rename it 'generated'); --real DIR "
        "[DIR ...] --generated DIR [DIR ...] take folders and archives wherever they lie. --allow-one-class takes a "
        "set that is meant to have one class."
    )


def test_data_check_calls_it_wrong(misnamed, tmp_path, capsys):
    assert main(words(["data", "check"], misnamed, tmp_path / "results")) == 1
    assert "has no generated images; passed by: 'genrated'" in " ".join(capsys.readouterr().out.split())
    assert main(words(["data", "check"], misnamed, tmp_path / "results", "--allow-one-class")) == 0


def test_a_set_that_is_meant_to_have_one_class_is_taken(misnamed, tmp_path, capsys):
    for command in (["audit"], ["compare", "--detectors", "rigid", "--json"]):
        capsys.readouterr()
        assert main(words(command, misnamed, tmp_path / "results", "--allow-one-class")) == 0
    assert json.loads(capsys.readouterr().out)["scored"] == 12
