"""The overview of coverage: every metric is in it, and its figures are those of the page's tables."""

import pytest

from bench.errors import BenchError
from bench.statistics.metrics import METRICS
from tools import coverage_overview
from tools.coverage_overview import overview

ROWS = {line.split(" | ")[0].strip("| "): line for line in overview().splitlines()[2:]}


def test_every_metric_is_named():
    assert {metric.title for metric in METRICS.values()} <= set(ROWS)


def test_ranges_are_those_read_by_eye():
    assert "| 92.8 to 98.5 %; 92.6 to 97.5 % where marked `~` |" in ROWS["AUROC"]
    assert "| 93.3 to 96.7 % |" in ROWS["TPR at 5 % FPR (generated)"]  # 5 and more expected
    assert "| 72.7 to 89.3 % |" in ROWS["balanced accuracy under the rule `best`"]
    assert "| 91.0 to 97.0 % |" in ROWS["mean over generators of that kind"]  # not that of the second table, 81.0
    assert "| 96.7 to 99.7 % |" in ROWS["worst set or generator"]


def test_a_table_that_is_gone_is_told(tmp_path, monkeypatch):
    page = tmp_path / "statistics.md"
    page.write_text(
        coverage_overview.PAGE.read_text(encoding="utf-8").replace("## Seeds", "## Draws"), encoding="utf-8"
    )
    monkeypatch.setattr(coverage_overview, "PAGE", page)
    with pytest.raises(BenchError, match="Seeds"):
        overview()
