from dataclasses import replace
from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from detectors import Backbone, OptionError, Perturbation, UnknownNameError
from detectors.perturbation import Family, Rule

MATRIX, BIAS = [[0.1, -0.3], [0.5, 0.1]], [-0.2, 0.0]

# Written out for the block above at a ratio of 0.1. The matrix has mean absolute value 0.25, mean 0.1 and variance
# (0 + 0.16 + 0.16 + 0) / 4 = 0.08; the bias 0.1, -0.1 and 0.01; the block's six values 1.2 / 6 = 0.2 and 0.2 / 6.
SIGMAS = {
    "tensor_absmean": (0.025, 0.01),
    "block_absmean": (0.02, 0.02),
    "block_absmean_var": (0.02**0.5, 0.02**0.5),
    "tensor_mean_var": (0.01**0.5, 0.01**0.5),
    "block_mean_var": ((0.1 / 30) ** 0.5, (0.1 / 30) ** 0.5),
    "tensor_mean": (0.01, 0.01),
    "tensor_std": (0.1 * 0.08**0.5, 0.01),
}


def linear(width: int = 2) -> nn.Linear:
    layer = nn.Linear(width, width)
    if width == 2:
        layer.weight, layer.bias = nn.Parameter(torch.tensor(MATRIX)), nn.Parameter(torch.tensor(BIAS))
    return layer


def chain(depth: int = 1, width: int = 2) -> Backbone:
    torch.manual_seed(0)
    model = nn.Sequential(*(linear(width) for _ in range(depth)))
    return Backbone("chain", model, [str(i) for i in range(depth)])


def noise(perturbation: Perturbation, backbone: Backbone, seed: int = 0, draw: int = 0) -> dict[str, Tensor]:
    perturbed = dict(perturbation.perturb(backbone, seed, draw).model.named_parameters())
    return {name: perturbed[name] - clean for name, clean in backbone.model.named_parameters()}


def test_every_rule_has_a_value_by_hand():
    assert set(SIGMAS) == set(get_args(Rule))


@pytest.mark.parametrize("rule", SIGMAS)
def test_scale_of_the_noise_by_hand(rule):
    """With sigma known to be 1 on a twin of the same names and shapes, the noise of both is in the ratio of sigma."""
    backbone, unit = chain(), chain()
    for parameter in unit.parameters():
        parameter.fill_(10)  # its mean absolute value: 0.1 of it is 1
    drawn, standard = noise(Perturbation(rule=rule), backbone), noise(Perturbation(), unit)
    for name, sigma in zip(("0.weight", "0.bias"), SIGMAS[rule], strict=True):
        torch.testing.assert_close(drawn[name], sigma * standard[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("family", get_args(Family))
@pytest.mark.parametrize("match", ["std", "scale"])
def test_families_have_the_deviation_they_say_and_no_mean(family, match):
    backbone = chain(width=700)
    backbone.model[0].weight.fill_(1.0)
    drawn = noise(Perturbation(family=family, match=match), backbone)["0.weight"].double()
    deviation = {"gaussian": 1.0, "uniform": 3**-0.5, "laplace": 2**0.5}[family] if match == "scale" else 1.0
    assert drawn.std().item() == pytest.approx(0.1 * deviation, rel=0.01)
    assert abs(drawn.mean().item()) < 5 * 0.1 * deviation / 700  # five standard errors


@pytest.mark.parametrize(("family", "kurtosis"), [("gaussian", 3.0), ("uniform", 1.8), ("laplace", 6.0)])
def test_families_have_their_own_shape(family, kurtosis):
    backbone = chain(width=700)
    backbone.model[0].weight.fill_(1.0)
    drawn = noise(Perturbation(family=family), backbone)["0.weight"].double()
    assert (drawn.pow(4).mean() / drawn.square().mean() ** 2).item() == pytest.approx(kurtosis, rel=0.03)


def test_exactly_the_chosen_blocks_differ_and_the_original_is_untouched(vit):
    before = vit.fingerprint
    clean = {name: value.clone() for name, value in vit.model.state_dict().items()}
    perturbed = Perturbation(blocks="0,2-3").perturb(vit, seed=0).model.state_dict()
    differing = {name for name, value in clean.items() if not torch.equal(value, perturbed[name])}
    chosen = {name for name in clean if name.startswith(("blocks.0.", "blocks.2.", "blocks.3."))}
    assert differing == {name for name in chosen if clean[name].any()}  # noise on zeros has a scale of zero
    del vit.fingerprint  # or it would be recalled
    assert vit.fingerprint == before


def test_only_weights_leaves_biases_and_norms(vit):
    drawn = noise(Perturbation(tensors="weights"), vit)
    changed = {name for name, value in drawn.items() if value.any()}
    assert changed == {
        name for name, value in drawn.items() if name < "blocks.4" and "blocks" in name and value.ndim > 1
    }


def test_unperturbed_tensors_are_shared(vit):
    """The perturbed network costs the bytes of its perturbed blocks and not one more."""
    perturbed = Perturbation(blocks="1,4").perturb(vit, seed=0)
    clean = {name: value.data_ptr() for name, value in vit.named_parameters()}
    own = {name: value for name, value in perturbed.named_parameters() if value.data_ptr() != clean[name]}
    assert {name.split(".")[2] for name in own} == {"1", "4"}
    blocks = [value for block in (1, 4) for value in vit.block_parameters(block).values()]
    assert sum(value.nbytes for value in own.values()) == sum(value.nbytes for value in blocks) == 226_944
    assert sum(value.nbytes for value in vit.parameters()) == 797_760
    buffers = dict(vit.named_buffers())
    assert all(value.data_ptr() == buffers[name].data_ptr() for name, value in perturbed.named_buffers())


def test_draw_of_a_block_does_not_depend_on_which_others_are_chosen(vit):
    one = noise(Perturbation(blocks=[3]), vit)
    several = noise(Perturbation(blocks="0-4"), vit)
    assert all(torch.equal(one[name], several[name]) for name in vit.block_parameters(3))


def test_a_draw_is_a_function_of_seed_and_number(vit):
    perturbation = Perturbation()
    first = perturbation.perturb(vit, seed=0).fingerprint
    torch.rand(7)  # whatever the global generator did in between
    assert perturbation.perturb(vit, seed=0, draw=0).fingerprint == first
    others = {perturbation.perturb(vit, *which).fingerprint for which in ((1, 0), (0, 1), (1, 1))}
    assert len(others | {first}) == 4


def test_no_two_tensors_get_the_same_noise():
    drawn = [value.flatten()[:2] / value.flatten()[0] for value in noise(Perturbation(), chain(2, width=3)).values()]
    assert len({tuple(value.tolist()) for value in drawn}) == 4


def test_a_ratio_of_zero_changes_nothing(vit):
    assert Perturbation(ratio=0.0).perturb(vit, seed=0).fingerprint == vit.fingerprint


@pytest.mark.parametrize(
    ("blocks", "depth", "chosen"),
    [
        (None, 24, tuple(range(19))),
        (None, 12, tuple(range(9))),
        (None, 1, (0,)),
        (3, 12, (0, 1, 2)),
        (12, 12, tuple(range(12))),
        ("5", 12, (5,)),
        ("7, 0-2,1", 12, (0, 1, 2, 7)),
        ("11-11", 12, (11,)),
        ([4, 1, 4], 12, (1, 4)),
    ],
)
def test_blocks_are_read(blocks, depth, chosen):
    assert Perturbation(blocks=blocks).chosen_blocks(depth) == chosen


@pytest.mark.parametrize("blocks", [0, 13, -1, "12", "3-1", [], [-1], [12]])
def test_blocks_that_do_not_exist_are_refused(blocks):
    with pytest.raises(OptionError, match=r"blocks must lie within 0-11 \(first k: 1 to 12\), got"):
        Perturbation(blocks=blocks).chosen_blocks(12)


@pytest.mark.parametrize("blocks", ["", "a", "1-", "-1", "1,,2", "1;2", "0-4-7", "1.5", "²"])
def test_blocks_that_cannot_be_read_are_refused(blocks):
    with pytest.raises(OptionError, match="blocks takes a number"):
        Perturbation(blocks=blocks).chosen_blocks(12)


def test_probed_blocks_need_a_probe():
    with pytest.raises(OptionError, match="blocks=probe:5 needs a probe"):
        Perturbation(blocks="probe:5").chosen_blocks(12)


@pytest.mark.parametrize(
    ("option", "hint"), [({"rule": "tensor_mena"}, "tensor_mean"), ({"family": "normal"}, "gaussian, laplace, uniform")]
)
def test_unknown_choice_is_an_error(option, hint):
    with pytest.raises(UnknownNameError, match=hint):
        Perturbation(**option)


def test_several_networks_are_the_single_ones(vit):
    perturbation = Perturbation()
    models = perturbation.models(vit, seed=2, n=3)
    assert len(models) == 3
    expected = [perturbation.perturb(vit, 2, draw).fingerprint for draw in range(3)]
    assert [model.fingerprint for model in models] == expected
    assert models[1] is models[1]
    with pytest.raises(IndexError, match="There are 3 perturbed networks"):
        models[3]
    with pytest.raises(OptionError, match="n must be at least 1, got 0"):
        perturbation.models(vit, seed=2, n=0)


@pytest.mark.parametrize(("room", "kept"), [(0, 0), (2, 0), (3, 1), (4, 2), (5, 5)])
def test_networks_that_do_not_fit_are_drawn_anew_with_the_same_values(vit, room, kept):
    perturbation = Perturbation(blocks=2)
    images = torch.rand(2, 3, 56, 56)
    all_kept = perturbation.models(vit, seed=0, n=5)
    bounded = perturbation.models(vit, seed=0, n=5, hold=room * all_kept.bytes_each)
    assert (len(all_kept.kept), len(bounded.kept)) == (5, kept)
    for expected, model, again in zip(all_kept, bounded, bounded, strict=True):
        assert torch.equal(model(images), expected(images))
        assert torch.equal(again(images), expected(images))
    assert sum(value.nbytes for value in distinct(bounded)) == sum(value.nbytes for value in distinct(vit)) + (
        kept * all_kept.bytes_each
    )


def distinct(module: nn.Module) -> list[Tensor]:
    return list({value.data_ptr(): value for value in module.parameters()}.values())


def test_a_later_draw_does_not_see_the_rounding_of_another_type(vit):
    """Networks that move to bfloat16 after the draw, kept or not, hold the same values."""
    kept, anew = (Perturbation().models(chain(3), seed=0, n=3, hold=hold).bfloat16() for hold in (2**30, 0))
    for expected, model in zip(kept, anew, strict=True):
        assert model.fingerprint == expected.fingerprint
        assert next(model.parameters()).dtype == torch.bfloat16


def test_a_perturbed_network_does_not_recall_the_clean_features(vit):
    images = torch.rand(2, 3, 56, 56)
    clean = vit(images)
    assert not torch.equal(replace(Perturbation(), ratio=0.5).perturb(vit, 0)(images), clean)
    assert vit(images) is clean
