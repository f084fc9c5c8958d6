import numpy as np
import pytest
import scipy.linalg
import torch
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.kid import poly_mmd

from bench.statistics.feature_distances import fid, fid_refusal, kid, squared_mmd


def random_features(seed: int, n: int, features: int, shift: float = 0.0) -> np.ndarray:
    """Correlated features with a mean of their own."""
    stream = np.random.default_rng(seed)
    mixing = stream.normal(size=(features, features)) / features**0.5
    return stream.normal(size=(n, features)) @ mixing + shift


@pytest.mark.parametrize(("n", "features"), [(200, 16), (900, 128)])
def test_fid_is_that_of_torchmetrics_and_of_the_closed_form(n, features):
    first, second = random_features(0, n, features), random_features(1, n + 7, features, shift=0.1)
    found = fid(first, second)

    moments = [(torch.from_numpy(x.mean(0)), torch.from_numpy(np.cov(x, rowvar=False))) for x in (first, second)]
    assert found == pytest.approx(_compute_fid(*moments[0], *moments[1]).item(), rel=1e-6)

    (m1, s1), (m2, s2) = [(m.numpy(), s.numpy()) for m, s in moments]
    root = scipy.linalg.sqrtm(s1 @ s2)
    assert found == pytest.approx(((m1 - m2) ** 2).sum() + np.trace(s1 + s2 - 2 * root).real, rel=1e-6)


def test_fid_of_diagonal_covariances_is_the_sum_over_components():
    # Means 0 and (3, 0); deviations (1, 2) and (2, 2) with n - 1: 9 + (1 - 2)^2 + 0.
    unit = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]) * np.sqrt(3 / 4)
    assert fid(unit * [1, 2], unit * [2, 2] + [3, 0]) == pytest.approx(10.0)


def test_fid_of_a_set_with_itself_is_zero_and_does_not_depend_on_the_order():
    first, second = random_features(0, 100, 8), random_features(1, 100, 8)
    assert fid(first, first) == pytest.approx(0, abs=1e-10)
    assert fid(first, second) == pytest.approx(fid(second, first[::-1]), rel=1e-10)


def test_fid_of_one_distribution_is_biased_upwards_and_kid_is_not():
    sets = [(random_features(0, 4000, 16)[start : start + 100], start) for start in range(0, 4000, 100)]
    pairs = [(first, second) for (first, _), (second, _) in zip(sets[::2], sets[1::2], strict=True)]
    fids = np.array([fid(*pair) for pair in pairs])
    kids = np.array([squared_mmd(*pair) for pair in pairs])
    assert fids.min() > 0
    assert abs(kids.mean()) < 4 * kids.std(ddof=1) / len(kids) ** 0.5
    assert kids.min() < 0


def test_kernel_distance_is_that_of_torchmetrics():
    first, second = random_features(0, 60, 24), random_features(1, 60, 24, shift=0.2)
    expected = poly_mmd(torch.from_numpy(first), torch.from_numpy(second)).item()
    assert squared_mmd(first, second) == pytest.approx(expected, rel=1e-10)


def test_kernel_distance_of_three_numbers_by_hand():
    # Kernel (xy + 1)^3. Of {0, 1}: 1. Of {2, 3}: 7^3 = 343. Across: 1, 1, 27, 64, whose mean is 23.25.
    assert squared_mmd(np.array([[0.0], [1.0]]), np.array([[2.0], [3.0]])) == pytest.approx(1 + 343 - 2 * 23.25)


def test_kid_over_whole_sets_is_the_kernel_distance_and_over_subsets_near_it():
    first, second = random_features(0, 400, 24), random_features(1, 400, 24, shift=0.5)
    whole = squared_mmd(first, second)
    assert kid(first, second, subsets=1, size=400).value == pytest.approx(whole, rel=1e-9)
    found = kid(first, second)
    assert (found.size, found.subsets) == (200, 100)
    assert found.value == pytest.approx(whole, abs=3 * found.sd / 100**0.5 + 1e-12)
    assert kid(first, second) == found
    assert kid(first, second, seed=1) != found


def test_fewer_images_than_twice_the_features_are_refused():
    assert fid_refusal(2 * 768, 768) is None
    assert "1535 images a side are fewer than 2 x 768 features" in str(fid_refusal(2 * 768 - 1, 768))


def test_sets_that_do_not_fit_are_an_error():
    with pytest.raises(ValueError, match="Expected features"):
        fid(np.zeros((3, 2)), np.zeros((3, 4)))
    with pytest.raises(ValueError, match="2 images or more"):
        fid(np.zeros((1, 2)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="2 to 3 images"):
        kid(np.zeros((3, 2)), np.zeros((5, 2)), size=4)
