import json
import math
from collections import defaultdict
from pathlib import Path

import pytest
from released_files import is_trained

import bench.references
from bench.references.reported import (
    IN_PERCENT,
    LOCKED,
    MEAN,
    NATURAL,
    ORIGINS,
    ReportedNumber,
    find_reported,
    load_reported,
    read_references,
)
from bench.statistics.metrics import METRICS
from datamodules import BenchmarkDataModule, find_dataset
from datamodules.degradations import parse_condition
from detectors import create_detector, list_backbones, list_detectors
from detectors.backbones.catalogue import create_backbone
from detectors.probing import ranking, top_blocks
from detectors.wepe import block_ranges

REPORTED = load_reported()
FILES = [file for file in sorted(Path(bench.references.__file__).parent.glob("*.json")) if file.name != LOCKED]
OFF_AVERAGES = {
    ("Table 1", "AEROBLADE", "auroc"): (57.87, 57.76),
    ("Table 1", "AEROBLADE", "ap_real"): (57.85, 57.58),
    ("Table 1", "NPR", "ap_real"): (80.84, 80.85),
    ("Table 2", "AEROBLADE", "auroc"): (53.85, 53.84),
    ("Table 3", "CNNspot", "accuracy"): (58.63, 59.63),
    ("Table 3", "F3Net", "accuracy"): (64.22, 64.23),
    ("Table 15", "WePe top-8", "ap_real"): (84.59, 84.58),
    ("main results", "RIGID", "auroc"): (86.67, 86.66),
    ("main results", "RIGID", "ap_real"): (87.47, 87.46),
}
"""Printed averages and those of their rows, where they differ: known from the paper, not from our files."""


def rows_of(numbers: tuple[ReportedNumber, ...]) -> dict[tuple[str, ...], list[ReportedNumber]]:
    rows = defaultdict(list)
    for number in numbers:
        if number.dataset and number.generator:
            rows[number.source, number.table, number.row, number.dataset, number.metric].append(number)
    return rows


def test_printed_averages_are_those_of_their_rows_but_for_the_known_nine():
    wrong, checked = {}, 0
    for (_, table, row, _, metric), numbers in rows_of(REPORTED).items():
        mean = [number for number in numbers if number.generator == MEAN]
        single = [number for number in numbers if number.generator != MEAN]
        if not mean or not single:
            continue
        assert {one.generator for one in single} == set(mean[0].generators)
        own = 100 * math.fsum(one.value for one in single) / len(single)
        checked += 1
        # Half a unit of the last digit: the average of printed numbers may be rounded either way at a tie.
        if abs(own - 100 * mean[0].value) > 0.0051:
            wrong[table, row, metric] = (round(100 * mean[0].value, 2), round(own, 2))
            assert mean[0].note
            assert f"{own:.2f}" in mean[0].note
    assert checked == 14 + 14 + 12 + 12 + 4
    assert wrong == OFF_AVERAGES


def test_the_same_configuration_has_the_same_number_wherever_a_paper_prints_it():
    seen = defaultdict(set)
    for number in REPORTED:
        if number.dataset is None:
            continue
        options = json.dumps([number.options, number.backbone], sort_keys=True)
        key = (number.source, number.method, number.dataset, number.generator, number.metric, number.condition, options)
        seen[key].add(number.value)
    assert [key for key, values in seen.items() if len(values) > 1] == []
    wepe = [one for one in find_reported("wepe", "imagenet", MEAN, "auroc") if one.value == 0.8799]
    assert {one.table for one in wepe} >= {f"Table {n}" for n in (1, 4, 5, 7, 9, 10, 11, 13)}


@pytest.mark.parametrize(
    ("method", "dataset", "generator", "metric", "values"),
    [
        ("wepe", "imagenet", "biggan", "auroc", [0.9424, 0.9390, 0.9265, 0.9429, 0.9305, 0.9281, 0.9182]),
        ("wepe", "lsun-bedroom", "unleashing-transformers", "ap_real", [0.9345]),
        ("wepe", "genimage", "vqdm", "accuracy", [0.9060]),
        ("rigid", "imagenet", MEAN, "auroc", [0.8667, 0.8358, 0.8358]),
        ("rigid", "lsun-bedroom", "ddpm", "ap_real", [0.8976, 0.8855]),
        ("mc-dropout", "imagenet", MEAN, "auroc", [0.8163]),
        ("univfd", "genimage", MEAN, "accuracy", [0.7173]),
    ],
)
def test_numbers_read_off_the_papers_are_found_own_paper_first(method, dataset, generator, metric, values):
    assert [one.value for one in find_reported(method, dataset, generator, metric)] == values


def test_what_is_not_reported_is_not_found():
    assert find_reported("wepe", "imagenet", "biggan", "ap_generated") == []
    assert find_reported("wepe", "genimage", "sd14", "accuracy") == []
    assert find_reported("wepe", "demo", MEAN, "auroc") == []


def test_noise_on_one_class_is_found_by_its_condition():
    (one, again) = find_reported("wepe", "imagenet", MEAN, "auroc", "noise:0.1@generated")
    assert (one.table, one.value) == ("Table 9", 0.8877)
    assert (again.table, again.value) == ("Table 13", 0.8877)
    assert (one.unsaid, again.unsaid) == ((), ("the noise's sigma",))
    (evaded,) = find_reported("rigid", "imagenet", MEAN, "auroc", "noise:0.1@generated")
    assert evaded.value == 0.1869


@pytest.mark.parametrize("number", {(one.source, one.method): one for one in REPORTED}.values(), ids=str)
def test_methods_that_are_measured_here_are_registered_and_need_no_checkpoint(number):
    registered = number.method in list_detectors()
    assert (registered and not is_trained(number.method)) == number.measured_here


def test_every_dataset_generator_metric_and_view_exists_in_the_code():
    for number in REPORTED:
        if number.dataset is not None:
            dataset = find_dataset(number.dataset)
            assert issubclass(dataset, BenchmarkDataModule)
            known = [generator.name for generator in dataset.known]
            assert number.generator in (*known, MEAN, "natural")
            assert set(number.generators) <= set(known)
            assert number.real_split in dataset.splits
        if number.metric.startswith("ap"):
            assert number.metric in METRICS
        if number.backbone is not None:
            assert number.backbone.partition(":")[0] in list_backbones()
        if number.view is not None and number.source != "wepe":
            assert number.view == str(list_detectors()[number.method].view)


def test_backbones_with_options_are_written_as_the_backbone_calls_itself(hub_cache):
    from detectors import WeightsNotFoundError

    written = {one.backbone for one in REPORTED if one.backbone and ":" in one.backbone}
    assert written == {"clip-vitl14:features=pre-projection"}
    with pytest.raises(WeightsNotFoundError):  # known, though its weights are not here
        create_backbone(written.pop())


def test_what_is_said_and_read_of_a_method_are_its_defaults_and_all_its_options(vit):
    """A default that moves makes our default runs incomparable: then the reading must move with it, knowingly."""
    for name, ignored in (("wepe", {"match"}), ("rigid", set())):
        detector = create_detector(name, vit)
        for number in (one for one in REPORTED if one.method == name and one.table in ("Table 1", "main results")):
            number = number.under("code") if number.presets else number
            known = {**number.options, **number.readings}
            assert set(known) == set(detector.fingerprinted) - ignored
            settled = {**detector.settled, "blocks": "0-18 of 24"}  # 19 of 24, whatever this network's depth
            assert all(settled[option] == value for option, value in known.items())


def test_the_blocks_of_table_15_are_the_first_ranks_of_table_14():
    probe = [one.value for one in REPORTED if one.metric == "block_similarity"]
    ranks = [one.value for one in REPORTED if one.metric == "block_rank"]
    assert len(probe) == 24
    assert [ranking(probe).index(block) + 1 for block in range(24)] == ranks
    for number in (one for one in REPORTED if one.row.startswith("WePe top-")):
        chosen = top_blocks(probe, int(number.row.removeprefix("WePe top-")))
        assert number.options["blocks"] == f"{block_ranges(chosen)} of 24"


def test_units_are_those_of_the_suite():
    for number in REPORTED:
        if number.metric in ("auroc", "ap_real", "ap_generated", "accuracy", "block_similarity"):
            assert 0 <= number.value <= 1
    assert {one.value for one in REPORTED if one.metric == "seconds_per_100_images"} == {17.6, 3.7, 4.5}
    (projected,) = (one for one in REPORTED if one.metric == "fid" and one.generator == "projected-gan")
    assert (projected.value, projected.n_real, projected.n_generated) == (132.75, 5000, 5000)
    assert {one.n_real for one in REPORTED if one.metric == "auroc"} == {None}


KINDS = {
    "file": {
        "source": str, "paper": str, "ap": dict, "images": dict, "methods": dict, "datasets": dict, "tables": dict,
        "records": list,
    },
    "ap": {"metric": str, "note": str},
    "images": {"n_real": int | None, "n_generated": int | None, "assumed": int | None},
    "method": {
        "measured_here": bool, "origin": str, "seeds": int | None, "view": str | None, "options": dict,
        "readings": dict, "unsaid": list, "note": str | None,
    },
    "dataset": {"generators": list, "text": str, "protocol": dict, "real_split": str},
    "table": {"caption": str, "unsaid": list},
    "record": {
        "table": str, "row": str, "method": str, "dataset": str | None, "backbone": str | None,
        "generator": str | None, "metric": str, "condition": str, "options": dict, "value": int | float,
        "unsaid": list, "note": str | None,
    },
}  # fmt: skip
"""What each part of a reference file holds, and of what kind; a number is never a bool."""


def assert_form(part: str, content: object) -> None:
    assert isinstance(content, dict), (part, content)
    for name, kind in KINDS[part].items():
        assert name in content, (part, name)
        assert isinstance(content[name], kind), (part, name, content[name])
        assert isinstance(content[name], bool) == (kind is bool), (part, name, content[name])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_shipped_files_hold_the_form_that_is_read_without_a_check(file):
    content = json.loads(file.read_text(encoding="utf-8"))
    assert_form("file", content)
    assert content["source"] == file.stem
    assert_form("ap", content["ap"])
    assert content["ap"]["metric"] in ("ap_real", "ap_generated")
    assert_form("images", content["images"])
    for part in ("method", "dataset", "table"):
        for entry in content[f"{part}s"].values():
            assert_form(part, entry)
    assert {method["origin"] for method in content["methods"].values()} <= set(ORIGINS)
    said = set()
    for record in content["records"]:
        assert_form("record", record)
        assert record["table"] in content["tables"], record
        assert record["method"] in content["methods"], record
        assert record["dataset"] in (None, *content["datasets"]), record
        generators = content["datasets"][record["dataset"]]["generators"] if record["dataset"] else []
        assert record["generator"] in (None, MEAN, NATURAL, *generators), record
        assert record["metric"] in (*IN_PERCENT, "block_rank", "fid", "seconds_per_100_images"), record
        highest = 100 if record["metric"] in IN_PERCENT else math.inf
        assert 0 <= record["value"] <= highest, record
        assert math.isfinite(record["value"]), record
        assert type(record.get("images", 1)) is int, record
        assert parse_condition(record["condition"]).name == record["condition"], record
        key = tuple(record[name] for name in ("table", "row", "dataset", "generator", "metric"))
        assert key not in said, f"{record} says again what one before it says"
        said.add(key)


def test_every_shipped_file_is_read_whole():
    records = [json.loads(file.read_text(encoding="utf-8"))["records"] for file in FILES]
    assert {file.stem for file in FILES} == {number.source for number in REPORTED}
    assert len(REPORTED) == sum(map(len, records)) > 600


def small_file() -> dict:
    method = {
        "printed": "WePe", "measured_here": True, "origin": "own", "seeds": 5, "view": None,
        "options": {}, "readings": {}, "unsaid": [], "note": None,
    }  # fmt: skip
    record = {
        "table": "T", "row": "WePe", "method": "wepe", "dataset": "imagenet", "backbone": None, "generator": "adm",
        "metric": "ap", "condition": "clean", "options": {}, "value": 87.5, "unsaid": [], "note": None,
    }  # fmt: skip
    return {
        "source": "small",
        "paper": "none",
        "ap": {"metric": "ap_generated", "note": "said"},
        "images": {"n_real": 10, "n_generated": 20, "assumed": None},
        "methods": {"wepe": method},
        "datasets": {"imagenet": {"generators": ["adm"], "text": "as they are"}},
        "tables": {"T": {"caption": "A table", "unsaid": []}},
        "records": [record],
    }


def test_a_small_file_is_read(tmp_path):
    file = tmp_path / "small.json"
    file.write_text(json.dumps(small_file()))
    (number,) = read_references(file)
    assert (number.value, number.metric, number.n_real, number.n_generated) == (0.875, "ap_generated", 10, 20)
    assert number.protocol == "A table; as they are"
