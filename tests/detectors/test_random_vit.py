"""The transformer of drawn weights: deep as the papers' backbone, near to itself under noise, the same everywhere."""

import numpy as np
import pytest
import torch

from detectors import OptionError, Rigid, WePe, create_backbone


@pytest.fixture(scope="module")
def deep():
    return create_backbone("random-vit24")


def test_it_has_24_blocks_of_which_19_are_perturbed_and_layer_scales_of_1(deep):
    assert WePe(deep).chosen_blocks == tuple(range(19))
    scales = [value for name, value in deep.model.named_parameters() if name.endswith("gamma")]
    assert len(scales) == 48
    assert all((value == 1).all() for value in scales)


def test_it_is_the_same_each_time(deep):
    assert create_backbone("random-vit24").fingerprint == deep.fingerprint


def test_distances_are_small_and_differ_between_images(deep, photograph):
    images = torch.from_numpy(np.stack([np.asarray(photograph(seed, (224, 224))) for seed in range(8)]))
    images = images.permute(0, 3, 1, 2) / 255
    for detector in (WePe(deep, ratio=0.01), Rigid(deep)):
        scores = detector(images, torch.arange(8))
        assert 1e-6 < scores.min() < scores.max() < 5e-3
        assert scores.std() > 0.1 * scores.mean()


def test_a_file_of_weights_and_images_smaller_than_a_patch_are_refused():
    with pytest.raises(OptionError, match=r"takes no file of them, got mine\.pth"):
        create_backbone("random-vit24", "mine.pth")
    with pytest.raises(OptionError, match="images of at least 28 px, got 14"):
        create_backbone("random-vit24", image_size=14)
