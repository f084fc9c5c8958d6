import pickle
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from datamodules import DataOptionError
from datamodules.degradations import parse_condition
from datamodules.degradations.presets import NAMED, NamedChain

FROZEN = {
    "social-x": "longest:4096+jpeg:85",
    "social-facebook": "longest:2048+jpeg:85",
    "social-whatsapp": "longest:1600+jpeg:75",
    "social-instagram": "longest:1080+jpeg:75",
    "double-jpeg": "jpeg:90+trim:4+jpeg:75",
    "dda": "jpeg:96@generated",
    "ntire": (
        "crop:0.9|crop:0.75|crop:0.5 resize:0.75|resize:0.5|resize:1.5 jpeg:90|jpeg:70|jpeg:50|jpeg:30 "
        "webp:80|webp:50|webp:30 blur:0.5|blur:1|blur:2 noise:0.02|noise:0.05|noise:0.1"
    ),
}
FIXED = [name for name in NAMED if name != "ntire"]


@pytest.fixture(scope="module")
def large() -> Image.Image:
    """A picture of more pixels than any social network keeps."""
    noise = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((5000, 300), Image.Resampling.BILINEAR)


@pytest.fixture
def image(large) -> Image.Image:
    return large.crop((0, 0, 121, 97))


def written(name: str) -> str:
    definition = NAMED[name]
    if definition.choices:
        return " ".join("|".join(step.text for step in kind) for kind in definition.choices)
    return "+".join(step.text for step in definition.steps) + ("@generated" if definition.classes == {1} else "")


@pytest.mark.parametrize("name", NAMED)
def test_a_changed_definition_needs_a_new_name(name):
    """Results are filed under the name alone: what stands here is never edited, only added to."""
    assert written(name) == FROZEN[name]


@pytest.mark.parametrize("name", FIXED)
@pytest.mark.parametrize("label", [0, 1])
def test_a_named_chain_is_its_steps(large, name, label):
    plain = parse_condition(FROZEN[name]).apply(large, 5, label)
    assert np.array_equal(parse_condition(name).apply(large, 5, label), plain)


@pytest.mark.parametrize(
    ("network", "side"), [("x", 4096), ("facebook", 2048), ("whatsapp", 1600), ("instagram", 1080)]
)
def test_a_social_network_limits_the_longest_side(large, image, network, side):
    assert max(parse_condition(f"social-{network}").apply(large, 0, 0).size) == side
    assert parse_condition(f"social-{network}").apply(image, 0, 0).size == image.size


def test_rounds_go_through_the_chain_so_many_times(image):
    once = parse_condition("social-whatsapp").apply(image, 0, 0)
    twice = parse_condition("social-whatsapp+social-whatsapp").apply(image, 0, 0)
    assert np.array_equal(parse_condition("social-whatsapp,rounds=2").apply(image, 0, 0), twice)
    assert not np.array_equal(once, twice)
    assert parse_condition("double-jpeg,rounds=3").apply(image, 0, 0).size == (121 - 12, 97 - 12)


def test_the_grids_of_a_double_jpeg_lie_apart(image):
    aligned = parse_condition("jpeg:90+jpeg:75").apply(image, 0, 0)
    shifted = parse_condition("double-jpeg").apply(image, 0, 0)
    assert shifted.size == (117, 93)
    assert not np.array_equal(np.asarray(aligned)[4:, 4:], shifted)


def test_dda_is_for_generated_images_in_any_chain(image):
    condition = parse_condition("dda")
    assert condition.apply(image, 0, 0) is image
    assert np.array_equal(condition.apply(image, 0, 1), parse_condition("jpeg:96").apply(image, 0, 1))
    chained = parse_condition("dda+greyscale")
    assert np.array_equal(chained.apply(image, 0, 0), parse_condition("greyscale").apply(image, 0, 0))
    assert np.array_equal(chained.apply(image, 0, 1), parse_condition("jpeg:96+greyscale").apply(image, 0, 1))
    assert [parse_condition(text).even for text in ("dda", "social-x+dda", "social-x", "ntire")] == [0, 0, 1, 1]
    for text in ("dda@real", "dda@generated", "jpeg:50+dda@generated,at=original"):
        with pytest.raises(DataOptionError, match=r"'dda' in .* is for one class already: leave out '@"):
            parse_condition(text)


@pytest.mark.parametrize("name", [name for name in NAMED if name != "dda"])
def test_both_classes_are_treated_alike(image, name):
    for key in range(3):
        real, generated = (parse_condition(name).apply(image, key, label) for label in (0, 1))
        assert np.array_equal(real, generated)


def test_random_chains_are_of_one_to_three_kinds_in_any_order():
    chains = [NamedChain("ntire").drawn(key, 0) for key in range(2000)]
    lengths = Counter(map(len, chains))
    assert set(lengths) == {1, 2, 3}
    assert min(lengths.values()) > 500
    assert all(len({step.name for step in chain}) == len(chain) for chain in chains)
    kinds = Counter(step.name for chain in chains for step in chain)
    assert set(kinds) == {"crop", "resize", "jpeg", "webp", "blur", "noise"}
    assert min(kinds.values()) > 500  # 667 on average
    levels = {step.text for chain in chains for step in chain}
    assert levels == set(FROZEN["ntire"].replace(" ", "|").split("|"))
    pairs = {tuple(step.name for step in chain) for chain in chains if len(chain) == 2}
    assert len(pairs) == 30


def test_a_random_chain_depends_on_the_key_and_its_number_alone(image):
    np.random.default_rng(0).random()
    chain = NamedChain("ntire").drawn(11, 0)
    assert [step.text for step in chain] == ["blur:1", "resize:1.5", "webp:30"]
    once = parse_condition("ntire").apply(image, 11, 0)
    assert np.array_equal(once, parse_condition("blur:1+resize:1.5+webp:30").apply(image, 11, 0))
    both = parse_condition("ntire,rounds=2").apply(image, 11, 0)
    assert np.array_equal(both, parse_condition("ntire+ntire").apply(image, 11, 0))
    assert NamedChain("ntire").drawn(11, 1) != chain
    # A noise behind two rounds is the third draw of its chain.
    noisy = parse_condition("ntire,rounds=2+noise:0.1").apply(image, 11, 0)
    expected = parse_condition("noise:0.1").steps[0].apply(both, 11, 2)
    assert np.array_equal(noisy, expected)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("social-x,rounds=1,at=original", "social-x,at=original"),
        ("social-x,rounds=02@real", "social-x,rounds=2@real"),
        ("ntire,rounds=2+jpeg:75", "ntire,rounds=2+jpeg:75"),
        ("dda,at=original", "dda,at=original"),
        ("double-jpeg@generated", "double-jpeg@generated"),
    ],
)
def test_the_short_name_is_canonical(text, name):
    condition = parse_condition(text)
    assert condition.name == name
    assert parse_condition(name) == condition
    assert condition.curve is None
    assert pickle.loads(pickle.dumps(condition)) == condition


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("social-x:85", r"'social-x' in 'social-x:85' takes no amount, got '85'\."),
        ("social-x,rounds=0", "'rounds' in 'social-x,rounds=0' must be an integer from 1 to 10, got '0'"),
        ("social-x,round=2", "Unknown option of 'social-x' 'round' .* Did you mean 'rounds'"),
        ("social-twitter", "Unknown degradation 'social-twitter'"),
    ],
)
def test_a_mistake_is_named(text, message):
    with pytest.raises(DataOptionError, match=message):
        parse_condition(text)
