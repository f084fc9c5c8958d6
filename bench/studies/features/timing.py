"""Table 12: seconds that each detector takes for 100 images, on the machine at hand."""

import inspect
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from bench.references.reported import ReportedNumber, load_reported
from bench.report.plots.svg import draw, series_style, to_svg
from bench.scoring.images import image_batches
from bench.scoring.options import RunOptions
from bench.scoring.setting import Setting
from bench.statistics.number import Number
from bench.store.schema import CLEAN
from bench.studies.base import Cost, Line, Paper, Result
from bench.studies.features.base import FeatureStudy, not_comparable, unreadable_note
from datamodules import Batch
from datamodules.conditions import Picture
from datamodules.sampling import limited
from detectors import (
    Detector,
    Fittable,
    OptionError,
    UnknownNameError,
    WeightsError,
    WeightsNotFoundError,
    create_detector,
    list_detectors,
)

IMAGES, REPEATS, LONGEST = 100, 5, 10.0
"""Images, repeats after a warm one, and seconds after which a detector is not repeated again."""
METRIC = "seconds_per_100_images"


class TimingStudy(FeatureStudy):
    """Times every detector on the same images, its clean pass included, reading them excluded."""

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
            lines.append(timing_line(name, [one * 100 / images for one in seconds], machine, self.paper))
        lines += [
            replace(timing_line(name, [], machine, self.paper), ours=Number(np.nan, reason=why))
            for name, why in lacking.items()
        ]
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
        except (OptionError, UnknownNameError, WeightsError, WeightsNotFoundError) as error:
            lacking[name] = f"cannot be built here: {' '.join(str(error).split())}"
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
    chosen = limited(datamodule.items, -(-IMAGES // sources))["path"].to_list()[:IMAGES]
    index = {path: position for position, path in enumerate(datamodule.items["path"].to_list())}
    indices = [index[path] for path in chosen]
    views = [detector.view for detector in detectors]
    return list(image_batches(datamodule, views, setting.device, indices, unreadable))


@torch.inference_mode()
def time_detector(detector: Detector, batches: Sequence[Batch], device: torch.device) -> list[float]:
    """Measures the seconds of repeats after a warm one.

    Returns:
        Seconds for all images, of each repeat.
    """
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
    return pixels.clone() if isinstance(pixels, torch.Tensor) else [one.clone() for one in pixels]


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timing_line(detector: str, seconds: Sequence[float], machine: str, paper: Paper) -> Line:
    """Makes the line of a detector; the paper's time is another machine's."""
    reported = reported_time(detector)
    verdict = None
    if reported is not None:
        unsaid = (f"unpublished: {what}" for what in reported.unsaid)
        verdict = not_comparable(f"other machine ({machine}, paper {paper.machine})", *unsaid)
    if not seconds:
        return Line(detector, "", METRIC, Number(np.nan, reason="no readable image"), reported, verdict)
    spread = float(np.std(seconds, ddof=1)) if len(seconds) > 1 else None
    words = f"no interval: median of {len(seconds)} repeats, {min(seconds):.3g} to {max(seconds):.3g} s"
    number = Number(float(np.median(seconds)), seeds_sd=spread, reason=words, seeds=tuple(seconds))
    return Line(detector, "", METRIC, number, reported, verdict)


def reported_time(detector: str) -> ReportedNumber | None:
    """Finds what Table 12 prints for a detector."""
    found = (one for one in load_reported() if one.metric == METRIC and one.method == detector)
    return next(found, None)


def machine_of(device: torch.device) -> str:
    """Names what computes, and the version of torch."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    here = f"{platform.machine()}, {torch.get_num_threads()} threads on {os.cpu_count()} cores"
    return f"{name or f'{device.type} ({here})'} with PyTorch {torch.__version__}"


def draw_seconds(lines: Sequence[Line], machine: str) -> str:
    """Draws a bar for each detector that was timed."""
    timed = [line for line in lines if line.ours is not None and line.ours.seeds]
    figure, (axes,) = draw((6.4, 0.5 + 0.45 * max(2, len(timed))))
    values = [line.ours.value for line in timed if line.ours is not None]
    names = [line.row for line in timed]
    axes.barh(names, values, color=series_style(0)["color"])
    axes.invert_yaxis()
    axes.set_xlabel("seconds for 100 images")
    axes.set_title(machine, fontsize=9)
    return to_svg(figure, "Seconds for 100 images, by detector")
