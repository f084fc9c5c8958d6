"""Adds what a fine-tuning keeps beside a network's weights to the weights themselves, so that the plain network runs.

A layer whose parts are not complete, or do not fit each other, is left as it is: the network then refuses its names.
Sums are made in float64 and rounded once, to the precision of the weights.
"""

from collections.abc import Mapping

from torch import Tensor

_UNUSED = ("S_r", "U_r", "V_r")


def merged_lora(state: Mapping[str, Tensor], alpha: float) -> dict[str, Tensor]:
    """Adds low-rank updates to linear layers: ``W + alpha / r * B A``.

    Args:
        state: Tensors by name. A layer ``fc`` with an update has ``fc.original_layer.weight`` ``(out, in)``,
            ``fc.original_layer.bias``, ``fc.lora.lora_A`` ``(r, in)`` and ``fc.lora.lora_B`` ``(out, r)``.
        alpha: Scale of the updates; a file does not hold it.

    Returns:
        The tensors, with ``fc.weight`` and ``fc.bias`` in the place of the four.

    Examples:
        >>> import torch
        >>> layer = {"original_layer.weight": torch.eye(2), "original_layer.bias": torch.zeros(2)}
        >>> update = {"lora.lora_A": torch.tensor([[1.0, 2.0]]), "lora.lora_B": torch.tensor([[3.0], [0.0]])}
        >>> merged_lora({f"fc.{key}": value for key, value in (layer | update).items()}, alpha=1)["fc.weight"]
        tensor([[4., 6.],
                [0., 1.]])
    """
    merged = dict(state)
    for layer in _layers(state, ".lora.lora_A"):
        weight, bias = f"{layer}.original_layer.weight", f"{layer}.original_layer.bias"
        down, up = state[f"{layer}.lora.lora_A"], state.get(f"{layer}.lora.lora_B")
        if up is None or not _fit(state.get(weight), up, down):
            continue
        for part in (weight, f"{layer}.lora.lora_A", f"{layer}.lora.lora_B"):
            del merged[part]
        merged[f"{layer}.weight"] = _sum(state[weight], up.double() @ down.double() * (alpha / len(down)))
        if bias in merged:
            merged[f"{layer}.bias"] = merged.pop(bias)
    return merged


def merged_svd(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Adds trained singular components to the frozen ones: ``W + U diag(S) V``.

    Args:
        state: Tensors by name. A layer ``fc`` of this kind has ``fc.weight_main`` ``(out, in)``, the sum of the frozen
            components, ``fc.U_residual`` ``(out, k)``, ``fc.S_residual`` ``(k,)`` and ``fc.V_residual`` ``(k, in)``;
            files of later code also have the frozen components one by one, ``fc.U_r``, ``fc.S_r`` and ``fc.V_r``, which
            only the training looks at.

    Returns:
        The tensors, with ``fc.weight`` in the place of these.

    Examples:
        >>> import torch
        >>> main, direction = {"weight_main": torch.eye(2)}, torch.tensor([[0.0, 1.0]])
        >>> residual = {"U_residual": direction.T, "S_residual": torch.tensor([0.5]), "V_residual": direction}
        >>> merged_svd({f"fc.{key}": value for key, value in (main | residual).items()})["fc.weight"]
        tensor([[1.0000, 0.0000],
                [0.0000, 1.5000]])
    """
    merged = dict(state)
    for layer in _layers(state, ".weight_main"):
        main, values = state[f"{layer}.weight_main"], state.get(f"{layer}.S_residual")
        left, right = state.get(f"{layer}.U_residual"), state.get(f"{layer}.V_residual")
        if left is None or right is None or values is None or values.ndim != 1 or not _fit(main, left, right):
            continue
        for part in ("weight_main", "U_residual", "S_residual", "V_residual", *_UNUSED):
            merged.pop(f"{layer}.{part}", None)
        merged[f"{layer}.weight"] = _sum(main, left.double() * values.double() @ right.double())
    return merged


def _layers(state: Mapping[str, Tensor], ending: str) -> list[str]:
    return [key.removesuffix(ending) for key in state if key.endswith(ending)]


def _fit(weight: Tensor | None, left: Tensor, right: Tensor) -> bool:
    """Says whether the product of two matrices can be added to a third."""
    if weight is None or not weight.ndim == left.ndim == right.ndim == 2:
        return False
    return left.shape[1] == len(right) and weight.shape == (len(left), right.shape[1])


def _sum(weight: Tensor, update: Tensor) -> Tensor:
    return (weight.double() + update).to(weight.dtype)
