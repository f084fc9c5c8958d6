import numpy as np
import pytest
import scipy.fft
import timm
import torch
from released_files_two import pictures, spread_out
from torch.nn import functional as F

from detectors.trained.networks.f3net import Decomposition, FrequencyNetwork
from detectors.trained.spectra import cosine_matrix

pytestmark = pytest.mark.heavy  # whole runs, or networks of the published size


def plain_decomposition(state, images):
    """Decomposes by scipy's transform, band by band, from the stored masks."""
    spectrum = scipy.fft.dctn(images.numpy(), type=2, norm="ortho", axes=(2, 3))
    bands = []
    for number in range(4):
        base, learned = (state[f"FAD_head.filters.{number}.{name}"].numpy() for name in ("base", "learnable"))
        bands.append(scipy.fft.idctn(spectrum * (base + np.tanh(learned / 2)), type=2, norm="ortho", axes=(2, 3)))
    return torch.from_numpy(np.concatenate(bands, axis=1)).float()


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = FrequencyNetwork()
    for band in made.FAD_head.filters:
        torch.nn.init.normal_(band.learnable, 0, 0.1)
    return spread_out(made, made.fc, 2 * pictures(3, 299) - 1)


@torch.no_grad()
def test_it_computes_what_the_stored_tensors_say(network):
    state, images = network.state_dict(), 2 * pictures(2, 299, seed=1) - 1
    body = timm.create_model("legacy_xception", num_classes=0, in_chans=12).eval()
    prefix = "FAD_xcep."
    body.load_state_dict(
        {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix) and ".fc." not in k}
    )
    expected = F.linear(body(plain_decomposition(state, images)), state["fc.weight"], state["fc.bias"])
    torch.testing.assert_close(network(images), expected, rtol=1e-3, atol=1e-3)
    assert expected.std() > 0.1


def test_the_bands_are_those_of_the_public_copy():
    low, middle, high, everything = (band.base.data for band in Decomposition(299).filters)
    for row, column, expected in (
        (0, 0, (1, 0, 0)),
        (50, 55, (1, 0, 0)),
        (50, 56, (1, 1, 0)),  # 106 = 299 // 2.82, an edge of both
        (106, 1, (0, 1, 0)),
        (74, 75, (0, 1, 1)),  # 149 = 299 // 2, an edge of both
        (150, 0, (0, 0, 1)),
        (298, 298, (0, 0, 1)),
    ):
        assert (low[row, column], middle[row, column], high[row, column]) == expected
    assert everything.all()


def test_without_learning_all_frequencies_give_the_image_back():
    images = pictures(1, 299)
    parts = Decomposition(299)(images).detach().chunk(4, dim=1)
    torch.testing.assert_close(parts[3], images, rtol=0, atol=1e-4)
    assert parts[0].mean() == pytest.approx(images.mean().item(), abs=1e-4)  # the low band holds the mean
    assert parts[2].mean() == pytest.approx(0, abs=1e-4)


def test_the_cosine_matrix_is_orthonormal_and_a_row_by_hand():
    matrix = cosine_matrix(4)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(4), rtol=0, atol=1e-6)
    angles = torch.tensor([1.0, 3.0, 5.0, 7.0]) * torch.pi / 8
    torch.testing.assert_close(matrix[1], angles.cos() / 2**0.5)


def test_the_layout_is_that_of_the_public_copy(network):
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert len(shapes) == 288
    assert shapes["FAD_head._DCT_all"] == shapes["FAD_head._DCT_all_T"] == (299, 299)
    assert shapes["FAD_head.filters.3.learnable"] == shapes["FAD_head.filters.0.base"] == (299, 299)
    assert shapes["FAD_xcep.conv1.weight"] == (32, 12, 3, 3)
    assert shapes["FAD_xcep.block1.rep.0.conv1.weight"] == (64, 1, 3, 3)
    assert shapes["FAD_xcep.block12.rep.4.pointwise.weight"] == (1024, 728, 1, 1)
    assert shapes["FAD_xcep.fc.weight"] == shapes["fc.weight"] == (1, 2048)
