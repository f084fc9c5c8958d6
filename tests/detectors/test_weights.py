import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from detectors.errors import WeightsError, WeightsNotFoundError
from detectors.hub import hub_file, is_cached
from detectors.weights import built_unfilled, check_sha256, load_strictly, read_weights


def put_into_cache(cache: Path, repository: str, name: str) -> Path:
    folder = cache / f"models--{repository.replace('/', '--')}"
    file = folder / "snapshots" / "abc" / name
    file.parent.mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc")
    save_file({"a": torch.ones(2)}, file)
    return file


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pth", "weights.bin", "weights.v1.2.pt"])
def test_weights_are_read_and_loaded(tmp_path, name):
    model, other = small(), nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    file = tmp_path / name
    (save_file if file.suffix == ".safetensors" else torch.save)(model.state_dict(), file)
    load_strictly(other, read_weights(file), file)
    assert all(torch.equal(value, other.state_dict()[key]) for key, value in model.state_dict().items())


def test_half_precision_weights_are_widened(tmp_path):
    model = small()
    load_strictly(model, {key: value.half() for key, value in small().state_dict().items()}, "file")
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_misfits_are_counted_and_named():
    state = dict(small().state_dict())
    state["0.bias"] = torch.zeros(4)
    state["extra"] = state.pop("1.bias")
    with pytest.raises(WeightsError) as error:
        load_strictly(small(), state, "some.pth")
    assert str(error.value) == (
        "some.pth does not fit Sequential: 1 missing (such as 1.bias), 1 unexpected (such as extra), "
        "1 of another shape (such as 0.bias)."
    )


def test_a_misfit_leaves_the_model_as_it_was():
    model, state = small(), small().state_dict()
    before = {key: value.clone() for key, value in state.items()}
    with pytest.raises(WeightsError):
        load_strictly(model, {key: value + 1 for key, value in state.items() if key != "1.bias"}, "file")
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in before.items())


def test_a_missing_file_and_a_folder_are_not_found(tmp_path):
    for file in (tmp_path / "none.pth", tmp_path):
        with pytest.raises(WeightsNotFoundError, match="There is no weights file"):
            read_weights(file)


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pth"])
@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.95])
def test_a_truncated_file_is_refused_in_one_line(tmp_path, name, share):
    file = tmp_path / name
    (save_file if file.suffix == ".safetensors" else torch.save)({"a": torch.rand(100, 100)}, file)
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(WeightsError, match="is not a readable weights file") as error:
        read_weights(file)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pth"])
@pytest.mark.parametrize("content", [b"<html>404 Not Found</html>\n" * 20, b"version https://git-lfs\n", b"\x80\x02N."])
def test_a_file_of_another_kind_is_refused_in_one_line(tmp_path, name, content):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(WeightsError) as error:
        read_weights(file)
    assert "\n" not in str(error.value)


def test_the_first_line_of_the_readers_reason_is_told(tmp_path):
    file = tmp_path / "weights.safetensors"
    file.write_bytes(b"no header")
    with pytest.raises(SafetensorError) as reason:
        load_file(file)
    with pytest.raises(WeightsError) as error:
        read_weights(file)
    assert str(error.value) == f"{file} is not a readable weights file: {str(reason.value).splitlines()[0]}"


class Trap:
    def __init__(self, touched: Path) -> None:
        self.touched = touched

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.touched),)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_file_is_refused_and_never_runs(tmp_path, zipped):
    file, touched = tmp_path / "weights.pth", tmp_path / "touched"
    if zipped:
        torch.save({"a": torch.ones(1), "b": Trap(touched)}, file)
    else:
        file.write_bytes(pickle.dumps(Trap(touched), protocol=2))
    with pytest.raises(WeightsError, match="code in a file is never run"):
        read_weights(file)
    assert not touched.exists()


@pytest.mark.parametrize("content", [[torch.ones(1)], {"a": 1}, {1: torch.ones(1)}, {"tensors": {"a": torch.ones(1)}}])
def test_something_else_than_tensors_by_name_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(WeightsError, match="holds no tensors by name"):
        read_weights(tmp_path / "weights.pth")


def test_checksum_is_compared(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    check_sha256(file, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    with pytest.raises(WeightsError, match=r"has sha256 ba7816bf.* expected 0000: reinstall"):
        check_sha256(file, "0000")
    with pytest.raises(WeightsNotFoundError):
        check_sha256(tmp_path / "none", "0000")


def test_a_cached_hub_file_is_found_without_network(hub_cache):
    assert not is_cached("some/model")
    file = put_into_cache(hub_cache, "some/model", "model.safetensors")
    assert is_cached("some/model")
    assert hub_file("some/model", "name") == file


def test_another_name_of_the_hub_file_is_found(hub_cache):
    file = put_into_cache(hub_cache, "some/model", "pytorch_model.bin")
    assert not is_cached("some/model")
    assert hub_file("some/model", "name", ("model.safetensors", "pytorch_model.bin")) == file


def test_weights_that_cannot_be_had_are_named_with_the_ways_out(hub_cache):
    with pytest.raises(WeightsNotFoundError) as error:
        hub_file("some/model", "some-backbone")
    assert str(error.value) == (
        "The weights of some-backbone (some/model/model.safetensors) are not cached, and the Hugging Face hub cannot "
        "be reached. Go online once, or give the file with --weights FILE, or take the installed --backbone "
        "efficientnet-lite0."
    )


def test_a_network_that_a_file_fills_draws_no_initial_values():
    def build() -> nn.Module:
        return VisionTransformer(img_size=56, patch_size=14, embed_dim=48, depth=2, num_heads=4, num_classes=0)

    expected, drawn = build().eval(), torch.get_rng_state()
    built = built_unfilled(build).eval()
    assert torch.equal(torch.get_rng_state(), drawn)
    load_strictly(built, expected.state_dict(), "file")
    images = torch.rand(2, 3, 56, 56)
    with torch.inference_mode():
        assert torch.equal(built(images), expected(images))


def test_a_network_with_a_buffer_of_its_own_is_built_as_ever():
    class Shifted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 2)
            self.register_buffer("shift", torch.arange(3.0), persistent=False)

    assert torch.equal(built_unfilled(Shifted).shift, torch.arange(3.0))
