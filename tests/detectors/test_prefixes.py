"""Copies of a network that part from it late go on from its tokens, with the scores of whole passes."""

import copy
import gc

import pytest
import torch
from torch import Tensor

from detectors import Backbone, create_detector
from detectors.backbones import prefixes

LATE = {"wepe": {"blocks": "2"}, "wepe-gradient-cuff": {"blocks": "1-2", "directions": 3}}
VARIANCES = {"wepe": {"blocks": "2", "n": 3, "statistic": "variance"}, "mc-dropout": {"blocks": "2", "n": 3}}


def pictures(count: int = 2) -> Tensor:
    return torch.rand(count, 3, 56, 56, generator=torch.Generator().manual_seed(4))


def scores_and_spared(backbone: Backbone, name: str, images: Tensor, **options: object) -> tuple[Tensor, int]:
    detector, before = create_detector(name, backbone, **options), backbone.counter.spared_blocks
    with torch.inference_mode():
        scores = detector(images, torch.arange(len(images)))
    return scores, backbone.counter.spared_blocks - before


# Of wepe, one pass after two clean blocks; of wepe-gradient-cuff, three after one. Where the clean network does not
# pass, the first of three copies passes its blocks for the others.
@pytest.mark.parametrize(
    ("name", "options", "blocks"),
    [
        ("wepe", LATE["wepe"], 2),
        ("wepe-gradient-cuff", LATE["wepe-gradient-cuff"], 3),
        ("wepe", VARIANCES["wepe"], 4),
        ("mc-dropout", VARIANCES["mc-dropout"], 4),
    ],
)
@pytest.mark.parametrize("count", [1, 3])
def test_late_blocks_spare_the_blocks_before_and_give_the_same_scores(own_vit, name, options, blocks, count):
    whole = copy.deepcopy(own_vit)
    whole.tap(0, "cls")  # a tapped network passes whole
    scores, spared = scores_and_spared(own_vit, name, pictures(count), **options)
    expected, nothing = scores_and_spared(whole, name, pictures(count), **options)
    assert torch.equal(scores, expected)
    assert (spared, nothing) == (count * blocks, 0)
    assert own_vit.counter.images == whole.counter.images


def test_methods_that_part_at_different_places_share_as_much_as_they_can(own_vit):
    images = pictures()
    create_detector("wepe", own_vit, blocks="1", seed=3)  # a place that the first pass keeps, too
    _, first = scores_and_spared(own_vit, "wepe", images, blocks="2")
    _, second = scores_and_spared(own_vit, "wepe", images, blocks="1")
    assert (first, second) == (2 * 2, 2 * 1)


def test_the_clean_network_goes_on_where_a_copy_passed_first(own_vit):
    images = pictures()
    expected = own_vit.compute(images)
    scores_and_spared(own_vit, "mc-dropout", images, **VARIANCES["mc-dropout"])
    before = own_vit.counter.spared_blocks
    with torch.inference_mode():
        assert torch.equal(own_vit(images), expected)
    assert own_vit.counter.spared_blocks - before == 2 * 2


@pytest.mark.parametrize("name", ["wepe", "mc-dropout", "wepe-gradient-cuff", "rigid"])
def test_default_options_begin_at_the_first_block_and_keep_no_tokens(own_vit, name):
    images = pictures()
    assert scores_and_spared(own_vit, name, images)[1] == 0
    assert not own_vit._prefixes.places


def test_a_copy_of_a_copy_does_not_go_on_from_the_first_network(own_vit):
    name = "blocks.0.mlp.fc2.weight"
    other = own_vit.with_parameters({name: 2 * own_vit.model.get_parameter(name)})
    images = pictures()
    with torch.inference_mode():
        own_vit(images)
        scores, spared = scores_and_spared(other, "wepe", images, blocks="2")
        expected, _ = scores_and_spared(other, "wepe", images.clone(), blocks="2")
    assert spared == 0
    assert torch.equal(scores, expected)


def test_where_a_gradient_is_wanted_every_block_is_passed(own_vit):
    detector, images = create_detector("wepe", own_vit, blocks="2"), pictures(1).requires_grad_()
    detector(images, torch.arange(1)).sum().backward()
    assert images.grad.abs().sum() > 0
    assert own_vit.counter.spared_blocks == 0


def test_tokens_go_with_the_batch_and_the_oldest_go_first(own_vit, monkeypatch):
    create_detector("wepe", own_vit, blocks="2")
    first, second = pictures(), pictures()
    with torch.inference_mode():
        own_vit(first)
        each = own_vit._prefixes._bytes
        assert each == 2 * 17 * own_vit.model.embed_dim * 4
        monkeypatch.setattr(prefixes, "HOLD", each)
        own_vit(second)
    assert own_vit._prefixes.recall(first, 3) is None
    assert own_vit._prefixes.recall(second, 3)[0] == 2
    del second
    gc.collect()
    assert own_vit._prefixes._bytes == 0
