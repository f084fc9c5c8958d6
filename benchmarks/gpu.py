"""Measures the suite on one GPU, in each precision, against a bare loop and plain scripts.

WePe and RIGID, three passes an image: clean, perturbed, noisy. For each precision, and with ``--compile``, there are
the passes alone on tensors that lie on the GPU (``forwards.py``), and the suite's test loop, which reads and decodes
the files. Where the passes alone are faster than decoding is, the loop can only be as fast as decoding::

    python benchmarks/gpu.py --count 2000

``gpu.sh`` runs it after the tests that need a GPU. What has not begun after ``--seconds`` is left out, and said so.
"""

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bare_loop import run_bare
from machine import describe_machine, usable_cores
from measure import MIB, find_run, markdown_table, run_command, run_suite
from score_files import difference, script_scores, suite_scores
from scripts import PAIR, Cell
from setting import Setting, add_setting_options, make_setting

HERE = Path(__file__).resolve().parent
CELLS = [Cell(name) for name in PAIR]
NAME_OF_GPU = "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else '')"


@dataclass(frozen=True)
class Way:
    """A way to compute.

    Args:
        name: What the table calls it.
        precision: Of ``--precision``.
        compiled: Whether with ``--compile``.
    """

    name: str
    precision: str
    compiled: bool = False

    @property
    def words(self) -> list[str]:
        """Its options."""
        return ["--precision", self.precision, *(["--compile"] if self.compiled else [])]


WAYS = (
    Way("float32", "32-true"),
    Way("TF32", "tf32"),
    Way("TF32, compiled", "tf32", compiled=True),
    Way("bfloat16", "bf16-mixed"),
    Way("bfloat16, compiled", "bf16-mixed", compiled=True),
)


def measure(way: Way, setting: Setting, options: argparse.Namespace, output: Path) -> dict[str, Any]:
    """Runs the passes alone and the suite, in one way of computing."""
    network = ["--backbone", setting.backbone, "--weights", str(setting.weights)]
    batch = ["--batch-size", str(options.batch_size), "--num-workers", str(options.workers)]
    bare = run_bare(["--images", str(setting.images), "--device", options.device, *network, *batch, *way.words])
    data = ["--dataset", "folder", "--data-root", str(setting.images), "--view", "common", *network, *batch]
    accelerator = ["--accelerator", "gpu" if options.device == "cuda" else "cpu", "--devices", "1"]
    arguments = ["compare", "--detectors", *PAIR, *data, *accelerator, *way.words]
    suite = run_suite(arguments, output)  # where code is compiled, it takes from the disk what the bare loop compiled
    costs = {"bare": bare.cost, "bare command": bare.seconds, "suite": suite.cost, "suite command": suite.seconds}
    print(f"  {way.name}: {json.dumps(costs)}", file=sys.stderr, flush=True)
    return {"bare": bare.cost, "suite": suite.cost, "whole": suite.seconds, "run": find_run(output, arguments)}


def run_scripts(setting: Setting, device: str, output: Path) -> tuple[float, float]:
    """Runs the scripts of WePe and RIGID; returns the seconds of their loops, and of the commands."""
    loops, wholes = 0.0, 0.0
    for cell in CELLS:
        script, file = HERE / "plain" / f"{cell.detector}.py", output / cell.file_name
        words = ["--images", str(setting.images), "--weights", str(setting.weights), "--model", setting.model]
        command = [sys.executable, str(script), *words, "--device", device, "--output", str(file)]
        timed = run_command(command)
        cost = json.loads(file.read_text())
        loops, wholes = loops + cost["seconds"], wholes + timed.seconds - cost["borrowed"]
    return loops, wholes


def _is_measured(way: Way, options: argparse.Namespace) -> bool:
    has_it = options.device == "cuda" or way.precision != "tf32"
    return has_it and (options.ways is None or way.name in options.ways)


def report(found: Mapping[str, Mapping[str, Any]], scripts: tuple[float, float] | None) -> str:
    """Writes the table."""
    rows = []
    for name, one in found.items():
        bare, suite = one["bare"], one["suite"]
        images, decoded = suite["images"], bare["decoded_a_second"]
        alone, loop = bare["images"] / bare["seconds"], images / suite["seconds"]
        first = next(iter(found.values()))["bare"]
        rows.append(
            [
                name,
                f"{alone:,.0f}",
                f"{first['seconds'] / bare['seconds']:.2f}",
                f"{decoded:,.0f}",
                "decoding" if decoded < alone else "the passes",
                f"{loop:,.0f}",
                f"{loop / min(alone, decoded):.2f}",
                f"{one['whole']:.1f} s",
                *(f"{(cost['peak_device_bytes'] or 0) / MIB:,.0f} MiB" for cost in (bare, suite)),
                *([f"{scripts[0] / suite['seconds']:.1f}", f"{scripts[1] / one['whole']:.1f}"] if scripts else []),
            ]
        )
    head = [
        "",
        "passes alone: images a second",
        "times float32",
        "decoding alone: images a second",
        "bound by",
        "suite's loop: images a second",
        "of the bound",
        "whole command",
        "GPU memory, passes alone",
        "GPU memory, suite",
        *(["loop: times faster than scripts", "whole commands"] if scripts else []),
    ]
    return markdown_table(head, rows)


def differences(found: Mapping[str, Mapping[str, Any]], scripts: Path | None) -> str:
    """Writes how far the scores of each way, and those of the scripts, are from float32's."""
    reference = suite_scores(next(iter(found.values()))["run"], CELLS)
    others = {name: suite_scores(one["run"], CELLS) for name, one in list(found.items())[1:]}
    if scripts:
        others["scripts"] = script_scores(scripts, CELLS)
    rows = []
    for detector in PAIR:
        for name, scores in others.items():
            one = difference(scores, reference, detector)
            rows.append([f"{detector}, {name}", f"{one.median:.1e}", f"{one.largest:.1e}", f"{one.spearman:.5f}"])
    return markdown_table(["relative difference from float32", "median", "largest", "Spearman"], rows)


def main(words: Sequence[str] | None = None) -> None:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_setting_options(parser, repeats=1)
    parser.set_defaults(backbone="dinov2-vitl14", count=2000)
    parser.add_argument("--batch-size", type=int, default=64, help="images in a batch (default 64)")
    parser.add_argument("--workers", type=int, default=usable_cores(), help="processes that decode (default: cores)")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda", help="cpu: to try this script")
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin nothing after so many")
    parser.add_argument("--ways", nargs="+", choices=[way.name for way in WAYS], help="some ways alone (default: all)")
    parser.add_argument("--no-scripts", action="store_true", help="leave out the plain scripts")
    options = parser.parse_args(words)
    gpu = run_command([sys.executable, "-c", NAME_OF_GPU]).output.strip()
    if options.device == "cuda" and not gpu:
        parser.error("there is no GPU; --device cpu tries this script on a CPU")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        setting = make_setting(options, scratch)
        ways = [way for way in WAYS if _is_measured(way, options)]
        found, late = dict[str, dict[str, Any]](), list[str]()
        for index, way in enumerate(ways):
            if index and time.monotonic() - begun > options.seconds:
                late.append(way.name)
            else:
                found[way.name] = measure(way, setting, options, scratch / str(index))
        is_late = time.monotonic() - begun > options.seconds
        late += ["the scripts"] if is_late and not options.no_scripts else []
        scripts = None if is_late or options.no_scripts else run_scripts(setting, options.device, scratch)
        images = found[ways[0].name]["suite"]["images"]
        print(f"{describe_machine()}\nGPU: {gpu or 'none'}.\n{setting.describe(images, 1)}\n")
        print(f"Not begun within {options.seconds:.0f} s: {', '.join(late)}.\n\n" if late else "", end="")
        print(f"{report(found, scripts)}\n\n{differences(found, scratch if scripts else None)}")


if __name__ == "__main__":
    main()
