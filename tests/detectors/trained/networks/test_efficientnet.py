import pytest
import torch
from plain_efficientnet import PlainEfficientNet
from released_files_two import pictures, spread_out

from detectors.trained.networks.efficientnet import efficientnet, renamed


@torch.no_grad()
@pytest.mark.parametrize("side", [128, 67, 38])
def test_it_computes_what_the_table_of_the_paper_says_from_the_same_tensors(side):
    torch.manual_seed(0)
    plain = PlainEfficientNet(0.25, 0.5)
    spread_out(plain, plain._fc, pictures(4, 128))
    network = efficientnet(0.25, 0.5).eval()
    network.load_state_dict(renamed(plain.state_dict(), 0.5))
    images = pictures(3, 131, seed=1)[..., :side, : side - 3]
    expected = plain(images)
    torch.testing.assert_close(network(images), expected, rtol=0, atol=1e-5)
    assert expected.std() > 0.1


def test_names_and_shapes_of_b4_are_those_of_the_release():
    with torch.device("meta"):
        expected, network = PlainEfficientNet(), efficientnet()
    released = expected.state_dict()
    assert len(released) == 706
    assert sum(one.numel() for one in expected.parameters()) == 17_552_202
    assert released["_blocks.31._depthwise_conv.weight"].shape == (2688, 1, 3, 3)
    assert released["_blocks.6._se_reduce.weight"].shape == (8, 192, 1, 1)
    own = {name: tensor.shape for name, tensor in network.state_dict().items()}
    assert {name: tensor.shape for name, tensor in renamed(released).items()} == own


@pytest.mark.parametrize(
    "name", ["fc.weight", "_blocks.99._bn1.bias", "_blocks.one._bn1.bias", "_blocks.0.x", "_blocks"]
)
def test_names_of_another_network_stay(name):
    tensor = torch.ones(1)
    assert renamed({name: tensor}) == {name: tensor}
