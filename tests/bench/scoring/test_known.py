"""A detector is taken from the store only where building it could give nothing else."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bench.results.comparing import compare
from bench.scoring import known, plan
from bench.scoring.known import made_from, weights_of
from bench.scoring.options import RunOptions
from bench.scoring.specs import parse_detector
from bench.store.facts import MADE_FROM

DETECTORS = ["wepe:ratio=0.2", "rigid"]


@pytest.fixture
def options(image_folder: Path, tmp_path: Path) -> RunOptions:
    return RunOptions(
        dataset="folder", data_root=image_folder, output=tmp_path / "results", limit=4, num_workers=0, accelerator="cpu"
    )


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes which networks are built."""
    names: list[str] = []
    create = plan.create_backbone

    def noted(name: str, weights: object) -> object:
        names.append(name)
        return create(name, weights)

    monkeypatch.setattr(plan, "create_backbone", noted)
    return names


def made(text: str, options: RunOptions) -> str | None:
    return made_from(parse_detector(text), options, weights_of(options))


def comparable(run: dict) -> dict:
    return {name: run[name] for name in ("detectors", "data", "options", "device", "versions", "asked")}


@pytest.mark.heavy
def test_what_the_store_knows_is_not_built_and_reads_the_same(options, built):
    first = compare(DETECTORS, options)
    assert built == ["efficientnet-lite0"]
    again = compare(DETECTORS, options)
    assert built == ["efficientnet-lite0"]
    assert again.scored == 0
    assert again.to_polars().equals(first.to_polars())
    assert again.logged == first.logged
    assert comparable(again.run) == comparable(first.run)
    assert again.views == first.views
    logs = sorted(options.output.glob("logs/*/metrics.csv"))
    assert len(logs) == 2
    assert logs[0].read_text().splitlines()[:2] == logs[1].read_text().splitlines()[:2]


@pytest.mark.heavy
def test_missing_scores_of_a_known_detector_are_computed_with_a_network(options, built):
    compare(DETECTORS, options)
    more = compare(DETECTORS, replace(options, limit=6))
    assert built == ["efficientnet-lite0"] * 2
    assert more.scored > 0
    assert compare(["rigid:noise=0.2"], options).scored > 0
    assert len(built) == 3


@pytest.mark.heavy
def test_changed_code_has_detectors_built(options, built, monkeypatch):
    compare(["rigid"], options)
    monkeypatch.setattr(known, "_code", lambda: "other code")
    assert compare(["rigid"], options).scored == 0
    assert len(built) == 2


def test_whatever_a_score_depends_on_is_told_apart(options):
    texts = ["rigid", "rigid:noise=0.1", "rigid:view=native", "wepe", "wepe:blocks=3"]
    keys = [made(text, options) for text in texts]
    keys += [made("rigid", replace(options, view="common")), made("rigid", replace(options, backbone="random-vit24"))]
    assert None not in keys
    assert len(set(keys)) == len(keys)
    assert made("rigid:noise=0.05", options) != made("rigid", options)  # which only has it built once more


@pytest.mark.parametrize("text", ["aeroblade", "rigid+wepe", "hfi"])
def test_what_may_depend_on_other_files_is_built(text, options):
    assert made(text, options) is None


@pytest.mark.parametrize("backbone", ["timm:resnet10t", "hf:facebook/dinov2-small", "blip-base", "dinov2-vitl14"])
def test_networks_of_more_than_one_file_or_none_here_are_built(backbone, options, hub_cache):
    assert weights_of(replace(options, backbone=backbone)) is None


def test_a_file_of_weights_is_known_by_its_place_size_and_times(options, tmp_path):
    file = tmp_path / "weights.pth"
    file.write_bytes(b"weights")
    given = replace(options, weights=file)
    assert weights_of(given) is None  # it may change again within the same tick
    stamps = weights_of_later(given)
    assert stamps is not None
    assert made_from(parse_detector("rigid"), given, weights=stamps) is None  # it is looked at again, and too new
    assert weights_of(replace(options, weights=tmp_path)) is None


def weights_of_later(options: RunOptions) -> list[str | int] | None:
    later = time.time() + 2 * known.SETTLED
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(known.time, "time", lambda: later)
        before = weights_of(options)
        file = Path(str(options.weights))
        stat = file.stat()
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns - 1))
        assert weights_of(options) != before
        return weights_of(options)


def test_code_that_changed_after_the_process_began_has_detectors_built(options, monkeypatch, tmp_path):
    newer = tmp_path / "newer.py"
    newer.write_text("")
    assert made("rigid", options) is not None
    monkeypatch.setattr(known, "_sources", lambda: [newer])
    assert made("rigid", options) is None


def test_a_plugin_is_built(options, monkeypatch):
    monkeypatch.setattr(known, "DETECTORS", {})
    assert made("rigid", options) is None


@pytest.mark.heavy
def test_a_run_says_what_its_detectors_were_made_from(options):
    result = compare(["rigid"], options)
    assert [facts[MADE_FROM] for facts in result.run["detectors"].values()] == [made("rigid", options)]
