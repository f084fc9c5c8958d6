"""Attacks in whole runs: what is shown to whom, what is kept, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.errors import BenchError
from bench.report.attacks import EACH_ITSELF, attack_records, attack_tables
from bench.report.robustness import robustness_json, robustness_tables
from bench.results.comparing import compare
from bench.results.comparison import Comparison
from bench.results.robustness import Robustness
from bench.scoring.attacks.condition import parse_attack
from bench.scoring.attacks.sources import with_sources
from bench.scoring.forecast import forecast
from bench.scoring.options import RunOptions
from bench.scoring.specs import parse_detectors
from detectors import Detector, View, registry

pytestmark = pytest.mark.usefixtures("small_views")
ITSELF = "attack:pgd:2/255,steps=2,step=1/255"


def options_of(root: Path, output: Path, *conditions: str, **more: object) -> RunOptions:
    values: dict[str, object] = {
        "dataset": "folder",
        "data_root": str(root),
        "num_workers": 0,
        "limit": 2,
        "resize": 64,
    }
    return RunOptions(output=output, conditions=conditions, **(values | more))


def scores_of(comparison: Comparison) -> dict[tuple[str, str], np.ndarray]:
    table = comparison.scores().sort("path")
    parts = table.partition_by("detector", "condition", as_dict=True, include_key=True)
    return {key: part["score"].to_numpy() for key, part in parts.items()}


@pytest.fixture(scope="module")
def attacked(tmp_path_factory, photograph) -> tuple[Comparison, Path, Path]:
    root, output = (tmp_path_factory.mktemp(name) for name in ("images", "results"))
    for seed, source in enumerate(("real/camera", "generated/blurry")):
        (root / source).mkdir(parents=True)
        for number in range(2):
            photograph(100 * seed + number).save(root / source / f"{number:02d}.png")
    options = options_of(root, output, ITSELF, f"{ITSELF},source=each", "jpeg:75")
    comparison = compare(["wepe", "rigid"], options)
    assert comparison is not None
    return comparison, root, output


def test_real_images_keep_their_scores_and_generated_ones_lose(attacked):
    comparison, *_ = attacked
    labels = comparison.panel.images.sort("path")["label"].to_numpy()
    scores = scores_of(comparison)
    for detector in ("wepe", "rigid"):
        clean, after = scores[detector, "clean"], scores[detector, ITSELF]
        assert np.array_equal(clean[labels == 0], after[labels == 0])
        assert not np.isclose(clean[labels == 1], after[labels == 1]).any()


def test_what_is_made_against_a_detector_is_what_it_makes_against_itself(attacked):
    scores = scores_of(attacked[0])
    conditions = {condition.partition("source=")[2].partition("#")[0]: condition for _, condition in scores}
    for detector, other in (("wepe", "rigid"), ("rigid", "wepe")):
        assert np.array_equal(scores[detector, ITSELF], scores[detector, conditions[detector]])
        assert not np.array_equal(scores[detector, ITSELF], scores[detector, conditions[other]])


def test_the_record_says_what_the_attacks_were(attacked):
    comparison, *_ = attacked
    facts = comparison.run["data"]["attacks"]
    assert facts[ITSELF] == {
        "method": "pgd", "budget": 2, "steps": 2, "step": 1.0, "source": "", "fingerprint": ""
    }  # fmt: skip
    fingerprints = {known["label"]: digits for digits, known in comparison.run["detectors"].items()}
    sources = {attack["source"]: attack["fingerprint"] for attack in facts.values() if attack["source"]}
    assert sources == {label: digits[:8] for label, digits in fingerprints.items()}


@pytest.mark.heavy
def test_a_run_that_is_repeated_scores_nothing_and_plans_nothing(attacked):
    comparison, root, output = attacked
    again = options_of(root, output, *comparison.conditions[1:])
    assert forecast(["wepe", "rigid"], again).passes == 0
    repeated = compare(["wepe", "rigid"], again)
    assert repeated is not None
    assert repeated.scored == 0


def test_a_source_with_another_fingerprint_is_not_taken_for_this_one(attacked):
    _, root, output = attacked
    wrong = options_of(root, output, "attack:pgd:2/255,steps=2,source=rigid#00000000")
    with pytest.raises(BenchError, match="rigid#00000000 is not that of this run, rigid#"):
        compare(["wepe"], wrong)


def test_tables_and_records_are_the_matrix(attacked):
    comparison, *_ = attacked
    (table,) = attack_tables(comparison.summary)
    assert table.columns == ("made against", "wepe", "rigid")
    names = [row[0].partition("#")[0] for row in table.rows]
    assert names == ["(clean images)", EACH_ITSELF, "wepe", "rigid"]
    wepe, rigid = (row[1:] for row in table.rows[2:])
    assert table.rows[1][1:] == [wepe[0], rigid[1]]
    records = attack_records(comparison.summary)
    assert {(record["source"].partition("#")[0], record["detector"]) for record in records} == {
        (source, detector) for source in ("wepe", "rigid") for detector in ("wepe", "rigid")
    }
    robustness = Robustness(comparison)
    assert table.title in [table.title for table in robustness_tables(robustness)]
    kinds = {point["kind"].partition("#")[0] for point in robustness_json(robustness)["points"]}
    assert kinds == {
        *(f"attack:pgd,steps=2,step=1/255{source}" for source in ("", ",source=wepe", ",source=rigid")),
        "jpeg",
    }


@pytest.mark.heavy
@pytest.mark.parametrize("more", [{"batch_size": 1}, {"batch_size": 3, "num_workers": 2}])
def test_batches_and_workers_change_nothing(attacked, tmp_path, more):
    comparison, root, _ = attacked
    other = compare(["rigid"], options_of(root, tmp_path, ITSELF, **more))
    assert other is not None
    assert np.array_equal(scores_of(other)["rigid", ITSELF], scores_of(comparison)["rigid", ITSELF])


@pytest.mark.heavy
def test_the_planned_passes_are_those_that_are_made(attacked, tmp_path):
    options = options_of(attacked[1], tmp_path, ITSELF, "attack:pgd:1/255,steps=3,source=each", limit=2)
    planned = forecast(["wepe", "rigid"], options)
    compare(["wepe", "rigid"], options)
    (run,) = tmp_path.glob("scores/*/*/run.json")
    assert planned.passes == json.loads(run.read_text())["cost"]["backbone_passes"]


@pytest.mark.heavy
def test_every_seed_attacks_its_own_draw(attacked, tmp_path):
    comparison, root, _ = attacked
    seeds = compare(["wepe"], options_of(root, tmp_path, ITSELF, seeds=2))
    assert seeds is not None
    table = seeds.scores().filter(condition=ITSELF, label=1).sort("path")
    first, second = (part["score"].to_numpy() for part in table.partition_by("seed"))
    labels = comparison.panel.images.sort("path")["label"].to_numpy()
    assert np.array_equal(first, scores_of(comparison)["wepe", ITSELF][labels == 1])
    assert not np.isclose(first, second).any()


class Flat(Detector):
    """Counts bright pixels: a step function."""

    name, paper, view, passes = "flat", "none", View(32, "resize"), 0

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()
        self.seed = seed

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:
        return (images > 0.5).double().mean(dim=(1, 2, 3))


class Cut(Flat):
    """Leaves torch on the way."""

    name = "cut"

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:
        return torch.from_numpy(images.numpy().mean(axis=(1, 2, 3)))


class Rounded(Flat):
    """Has a gradient, which is zero."""

    name = "rounded"

    def forward(self, images: Tensor, keys: Tensor) -> Tensor:
        return (255 * images).round().mean(dim=(1, 2, 3))


@pytest.mark.heavy
@pytest.mark.parametrize("cls", [Flat, Cut, Rounded])
def test_what_has_no_gradient_is_refused_before_anything_is_scored(attacked, tmp_path, monkeypatch, cls):
    monkeypatch.setitem(registry._registered, cls.name, cls)
    options = options_of(attacked[1], tmp_path, ITSELF)
    with pytest.raises(BenchError, match=f"'{cls.name}' cannot be attacked.* no gradient .*source=rigid"):
        compare(["rigid", cls.name], options)
    assert not list(tmp_path.glob("scores/*/*"))
    assert compare([cls.name], replace(options, conditions=(f"{ITSELF},source=rigid",))) is not None


def test_an_ensemble_needs_a_source_and_is_none():
    specs = parse_detectors(["rigid+wepe", "rigid"])
    with pytest.raises(BenchError, match=r"without a source shows each member of 'rigid\+wepe' other pictures"):
        list(with_sources(parse_attack(ITSELF), specs))
    with pytest.raises(BenchError, match="one detector, not an ensemble"):
        list(with_sources(parse_attack(f"{ITSELF},source=rigid+wepe"), specs))
    sources = [attack.source for attack, _ in with_sources(parse_attack(f"{ITSELF},source=each"), specs)]
    assert sources == ["rigid", "wepe"]


@pytest.mark.heavy
def test_an_ensemble_is_shown_what_was_made_against_one(image_folder, photograph, tmp_path):
    for number in range(12, 18):  # of which it leaves out eight
        photograph(number).save(image_folder / "real" / "camera" / f"{number}.png")
    fused = compare(["rigid+wepe"], options_of(image_folder, tmp_path, f"{ITSELF},source=rigid", limit=None))
    assert fused is not None
    clean, attacked = fused.summary.means
    assert attacked.numbers["auroc"].value < clean.numbers["auroc"].value


def test_a_source_is_given_once(attacked, tmp_path):
    twice = options_of(attacked[1], tmp_path, f"{ITSELF},source=each", f"{ITSELF},source=rigid")
    with pytest.raises(BenchError, match="source=rigid' is given twice"):
        compare(["rigid"], twice)
