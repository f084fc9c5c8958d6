import copy

import pytest
import torch

from detectors import OptionError, Perturbation, create_detector
from detectors.backbones import timm_backbone
from detectors.backbones.base import rehearsed


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(3, 3, 56, 56, generator=torch.Generator().manual_seed(0))


def test_one_pass_gives_the_features_and_those_of_every_tapped_block(own_vit, images):
    taps = [own_vit.tap(1, "cls"), own_vit.tap(4, "mean"), own_vit.tap(1, "cls")]
    features = own_vit(images)
    given = [own_vit.layer(images, tap) for tap in taps]
    assert own_vit.counter.images == 3
    assert torch.equal(given[0], given[2])
    assert not torch.equal(given[0], given[1])
    assert len({tuple(one.shape) for one in (features, *given)}) == 1


def test_a_place_within_a_block_is_tapped_in_the_same_pass(own_vit, images):
    seen = []
    own_vit.model.blocks[2].norm2.register_forward_hook(lambda *given: seen.append(given[2]))
    place, block = own_vit.tap(2, "cls", "norm2"), own_vit.tap(2, "cls")
    given = own_vit.layer(images, place)
    assert torch.equal(given, seen[0][:, 0])
    assert not torch.allclose(given, own_vit.layer(images, block))
    assert own_vit.counter.images == 3


def test_of_a_tapped_class_token_the_other_tokens_are_not_kept(own_vit, images):
    given = own_vit.layer(images, own_vit.tap(2, "cls", "norm2"))
    assert given.untyped_storage().nbytes() == given.nbytes


def test_a_place_that_a_block_has_not_is_an_error(own_vit):
    with pytest.raises(OptionError, match=r"Block blocks\.2 has no ln_2\."):
        own_vit.tap(2, "cls", "ln_2")


@pytest.mark.heavy
def test_a_block_that_is_tapped_within_is_not_compiled(own_vit):
    own_vit.tap(2, "cls", "norm2")
    own_vit.compile_blocks(batch_size=2)
    compiled = [own_vit.model.blocks[block]._compiled_call_impl is not None for block in range(6)]
    assert compiled == [True, True, False, True, True, True]


def test_rigid_of_two_layers_shares_its_passes_with_the_clean_one(own_vit, images):
    names = {"wepe": {}, "rigid": {"layer": 2}}
    detectors = [create_detector(name, own_vit, **options) for name, options in names.items()]
    for detector in detectors:
        detector(images, torch.arange(3))
    assert own_vit.counter.images == 3 * 3


def test_single_images_and_batches_give_the_same(own_vit, images):
    tap = own_vit.tap(2, "cls")
    whole = own_vit.layer(images, tap)
    for row in range(3):
        torch.testing.assert_close(own_vit.layer(images[row : row + 1].clone(), tap)[0], whole[row])


@pytest.mark.parametrize("place", ["", "norm2"])
def test_a_perturbed_copy_has_its_own(own_vit, images, place):
    tap = own_vit.tap(2, "cls", place)
    noisy = Perturbation(blocks=2, ratio=0.5).perturb(own_vit, seed=0)
    clean, moved = own_vit.layer(images, tap), noisy.layer(images, tap)
    assert not torch.allclose(clean, moved)
    assert torch.equal(own_vit.layer(images, tap), clean)


def test_a_rehearsal_counts_one_pass(own_vit):
    tap = own_vit.tap(0, "cls")
    with rehearsed() as counted:
        images = torch.zeros(2, 3, 56, 56)
        assert own_vit.layer(images, tap).shape == (2, 1)
        own_vit(images)
    assert counted.images == 2


def test_a_convolutional_network_gives_the_mean_of_a_map(cnn):
    network = copy.deepcopy(cnn)
    tap, seen = network.tap(2, "cls"), []
    network.model.get_submodule(network.blocks[2]).register_forward_hook(lambda *given: seen.append(given[2]))
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    given = network.layer(images, tap)
    torch.testing.assert_close(given, seen[0].mean(dim=(2, 3)))
    with pytest.raises(OptionError, match="tokens=mean wants a transformer"):
        network.tap(2, "mean")


def test_registers_are_no_patches(photographs):
    import timm

    model = timm.models.vision_transformer.VisionTransformer(
        img_size=56, patch_size=14, embed_dim=48, depth=2, num_heads=4, num_classes=0, reg_tokens=4
    )
    backbone, seen = timm_backbone("registers", model.eval()), []
    tap = backbone.tap(1, "mean")
    model.blocks[1].register_forward_hook(lambda *given: seen.append(given[2]))
    given = backbone.layer(photographs, tap)
    assert seen[0].shape[1] == 1 + 4 + 16
    torch.testing.assert_close(given, seen[0][:, 5:].mean(dim=1))
