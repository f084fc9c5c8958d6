import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.release import (
    PACKAGES,
    ROOT,
    ReleaseError,
    build,
    check_metadata,
    check_sdist,
    check_wheel,
    repository_files,
)

BESIDE = ("pyproject.toml", "README.md", "LICENSE")
"""What a wheel is built from, beside the packages."""


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> tuple[list[str], Path, Path]:
    """The repository's files, and the source distribution and the wheel that are built of them."""
    try:
        paths = repository_files()
    except ReleaseError:
        pytest.skip("an unpacked source distribution has no history")
    return paths, *build(paths, tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="module")
def installed(release, tmp_path_factory) -> Path:
    """The built wheel's files, in a folder of their own."""
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-deps", "--target", str(folder), str(release[2])], check=True)
    return folder


@pytest.mark.heavy
def test_the_source_distribution_and_the_wheel_have_what_they_should_and_nothing_else(release):
    paths, sdist, wheel = release
    check_metadata(sdist, wheel)
    check_sdist(sdist, paths)
    check_wheel(wheel, paths)


@pytest.mark.heavy
def test_the_command_line_runs_from_a_built_wheel(installed, tmp_path):
    """An editable install hides a sub-package or a data file that the wheel lacks."""
    environment = os.environ | {"PYTHONPATH": str(installed)}
    command = [sys.executable, "-m", "bench", "compare", "--detectors", "rigid", "--limit", "1", "--num-workers", "0"]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "rigid" in result.stdout
    where = "import bench, datamodules, detectors; print(bench.__file__, datamodules.__file__, detectors.__file__)"
    files = subprocess.run(
        [sys.executable, "-c", where], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert all(Path(file).is_relative_to(installed) for file in files.stdout.split())


@pytest.mark.heavy
def test_the_wheel_brings_the_three_packages_and_both_commands(installed):
    names = {path.name for path in installed.iterdir()}
    assert {name for name in names if not name.endswith(".dist-info")} == {*PACKAGES, "bin"}
    assert [name.partition("-")[0] for name in names if name.endswith(".dist-info")] == ["fauxbench"]
    assert {path.name for path in (installed / "bin").iterdir()} == {"fauxbench", "aigi-bench"}


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [("detectors", {"bench", "datamodules", "lightning"}), ("datamodules", {"bench", "detectors"})],
)
def test_imports_go_from_bench_to_the_others_and_nowhere_else(package, forbidden):
    for file in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            assert not {name.split(".")[0] for name in names} & forbidden, file


def test_the_container_is_built_from_what_the_wheel_needs_and_runs_without_rights():
    """Read, not run."""
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert kept[0] == "*"
    assert {line[1:] for line in kept if line.startswith("!")} == {*PACKAGES, *BESIDE}
    lines = [line.split() for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines() if line]
    last = {words[0]: words[1:] for words in lines}
    assert last["USER"] == ["fauxbench"]
    assert last["ENTRYPOINT"] == ['["fauxbench"]']
    from_index = [words for words in lines if "--index-url" in words]
    assert [{"torch", "torchvision"} <= set(words) for words in from_index] == [True]
    assert lines.index(from_index[0]) < next(i for i, words in enumerate(lines) if "/wheels/*.whl" in words)
