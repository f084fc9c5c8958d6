"""`import bench`: light, the same numbers as the command line, and mistakes that say what to do."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import bench
from bench.cli.app import main
from bench.statistics.metrics import shown_metrics
from bench.store.schema import CLEAN

pytestmark = pytest.mark.usefixtures("small_views")

HEAVY = ("torch", "polars", "scipy", "numpy", "pandas", "lightning", "PIL")


def run_script(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    script = folder / "script.py"
    script.write_text(code, encoding="utf-8")
    return subprocess.run([sys.executable, str(script)], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("face") / "results"


@pytest.fixture(scope="module")
def result(folder) -> bench.Comparison:
    return bench.compare(["rigid"], dataset="demo", limit=6, num_workers=0, output=str(folder))


def test_importing_bench_imports_nothing_heavy(tmp_path):
    code = f"import sys, bench; bench.__version__; print([name for name in {HEAVY} if name in sys.modules])"
    assert run_script(code, tmp_path).stdout == "[]\n"


def test_every_public_name_is_there():
    for name in bench.__all__:
        assert getattr(bench, name) is not None
    assert set(bench.__all__) <= set(dir(bench))
    with pytest.raises(AttributeError, match="no_such_name"):
        bench.no_such_name  # noqa: B018 - looking it up is the test


@pytest.mark.heavy
def test_a_comparison_holds_what_the_command_line_writes(result, folder, tmp_path, capsys):
    words = ["--dataset", "demo", "--limit", "6", "--num-workers", "0", "--output", str(tmp_path)]
    assert main(["compare", "--detectors", "rigid", *words]) == 0
    assert (folder / "compare.csv").read_bytes() == (tmp_path / "compare.csv").read_bytes()
    frame, written = result.to_polars(), pl.read_csv(folder / "compare.csv", infer_schema_length=None)
    assert set(frame.columns) <= set(written.columns)
    keys = ["detector", "condition", "generator", "metric"]
    numbers = [*keys, "value", "low", "high", "n_real", "n_generated"]
    assert frame.select(numbers).equals(written.select(numbers).cast(dict(frame.select(numbers).schema)))


def test_a_comparison_turns_into_pandas_with_the_same_rows(result):
    pandas = pytest.importorskip("pandas")
    frame = result.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == result.to_polars().columns
    assert len(frame) == len(result.to_polars())


def test_without_pandas_one_line_tells_the_command(result, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(bench.BenchError, match="pip install pandas"):
        result.to_pandas()


def test_scores_have_a_row_for_each_image(result):
    scores = result.scores()
    assert len(scores) == result.run["data"]["images"] == 18
    assert set(scores["condition"]) == {CLEAN}
    assert scores["path"].n_unique() == len(scores)
    assert scores["score"].is_finite().all()


def test_the_store_reads_back_without_scoring(result, folder):
    (stored,) = bench.read_store(folder)
    assert isinstance(stored, bench.StoredDataset)
    assert stored.scores().sort("path").equals(result.scores().sort("path"))


def test_the_leaderboard_has_the_same_numbers_of_the_metrics_that_it_shows(result, folder):
    (board,) = bench.leaderboard(str(folder))
    columns = ["detector", "condition", "generator", "metric", "value", "low", "high"]
    shown = result.to_polars().select(columns).filter(pl.col("metric").is_in(shown_metrics()))
    assert board.to_polars().select(columns).equals(shown)
    assert (folder / "LEADERBOARD.md").is_file()


@pytest.mark.heavy
def test_files_of_ones_own_get_the_scores_of_compare(image_folder, tmp_path):
    options = {"batch_size": 4, "num_workers": 0}
    compared = bench.compare(["rigid"], dataset="folder", data_root=str(image_folder), output=tmp_path, **options)
    known = {Path(path).as_posix(): score for path, score in compared.scores().select("path", "score").iter_rows()}
    rows = list(bench.score_files([image_folder / "real"], ["rigid"], **options))
    assert len(rows) == 12
    assert all(isinstance(row, bench.ScoredImage) for row in rows)
    for row in rows:
        relative = Path(row.path).relative_to(image_folder).as_posix()
        assert row.scores["rigid"] == pytest.approx(known[relative], rel=1e-5)


def test_a_mistake_in_a_call_is_told_before_any_work(tmp_path):
    with pytest.raises(TypeError, match=r"RunOptions has no field 'limt'\. Did you mean 'limit'\?"):
        bench.compare(["rigid"], limt=3, output=tmp_path / "a")
    with pytest.raises(LookupError, match=r"Unknown detector 'rigd'\. Did you mean 'rigid'\?"):
        bench.compare(["rigd"], output=tmp_path / "b")
    with pytest.raises(bench.BenchError, match="There are no scores under"):
        bench.read_store(tmp_path / "c")
    with pytest.raises(bench.BenchError, match="There are no scores under"):
        bench.leaderboard(tmp_path / "c")
    assert not list(tmp_path.iterdir())


@pytest.mark.heavy
def test_a_script_needs_no_main_guard(image_folder, tmp_path):
    """Decoding processes must not run the script again: it would print twice, or start processes without end."""
    code = f"""
import multiprocessing
multiprocessing.set_start_method("spawn")
print("begun")
import bench
result = bench.compare(["rigid"], dataset="folder", data_root={str(image_folder)!r}, num_workers=1, limit=4,
                       output="results")
print(len(result.scores()))
"""
    ended = run_script(code, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == ["begun", "12"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"seeds": 10_001}, "--seeds must be at most 10,000, got 10001."),
        ({"seeds": 0}, "--seeds must be at least 1, got 0."),
        ({"seeds": "3"}, "--seeds must be a whole number, got '3'."),
        ({"seeds": None}, "--seeds must be a whole number, got None."),
        ({"limit": True}, "--limit must be a whole number, got True."),
        ({"resize": 16_385}, "--resize must be at most 16,384, got 16385."),
        ({"num_workers": -1}, "--num-workers must be at least 0, got -1."),
        ({"limit": 2**63}, "--limit must be at most 9,223,372,036,854,775,807, got 9223372036854775808."),
    ],
)
def test_an_absurd_number_is_refused(options, told, tmp_path):
    with pytest.raises(bench.BenchError, match=rf"^{told}$".replace("(", r"\(")):
        bench.compare(["rigid"], dataset="demo", output=str(tmp_path), **options)
    assert not list(tmp_path.iterdir())
