"""Names the machine that a benchmark ran on, in one line."""

import importlib.metadata
import os
import platform
from pathlib import Path


def describe_machine() -> str:
    """Returns the number of cores, the processor's model, and the versions that speed depends on.

    Nothing heavy is imported: the process that measures must stay small (see ``measure.run_command``).
    """
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("torch", "timm", "Pillow"))
    return f"Machine: {usable_cores()} cores, {processor()}, {platform.system()}; {versions}."


def usable_cores() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """Returns the processor's model, and those of its instruction sets that matrix products in bf16 use."""
    file = Path("/proc/cpuinfo")
    facts = dict(line.split(":", 1) for line in file.read_text().splitlines() if ":" in line) if file.exists() else {}
    facts = {name.strip(): value.strip() for name, value in facts.items()}
    sets = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in facts.get("flags", "").split()]
    name = facts.get("model name") or platform.processor() or platform.machine()
    return f"{name} ({', '.join(sets) or 'instruction sets not known'})"


if __name__ == "__main__":
    print(describe_machine())
