"""What studies declare, against what the paper says: the expected values are copied from its text by hand."""

import inspect

import pytest

from bench.references.reported import load_reported
from bench.scoring.specs import DetectorSpec, parse_detector
from bench.scoring.stand_in import smallest_backbone
from bench.studies.arms import scaled
from bench.studies.catalogue import STUDIES
from bench.studies.engine import ComparisonStudy
from bench.studies.wepe import COMPARISONS
from datamodules import find_dataset
from detectors import Perturbation, View, create_detector, list_detectors

# Name: (source, data, backbone), from sections 4.1 to 4.3 and the appendices.
IMAGENET, VITL = "imagenet", "dinov2-vitl14"
EXPECTED = {
    "table1": ("WePe, Table 1", IMAGENET, VITL),
    "table2": ("WePe, Table 2", "lsun-bedroom", VITL),
    "table3": ("WePe, Table 3", "genimage", VITL),
    "table4": (
        "WePe, Table 4",
        IMAGENET,
        "dinov2-vits14, dinov2-vitb14, dinov2-vitl14, dinov2-vitg14, clip-vitl14",
    ),
    "table5": ("WePe, Table 5", IMAGENET, VITL),
    "table7": ("WePe, Table 7", IMAGENET, VITL),
    "table8": ("WePe, Table 8", IMAGENET, "blip-base"),
    "table9": ("WePe, Table 9", IMAGENET, VITL),
    "table10": ("WePe, Table 10", IMAGENET, VITL),
    "table11": ("WePe, Table 11", IMAGENET, "dinov2-vitl14, clip-vitl14, clip-vitl14:features=pre-projection"),
    "table13": ("WePe, Table 13", IMAGENET, VITL),
    "table15": ("WePe, Table 15", IMAGENET, VITL),
    "figure4": ("WePe, Figure 4", IMAGENET, VITL),
    "figure6": ("WePe, Figure 6", IMAGENET, VITL),
    "figure8": ("WePe, Figure 8", IMAGENET, VITL),
}
# "the first 19 blocks", "Gaussian perturbations of zero mean", "the ratio set to 0.1" (4.1), "only once" (A.14).
PAPERS_WEPE = {"blocks": "0-18", "ratio": 0.1, "family": "gaussian", "n": 1, "statistic": "similarity"}
ON_NATURAL = ("noise:0.05@real", "noise:0.1@real", "noise:0.15@real")
CONDITIONS = {
    "table9": (
        *ON_NATURAL,
        "noise:0.05@generated",
        "noise:0.1@generated",
        "noise:0.15@generated",
        "noise:0.05",
        "noise:0.1",
        "noise:0.15",
    ),
    "table10": ON_NATURAL,
    "table13": ("noise:0.1@generated",),
    # RIGID's levels, which the paper follows.
    "figure6": (
        *("jpeg:90", "jpeg:80", "jpeg:70", "jpeg:60", "jpeg:50"),
        *("blur:1", "blur:2", "blur:3", "blur:4", "blur:5"),
        *("noise:0.05", "noise:0.1", "noise:0.15", "noise:0.2", "noise:0.25"),
    ),
}
"""Noise as of pixels; each is also run as the code's noise on phases."""
# Methods of each study in the order of the rows, and in what WePe departs from section 4.1.
METHODS = {
    "table1": ["wepe", "rigid", "aeroblade"],
    "table2": ["wepe", "rigid", "aeroblade"],
    "table3": ["wepe", "rigid"],
    "table4": ["wepe"] * 5,
    "table5": ["wepe"] * 5 + ["mc-dropout"],
    "table7": ["wepe", "wepe-gradient-cuff", "gradient-cuff", "wepe+gradient-cuff"],
    "table8": ["wepe"],
    "table9": ["wepe"],
    "table10": ["wepe"] * 2,
    "table11": ["wepe"] * 3,
    "table13": ["rigid", "wepe"],
    "table15": ["wepe"] * 6,
    "figure4": ["wepe"] * 7,
    "figure6": ["wepe", "rigid", "aeroblade"],
    "figure8": ["wepe"] * 5,
}
DEPARTURES = {
    "table5": [
        {},
        {"family": "uniform", "match": "std"},
        {"family": "uniform", "match": "scale"},
        {"family": "laplace", "match": "std"},
        {"family": "laplace", "match": "scale"},
    ],
    "table10": [{}, {"n": 5}],
    "figure4": [{"ratio": ratio} for ratio in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)],
    "figure8": [{"n": n} for n in (1, 2, 3, 5, 10)],
}
# Table 14: rank of each block, 0 to 23.
RANKS = (1, 9, 4, 3, 5, 6, 2, 13, 16, 7, 10, 8, 15, 11, 12, 14, 17, 18, 22, 20, 19, 21, 24, 23)


def settled_options(spec: DetectorSpec) -> dict[str, object]:
    """Returns a detector's options with its defaults."""
    parameters = inspect.signature(list_detectors()[spec.name].__init__).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "seed"}
    return {**defaults, **spec.options}


def comparison(name: str) -> ComparisonStudy:
    study = STUDIES[name]
    assert isinstance(study, ComparisonStudy)
    return study


def test_every_comparison_of_the_paper_is_declared_with_its_source_data_and_backbone():
    declared = {study.name: (study.source, study.dataset, study.backbone) for study in COMPARISONS}
    assert declared == EXPECTED
    assert set(EXPECTED) <= set(STUDIES)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_study_has_five_seeds_both_presets_and_the_papers_conditions_in_both_readings_of_noise(name):
    study = comparison(name)
    assert study.seeds == 5  # "the average results under five different random seeds" (section 4.1)
    assert (study.view, study.presets) == ("method", ("code", "text"))
    assert study.resize == (256 if name == "table3" else None)  # A.16 resizes the photographs of GenImage
    of_pixels = CONDITIONS.get(name, ())
    of_phases = {f"phase-{one}" for one in of_pixels if one.startswith("noise")}
    assert tuple(one for one in study.conditions if not one.startswith("phase")) == of_pixels
    assert {one for one in study.conditions if one.startswith("phase")} == of_phases
    assert all(arm.seeds is None or arm.row == "AEROBLADE" for arm in study.arms)


@pytest.mark.parametrize("name", METHODS)
def test_a_study_has_the_papers_methods_in_order(name):
    assert [parse_detector(arm.detector).name for arm in comparison(name).arms] == METHODS[name]


@pytest.mark.parametrize("name", [name for name in METHODS if name != "table15"])
def test_wepe_is_set_as_in_section_4_1_but_for_what_the_study_varies(name):
    specs = [parse_detector(arm.detector) for arm in comparison(name).arms]
    own = [spec for spec in specs if spec.name == "wepe"]
    departures = DEPARTURES.get(name, [{}] * len(own))
    assert len(own) == len(departures)
    for spec, departure in zip(own, departures, strict=True):
        options = settled_options(spec)
        wanted = {**PAPERS_WEPE, **departure}
        assert {option: options[option] for option in wanted} == wanted
        assert Perturbation(blocks=str(options["blocks"])).chosen_blocks(24) == tuple(range(19))


def test_members_of_the_ensemble_and_the_gradient_have_the_papers_blocks():
    specs = {spec.name: spec for spec in (parse_detector(arm.detector) for arm in comparison("table7").arms)}
    assert specs["wepe-gradient-cuff"].options == {"blocks": "0-18"}
    assert [member.options for member in specs["wepe+gradient-cuff"].members] == [{"blocks": "0-18"}, {}]


def test_aeroblade_has_the_published_autoencoders_and_whole_images():
    for name in ("table1", "table2", "figure6"):
        (arm,) = [arm for arm in comparison(name).arms if arm.row == "AEROBLADE"]
        assert parse_detector(arm.detector).options == {"autoencoder": "published"}
        assert arm.view == "method"
        assert list_detectors()["aeroblade"].view == View(fit="native")


def test_rigid_has_its_own_papers_settings():
    spec = parse_detector(next(arm.detector for arm in comparison("table1").arms if arm.row == "RIGID"))
    assert settled_options(spec).items() >= {"noise": 0.05, "space": "normalised", "draws": 1}.items()


def test_table_15_has_the_blocks_of_the_ranks_that_table_14_prints():
    for arm, k in zip(comparison("table15").arms, (8, 10, 12, 14, 16, 18), strict=True):
        assert (arm.row, arm.top, scaled(k, 24, 24)) == (f"WePe top-{k}", k, k)
        blocks = Perturbation(blocks=str(parse_detector(arm.detector).options["blocks"])).chosen_blocks(24)
        assert set(blocks) == {block for block, rank in enumerate(RANKS) if rank <= k}


def test_backbones_of_tables_4_and_11_are_those_of_their_rows():
    assert {arm.row: arm.backbone for arm in comparison("table4").arms} == {
        "DINOv2 ViT-S/14": "dinov2-vits14",
        "DINOv2 ViT-B/14": "dinov2-vitb14",
        "DINOv2 ViT-L/14": "dinov2-vitl14",
        "DINOv2 ViT-g/14": "dinov2-vitg14",
        "CLIP ViT-L/14": "clip-vitl14",
    }
    assert [arm.backbone for arm in comparison("table11").arms] == [
        "dinov2-vitl14",
        "clip-vitl14",
        "clip-vitl14:features=pre-projection",
    ]
    assert all(arm.backbone is None for name in ("table1", "table9") for arm in comparison(name).arms)


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        # "we resize the image to 256 x 256 resolution ... then we randomly crop it to 224 x 224" (A.16).
        ("genimage", {"resize": 256, "protocol": "paper", "real_fit": "square"}),
    ],
)
def test_crops_are_those_that_the_paper_says_of_each_dataset(name, protocol, tmp_path):
    datamodule = find_dataset(name)(tmp_path)
    assert {option: datamodule.protocol[option] for option in protocol} == protocol
    text = create_detector("wepe", smallest_backbone(), preset="text")
    assert text.view == View(224, "random-crop", "zeros")  # BigGAN: "zero pixels to 224 x 224"
    assert list_detectors()["wepe"].view == View(224, "resize")  # the authors' code


def test_genimage_is_without_sd_1_4_as_in_table_3():
    assert comparison("table3").generators == ("midjourney", "sd15", "adm", "glide", "wukong", "vqdm", "biggan")


@pytest.mark.parametrize("name", EXPECTED)
def test_rows_that_arms_may_stand_beside_are_printed_in_the_table(name):
    study = comparison(name)
    printed = {one.row for one in load_reported() if one.source == study.paper.source and one.table == study.table}
    for arm in study.arms:
        assert set(arm.printed or ()) <= printed
