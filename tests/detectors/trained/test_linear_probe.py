import copy
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from detectors import Backbone, OptionError, View, WeightsError, WeightsNotFoundError
from detectors.backbones.base import rehearsed
from detectors.trained.fitted_file import FACTS, fitted_facts
from detectors.trained.linear_probe import LinearProbe


def write_probe(file: Path, backbone: Backbone, weight: torch.Tensor, bias: float, **facts: object) -> Path:
    """Writes a probe as ``fit`` does."""
    told = {
        "detector": "linear-probe",
        "backbone": {"name": backbone.name, "weights": backbone.fingerprint},
        "view": {"size": 56, "fit": "centre-crop", "pad": "zeros"},
        "trained_on": ["sd14"],
    }
    tensors = {"weight": weight.double(), "bias": torch.tensor(bias, dtype=torch.float64)}
    save_file(tensors, file, {FACTS: json.dumps(told | facts)})
    return file


@pytest.fixture
def weight() -> torch.Tensor:
    return torch.randn(48, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


@pytest.fixture
def file(tmp_path, vit, weight) -> Path:
    return write_probe(tmp_path / "probe.safetensors", vit, weight, -0.5)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(5, 3, 56, 56, generator=torch.Generator().manual_seed(1))


def test_the_score_is_the_sigmoid_of_the_linear_function_in_float64(vit, file, weight, images):
    scores = LinearProbe(vit, checkpoint=str(file))(images, torch.arange(5))
    by_hand = 1 / (1 + torch.exp(-(vit(images).double() @ weight - 0.5)))
    assert scores.dtype == torch.float64
    torch.testing.assert_close(scores, by_hand, rtol=1e-12, atol=0)
    assert len(scores.unique()) == 5


def test_one_image_scores_as_in_a_batch(vit, file, images):
    probe = LinearProbe(vit, checkpoint=str(file))
    whole = probe(images, torch.arange(5))
    one = torch.cat([probe(images[i : i + 1].clone(), torch.arange(1)) for i in range(5)])
    torch.testing.assert_close(one, whole, rtol=1e-5, atol=0)


def test_it_shares_the_clean_pass(vit, file, images):
    vit(images)
    before = vit.counter.images
    LinearProbe(vit, checkpoint=str(file))(images, torch.arange(5))
    assert vit.counter.images == before


def test_a_rehearsal_counts_the_shared_pass(vit, file):
    with rehearsed() as counted:
        assert LinearProbe(vit, checkpoint=str(file))(torch.zeros(2, 3, 56, 56), torch.arange(2)).shape == (2,)
    assert counted.images == 2


def test_the_file_says_what_it_is_shown_and_what_it_was_trained_on(vit, file):
    probe = LinearProbe(vit, checkpoint=str(file))
    assert probe.view == View(56, "centre-crop")
    assert probe.trained_on == ("sd14",)


def test_the_fingerprint_follows_the_weights_and_not_the_path(vit, tmp_path, file, weight):
    copied = tmp_path / "elsewhere.safetensors"
    copied.write_bytes(file.read_bytes())
    other = write_probe(tmp_path / "other.safetensors", vit, weight, -0.25)
    prints = [LinearProbe(vit, checkpoint=str(one)).fingerprint(precision="32-true") for one in (file, copied, other)]
    assert prints[0] == prints[1] != prints[2]


def test_another_backbone_is_refused_in_one_line(cnn, file):
    with pytest.raises(OptionError, match="trained on features of small-dinov2, not of efficientnet-lite0") as raised:
        LinearProbe(cnn, checkpoint=str(file))
    assert "\n" not in str(raised.value)


def test_the_same_backbone_with_other_weights_is_refused(vit, tmp_path, weight):
    other = Backbone(vit.name, copy.deepcopy(vit.model), vit.blocks)
    next(other.model.parameters()).add_(1.0)
    file = write_probe(tmp_path / "p.safetensors", other, weight, 0.0)
    with pytest.raises(OptionError, match=f"with weights {other.fingerprint[:12]}, not {vit.fingerprint[:12]}"):
        LinearProbe(vit, checkpoint=str(file))


def test_weights_of_another_length_are_refused(vit, tmp_path):
    file = write_probe(tmp_path / "p.safetensors", vit, torch.ones(47), 0.0)
    with pytest.raises(WeightsError, match=r"weight of shape \(47,\)"):
        LinearProbe(vit, checkpoint=str(file))(torch.rand(2, 3, 56, 56), torch.arange(2))


def test_without_a_file_it_says_how_to_make_one(vit):
    with pytest.raises(WeightsNotFoundError, match="python -m bench fit --detector linear-probe"):
        LinearProbe(vit)


def test_a_file_that_is_not_there_is_named(vit, tmp_path):
    with pytest.raises(WeightsNotFoundError, match="nowhere"):
        LinearProbe(vit, checkpoint=str(tmp_path / "nowhere.safetensors"))


def test_a_file_that_fit_did_not_write_is_refused(vit, tmp_path):
    save_file({"weight": torch.ones(48), "bias": torch.zeros(())}, tmp_path / "bare.safetensors")
    with pytest.raises(WeightsError, match="is not a linear-probe that python -m bench fit wrote"):
        LinearProbe(vit, checkpoint=str(tmp_path / "bare.safetensors"))


def test_a_broken_file_says_nothing_of_a_training(tmp_path, file):
    (tmp_path / "cut.safetensors").write_bytes(file.read_bytes()[:100])
    (tmp_path / "text.safetensors").write_text("no weights")
    assert fitted_facts(tmp_path / "cut.safetensors") is None
    assert fitted_facts(tmp_path / "text.safetensors") is None
    assert fitted_facts(file)["trained_on"] == ["sd14"]
