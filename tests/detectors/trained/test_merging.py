import pytest
import torch

from detectors.trained.merging import merged_lora, merged_svd


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def lora_layer(out, width, rank):
    return {
        "fc.original_layer.weight": draw(out, width),
        "fc.original_layer.bias": draw(out, seed=1),
        "fc.lora.lora_A": draw(rank, width, seed=2),
        "fc.lora.lora_B": draw(out, rank, seed=3),
    }


def svd_layer(out, width, kept):
    """Takes a weight apart as the published code does, in float32, and moves the trained part."""
    left, values, right = torch.linalg.svd(draw(out, width), full_matrices=False)
    return {
        "q_proj.weight_main": left[:, :kept] @ torch.diag(values[:kept]) @ right[:kept],
        "q_proj.bias": draw(out, seed=1),
        "q_proj.S_residual": values[kept:] * 1.5,
        "q_proj.U_residual": left[:, kept:] + 0.1,
        "q_proj.V_residual": right[kept:] - 0.1,
    }


def test_a_lora_of_whole_numbers_is_added_exactly():
    weight, bias = torch.arange(6.0).reshape(2, 3), torch.tensor([7.0, 8.0])
    down, up = torch.tensor([[1.0, 0.0, -2.0], [3.0, 1.0, 0.0]]), torch.tensor([[2.0, 0.0], [4.0, -1.0]])
    layer = {"original_layer.weight": weight, "original_layer.bias": bias, "lora.lora_A": down, "lora.lora_B": up}
    merged = merged_lora({f"mlp.fc1.{key}": value for key, value in layer.items()} | {"norm.weight": bias}, alpha=4)
    assert merged.keys() == {"mlp.fc1.weight", "mlp.fc1.bias", "norm.weight"}
    assert merged["mlp.fc1.weight"].tolist() == [[4.0, 1.0, -6.0], [5.0, 2.0, -11.0]]  # alpha / rank is 2
    assert merged["mlp.fc1.bias"] is bias


def test_a_singular_component_of_whole_numbers_is_added_exactly():
    layer = {
        "weight_main": torch.arange(6.0).reshape(2, 3),
        "U_residual": torch.tensor([[1.0], [-2.0]]),
        "S_residual": torch.tensor([0.5]),
        "V_residual": torch.tensor([[2.0, 0.0, 4.0]]),
    }
    merged = merged_svd({f"q_proj.{key}": value for key, value in layer.items()})
    assert merged.keys() == {"q_proj.weight"}
    assert merged["q_proj.weight"].tolist() == [[1.0, 1.0, 4.0], [1.0, 4.0, 1.0]]


@pytest.mark.parametrize(("out", "width", "rank"), [(48, 16, 8), (16, 64, 3), (5, 7, 1)])
def test_a_merged_lora_is_rounded_once(out, width, rank):
    layer = lora_layer(out, width, rank)
    weight, _, down, up = (value.double() for value in layer.values())
    exact = weight + up @ down / rank
    merged = merged_lora(layer, alpha=1)["fc.weight"]
    assert merged.dtype == torch.float32
    assert ((merged - exact).abs() <= exact.abs() * 2**-24).all()


@pytest.mark.parametrize(("out", "width", "kept"), [(64, 64, 63), (32, 48, 30), (6, 4, 3)])
def test_merged_singular_components_are_rounded_once_and_are_the_published_weight(out, width, kept):
    layer = svd_layer(out, width, kept)
    main, _, values, left, right = layer.values()
    exact = main.double() + left.double() @ torch.diag(values.double()) @ right.double()
    merged = merged_svd(layer)["q_proj.weight"]
    assert ((merged - exact).abs() <= exact.abs() * 2**-24).all()
    published = main + left @ torch.diag(values) @ right  # in float32
    torch.testing.assert_close(merged, published, rtol=0, atol=1e-6)


def test_what_only_the_training_looks_at_is_left_out():
    layer = svd_layer(6, 6, 5)
    frozen = {f"q_proj.{name}": draw(2) for name in ("U_r", "S_r", "V_r")}
    merged = merged_svd(layer | frozen)
    assert merged.keys() == {"q_proj.weight", "q_proj.bias"}
    assert torch.equal(merged["q_proj.weight"], merged_svd(layer)["q_proj.weight"])


@pytest.mark.parametrize("layer", [lora_layer(6, 4, 2), svd_layer(6, 6, 5)], ids=["lora", "svd"])
def test_a_layer_whose_parts_are_missing_or_misshapen_is_left_as_it_is(layer):
    def untouched(state):
        merged = merged_svd(merged_lora(state, alpha=1))
        return merged.keys() == state.keys() and all(merged[key] is state[key] for key in state)

    assert not untouched(layer)
    for name in (name for name in layer if not name.endswith("bias")):
        if not name.endswith(("weight_main", "lora_A")):  # without these it is no such layer
            assert untouched({key: value for key, value in layer.items() if key != name}), name
        assert untouched(layer | {name: draw(3, 3)}), name
        assert untouched(layer | {name: torch.zeros(())}), name


def test_the_layers_of_a_plain_network_stay():
    state = {"fc.weight": draw(2, 3), "fc.bias": draw(2)}
    assert merged_svd(merged_lora(state, alpha=1)) == state
