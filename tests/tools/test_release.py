"""What a release is refused for; `tests/test_packaging.py` builds a whole one."""

import io
import tarfile
import zipfile

import pytest

from tools.release import ReleaseError, check_metadata, check_sdist, check_wheel, repository_files

PATHS = ["LICENSE", "bench/__init__.py", "bench/report/html/page.css", "detectors/py.typed", "docs/data.md", ".ci/run"]
IN_WHEEL = ["bench/__init__.py", "bench/report/html/page.css", "detectors/py.typed", "fauxbench-1.dist-info/RECORD"]
IN_SDIST = [*PATHS[:-1], "PKG-INFO", "fauxbench.egg-info/SOURCES.txt"]


@pytest.fixture
def packed(tmp_path):
    """Packs empty files into a wheel, or into a source distribution."""

    def pack(names, kind):
        file = tmp_path / f"fauxbench-1{kind}"
        if kind == ".whl":
            with zipfile.ZipFile(file, "w") as archive:
                for name in names:
                    archive.writestr(name, "")
        else:
            with tarfile.open(file, "w:gz") as archive:
                for name in names:
                    archive.addfile(tarfile.TarInfo(f"fauxbench-1/{name}"), io.BytesIO())
        return file

    return pack


@pytest.mark.parametrize(
    ("check", "kind", "names"), [(check_wheel, ".whl", IN_WHEEL), (check_sdist, ".tar.gz", IN_SDIST)]
)
def test_a_file_too_few_or_too_many_is_told(packed, check, kind, names):
    check(packed(names, kind), PATHS)
    for path in [name for name in names if name in PATHS]:
        with pytest.raises(ReleaseError, match=rf"^fauxbench-1\S+ lacks 1 files: {path}\.$"):
            check(packed([name for name in names if name != path], kind), PATHS)
    for more in ("bench/removed_long_ago.py", "results/scores/demo/part.parquet", ".venv/bin/python"):
        with pytest.raises(ReleaseError, match=rf"^fauxbench-1\S+ should not have 1 files: {more}\.$"):
            check(packed([*names, more], kind), PATHS)


def test_what_git_ignores_is_not_of_the_repository(tmp_path):
    try:
        paths = repository_files()
    except ReleaseError:
        pytest.skip("an unpacked source distribution has no history")
    assert {"bench/py.typed", "LICENSE", "MANIFEST.in", "tests/tools/test_release.py"} <= set(paths)
    assert not [
        path for path in paths if path.startswith(("build/", "dist/", "results/", ".venv/")) or "__pycache__" in path
    ]


@pytest.mark.heavy
def test_a_file_without_metadata_is_refused(packed):
    with pytest.raises(ReleaseError, match=r"failed: python\S* -m twine check --strict fauxbench-1\.whl"):
        check_metadata(packed(IN_WHEEL, ".whl"))
