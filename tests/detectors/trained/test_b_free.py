import hashlib
import json
import pickle

import pytest
import timm
import torch
from released_files import small_network, write_checkpoint
from released_files_two import pictures
from released_rine import random_bfree
from torch.nn import functional as F
from torchvision import transforms

from detectors import BFree, View, WeightsError, WeightsNotFoundError, create_detector

NORMALISE = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
SIDE, PATCH, HEADS = 28, 14, 4


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint("b-free", tmp_path_factory.mktemp("b-free"))


@pytest.fixture(autouse=True, scope="module")
def _small():
    with small_network("b-free"):
        yield


@pytest.fixture(scope="module")
def detector(checkpoint):
    return create_detector("b-free", checkpoint=str(checkpoint))


@pytest.fixture(scope="module")
def state(checkpoint):
    """The stored tensors, read without the adapter."""
    return torch.load(checkpoint, weights_only=True)["model"]


def plain_logit(state, patches):
    """Judges one window of embedded patches ``(N, width)``: DINOv2's blocks, step by step."""
    tokens = torch.cat([state["cls_token"][0], state["reg_token"][0], patches + state["pos_embed"][0]])
    for block in range(sum(name.endswith("norm2.weight") for name in state)):
        own = {name.removeprefix(f"blocks.{block}."): value for name, value in state.items()}

        def norm(name, values, own=own):
            return F.layer_norm(values, values.shape[-1:], own[f"{name}.weight"], own[f"{name}.bias"], eps=1e-6)

        def linear(name, values, own=own):
            return F.linear(values, own[f"{name}.weight"], own[f"{name}.bias"])

        triple = linear("attn.qkv", norm("norm1", tokens)).reshape(len(tokens), 3, HEADS, -1).permute(1, 2, 0, 3)
        weights = (triple[0] @ triple[1].transpose(1, 2) / triple.shape[-1] ** 0.5).softmax(dim=-1)
        mixed = (weights @ triple[2]).transpose(0, 1).flatten(1)
        tokens = tokens + own["ls1.gamma"] * linear("attn.proj", mixed)
        tokens = tokens + own["ls2.gamma"] * linear("mlp.fc2", F.gelu(linear("mlp.fc1", norm("norm2", tokens))))
    first = F.layer_norm(tokens[0], tokens.shape[1:], state["norm.weight"], state["norm.bias"], eps=1e-6)
    return F.linear(first, state["head.weight"], state["head.bias"])


def windows(image, side=SIDE):
    """Cuts the five squares of pixels whose patches the published code takes; patches do not overlap."""
    image = image[:, : image.shape[1] // PATCH * PATCH, : image.shape[2] // PATCH * PATCH]
    height, width = image.shape[1:]
    if min(height, width) < side:
        image = image.repeat(1, -(-side // height), -(-side // width))[:, :side, :side]
        height, width = image.shape[1:]
    centre = [(size - side) // PATCH // 2 * PATCH for size in (height, width)]
    bottom, right = height - side, width - side
    places = [centre, (0, 0), (bottom, 0), (bottom, right), (0, right)]
    return [image[:, top : top + side, left : left + side] for top, left in places]


def plain_logits(state, image):
    """Embeds and judges the five squares one by one."""
    for square in windows(NORMALISE(image)):
        grid = F.conv2d(square[None], state["patch_embed.proj.weight"], state["patch_embed.proj.bias"], stride=PATCH)
        yield plain_logit(state, grid[0].flatten(1).T)


SIZES = [(101, 143), (57, 71), (28, 28), (29, 99), (19, 80), (75, 15), (14, 14), (27, 41)]
"""Height and width: of all five places, of exactly one window, and with a side that is shorter than one."""


@torch.inference_mode()
def test_logits_are_those_of_a_plain_rebuild_on_odd_sizes(detector, state):
    images = [pictures(1, 150, seed=i)[0, :, :height, :width] for i, (height, width) in enumerate(SIZES)]
    expected = torch.cat([torch.stack(list(plain_logits(state, image))).mean(dim=0) for image in images])
    torch.testing.assert_close(detector.logits(images), expected, rtol=1e-5, atol=1e-5)
    scores = detector(images, torch.arange(len(images)))
    torch.testing.assert_close(scores, torch.sigmoid(expected.double()), rtol=1e-5, atol=1e-6)
    assert expected.std() > 0.2


@torch.inference_mode()
def test_the_five_windows_differ_and_all_count(detector, state):
    image = pictures(1, 150, seed=9)[0]
    each = torch.cat(list(plain_logits(state, image)))
    assert len(each.unique()) == 5
    for row, column in ((0, 0), (0, 130), (130, 0), (130, 130), (70, 70)):
        changed = image.clone()
        changed[:, row : row + 10, column : column + 10] = 0
        assert (detector.logits([changed]) - detector.logits([image])).abs() > 1e-4


@torch.inference_mode()
def test_what_is_left_of_the_grid_of_patches_is_not_seen(detector):
    image = pictures(1, 150, seed=9)[0]  # ten patches and ten pixels
    assert torch.equal(detector.logits([image[:, :140, :140]]), detector.logits([image]))


@torch.inference_mode()
def test_of_a_flat_image_what_lies_right_of_the_first_window_is_not_seen(detector):
    image = pictures(1, 150, seed=10)[0, :, :20]
    changed = image.clone()
    changed[:, :, SIDE:] = 0
    assert torch.equal(detector.logits([changed]), detector.logits([image]))


@torch.inference_mode()
def test_an_image_smaller_than_a_patch_is_continued(detector):
    image = pictures(1, 40, seed=11)[0, :, :, :9]
    continued = torch.cat([image, *[image[:, :, -1:]] * 5], dim=2)
    assert torch.equal(detector.logits([image]), detector.logits([continued]))
    assert detector(torch.rand(1, 3, 1, 1), torch.arange(1)).isfinite()


def schema(state):
    """Puts names, shapes and types into one number, as the project did that recorded the released file's."""
    items = [
        {"k": name, "shape": list(value.shape), "dtype": "torch.float32", "n": value.numel()}
        for name, value in state.items()
    ]
    return hashlib.sha256(json.dumps(items, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def test_the_full_size_names_and_shapes_are_the_released_ones(monkeypatch, detector):
    """177 tensors of 86,526,721 numbers, and the checksum of their names and shapes: what others read off the file."""
    monkeypatch.undo()
    monkeypatch.setattr(BFree, "architecture", {"img_size": 504, "depth": 12, "embed_dim": 768, "num_heads": 12})
    with torch.device("meta"):
        made = BFree.build(detector).state_dict()
    assert (len(made), sum(value.numel() for value in made.values())) == (177, 86_526_721)
    assert schema(made) == "e4bb9ddd115309740a70235152b7376e2c8299bb90baf243809f2a5e1665f524"
    (released,) = BFree.released
    assert 0 < released.size - 4 * 86_526_721 < 100_000


def test_the_card_states_the_release(detector):
    assert detector.view == View(fit="native")
    assert detector.passes == 5
    assert detector.unscaled
    assert detector.trained_on == ()  # random weights are no release
    with pytest.raises(WeightsNotFoundError, match=r"model_epoch_best.pth \(346,171,370 bytes, sha256 5948ca78") as err:
        create_detector("b-free")
    assert "\n" not in str(err.value)


@pytest.mark.parametrize("bias", [-50, 50])
def test_a_large_bias_makes_every_image_generated_and_a_small_one_none(state, tmp_path, bias):
    torch.save({"model": {**state, "head.bias": state["head.bias"] + bias}}, tmp_path / "moved.pth")
    scores = create_detector("b-free", checkpoint=str(tmp_path / "moved.pth"))(pictures(3, 60), torch.arange(3))
    assert ((scores > 0.5) == (bias > 0)).all()


class Command:
    def __reduce__(self):
        return print, ("run",)


def truncated(content, file):
    file.write_bytes(content[: len(content) // 2])


def without_registers(content, file):
    network = timm.create_model("vit_base_patch14_dinov2", num_classes=1, img_size=28, depth=2, embed_dim=48)
    torch.save({"model": network.state_dict()}, file)


def with_code(content, file):
    file.write_bytes(pickle.dumps({"model": Command()}))


def of_two_classes(content, file):
    state = random_bfree().state_dict()
    torch.save({"model": {**state, "head.weight": torch.zeros(2, 48), "head.bias": torch.zeros(2)}}, file)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (truncated, "is not a readable weights file"),
        (without_registers, r"1 missing \(such as reg_token\), 1 of another shape \(such as pos_embed\)"),
        (with_code, "code in a file is never run"),
        (of_two_classes, r"2 of another shape \(such as head\.bias\)"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_one_line(checkpoint, tmp_path, write, message):
    write(checkpoint.read_bytes(), tmp_path / "own.pth")
    with pytest.raises(WeightsError, match=message) as caught:
        create_detector("b-free", checkpoint=str(tmp_path / "own.pth"))
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@torch.inference_mode()
def test_a_full_size_pass_gives_the_mean_of_five_windows(tmp_path, monkeypatch):
    """86.5 million parameters are 346 MB; the five windows of 1,301 tokens each pass at once."""
    monkeypatch.setattr(BFree, "architecture", {"img_size": 504, "depth": 12, "embed_dim": 768, "num_heads": 12})
    torch.manual_seed(1)
    published = timm.create_model("vit_base_patch14_reg4_dinov2.lvd142m", num_classes=1, pretrained=False).eval()
    published.set_input_size(img_size=504)
    for name, parameter in published.named_parameters():
        torch.nn.init.constant_(parameter, 0.3) if name.endswith("gamma") else None
    torch.nn.init.normal_(published.head.weight, 0, 0.1)
    torch.save({"model": published.state_dict()}, tmp_path / "full.pth")
    detector = create_detector("b-free", checkpoint=str(tmp_path / "full.pth"))
    assert sum(parameter.nbytes for parameter in detector.parameters()) == 4 * 86_526_721
    image = pictures(1, 701, seed=5)[0, :, :, :585]
    squares = torch.stack(windows(NORMALISE(image), side=504))
    torch.testing.assert_close(detector.logits([image]), published(squares).mean(dim=0), rtol=1e-5, atol=1e-5)
