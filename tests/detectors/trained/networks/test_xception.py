import math

import pytest
import torch
from released_fitted import patchfor_shapes

from detectors import OptionError
from detectors.trained.networks.xception import PatchXception, initial_state

SMALL = {"stem": (8, 12), "widths": (16, 20, 28, 28, 28)}
PUBLISHED = {"stem": (32, 64), "widths": (128, 256, 728, 728, 728)}
NUMBERS = {1: 55_010, 2: 191_330, 3: 1_108_218, 4: 2_722_194, 5: 4_336_170}
"""Parameters of the network by its last block, convolutions and batch norms added up by hand."""


@pytest.mark.parametrize("block", [1, 2, 3, 4, 5])
def test_the_network_has_the_published_tensors(block):
    with torch.device("meta"):
        network = PatchXception(block)
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert shapes == patchfor_shapes(block, **PUBLISHED)
    assert sum(parameter.numel() for parameter in network.parameters()) == NUMBERS[block]


def test_patches_of_the_second_block_are_43_pixels_wide_and_8_apart():
    torch.manual_seed(0)
    network = PatchXception(2, **SMALL).eval()
    images = torch.rand(1, 3, 139, 139, generator=torch.Generator().manual_seed(0)).requires_grad_()
    outputs = network(images)
    for place in (6, 7):
        (gradient,) = torch.autograd.grad(outputs[0, 0, place, place], images, retain_graph=True)
        seen = gradient.abs().sum(dim=(0, 1, 2)).nonzero().flatten()
        assert seen.tolist() == list(range(8 * place - 18, 8 * place + 25))


def test_first_weights_are_xaviers_with_the_published_gain():
    state = initial_state(seed=0, block=3)
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == patchfor_shapes(3, **PUBLISHED)
    for name, tensor in state.items():
        if tensor.ndim == 4:
            rows, columns, height, width = tensor.shape
            expected = 0.02 * math.sqrt(2 / ((rows + columns) * height * width))
            assert tensor.std().item() == pytest.approx(expected, rel=0.15), name
            assert abs(tensor.mean().item()) < 4 * expected / math.sqrt(tensor.numel())
    assert state["bn2.weight"].mean().item() == pytest.approx(1, abs=0.01)
    assert state["bn2.weight"].std().item() == pytest.approx(0.02, rel=0.3)
    for name, value in (("bn2.bias", 0), ("bn2.running_mean", 0), ("bn2.running_var", 1), ("convout.bias", 0)):
        assert (state[name] == value).all()
    assert state["bn2.num_batches_tracked"] == 0


def test_first_weights_are_those_of_the_seed_and_leave_the_global_generator_alone():
    before = torch.random.get_rng_state()
    first, again, other = (initial_state(seed, 2, **SMALL) for seed in (3, 3, 4))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["convout.weight"], other["convout.weight"])
    assert not any(tensor.requires_grad for tensor in first.values())


def test_the_second_block_is_the_last_by_default():
    assert {name.partition(".")[0] for name in initial_state(0, **SMALL)} == {
        "conv1", "bn1", "conv2", "bn2", "block1", "block2", "convout"
    }  # fmt: skip


@pytest.mark.parametrize("block", [0, 6])
def test_another_block_is_an_error(block):
    with pytest.raises(OptionError, match=f"block must be 1 to 5, got {block}"):
        initial_state(0, block)
