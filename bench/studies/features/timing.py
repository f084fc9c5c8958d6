"""Table 12: seconds that each detector takes for 100 images, on the machine at hand."""

import inspect
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch

from bench.report.plots.svg import draw, series_style, to_svg
from bench.scoring.images import image_batches
from bench.scoring.options import RunOptions
from bench.scoring.setting import Setting
from bench.store.schema import CLEAN
from bench.studies.base import Cost, Line, Paper, Result, not_comparable, plain_line
from bench.studies.engine import one_line
from bench.studies.features.base import FeatureStudy, unreadable_note
from datamodules import Batch
from datamodules.conditions import Picture
from datamodules.sampling import limited
from detectors import Detector, Fittable, create_detector, list_detectors
from detectors.errors import DetectorError

IMAGES, REPEATS, LONGEST = 100, 5, 10.0
"""Images, repeats after a warm one, and seconds after which a detector is not repeated again."""
METRIC = "seconds_per_100_images"


class TimingStudy(FeatureStudy):
    """Times every detector on the same images, its clean pass included, reading them excluded."""

    by_preset: ClassVar[bool] = False

    def cost(self, options: RunOptions, images: int) -> Cost:
        """Every detector that needs no checkpoint, once warm and then repeated."""
        untrained = [cls for cls in list_detectors().values() if "checkpoint" not in inspect.signature(cls).parameters]
        return Cost(
            min(images, IMAGES),
            (REPEATS + 1) * 2 * len(untrained),
            f"at least; methods with more passes or without a backbone: one repeat, or up to {LONGEST:.0f} s of them",
        )

    def measure(self, setting: Setting, options: RunOptions, progress: bool = False) -> Result:  # noqa: D102
        built, lacking = build_all(setting)
        unreadable: list[str] = []
        batches = read_batches(setting, list(built.values()), unreadable)
        images = sum(map(len, batches))
        machine = machine_of(setting.device)
        lines = []
        for name, detector in built.items():
            seconds = time_detector(detector, batches, setting.device) if images else []
            lines.append(timing_line(name, [total * 100 / images for total in seconds], machine, self.paper))
        lines += [timing_line(name, [], machine, self.paper, reason) for name, reason in lacking.items()]
        return Result(
            tuple(lines),
            {"seconds": draw_seconds(lines, machine)},
            (
                f"{images} images, scaled to 100; batches of {setting.datamodule.batch_size}; {machine}.",
                "Each detector has its defaults; aeroblade's autoencoders are the demo's small ones, far cheaper than "
                "those of latent diffusion models.",
                "Timed is the scoring alone, the detector's clean pass included; reading, decoding and cutting are "
                f"not. Median of up to {REPEATS} repeats after a warm batch (no further repeat after {LONGEST:.0f} s), "
                "± their standard deviation. Times differ from run to run, so this study's files do too.",
                *unreadable_note(unreadable),
            ),
        )


def build_all(setting: Setting) -> tuple[dict[str, Detector], dict[str, str]]:
    """Builds every detector with its defaults, and says which cannot be built or timed here, and why."""
    built, lacking = {}, {}
    for name in list_detectors():
        try:
            detector = create_detector(name, setting.backbone).to(setting.device)
        except DetectorError as error:
            lacking[name] = f"cannot be built here: {one_line(error)}"
            continue
        if isinstance(detector, Fittable):
            lacking[name] = "not timed: it looks at reference images first"
        else:
            built[name] = detector
    return built, lacking


def read_batches(setting: Setting, detectors: Sequence[Detector], unreadable: list[str]) -> list[Batch]:
    """Reads the images once, in every view that a detector asks for, onto the device."""
    datamodule = setting.datamodule
    sources = datamodule.items.select("label", "generator").n_unique()
    chosen = limited(datamodule.items.with_row_index(), -(-IMAGES // sources))["index"].to_list()[:IMAGES]
    views = [detector.view for detector in detectors]
    return list(image_batches(datamodule, views, setting.device, chosen, unreadable))


@torch.inference_mode()
def time_detector(detector: Detector, batches: Sequence[Batch], device: torch.device) -> list[float]:
    """Measures the seconds that all images take, of each repeat after a warm batch."""
    _pass_through(detector, batches[:1], device)
    seconds: list[float] = []
    while len(seconds) < REPEATS and sum(seconds) < LONGEST:
        seconds.append(_pass_through(detector, batches, device))
    return seconds


def _pass_through(detector: Detector, batches: Sequence[Batch], device: torch.device) -> float:
    picture = Picture(CLEAN, detector.view)
    # Copies: a backbone recalls the features of a batch object that it has seen.
    copies = [(_copied(batch.views[picture]), batch.key.clone()) for batch in batches]
    _wait(device)
    before = time.perf_counter()
    for images, keys in copies:
        detector(images, keys).cpu()
    _wait(device)
    return time.perf_counter() - before


def _copied(pixels: torch.Tensor | list[torch.Tensor]) -> torch.Tensor | list[torch.Tensor]:
    return pixels.clone() if isinstance(pixels, torch.Tensor) else [image.clone() for image in pixels]


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timing_line(
    detector: str, seconds: Sequence[float], machine: str, paper: Paper, refusal: str = "no readable image"
) -> Line:
    """Makes the line of a detector; the paper's time is another machine's."""
    median, words = float("nan"), refusal
    if seconds:
        median = float(np.median(seconds))
        words = f"no interval: median of {len(seconds)} repeats, {min(seconds):.3g} to {max(seconds):.3g} s"
    line = plain_line(detector, "", METRIC, median, words, seconds)
    reported = next(iter(paper.printed("Table 12", method=detector)), None)
    if reported is None:
        return line
    unsaid = (f"unpublished: {what}" for what in reported.unsaid)
    verdict = not_comparable(f"other machine ({machine}, paper {paper.machine})", *unsaid)
    return replace(line, reported=reported, verdict=verdict)


def machine_of(device: torch.device) -> str:
    """Names what computes, and the version of torch."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    here = f"{platform.machine()}, {torch.get_num_threads()} threads on {os.cpu_count()} cores"
    return f"{name or f'{device.type} ({here})'} with PyTorch {torch.__version__}"


def draw_seconds(lines: Sequence[Line], machine: str) -> str:
    """Draws a bar for each detector that was timed."""
    timed = {line.row: line.ours.value for line in lines if line.ours is not None and line.ours.seeds}
    figure, (axes,) = draw((6.4, 0.5 + 0.45 * max(2, len(timed))))
    axes.barh(list(timed), list(timed.values()), color=series_style(0)["color"])
    axes.invert_yaxis()
    axes.set_xlabel("seconds for 100 images")
    axes.set_title(machine, fontsize=9)
    return to_svg(figure, "Seconds for 100 images, by detector")
