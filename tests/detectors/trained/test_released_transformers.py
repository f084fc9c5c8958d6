"""What the adapters of Community Forensics, C2P-CLIP, Effort and DDA have to keep alike."""

import os
from pathlib import Path

import pytest
import torch
from released_files import create_with_checkpoint, write_checkpoint
from released_files_two import pictures
from released_vit import (
    CLIP_NORMALISE,
    IMAGENET_NORMALISE,
    c2p_layout,
    c2p_logits,
    commfor_layout,
    commfor_logits,
    dda_layout,
    dda_logits,
    effort_layout,
    effort_logits,
    random_state,
    spread,
)
from safetensors.torch import load_file
from torch import nn

from detectors import WeightsError, create_detector, list_detectors
from detectors.trained.checkpoints import Checkpoint
from detectors.weights import unwrapped

NAMES = ("community-forensics", "c2p-clip", "effort", "dda")
CLIP = {"image_size": 224, "patch_size": 14, "width": 1024, "layers": 24, "heads": 16, "output_dim": 768}
FULL = {
    "community-forensics": commfor_layout(384, 16, 384, 12, 6),
    "c2p-clip": c2p_layout(**CLIP),
    "effort": effort_layout(**CLIP),
    "dda": dda_layout(336, 518, 14, 1024, 24, 16),
}
"""The released files' tensors, from the networks that their authors' code builds."""
LAST = {"community-forensics": "vit.head", "c2p-clip": "model.fc", "effort": "module.head", "dda": "base_model.fc"}


def elements(shapes):
    return sum(torch.Size(shape).numel() for shape in shapes.values())


@pytest.mark.parametrize("name", NAMES)
def test_the_released_layout_fills_the_network_at_full_size(name):
    cls = list_detectors()[name]
    detector = cls.__new__(cls)
    nn.Module.__init__(detector)
    detector.side = 384  # what the constructor sets
    state = {key: torch.empty(shape, device="meta") for key, shape in FULL[name].items()}
    adapted = detector.adapt(Checkpoint(Path("file"), unwrapped(state, "file"), "", (), None))
    with torch.device("meta"):
        wanted = detector.build().state_dict()
    assert {key: value.shape for key, value in adapted.items()} == {key: value.shape for key, value in wanted.items()}


def test_the_layouts_are_as_large_as_third_parties_found_the_released_files():
    small = commfor_layout(224, 16, 384, 12, 6)
    assert (len(FULL["community-forensics"]), elements(FULL["community-forensics"])) == (152, 21_811_969)
    assert (len(small), elements(small)) == (152, 21_666_049)
    assert (len(FULL["effort"]), elements(FULL["effort"])) == (681, 303_378_530)
    # DDA's file has the two moments of AdamW of what was trained, too: the LoRA and the last layer.
    trained = elements({key: shape for key, shape in FULL["dda"].items() if "lora" in key or ".fc." in key[:14]})
    assert 0 < 1_255_621_296 - 4 * (elements(FULL["dda"]) + 2 * trained) < 500_000
    for released, layout in (("effort", FULL["effort"]), ("community-forensics", FULL["community-forensics"])):
        size = list_detectors()[released].released[0].size
        assert 0 < size - 4 * elements(layout) < 300_000


def stored(name, folder):
    """Returns the tensors of a detector's small checkpoint."""
    (folder / "stored").mkdir()
    file = write_checkpoint(name, folder / "stored")
    content = load_file(file) if file.suffix == ".safetensors" else torch.load(file, weights_only=True)
    return content.get("model", content)


def given(content, name, folder):
    """Gives a detector something else as its checkpoint."""
    (folder / name).mkdir(exist_ok=True)
    torch.save(content, folder / name / "given.pth")


def refusal(name, vit, folder):
    with pytest.raises(WeightsError) as caught:
        create_with_checkpoint(name, vit, folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_weights_whose_answer_is_known_decide_as_they_should(name, vit, tmp_path):
    state, images = stored(name, tmp_path), pictures(3, 224)
    weight, biases = (state[f"{LAST[name]}.{leaf}"].zero_() for leaf in ("weight", "bias"))
    for bias in (-4.0, 4.0):
        biases[-1] = bias  # of generated images
        given(state, name, tmp_path)
        scores = create_with_checkpoint(name, vit, tmp_path)(images, torch.arange(3))
        assert ((scores > 0.5) == (bias > 0)).all()
        torch.testing.assert_close(scores, torch.sigmoid(torch.full((3,), bias).double()))
    if len(weight) == 2:
        given(state | {f"{LAST[name]}.bias": biases.flip(0)}, name, tmp_path)
        assert (create_with_checkpoint(name, vit, tmp_path)(images, torch.arange(3)) < 0.5).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_truncated_file_is_refused_in_one_line(name, vit, tmp_path):
    file = write_checkpoint(name, tmp_path)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert "is not a readable weights file" in refusal(name, vit, tmp_path)


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("name", NAMES)
def test_code_in_a_file_is_never_run(name, vit, tmp_path):
    given(stored(name, tmp_path) | {"extra": Bomb(f"touch {tmp_path / 'trace'}")}, name, tmp_path)
    assert "code in a file is never run" in refusal(name, vit, tmp_path)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("other", [*NAMES, "npr"])
def test_the_file_of_another_detector_is_refused_in_one_line(name, other, vit, tmp_path):
    if name != other:
        given(stored(other, tmp_path), name, tmp_path)
        assert "does not fit" in refusal(name, vit, tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_lacks_a_tensor_or_has_one_more_is_refused_in_one_line(name, vit, tmp_path):
    state = stored(name, tmp_path)
    for lacking in (f"{LAST[name]}.bias", next(key for key in state if key.endswith(("qkv.bias", "q_proj.bias")))):
        given({key: value for key, value in state.items() if key != lacking}, name, tmp_path)
        assert "missing" in refusal(name, vit, tmp_path)
    parts = [key for key in state if key.endswith(("lora_A", "lora_B", "U_residual", "S_residual", "V_residual"))]
    for lacking in parts[:3]:
        given({key: value for key, value in state.items() if key != lacking}, name, tmp_path)
        assert "does not fit" in refusal(name, vit, tmp_path)
    prefix = LAST[name].partition(".")[0]
    given(state | {f"{prefix}.stranger": torch.ones(1)}, name, tmp_path)
    assert "1 unexpected" in refusal(name, vit, tmp_path)


LOGITS = {
    "community-forensics": (commfor_logits, IMAGENET_NORMALISE, 384, 6),
    "c2p-clip": (c2p_logits, CLIP_NORMALISE, 224, 16),
    "effort": (effort_logits, CLIP_NORMALISE, 224, 16),
    "dda": (dda_logits, CLIP_NORMALISE, 336, 16),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_one_pass_at_the_published_size_gives_the_logits_of_the_plain_network(name, tmp_path):
    """The weights take 87 MB, or 1.2 GB three times: in the test, as read from the file, and in the network."""
    logits, normalise, side, heads = LOGITS[name]
    state, images = random_state(FULL[name], 26), pictures(2, side, seed=1)
    assert sum(value.nbytes for value in state.values()) < 1.25e9
    inputs = normalise(images)
    state = spread(state, LAST[name], lambda state: logits(state, inputs, heads))
    torch.save({"model": state} if name == "dda" else state, tmp_path / "full.pth")
    with torch.inference_mode(False):
        detector = create_detector(name, checkpoint=str(tmp_path / "full.pth"))
    assert sum(parameter.nbytes for parameter in detector.network.parameters()) < 1.22e9
    expected = logits(state, inputs, heads)
    expected = expected[:, 1] - expected[:, 0] if name == "effort" else expected
    torch.testing.assert_close(detector.logits(images), expected, rtol=1e-3, atol=1e-3)
