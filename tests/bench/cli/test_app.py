import resource
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import find_intruder
from bench.cli.app import main


def stderr_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Runs the command line, which must refuse with exit code 2 and one line."""
    try:
        code = main(arguments)
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Name a command; python -m bench --help lists them."),
        (
            ["compare", "--detectors", "wepe", "--limt", "3"],
            "Unknown option '--limt'. Did you mean '--limit'? See python -m bench compare --help.",
        ),
        (["compre"], "Unknown command 'compre'. Did you mean 'compare'? Available: audit, cite, compare, "),
        (["compare"], "--detectors"),
        (["compare", "--detectors", "wepe", "--seeds", "0"], "--seeds: expected a whole number of at least 1, got 0"),
        (
            ["compare", "--detectors", "wepe", "--seeds", "1000000000"],
            "--seeds: expected a whole number of at most 10,000",
        ),
        (["compare", "--detectors", "wepe", "--seeds", "9" * 5000, "--dry-run"], "--seeds: expected a whole number of"),
        (["compare", "--detectors", "wepe", "--seeds", "²"], "--seeds: expected a whole number of at least 1, got ²"),
        (
            ["compare", "--detectors", "wepe", "--resize", "16385"],
            "--resize: expected a whole number of at most 16,384",
        ),
        (["compare", "--detectors", "wepe", "--batch-size", "65537"], "at most 65,536, got 65537"),
        (["compare", "--detectors", "wepe", "--num-workers", "4097"], "at most 4,096, got 4097"),
        (["compare", "--detectors", "wepe", "--devices", "4097"], "at most 4,096, got 4097"),
        (
            ["compare", "--detectors", "wepe", "--limit", str(2**63)],
            "--limit: expected a whole number of at most 9,223",
        ),
        (["compare", "--detectors", "rigid:draws=1000000000"], "draws must be at most 10,000, got 1000000000"),
        (["compare", "--detectors", "rigid:draws=1000000000", "--dry-run"], "draws must be at most 10,000, got 1000"),
        (["compare", "--detectors", f"rigid:draws={2**63}"], "rigid:draws must be at most 9,223,372,036,854,775,807"),
        (["compare", "--detectors", "rigid:draws=٣"], "rigid:draws takes int, got '٣'"),
        (["compare", "--detectors", "rigid:draws=1_0"], "rigid:draws takes int, got '1_0'"),
        (["compare", "--detectors", "rigid:noise=٣"], "rigid:noise takes float, got '٣'"),
        (["compare", "--detectors", "wepe:n=10001"], "n must be at most 10,000, got 10001"),
        (["compare", "--detectors", "mc-dropout:n=10001"], "n must be at most 10,000, got 10001"),
        (["compare", "--detectors", "gradient-cuff:directions=10001"], "directions must be at most 10,000, got 10001"),
        (["compare", "--detectors", "wepe:"], "No options follow the colon of 'wepe:'"),
        (["compare", "--detectors", "rigid", "--dataset", "demo:"], "No options follow the colon of 'demo:'"),
        (["compare", "--detectors", "wepe", "--limit", "x"], "--limit: expected a whole number of at least 1, got x"),
        (["compare", "--detectors", "wepe", "--resize", "big"], "at least 1 or none, got big"),
        (
            ["compare", "--detectors", "wepe", "--zzz"],
            "Unknown option '--zzz'. See python -m bench compare --help.",
        ),
        (["compare", "--detectors", "wpe"], "Unknown detector 'wpe'. Did you mean 'wepe'?"),
        (["compare", "--detectors", "wepe:ratio=-1"], "ratio must be a number of at least 0, got -1.0"),
        (["compare", "--detectors", "wepe", "--backbone", "dinov2"], "Unknown backbone 'dinov2'. Did you mean"),
        (["compare", "--detectors", "wepe", "--dataset", "folders"], "Unknown data set 'folders'. Did you mean"),
        (["compare", "--detectors", "wepe", "--dataset", "folder"], "--dataset folder needs --data-root DIR"),
        (["compare", "--detectors", "wepe", "--dataset", "folder", "--data-root", "/nowhere"], "no folder /nowhere"),
        (["compare", "--detectors", "wepe", "--view", "mine"], "--view must be one of method, common, got 'mine'"),
        (["compare", "--detectors", "wepe", "--precision", "8"], "--precision must be one of 32-true"),
        (["compare", "--detectors", "aeroblade:autoencoder=/nowhere"], "Unknown autoencoder '/nowhere'."),
        (["compare", "--detectors", "rigid", "--accelerator", "mps"], "--accelerator mps with --devices 1:"),
        (["compare", "--detectors", "wepe", "wepe:ratio=0.1"], "is the same detector as 'wepe'"),
        (["compare", "--detectors", "wepe", "--weights", "/nowhere.pth"], "There is no weights file /nowhere.pth"),
        (["compare", "--detectors", "wepe", "--generators", "dalle"], "Unknown generator 'dalle'. Available:"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_two(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in stderr_of(arguments, capsys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "command", [["compare", "--detectors", "rigid"], ["audit"], ["data", "check"], ["pack"], ["probe"]]
)
def test_an_output_that_cannot_be_written_is_told_before_any_work(command, image_folder, tmp_path, capsys):
    (tmp_path / "file").touch()
    arguments = [*command, "--dataset", "folder", "--data-root", str(image_folder), "--output", str(tmp_path / "file")]
    assert f"Cannot write to --output {tmp_path / 'file'}: " in stderr_of(arguments, capsys)


def test_a_mistake_in_a_configuration_file_is_one_line(tmp_path, capsys):
    config = tmp_path / "run.yaml"
    config.write_text("seeds: -3\n")
    assert "at least 1, got -3" in stderr_of(["compare", "--detectors", "wepe", "--config", str(config)], capsys)
    config.write_text("sees: 3\n")
    message = stderr_of(["compare", "--detectors", "wepe", "--config", str(config)], capsys)
    assert "Unknown option 'sees' in the file of --config. Did you mean 'seeds'?" in message


@pytest.mark.heavy
def test_options_can_come_from_a_file_and_later_words_override_them(image_folder, tmp_path, capsys):
    config = tmp_path / "run.yaml"
    config.write_text(
        f"detectors: [rigid, 'wepe:n=2']\ndataset: folder\ndata_root: {image_folder}\nlimit: 3\nnum_workers: 0\n"
        f"output: {tmp_path / 'results'}\n"
    )
    assert main(["compare", "--config", str(config), "--limit", "2"]) == 0
    printed = capsys.readouterr().out
    assert "wepe:n=2" in printed
    assert "Scored now: 12." in printed


def test_missing_weights_say_which_file_and_the_ways_to_get_it(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    message = stderr_of(["compare", "--detectors", "wepe", "--backbone", "dinov2-vits14"], capsys)
    for word in ("timm/vit_small_patch14_dinov2.lvd142m/model.safetensors", "hub", "--weights FILE", "--backbone"):
        assert word in message


def test_help_answers_in_a_second_and_shows_defaults():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole = subprocess.run([sys.executable, "-m", "bench", "--help"], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Its own work, not what it waits for on a busy machine; 0.65 s on an idle one, and slower beside others.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.5
    assert "compare" in whole.stdout
    command = subprocess.run(
        [sys.executable, "-m", "bench", "compare", "--help"], capture_output=True, text=True, check=True
    )
    for option in [
        "--dataset",
        "--data-root",
        "--generators",
        "--backbone",
        "--weights",
        "--limit",
        "--seeds",
        "--batch-size",
        "--num-workers",
        "--devices",
        "--precision",
        "--output",
        "--config",
        "--wandb",
        "--resize",
        "--view",
        "--detectors",
    ]:
        assert f"{option} " in command.stdout
    assert "(default: results)" in " ".join(command.stdout.split())


def test_help_does_not_import_torch():
    code = "import sys, bench.cli.app; bench.cli.app.build_parser(); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize(
    "words",
    [
        ["comapre"],
        pytest.param(["compare", "--limt", "3"], marks=pytest.mark.heavy),
        ["compare", "--detectors", "wpee"],
        pytest.param(["robustness", "--detectors", "rigid", "wepe+rigd"], marks=pytest.mark.heavy),
        pytest.param(["score", "image.png", "--detectors", "wpee"], marks=pytest.mark.heavy),
        pytest.param(["compare", "--detectors", "wepe", "--backbone", "dinov2-vitl41"], marks=pytest.mark.heavy),
        pytest.param(["probe", "--backbone", "dinov2-vitl41"], marks=pytest.mark.heavy),
        pytest.param(["audit", "--dataset", "foldr"], marks=pytest.mark.heavy),
        ["data", "check", "--dataset", "foldr"],
        pytest.param(["pack", "--dataset", "foldr"], marks=pytest.mark.heavy),
    ],
)
def test_a_mistyped_name_is_answered_before_torch_is_imported(words):
    code = f"""
import sys
from bench.cli.app import main
try:
    code = main({words})
except SystemExit as stop:
    code = stop.code
print(code, [name for name in ("torch", "polars", "scipy") if name in sys.modules])
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "2 []\n"
    assert "Did you mean" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_foreign_package_of_our_name_is_named(tmp_path: Path):
    assert find_intruder() is None
    (tmp_path / "detectors").mkdir()
    (tmp_path / "detectors" / "__init__.py").touch()
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from bench.__main__ import main; sys.exit(main())"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert f"'detectors' is {tmp_path / 'detectors'}" in result.stderr
    assert result.stderr.count("\n") == 1
