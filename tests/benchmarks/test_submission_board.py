"""The benchmarks of submitted scores, on a few images."""

import pytest
from benchmark_scripts import rows_of, run_benchmark

pytestmark = pytest.mark.heavy


def test_a_small_repository_is_made_and_ranked():
    rows = rows_of(run_benchmark("submission_board", "--images=200", "--submissions=3", "--seeds=2", "--repeats=1"))
    seeds, wall, processor, memory = rows["3 x 200"]
    assert seeds == "2"
    assert float(wall.split()[0]) > 0
    assert float(processor.split()[0]) > 0
    assert memory.endswith("MiB")


def test_scores_without_avx_are_within_the_tolerance():
    rows = rows_of(run_benchmark("tolerance", "--limit=2", "--detectors", "hfi"))
    assert float(rows["hfi"][0]) < 1e-3
