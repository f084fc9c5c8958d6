import pytest
import torch
from released_files_two import pictures, spread_out
from torch.nn import functional as F
from torchvision.models import resnet18

from detectors.trained.networks.gramnet import GramNetwork, gram_matrix

BRANCHES = {
    "image": ("conv_interi_0", "gi_fc1", "gi_fc2"),
    "relu": ("conv_inter0_0", "g0_fc1", "g0_fc2"),
    "maxpool": ("conv_inter1_0", "g_fc1r", "g_fc2r"),
    "layer1": ("conv_inter2_0", "g2_fc1", "g2_fc2"),
    "layer2": ("conv_inter3_0", "g3_fc1", "g3_fc2"),
    "layer3": ("conv_inter4_0", "g4_fc1", "g4_fc2"),
}


def plain_forward(state, images):
    """Computes the same from the stored tensors: torchvision's own ResNet-18, and its stages read by hooks."""
    body = resnet18(weights=None).eval()
    body.fc = torch.nn.Identity()
    body.load_state_dict({name: value for name, value in state.items() if name in body.state_dict()})
    seen = {"image": images}
    for name, module in body.named_children():
        module.register_forward_hook(lambda _, __, output, name=name: seen.setdefault(name, output.clone()))
    features = [body(images)]

    def block(name, values, stride):
        values = F.conv2d(values, state[f"{name}.0.weight"], stride=stride, padding=1)
        norm = (state[f"{name}.1.{one}"] for one in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(values, *norm).clamp(min=0)

    for stage, (reduce, first, second) in BRANCHES.items():
        values = block(reduce, seen[stage], 1)
        gram = torch.einsum("bchw,bdhw->bcd", values, values) / values[0].numel()
        texture = block(second, block(first, gram[:, None], 2), 2)
        features.append(texture.flatten(2).mean(dim=2) * state["scale.scale"])
    hidden = F.linear(torch.cat(features, dim=1), state["fcnewr.0.weight"], state["fcnewr.0.bias"]).clamp(min=0)
    return F.linear(hidden, state["fcnewr.3.weight"], state["fcnewr.3.bias"])


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = GramNetwork()
    torch.nn.init.constant_(made.scale.scale, 1.5)
    return spread_out(made, made.fcnewr[3], 4 * pictures(4, 96) - 2)


@torch.no_grad()
def test_it_computes_what_the_stored_tensors_say(network):
    images = 4 * pictures(3, 96, seed=1) - 2
    expected = plain_forward(network.state_dict(), images)
    torch.testing.assert_close(network(images), expected, rtol=1e-4, atol=1e-4)
    assert expected.std() > 0.1


@torch.no_grad()
def test_every_branch_counts(network):
    images = 4 * pictures(1, 96, seed=1) - 2
    before = network(images)
    for names in BRANCHES.values():
        weight = network.get_submodule(names[2])[1].bias
        kept = weight.clone()
        weight += 1
        assert not torch.allclose(network(images), before, atol=1e-4), names
        weight.copy_(kept)
    assert torch.equal(network(images), before)


def test_a_gram_matrix_by_hand():
    values = torch.tensor([[[[1.0, 2.0], [0.0, -1.0]], [[3.0, 0.0], [1.0, 1.0]]]])
    # 1 + 4 + 0 + 1 = 6; 3 + 0 + 0 - 1 = 2; 9 + 0 + 1 + 1 = 11; over 2 channels of 4 pixels.
    torch.testing.assert_close(gram_matrix(values), torch.tensor([[[6.0, 2.0], [2.0, 11.0]]]) / 8)
