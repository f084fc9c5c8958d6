"""The numeric precision of the networks, by name, and what it does to the scores."""

import torch

from bench.errors import BenchError
from bench.scoring.options import EXACT

LIGHTNING = {EXACT: EXACT, "tf32": EXACT, "bf16-mixed": "bf16-mixed", "16-mixed": "16-mixed"}
"""What each precision is called by Lightning, which has no word for TF32."""
WEIGHTS = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
"""The type of the weights of linear layers and convolutions, which autocast would convert anew in each pass."""


def set_tf32(precision: str, device: torch.device) -> None:
    """Allows TF32 in products and convolutions, or forbids it: torch's default allows it in convolutions.

    Raises:
        BenchError: TF32 is asked for on a device that has none.
    """
    allowed = precision == "tf32"
    if allowed and device.type != "cuda":
        raise BenchError(f"--precision tf32 needs an NVIDIA GPU of compute capability 8.0 or newer, got {device.type}.")
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = allowed


def has_instructions(precision: str, device: torch.device) -> bool:
    """Says whether a device multiplies such numbers itself; where it does not, they are slower than float32."""
    dtype = WEIGHTS.get(precision)
    if device.type == "cpu" and dtype is not None and hasattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported"):
        known = "_is_mkldnn_bf16_supported" if dtype == torch.bfloat16 else "_is_mkldnn_fp16_supported"
        return bool(getattr(torch.ops.mkldnn, known)())
    if device.type == "cuda" and dtype == torch.bfloat16:
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return True


def slow_words(precision: str) -> str:
    """Says that a precision is not worth its loss on a device without instructions for it."""
    name = str(WEIGHTS[precision]).removeprefix("torch.")
    return (
        f"This device has no instructions for {name}, so --precision {precision} is slower here than {EXACT}, and less "
        f"exact: leave it out."
    )
