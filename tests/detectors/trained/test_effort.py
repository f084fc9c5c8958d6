import pytest
import torch
from released_files import create_with_checkpoint
from released_files_two import pictures
from released_vit import CLIP_NORMALISE, effort_logits, effort_state
from test_opencv_resizing import pattern, resized
from torchvision import transforms

from detectors import View
from detectors.trained.effort import Effort

SIZES = [(300, 421), (421, 300), (100, 80), (224, 224), (448, 448)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("effort")


@pytest.fixture(scope="module")
def detector(folder, vit):
    return create_with_checkpoint("effort", vit, folder)


def photographs():
    """Makes pictures of 8 bits, ``(H, W, 3)``."""
    images = [pictures(1, max(size), seed=n)[0, :, : size[0], : size[1]] for n, size in enumerate(SIZES)]
    return [(image * 255).round().byte().permute(1, 2, 0).numpy() for image in images] + [pattern(200, 313)]


@torch.inference_mode()
def test_logits_are_those_of_the_weights_that_are_not_added_up(detector):
    images = photographs()
    inputs = torch.stack([CLIP_NORMALISE(transforms.ToTensor()(resized(image, 224))) for image in images])
    logits = effort_logits(effort_state(), inputs)
    assert detector.view == View(fit="native")
    native = [torch.from_numpy(image).permute(2, 0, 1) / 255 for image in images]
    expected = logits[:, 1] - logits[:, 0]
    torch.testing.assert_close(detector.logits(native), expected, rtol=1e-5, atol=2e-5)
    probabilities = torch.softmax(logits.double(), dim=1)[:, 1]
    torch.testing.assert_close(detector(native, torch.arange(len(native))), probabilities, rtol=1e-5, atol=1e-5)
    assert expected.std() > 0.3


@torch.inference_mode()
def test_the_trained_component_counts(detector):
    state = effort_state()
    inputs = CLIP_NORMALISE(pictures(4, 224, seed=3))
    whole = effort_logits(state, inputs)
    frozen = {name: value * 0 if name.endswith("S_residual") else value for name, value in state.items()}
    assert (effort_logits(frozen, inputs) - whole).abs().max() > 0.1


def test_a_file_of_later_code_is_the_same_network(detector, vit, tmp_path):
    """It keeps the frozen components one by one as well, and names a single device."""
    state = {name.removeprefix("module."): value for name, value in effort_state().items()}
    for name in [name for name in state if name.endswith("weight_main")]:
        layer, width = name.removesuffix("weight_main"), len(state[name])
        state |= {f"{layer}U_r": torch.ones(width, width - 1), f"{layer}V_r": torch.ones(width - 1, width)}
        state |= {f"{layer}S_r": torch.ones(width - 1)}
    (tmp_path / "effort").mkdir()
    torch.save({"state_dict": state}, tmp_path / "effort" / "own.pth")
    assert create_with_checkpoint("effort", vit, tmp_path).fingerprint() == detector.fingerprint()


def test_each_releases_generators_are_known(detector):
    assert detector.trained_on == ("sd14",)
    assert {one.name: one.trained_on for one in Effort.released} == {
        "effort_clip_L14_trainOn_sdv14.pth": ("sd14",),
        "effort_clip_L14_trainOn_chameleon.pth": ("sd14",),
        "effort_clip_L14_trainOn_FaceForensic.pth": ("deepfakes", "face2face", "faceswap", "neuraltextures"),
    }
