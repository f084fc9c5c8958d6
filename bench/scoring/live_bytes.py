"""How many bytes of tensors a computation holds at its peak."""

import weakref
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of the tensors that operations make while it is active.

    Attributes:
        live: Bytes that are alive now.
        peak: The most that were alive at once.

    Examples:
        >>> with LiveBytes() as counted:
        ...     _ = (torch.zeros(256) + 1).sum()
        >>> counted.peak
        2048
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = self.peak = 0
        self._holders: Counter[int] = Counter()

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - torch's own
        """Runs an operation and counts what it makes."""
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self._hold(tensor)
        return made

    def _hold(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        place, size = storage.data_ptr(), storage.nbytes()
        if not size:
            return
        if not self._holders[place]:
            self.live += size
            self.peak = max(self.peak, self.live)
        self._holders[place] += 1
        weakref.finalize(tensor, self._release, place, size)

    def _release(self, place: int, size: int) -> None:
        self._holders[place] -= 1
        if not self._holders[place]:
            self.live -= size


@torch.inference_mode()
def activation_bytes(network: nn.Module, images: Tensor) -> int:
    """Measures what a forward pass holds beside the weights.

    Args:
        network: Maps images ``(B, 3, H, W)`` to features.
        images: A few of them.

    Returns:
        Bytes for each image at the peak.
    """
    images = images.clone()  # a backbone recalls the features of a tensor that it has seen
    with LiveBytes() as counted:
        network(images)
    peak: int = counted.peak
    return peak // len(images)


def tensor_bytes(networks: nn.Module) -> int:
    """Sums the bytes of parameters and buffers, each once however many networks share it."""
    tensors = [*networks.parameters(), *networks.buffers()]
    return sum({tensor.data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}.values())
