import pytest
import torch
from released_files import CLIP_SIDE, small_clip, write_checkpoint
from released_files_two import pictures
from torchvision import transforms

from detectors import OptionError, View, WeightsError, WeightsNotFoundError, create_detector
from detectors.trained import on_clip
from detectors.trained.univfd import UnivFD


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint("univfd", tmp_path_factory.mktemp("univfd"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return small_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def images():
    return pictures(4, CLIP_SIDE, seed=1)


NORMALISE = transforms.Normalize([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])


@torch.inference_mode()
def test_the_released_head_judges_the_projected_features_as_they_are(checkpoint, clip, images):
    state = torch.load(checkpoint, weights_only=True)
    assert {name: tuple(value.shape) for name, value in state.items()} == {"weight": (1, 768), "bias": (1,)}
    features = clip.model(NORMALISE(images)).double()
    assert features.shape == (4, 768)
    assert (features.norm(dim=1) - 1).abs().min() > 0.1  # not of unit length
    expected = features @ state["weight"][0].double() + state["bias"].double()
    detector = create_detector("univfd", clip, checkpoint=str(checkpoint))
    torch.testing.assert_close(detector.logits(images).double(), expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(detector(images, torch.arange(4)), torch.sigmoid(expected), rtol=1e-4, atol=1e-6)
    assert expected.std() > 0.1


def test_a_head_with_names_of_the_whole_network_is_the_same(checkpoint, clip, tmp_path):
    state = torch.load(checkpoint, weights_only=True)
    torch.save({"model": {f"module.fc.{name}": value for name, value in state.items()}}, tmp_path / "fc.pth")
    prefixed = create_detector("univfd", clip, checkpoint=str(tmp_path / "fc.pth"))
    assert prefixed.fingerprint() == create_detector("univfd", clip, checkpoint=str(checkpoint)).fingerprint()


@torch.inference_mode()
def test_it_shares_the_clean_pass_of_the_runs_backbone(checkpoint, clip, images):
    clip(images)
    before = clip.counter.images
    detector = create_detector("univfd", clip, checkpoint=str(checkpoint))
    detector(images, torch.arange(4))
    assert clip.counter.images == before
    assert detector.passes == UnivFD.own_passes == 0


def test_another_backbone_is_refused_and_both_ways_out_are_named(checkpoint, cnn):
    with pytest.raises(OptionError) as caught:
        create_detector("univfd", cnn, checkpoint=str(checkpoint))
    message = str(caught.value)
    assert "not efficientnet-lite0: give --backbone clip-vitl14" in message
    assert "univfd:clip_weights=FILE" in message
    assert "\n" not in message


def test_the_features_before_the_projection_are_refused(checkpoint, clip):
    clip.name, name = "clip-vitl14:features=pre-projection", clip.name
    try:
        with pytest.raises(OptionError, match="reads the projected features of clip-vitl14, not clip-vitl14:features"):
            create_detector("univfd", clip, checkpoint=str(checkpoint))
    finally:
        clip.name = name


def test_a_missing_head_says_that_clip_is_needed_too(clip):
    with pytest.raises(WeightsNotFoundError) as caught:
        create_detector("univfd", clip)
    message = str(caught.value)
    assert "fc_weights.pth (4,083 bytes" in message
    assert "linear layer alone: CLIP's weights are needed, too" in message
    assert "clip_weights=FILE" in message
    assert "\n" not in message


def test_missing_weights_of_clip_are_found_before_any_image(checkpoint, cnn, tmp_path):
    with pytest.raises(WeightsNotFoundError, match=r"There is no weights file .*nowhere"):
        create_detector("univfd", cnn, checkpoint=str(checkpoint), clip_weights=str(tmp_path / "nowhere.bin"))


def test_published_weights_of_clip_that_are_not_here_are_named(checkpoint, cnn, hub_cache):
    with pytest.raises(WeightsNotFoundError, match=r"weights of clip-vitl14 \(timm/vit_large_patch14_clip_224\.openai"):
        create_detector("univfd", cnn, checkpoint=str(checkpoint), clip_weights="published")


@torch.inference_mode()
def test_beside_another_backbone_it_has_a_clip_of_its_own_once_for_all_seeds(
    checkpoint, clip, cnn, images, tmp_path, monkeypatch
):
    asked = []

    def create(name, weights):
        asked.append((name, weights))
        return small_clip(tmp_path)

    monkeypatch.setattr(on_clip, "create_backbone", create)  # the real one takes 1.2 GB
    weights = str(tmp_path / "clip.safetensors")
    options = {"checkpoint": str(checkpoint), "clip_weights": weights}
    own, again = (create_detector("univfd", cnn, seed=seed, **options) for seed in (0, 1))
    assert asked == [("clip-vitl14", weights)]
    assert own.backbone is again.backbone
    assert own.passes == 1
    shared = create_detector("univfd", clip, checkpoint=str(checkpoint))
    torch.testing.assert_close(own(images, torch.arange(4)), shared(images, torch.arange(4)), rtol=0, atol=0)
    assert own.fingerprint() == shared.fingerprint()
    assert own.options["clip_weights"] == "clip.safetensors"


def test_the_fingerprint_covers_clip_and_the_head(checkpoint, clip, tmp_path):
    first = create_detector("univfd", clip, checkpoint=str(checkpoint))
    other = small_clip(tmp_path)
    other.model.proj.data += 1
    assert create_detector("univfd", other, checkpoint=str(checkpoint)).fingerprint() != first.fingerprint()
    state = torch.load(checkpoint, weights_only=True)
    torch.save({**state, "bias": state["bias"] + 1}, tmp_path / "head.pth")
    moved = create_detector("univfd", clip, checkpoint=str(tmp_path / "head.pth"))
    assert moved.fingerprint() != first.fingerprint()


def test_a_head_of_another_clip_is_refused(clip, tmp_path):
    torch.save({"weight": torch.zeros(1, 1024), "bias": torch.zeros(1)}, tmp_path / "head.pth")
    with pytest.raises(WeightsError, match=r"1 of another shape \(such as weight\)"):
        create_detector("univfd", clip, checkpoint=str(tmp_path / "head.pth"))


def test_the_view_is_the_published_one(checkpoint, clip):
    detector = create_detector("univfd", clip, checkpoint=str(checkpoint))
    assert detector.view == View(224, "centre-crop", "zeros")
    assert detector.trained_on == ()  # a head of random weights is no release of 4,083 bytes
