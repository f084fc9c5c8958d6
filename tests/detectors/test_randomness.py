from typing import get_args

import pytest
import torch

from detectors.randomness import Family, draw_noise, image_noise, seeded_generator


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("family", get_args(Family))
def test_noise_drawn_by_threads_is_that_of_single_images_to_the_bit(family, threads):
    images, keys = torch.zeros(7, 3, 32, 32), torch.tensor([5, 3, 11, 2, 2**62, 7, 5])
    shape = images.shape[1:]
    expected = [draw_noise(shape, seeded_generator("rigid", 1, 0, key), family) for key in keys.tolist()]
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            noise = image_noise(images, keys, "rigid", 1, 0, family=family)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(noise, torch.stack(expected))
    assert torch.equal(noise[0], noise[6])
    assert not torch.equal(noise[0], noise[1])


def test_threads_leave_the_global_generator_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    image_noise(torch.zeros(3, 3, 8, 8), torch.arange(3), "rigid", 0, 0)
    assert torch.equal(before, torch.get_rng_state())
