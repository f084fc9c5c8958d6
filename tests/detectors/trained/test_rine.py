import copy
import pickle

import open_clip
import pytest
import torch
from plain_clip import norm_outputs
from released_files import CLIP_SIDE, small_clip, small_network, write_checkpoint
from released_files_two import pictures
from released_rine import ARCHITECTURES, rine_state
from torch import nn
from torch.nn import functional as F
from torchvision import transforms

from datamodules.views import cut_view
from detectors import Backbone, OptionError, Rine, View, WeightsError, WeightsNotFoundError, create_detector
from detectors.backbones.base import CLIP_MEAN, CLIP_STD, rehearsed
from detectors.backbones.clip import CLIP_MODEL
from detectors.trained import on_clip
from detectors.trained.networks.rine import RineHead

PUBLISHED = transforms.Compose([transforms.ToTensor(), transforms.Normalize(CLIP_MEAN, CLIP_STD)])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint("rine", tmp_path_factory.mktemp("rine"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return small_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(autouse=True, scope="module")
def _small():
    with small_network("rine"):
        yield


@pytest.fixture(scope="module")
def detector(checkpoint, clip):
    return create_detector("rine", clip, checkpoint=str(checkpoint))


def plain_logits(state, tokens):
    """Computes the trained part of ``(tokens, B, width)`` of each block, layer by layer, as the names say."""
    layers = {name.rpartition(".")[0] for name in state}

    def through(name, values):
        for layer in sorted((one for one in layers if one.startswith(name)), key=lambda one: int(one.split(".")[1])):
            values = F.linear(values, state[f"{layer}.weight"], state[f"{layer}.bias"])
            values = values if layer == "head.6" else values.clamp(min=0)
        return values

    first = torch.stack(tokens, dim=2)[0]
    weights = state["alpha"].exp() / state["alpha"].exp().sum(dim=1, keepdim=True)
    return through("head", through("proj2", (weights * through("proj1", first)).sum(dim=1))).flatten()


def odd_pictures():
    """Larger and smaller than the crop, of odd sides."""
    sizes = [(101, 77), (59, 133), (41, 90), (37, 23)]
    return [transforms.ToPILImage()(pictures(1, 140, seed=i)[0, :, :h, :w]) for i, (h, w) in enumerate(sizes)]


@torch.inference_mode()
def test_logits_are_those_of_a_plain_rebuild_on_odd_sizes(detector, checkpoint, clip):
    state = torch.load(checkpoint, weights_only=True)
    images = odd_pictures()
    inputs = torch.stack([PUBLISHED(transforms.CenterCrop(CLIP_SIDE)(image)) for image in images])
    expected = plain_logits(state, norm_outputs(clip.model.state_dict(), inputs, heads=2))
    view = View(CLIP_SIDE, detector.view.fit, detector.view.pad)
    cut = torch.stack([cut_view(image, view, key=0) for image in images]) / 255
    torch.testing.assert_close(detector.logits(cut), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(detector(cut, torch.arange(4)), torch.sigmoid(expected.double()), rtol=1e-5, atol=1e-6)
    assert expected.std() > 0.1


@torch.inference_mode()
def test_univfd_and_rine_share_one_clean_pass(detector, clip, tmp_path):
    univfd = create_detector("univfd", clip, checkpoint=str(write_checkpoint("univfd", tmp_path)))
    images, before = pictures(4, CLIP_SIDE, seed=1), clip.counter.images
    scores = [one(images, torch.arange(4)) for one in (univfd, detector)]
    assert clip.counter.images - before == 4
    assert detector.passes == univfd.passes == 0
    assert not torch.equal(*scores)


@torch.inference_mode()
def test_a_rehearsal_counts_one_pass_for_both(detector, clip, tmp_path):
    univfd = create_detector("univfd", clip, checkpoint=str(write_checkpoint("univfd", tmp_path)))
    images = torch.zeros(2, 3, CLIP_SIDE, CLIP_SIDE)
    with rehearsed() as counted:
        assert [one(images, torch.arange(2)).tolist() for one in (univfd, detector)] == [[0.5, 0.5]] * 2
    assert counted.images == 2


@torch.inference_mode()
def test_a_score_does_not_depend_on_the_batch(detector):
    images = pictures(5, CLIP_SIDE, seed=2)
    whole = detector.logits(images)
    single = torch.cat([detector.logits(images[row : row + 1].clone()) for row in range(5)])
    torch.testing.assert_close(single, whole, rtol=1e-6, atol=1e-6)


def test_beside_another_backbone_both_have_one_clip_of_their_own(checkpoint, cnn, tmp_path, monkeypatch):
    asked = []

    def create(name, weights):
        asked.append((name, weights))
        return small_clip(tmp_path)

    monkeypatch.setattr(on_clip, "create_backbone", create)  # the real one takes 1.2 GB
    head = str(write_checkpoint("univfd", tmp_path))
    rine, univfd = (
        create_detector(name, cnn, checkpoint=file, clip_weights="folder/clip.bin")
        for name, file in (("rine", str(checkpoint)), ("univfd", head))
    )
    assert asked == [("clip-vitl14", "folder/clip.bin")]
    assert rine.backbone is univfd.backbone
    assert rine.passes == 1
    assert rine.options["clip_weights"] == "clip.bin"


def test_the_kind_of_clips_features_is_all_the_same_to_it(checkpoint, clip):
    other = copy.deepcopy(clip)
    other.name = "clip-vitl14:features=pre-projection"
    create_detector("rine", other, checkpoint=str(checkpoint))


def test_another_backbone_is_refused_and_both_ways_out_are_named(checkpoint, cnn):
    with pytest.raises(OptionError) as caught:
        create_detector("rine", cnn, checkpoint=str(checkpoint))
    message = str(caught.value)
    assert "rine reads the blocks of clip-vitl14, not efficientnet-lite0: give --backbone clip-vitl14" in message
    assert "rine:clip_weights=FILE" in message


def test_a_missing_file_says_where_it_is_and_that_clip_is_needed_too(clip):
    with pytest.raises(WeightsNotFoundError) as caught:
        create_detector("rine", clip)
    message = str(caught.value)
    assert "model_4class_trainable.pth (25,298,182 bytes, from mever-team/rine@325a1c9, ckpt)" in message
    assert "CLIP's weights are needed, too" in message
    assert "\n" not in message


@pytest.mark.parametrize("bias", [-50, 50])
def test_a_large_bias_makes_every_image_generated_and_a_small_one_none(checkpoint, clip, tmp_path, bias):
    state = torch.load(checkpoint, weights_only=True)
    state["head.6.bias"] += bias
    torch.save(state, tmp_path / "moved.pth")
    scores = create_detector("rine", clip, checkpoint=str(tmp_path / "moved.pth"))(
        pictures(3, CLIP_SIDE), torch.arange(3)
    )
    assert ((scores > 0.5) == (bias > 0)).all()


def test_the_released_files_sizes_follow_from_their_depth_and_width(tmp_path):
    """Those of mever-team/rine@325a1c9, src/utils.py: projections and their width, by the number of classes."""
    numbers = {(4, 1024): 10_521_601, (4, 128): 283_009, (2, 1024): 6_323_201}
    for (projections, dimension), count in numbers.items():
        expected = rine_state(24, 1024, projections, dimension)
        with torch.device("meta"):
            made = RineHead(24, 1024, projections, dimension).state_dict()
        assert {name: value.shape for name, value in made.items()} == {n: v.shape for n, v in expected.items()}
        assert sum(value.numel() for value in made.values()) == count
    (largest,) = (file.size for file in Rine.released if file.size)
    assert 0 < largest - 4 * 6_323_201 < 10_000  # names and places of the tensors
    assert {file.trained_on for file in Rine.released} == {("progan",), ("ldm",)}


@pytest.mark.parametrize(("projections", "dimension"), [(4, 16), (1, 24)])
def test_other_depths_and_widths_are_read_off_the_file(clip, tmp_path, projections, dimension):
    state = rine_state(**ARCHITECTURES["rine"], projections=projections, dimension=dimension)
    torch.save(state, tmp_path / "other.pth")
    detector = create_detector("rine", clip, checkpoint=str(tmp_path / "other.pth"))
    images = pictures(3, CLIP_SIDE, seed=3)
    tokens = norm_outputs(clip.model.state_dict(), (images - clip.mean) / clip.std, heads=2)
    torch.testing.assert_close(detector.logits(images), plain_logits(state, tokens), rtol=1e-5, atol=1e-5)


class Command:
    def __reduce__(self):
        return print, ("run",)


def truncated(content, file):
    file.write_bytes(content[: len(content) // 2])


def of_another_network(content, file):
    torch.save({"fc.weight": torch.zeros(1, 768), "fc.bias": torch.zeros(1)}, file)


def with_code(content, file):
    file.write_bytes(pickle.dumps({"alpha": Command()}))


def of_another_clip(content, file):
    torch.save(rine_state(12, 48, 2, 32), file)


def too_wide(content, file):
    torch.save({"alpha": torch.zeros(1).expand(1, 24, 10**7), "proj1.1.weight": torch.zeros(1)}, file)


def without_size(content, file):
    torch.save({"alpha": torch.tensor(1.0), "proj1.1.weight": torch.zeros(1)}, file)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (truncated, "is not a readable weights file"),
        (of_another_network, "is no trained part of RINE: it has no alpha"),
        (with_code, "code in a file is never run"),
        (of_another_clip, r"of another shape \(such as alpha\)"),
        (too_wide, "1 projections to 10000000 features; expected at most 16 to 4096"),
        (without_size, "1 projections to 0 features"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_one_line(checkpoint, clip, tmp_path, write, message):
    write(checkpoint.read_bytes(), tmp_path / "model_ldm_trainable.pth")
    with pytest.raises(WeightsError, match=message) as caught:
        create_detector("rine", clip, checkpoint=str(tmp_path / "model_ldm_trainable.pth"))
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@torch.inference_mode()
def test_a_full_size_pass_gives_what_the_published_hooks_catch(tmp_path, monkeypatch):
    """CLIP ViT-L/14's image encoder has 304 million parameters: 1.2 GB."""
    monkeypatch.setattr(Rine, "architecture", {"blocks": 24, "width": 1024})
    torch.manual_seed(0)
    with torch.device("meta"):
        visual = open_clip.CLIP(**open_clip.get_model_config(CLIP_MODEL)).visual
    visual.to_empty(device="cpu")
    for name, parameter in visual.named_parameters():
        nn.init.ones_(parameter) if "ln" in name and name.endswith("weight") else nn.init.normal_(parameter, 0, 0.02)
    for buffer in visual.buffers():
        nn.init.zeros_(buffer)
    blocks = [f"transformer.resblocks.{block}" for block in range(24)]
    clip = Backbone("clip-vitl14", visual, blocks, CLIP_MEAN, CLIP_STD)
    state = rine_state(24, 1024, 2, 1024)
    torch.save(state, tmp_path / "full.pth")
    detector = create_detector("rine", clip, checkpoint=str(tmp_path / "full.pth"))
    tensors = [*detector.parameters(), *detector.buffers()]
    assert 1.2e9 < sum(tensor.nbytes for tensor in tensors) < 1.3e9
    caught = []  # as the published code does it: a hook on everything with ln_2 in its name
    for name, module in visual.named_modules():
        if "ln_2" in name:
            module.register_forward_hook(lambda module, inputs, output: caught.append(output.transpose(0, 1)))
    image = transforms.ToPILImage()(pictures(1, 300, seed=4)[0, :, :251, :299])
    cut = cut_view(image, detector.view, key=0)[None] / 255
    logits = detector.logits(cut)
    assert len(caught) == 24
    torch.testing.assert_close(logits, plain_logits(state, caught)[:1], rtol=1e-5, atol=1e-5)
    assert logits.isfinite().all()
