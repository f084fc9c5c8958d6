import io
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from datamodules.fingerprints import near_pairs, perceptual_hash


def photograph(seed: int, size: tuple[int, int] = (160, 120)) -> Image.Image:
    generator = np.random.default_rng(seed)
    layers = [
        Image.fromarray(generator.integers(0, 256, (n, n, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
        for n in (3, 9, 27)
    ]
    return Image.blend(Image.blend(layers[0], layers[1], 0.5), layers[2], 0.25)


def apart(a: Image.Image, b: Image.Image) -> int:
    return (perceptual_hash(a) ^ perceptual_hash(b)).bit_count()


def slow_pairs(hashes: list[int], distance: int) -> list[tuple[int, int]]:
    return [(i, j) for i, j in combinations(range(len(hashes)), 2) if (hashes[i] ^ hashes[j]).bit_count() <= distance]


def test_hash_is_that_of_its_definition():
    image = photograph(0)
    grey = np.asarray(image.convert("L").resize((32, 32), Image.Resampling.LANCZOS), dtype=float)
    k, n = np.mgrid[:8, :32]
    cosines = 2 * np.cos(np.pi * k * (2 * n + 1) / 64)
    low = cosines @ grey @ cosines.T
    bits = "".join("1" if value > np.median(low) else "0" for value in low.ravel())
    assert perceptual_hash(image) == int(bits, 2)


def test_copies_are_near_and_other_pictures_far():
    image, buffer = photograph(1), io.BytesIO()
    image.save(buffer, "JPEG", quality=60)
    assert apart(image, Image.open(buffer)) <= 4
    assert apart(image, image.resize((80, 60), Image.Resampling.BILINEAR)) <= 4
    assert apart(image, image.convert("L")) == 0
    assert min(apart(photograph(a), photograph(b)) for a, b in combinations(range(12), 2)) > 10


def test_flat_pictures_share_a_hash():
    hashes = {
        perceptual_hash(Image.new("RGB", size, (level,) * 3)) for size in ((50, 40), (7, 9)) for level in (3, 200)
    }
    assert hashes == {1 << 63}


def test_black_has_no_bits():
    assert perceptual_hash(Image.new("RGB", (9, 9))) == 0


@pytest.mark.parametrize("distance", [0, 1, 4, 9])
def test_pairs_are_those_of_comparing_all_with_all(distance):
    generator = np.random.default_rng(distance)
    base = generator.integers(0, 2**64, 40, dtype=np.uint64)
    flips = [
        sum(1 << int(bit) for bit in generator.choice(64, size, replace=False))
        for size in generator.integers(0, 12, 200)
    ]
    hashes = np.unique(base[generator.integers(0, 40, 200)] ^ np.array(flips, dtype=np.uint64))
    pairs = [tuple(pair) for pair in near_pairs(hashes, distance).tolist()]
    assert pairs == slow_pairs([int(value) for value in hashes], distance)
    assert distance == 0 or pairs


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 40), max_size=30, unique=True), st.integers(0, 6))
def test_few_pairs_are_those_of_comparing_all_with_all(hashes, distance):
    found = near_pairs(np.array(hashes, dtype=np.uint64), distance)
    assert [tuple(pair) for pair in found.tolist()] == slow_pairs(hashes, distance)


def test_a_hundred_thousand_hashes_take_seconds():
    hashes = np.random.default_rng(0).integers(0, 2**64, 100_000, dtype=np.uint64)
    hashes[50_000:50_100] = hashes[:100] ^ np.uint64(0b1011)
    assert near_pairs(hashes).tolist() == [[row, 50_000 + row] for row in range(100)]


@pytest.mark.parametrize("distance", [-1, 64])
def test_a_distance_that_compares_nothing_is_refused(distance):
    with pytest.raises(ValueError, match=f"distance must be from 0 to 63 bits, got {distance}"):
        near_pairs(np.zeros(2, dtype=np.uint64), distance)
