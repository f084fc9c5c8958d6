import pytest
import timm
import torch
from timm.layers import GluMlp
from torch import Tensor, nn
from torch.nn import functional as F

from detectors import Backbone, McDropout, OptionError, UnknownNameError
from detectors.mc_dropout import DropoutMask, dropout_sites
from detectors.randomness import seeded_generator


class Mlp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.drop1 = nn.Dropout(0.0)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mlp = Mlp()

    def forward(self, tokens: Tensor) -> Tensor:
        return self.mlp.drop1(tokens)


class Flat(nn.Module):
    """Features are the mean colours, with one site for dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(Block())

    def forward(self, images: Tensor) -> Tensor:
        return self.blocks(images.mean(dim=(2, 3)))


@pytest.fixture
def flat() -> Backbone:
    return Backbone("flat", Flat(), ["blocks.0"], mean=(0, 0, 0), std=(1, 1, 1))


@pytest.fixture
def images() -> Tensor:
    return torch.rand(3, 3, 56, 56, generator=torch.Generator().manual_seed(0))


def masks_of(detector: McDropout, *masks: list[float]) -> None:
    """Replaces the masks that were drawn by known ones."""
    for network, values in zip(detector.sampled, masks, strict=True):
        (hook,) = network.model.blocks[0].mlp.drop1._forward_hooks.values()
        hook.kept[torch.Size([3]), torch.device("cpu")] = torch.tensor(values)


def test_scores_by_hand(flat):
    grey = torch.ones(1, 3, 4, 4)
    for score, expected in (("eq1", 1 - 2 / 4), ("eq3", 1 - 1 / 3**0.5)):
        detector = McDropout(flat, rate=0.0, n=2, score=score)
        masks_of(detector, [2.0, 0.0, 0.0], [0.0, 5.0, 0.0])  # unit features (1, 0, 0) and (0, 1, 0)
        torch.testing.assert_close(detector(grey, torch.arange(1)), torch.tensor([expected]).double())


def test_a_mask_of_units_drops_whole_ones_by_seed_pass_and_site():
    mask = DropoutMask(0.25, ("mc-dropout", 0, 3, "blocks.0.mlp.drop1"), "unit")
    tokens = mask(nn.Identity(), (), torch.ones(2, 5, 1000))
    kept = torch.rand(1000, generator=seeded_generator("mc-dropout", 0, 3, "blocks.0.mlp.drop1")) >= 0.25
    assert torch.equal(tokens, (kept / 0.75).expand(2, 5, 1000))
    assert abs(kept.float().mean() - 0.75) < 0.05
    maps = mask(nn.Identity(), (), torch.ones(2, 1000, 3, 4))
    assert torch.equal(maps, tokens[:, :1, :, None].permute(0, 2, 1, 3).expand(2, 1000, 3, 4))


@pytest.mark.parametrize("shape", [(5, 1000), (1000, 3, 4), (1000,)])
def test_a_mask_of_elements_drops_each_by_itself_in_all_images_alike(shape):
    mask = DropoutMask(0.25, ("mc-dropout", 0, 3, "blocks.0.mlp.drop1"), "element")
    values = mask(nn.Identity(), (), torch.ones(2, *shape))
    kept = torch.rand(shape, generator=seeded_generator("mc-dropout", 0, 3, "blocks.0.mlp.drop1")) >= 0.25
    assert torch.equal(values, (kept / 0.75).expand(2, *shape))
    assert torch.equal(mask(nn.Identity(), (), torch.ones(1, *shape))[0], values[0])
    assert abs(kept.float().mean() - 0.75) < 0.05
    assert abs(values.mean() - 1) < 0.05


@pytest.mark.parametrize("shape", [(5, 100), (20, 6, 4)])
def test_a_mask_of_elements_computes_what_torchs_dropout_does_with_it(shape):
    values, dropout = torch.randn(1, *shape, generator=torch.Generator().manual_seed(1)), nn.Dropout(0.3).train()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawn = dropout(torch.ones(1, *shape))[0] != 0
        torch.manual_seed(0)
        expected = dropout(values)
    mask = DropoutMask(0.3, ("mc-dropout", 0), "element")
    mask.kept[values.shape[1:], values.device] = drawn
    assert torch.equal(mask(dropout, (), values), expected)


def test_the_expected_sum_over_a_line_of_elements_is_that_of_independent_draws():
    """A unit's tokens fall together by ``unit`` (variance N^2 p/(1-p)), by themselves by ``element`` (N p/(1-p))."""
    sums = {
        mask: torch.stack(
            [
                DropoutMask(0.25, ("mc-dropout", draw), mask)(nn.Identity(), (), torch.ones(1, 16, 400))[0].sum(dim=0)
                for draw in range(10)
            ]
        )
        for mask in ("element", "unit")
    }
    for mask, variance in (("element", 16 / 3), ("unit", 16**2 / 3)):
        torch.testing.assert_close(sums[mask].mean().item(), 16.0, rtol=0.05, atol=0)
        torch.testing.assert_close(sums[mask].var().item(), variance, rtol=0.15, atol=0)


def test_scores_by_elements_depend_on_neither_batch_nor_order(vit, images):
    detector, keys = McDropout(vit, n=2), torch.arange(3)
    scores = detector(images, keys)
    torch.testing.assert_close(detector(images.flip(0), keys).flip(0), scores)
    torch.testing.assert_close(McDropout(vit, n=2)(images[1:2], keys[:1]), scores[1:2])
    assert not torch.allclose(McDropout(vit, n=2, mask="unit")(images, keys), scores)


def test_eq1_is_one_minus_the_squared_length_of_the_mean(vit, images):
    detector = McDropout(vit, n=3)
    features = torch.stack([F.normalize(network(images).double(), dim=-1) for network in detector.sampled])
    expected = 1 - features.mean(dim=0).square().sum(dim=-1)
    torch.testing.assert_close(detector(images, torch.arange(3)), expected)


@pytest.mark.parametrize("mask", ["element", "unit"])
def test_a_pass_is_the_model_with_its_own_dropout_modules_masked(vit, images, mask):
    """The hooks act where timm's dropout would: an independent twin replaces the modules themselves."""
    detector = McDropout(vit, n=2, rate=0.3, blocks="1", mask=mask)
    twin = vit.with_parameters({})
    block = twin.model.blocks[1]
    for owner, leaf, units in ((block.attn, "proj_drop", 48), (block.mlp, "drop1", 192), (block.mlp, "drop2", 48)):
        site = f"blocks.1.{'attn' if owner is block.attn else 'mlp'}.{leaf}"
        shape = (17, units) if mask == "element" else (units,)  # a class token and 4 x 4 patches
        kept = torch.rand(shape, generator=seeded_generator("mc-dropout", 0, 1, site)) >= 0.3
        setattr(owner, leaf, Scale(kept / 0.7))
    assert torch.equal(detector.sampled[1](images), twin(images))
    assert not torch.equal(detector.sampled[1](images), detector.sampled[0](images))


class Scale(nn.Module):
    def __init__(self, factors: Tensor) -> None:
        super().__init__()
        self.factors = factors

    def forward(self, values: Tensor) -> Tensor:
        return values * self.factors


def test_no_dropout_gives_zero_and_the_clean_network_is_untouched(vit, images):
    before = vit(images)
    assert McDropout(vit, rate=0.0, n=2)(images, torch.arange(3)).max() < 1e-12
    assert torch.equal(vit(images.clone()), before)
    assert not any(module._forward_hooks for module in vit.modules())


def test_sampled_networks_share_every_tensor(vit):
    own = {id(parameter) for parameter in vit.parameters()}
    assert all(id(parameter) in own for parameter in McDropout(vit, n=3).parameters())


def test_passes_are_counted(vit, images):
    before = vit.counter.images
    detector = McDropout(vit, n=4)
    detector(images, torch.arange(3))
    assert vit.counter.images - before == 3 * detector.passes == 12


def test_all_blocks_are_the_default(vit):
    assert McDropout(vit).settled["blocks"] == "0-5 of 6"
    assert McDropout(vit, blocks=4).settled["blocks"] == "0-3 of 6"


def test_sites_of_other_transformers():
    from open_clip.transformer import ResidualAttentionBlock

    assert dropout_sites(ResidualAttentionBlock(16, 2)) == ("ls_1", "mlp.gelu", "mlp.c_proj")
    bare = nn.ModuleDict({"attn": nn.ModuleDict({"proj_drop": nn.Dropout()}), "mlp": nn.Linear(2, 2)})
    assert dropout_sites(bare) == ("attn.proj_drop",)


def test_sites_of_vit_g_are_those_of_timms_gated_mlp():
    giant = timm.create_model("vit_giant_patch14_dinov2", depth=1, embed_dim=32, num_heads=2, num_classes=0)
    assert isinstance(giant.blocks[0].mlp, GluMlp)
    assert dropout_sites(giant.blocks[0]) == ("attn.proj_drop", "mlp.drop1", "mlp.drop2")


def test_sites_of_blip():
    from transformers import BlipVisionConfig
    from transformers.models.blip.modeling_blip import BlipEncoderLayer

    block = BlipEncoderLayer(BlipVisionConfig(hidden_size=16, num_attention_heads=2, intermediate_size=32))
    assert dropout_sites(block) == ("self_attn.projection", "mlp.activation_fn", "mlp.fc2")


def test_a_convolutional_network_drops_channels_after_each_chosen_block(cnn):
    images = torch.rand(2, 3, 64, 64)
    detector = McDropout(cnn, n=2, rate=0.3, blocks="2", mask="unit")
    seen = []
    handle = detector.sampled[0].model.blocks[2].register_forward_hook(lambda *call: seen.append(call[-1]))
    detector(images, torch.arange(2))
    handle.remove()
    dropped = (seen[0] == 0).all(dim=(0, 2, 3))
    assert 0 < dropped.sum() < len(dropped)


def test_a_block_without_a_site_is_refused():
    backbone = Backbone("linear", nn.Sequential(nn.Flatten(), nn.Linear(12, 2)), ["1"])
    with pytest.raises(OptionError, match=r"finds no place for dropout in 1 \(Linear\): it knows the blocks of DINOv2"):
        McDropout(backbone)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 1.0}, "rate must be at least 0 and less than 1, got 1.0"),
        ({"rate": float("nan")}, "rate must be at least 0 and less than 1, got nan"),
        ({"n": 1}, "n must be at least 1, and 2 for score=eq1"),
        ({"n": 0, "score": "eq3"}, "n must be at least 1"),
        ({"blocks": 7}, "blocks must lie within 0-5"),
    ],
)
def test_impossible_option_says_what_is_wrong(vit, options, message):
    with pytest.raises(OptionError, match=message):
        McDropout(vit, **options)


def test_unknown_mask_is_an_error(vit):
    with pytest.raises(UnknownNameError, match=r"Unknown mask 'units'\. Did you mean 'unit'"):
        McDropout(vit, mask="units")


def test_unknown_score_is_an_error(vit):
    with pytest.raises(UnknownNameError, match="Unknown score 'eq2'"):
        McDropout(vit, score="eq2")
