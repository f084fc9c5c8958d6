import json
import math
from collections import defaultdict
from pathlib import Path

import pytest
from released_files import is_trained

from bench.errors import BenchError
from bench.references.reported import MEAN, ReportedNumber, find_reported, load_reported, read_references
from bench.statistics.metrics import METRICS
from datamodules import BenchmarkDataModule, find_dataset
from detectors import create_detector, list_backbones, list_detectors
from detectors.backbones.catalogue import create_backbone
from detectors.probing import ranking, top_blocks
from detectors.wepe import block_ranges

REPORTED = load_reported()
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
    assert any("normalised" in what for what in one.unsaid)
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
            known = {**number.options, **number.readings}
            assert set(known) == set(detector.options) - ignored
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
    assert find_reported("wepe", "imagenet", "adm", "ap_generated", reported=[number]) == [number]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": 187.5}, "Record 1 .* has a ap of 187.5; it must lie between 0 and 100"),
        ({"value": "87.5"}, "Record 1 .* has a value of the wrong kind: '87.5'"),
        ({"value": True}, "has a value of the wrong kind: True"),
        ({"value": math.nan}, "has a ap of nan"),
        ({"generator": "ADM"}, "unknown generator 'ADM' of imagenet"),
        ({"dataset": "imagnet"}, "unknown dataset 'imagnet'; the file knows imagenet"),
        ({"method": "WePe"}, "unknown method 'WePe'; the file knows wepe"),
        ({"table": "U"}, "unknown table 'U'"),
        ({"metric": "AP"}, "unknown metric 'AP'; known are auroc, ap"),
        ({"condition": "nois:0.1"}, "unknown condition: Unknown degradation 'nois'"),
    ],
)
def test_a_broken_record_is_one_clear_error(tmp_path, change, message):
    content = small_file()
    content["records"][0] |= change
    assert_refused(tmp_path, json.dumps(content), message)


def assert_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "broken.json"
    file.write_text(text)
    with pytest.raises(BenchError, match=message) as caught:
        read_references(file)
    assert "broken.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_broken_file_is_one_clear_error(tmp_path):
    assert_refused(tmp_path, "{", "Cannot read the reference file")
    assert_refused(tmp_path, "[]", "must be an object, got list")
    content = small_file()
    del content["records"][0]["note"]
    assert_refused(tmp_path, json.dumps(content), "Record 1 .* lacks 'note'")
    assert_refused(tmp_path, json.dumps({**small_file(), "records": None}), "has a records of the wrong kind: None")
    content = small_file()
    del content["methods"]["wepe"]["origin"]
    assert_refused(tmp_path, json.dumps(content), "lacks 'origin'")
    content = small_file()
    content["records"] *= 2
    assert_refused(tmp_path, json.dumps(content), "Record 2 .* says again what one before it says: T, WePe")
