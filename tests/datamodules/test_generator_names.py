from collections import defaultdict

import pytest

from datamodules import BenchmarkDataModule, list_datasets
from datamodules.generator_names import ALIASES, canonical_name, known_names
from datamodules.listing import normalised


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("stable_diffusion_v_1_4", "sd14"),
        ("imagenet_ai_0419_sdv4", "sd14"),
        ("sdv4", "sd14"),
        ("sd14", "sd14"),
        ("SD1.4", "sd14"),
        ("SD 1.5", "sd15"),
        ("ADM", "adm"),
        ("Imagenet256-ADM", "adm"),
        ("ProGAN", "progan"),
        ("Imagenet256-DiT-XL-2", "dit"),
        ("StyleGAN-XL", "stylegan-xl"),
    ],
)
def test_every_way_to_write_a_generator_has_one_name(written, name):
    assert canonical_name(written) == name


def test_versions_of_a_generator_stay_apart():
    names = ["sd14", "sd15", "sd2", "sd21", "sdxl", "stylegan", "stylegan2", "stylegan3", "stylegan-xl", "adm", "admg"]
    assert [canonical_name(name) for name in names] == names


def test_an_unknown_name_stands_for_itself_without_case_and_punctuation():
    assert canonical_name("My-GAN v2") == canonical_name("my_gan_V2") == "myganv2"
    assert canonical_name("My-GAN v2") != canonical_name("My-GAN v3")


def test_no_way_to_write_a_name_has_two_meanings():
    meanings = defaultdict(set)
    for written, name in known_names():
        meanings[normalised(written)].add(name)
    assert {written: names for written, names in meanings.items() if len(names) > 1} == {}


def test_a_canonical_name_is_its_own():
    assert [canonical_name(name) for name in ALIASES] == list(ALIASES)
    for cls in list_datasets().values():
        if issubclass(cls, BenchmarkDataModule):
            assert [canonical_name(one.name) for one in cls.known] == [one.name for one in cls.known]
