"""The last block computes no more than the class token needs, and the features stay as they are."""

import copy

import pytest
import timm
import torch
from timm.models.vision_transformer import Block, VisionTransformer
from torch import Tensor, nn

from detectors import Backbone, create_detector
from detectors.backbones import timm_backbone
from detectors.backbones.last_block import TOKENS, LastBlock

SIDE = 112


def transformer(**options: object) -> VisionTransformer:
    torch.manual_seed(0)
    sizes = {"img_size": SIDE, "patch_size": 14, "embed_dim": 48, "depth": 3, "num_heads": 4, "num_classes": 0}
    model = VisionTransformer(**{**sizes, "init_values": 1.0, **options}).eval()
    for parameter in model.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
    return model


def pictures(count: int) -> Tensor:
    return torch.rand(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))


def rows_of_mlp(backbone: Backbone, images: Tensor) -> list[int]:
    """Counts the tokens that each block's MLP is given, without a hook."""
    seen, forward = [], nn.GELU.forward
    for name in backbone.blocks:
        activation = backbone.model.get_submodule(name).mlp.act
        activation.forward = lambda x, own=activation: (seen.append(x.shape[1]), forward(own, x))[1]
    with torch.inference_mode():
        backbone.compute(images)
    return seen


@pytest.mark.parametrize(
    "options", [{}, {"qk_norm": True}, {"qkv_bias": False}, {"reg_tokens": 4}, {"init_values": None}], ids=str
)
@pytest.mark.parametrize("count", [1, 5])
def test_features_are_those_of_the_whole_block(options, count):
    model, images = transformer(**options), pictures(count)
    whole, backbone = copy.deepcopy(model), timm_backbone("sparing", model)
    assert isinstance(model.blocks[-1], LastBlock)
    with torch.inference_mode():
        features, expected = backbone(images), whole((images - backbone.mean) / backbone.std)
    assert features.shape == expected.shape
    assert (features - expected).norm(dim=1).max() <= 1e-6 * expected.norm(dim=1).min()


def test_only_the_first_tokens_pass_the_last_mlp():
    assert rows_of_mlp(timm_backbone("sparing", transformer()), pictures(2)) == [65, 65, TOKENS]


def test_a_copy_with_other_weights_spares_its_own_last_block():
    backbone, images = timm_backbone("sparing", transformer()), pictures(2)
    name = "blocks.2.mlp.fc2.weight"
    twin = backbone.with_parameters({name: 2 * backbone.model.get_parameter(name)})
    assert rows_of_mlp(twin, images) == [65, 65, TOKENS]
    whole = transformer()
    whole.blocks[2].mlp.fc2.weight.data *= 2
    with torch.inference_mode():
        expected = whole((images - backbone.mean) / backbone.std)
        torch.testing.assert_close(twin(images), expected, rtol=1e-5, atol=1e-6)


def test_a_tap_on_the_last_block_sees_every_token():
    backbone, whole, images = timm_backbone("sparing", transformer()), transformer(), pictures(2)
    tap = backbone.tap(2, "mean")
    kept: list[Tensor] = []
    whole.blocks[2].register_forward_hook(lambda module, inputs, output: kept.append(output[:, 1:].mean(dim=1)))
    with torch.inference_mode():
        whole((images - backbone.mean) / backbone.std)
        torch.testing.assert_close(backbone.layer(images, tap), kept[0])


def test_mc_dropout_drops_in_every_token_of_the_last_block():
    backbone, whole, images = (
        timm_backbone("sparing", transformer()),
        timm_backbone("whole", transformer()),
        pictures(2),
    )
    whole.model.blocks[-1].__class__ = Block
    scores, expected = (
        create_detector("mc-dropout", network, blocks="2")(images, torch.arange(2)) for network in (backbone, whole)
    )
    assert torch.equal(scores, expected)


def test_a_gradient_goes_through_the_whole_block():
    backbone, images = timm_backbone("sparing", transformer()), pictures(1).requires_grad_()
    backbone.compute(images).square().sum().backward()
    whole = transformer()
    again = pictures(1).requires_grad_()
    whole((again - backbone.mean) / backbone.std).square().sum().backward()
    assert torch.equal(images.grad, again.grad)


@pytest.mark.parametrize(
    "model",
    [
        lambda: transformer(global_pool="avg", fc_norm=False),
        lambda: transformer(depth=1, block_fn=timm.models.vision_transformer.ResPostBlock),
        lambda: timm.create_model("test_convnext", num_classes=0),
    ],
    ids=["mean", "other block", "convolutional"],
)
def test_what_needs_or_does_something_else_is_left_as_it_is(model):
    backbone = timm_backbone("other", model().eval())
    assert not any(isinstance(module, LastBlock) for module in backbone.modules())
