import math

import numpy as np
import pytest
import torch
from released_files_two import pictures
from torch.nn import functional as F

from detectors.trained.networks.stylegan_discriminator import StyleGANDiscriminator


def plain_forward(state, images):
    """Computes the same from the stored tensors alone: blur, convolve and average, never fused."""

    def scaled(name, gain=2**0.5):
        weight = state[f"{name}.weight"]
        return weight * gain / math.sqrt(np.prod(weight.shape[1:]))

    def convolved(name, values, padding=1):
        return F.conv2d(values, scaled(name), state[f"{name}.bias"], padding=padding)

    def rectified(values):
        return torch.where(values > 0, values, 0.2 * values)

    values = rectified(convolved("input0", images, padding=0))
    layer = 0
    while values.shape[-1] > 4:
        values = rectified(convolved(f"layer{layer}", values))
        taps = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]) / 16
        blurred = F.conv2d(values, taps.repeat(values.shape[1], 1, 1, 1), padding=1, groups=values.shape[1])
        convolution = convolved(f"layer{layer + 1}", blurred)
        values = rectified(F.avg_pool2d(convolution, 2))
        layer += 2
    spread = ((values - values.mean(dim=0)).square().mean(dim=0) + 1e-8).sqrt().mean()  # of a batch of one image
    values = torch.cat([values, spread.expand(1, 1, 4, 4)], dim=1)
    values = rectified(convolved(f"layer{layer}", values))
    values = rectified(values.flatten(1) @ scaled(f"layer{layer + 1}").T + state[f"layer{layer + 1}.bias"])
    return values @ scaled(f"layer{layer + 2}", gain=1.0).T + state[f"layer{layer + 2}.bias"]


def random_network(resolution):
    torch.manual_seed(0)
    network = StyleGANDiscriminator(resolution)
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter)
    return network.requires_grad_(False)


@pytest.mark.parametrize("resolution", [32, 128])
@pytest.mark.heavy
def test_it_computes_what_the_stored_tensors_say(resolution):
    network = random_network(resolution)
    images = 2 * pictures(2, resolution) - 1
    expected = torch.cat([plain_forward(network.state_dict(), image[None]) for image in images])
    torch.testing.assert_close(network(images), expected, rtol=0, atol=1e-4)
    assert expected.std() > 1e-2


@pytest.mark.heavy
def test_no_image_sees_its_neighbours():
    network = random_network(32)
    images = 2 * pictures(6, 32) - 1
    alone = torch.cat([network(image[None]) for image in images])
    torch.testing.assert_close(network(images), alone, rtol=1e-5, atol=1e-6)


def test_the_layout_is_that_of_the_public_conversion():
    shapes = {name: tuple(tensor.shape) for name, tensor in StyleGANDiscriminator().state_dict().items()}
    assert len(shapes) == 51
    assert shapes["lod"] == ()
    assert shapes["input0.weight"] == (64, 3, 1, 1)
    assert shapes["input6.weight"] == (512, 3, 1, 1)
    assert shapes["layer0.weight"] == (64, 64, 3, 3)
    assert shapes["layer1.weight"] == (128, 64, 3, 3)
    assert shapes["layer1.blur.kernel"] == (64, 1, 3, 3)
    assert shapes["layer11.blur.kernel"] == (512, 1, 3, 3)
    assert shapes["layer12.weight"] == (512, 513, 3, 3)
    assert shapes["layer13.weight"] == (512, 8192)
    assert shapes["layer14.weight"] == (1, 512)
    assert "layer12.blur.kernel" not in shapes
