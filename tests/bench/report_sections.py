"""Sections of an HTML report from given scores, with small real images."""

import io

import numpy as np
import polars as pl
from PIL import Image

from bench.report.html.page import Section
from bench.results.comparison import Comparison
from bench.results.cues.worst import compare_with_cues
from bench.results.rankings import rankings_of
from bench.results.summary import summarise
from bench.store.contrasts import rules_of
from bench.store.panel import Panel
from bench.store.schema import Scoring

HOSTILE = "real/<img src=x onerror=alert(1)>.png"
BROKEN = "real/broken.png"
FACTS = {
    "command": "bench compare --detectors good poor",
    "commit": "0123abc",
    "device": "cpu",
    "machine": "Linux x86_64",
    "time": "2026-01-01T00:00:00+00:00",
    "versions": {"python": "3.11"},
    "options": {"dataset": "folder"},
    "data": {"title": "made-up", "images": 60, "preprocessing": "as they are", "paths_sha256": "ab" * 32},
    "detectors": {
        f"{name}-fingerprint": {
            "name": name,
            "label": name,
            "version": 1,
            "paper": "a paper",
            "options": {"noise": 0.0125},
            "view": "random-crop 224",
            "view_mode": "method",
            "passes": 3,
            "backbone": {"name": "a backbone", "weights": "cd" * 32},
        }
        for name in ("good", "poor")
    },
    "cost": {
        "images": 60,
        "devices": 1,
        "seconds": 12.0,
        "backbone_passes": 720,
        "seconds_by_detector": {"good": 4.0, "poor": 2.0},
        "scores_by_detector": {"good": 60, "poor": 60},
        "peak_bytes": 2**30,
        "peak_device_bytes": None,
    },
}


def made_panel(scores, labels, sources=None, paths=None, groups=None, conditions=("clean",)):
    """Makes a panel.

    Args:
        scores: By detector, ``(seeds, n)``; the same under each condition, less 0.2 of the labels for each further one.
        labels: ``(n,)``.
        sources: ``(n,)``; one generator ``gan`` by default.
        paths: ``(n,)``.
        groups: ``(n,)``; the path by default.
        conditions: Names.
    """
    label = np.asarray(labels)
    source = list(sources) if sources is not None else ["gan" if generated else "camera" for generated in label]
    path = list(paths) if paths is not None else [f"{name}/{i:04d}.png" for i, name in enumerate(source)]
    images = pl.DataFrame(
        {"path": path, "group": path if groups is None else list(groups), "label": label, "generator": source}
    )
    order = images["path"].arg_sort().to_numpy()
    scorings, rows = [], []
    for number, condition in enumerate(conditions):
        for name, seeds in scores.items():
            for seed, values in enumerate(np.atleast_2d(seeds)):
                scorings.append(Scoring(name, f"{name}-fingerprint", seed, condition))
                rows.append((np.asarray(values, dtype=float) - 0.2 * number * label)[order])
    reals, generators = (
        sorted({name for name, number in zip(source, label, strict=True) if number == wanted}) for wanted in (0, 1)
    )
    rules = rules_of(dict.fromkeys(generators, reals))
    table = np.array(rows)
    return Panel(images[order], tuple(scorings), table, np.isfinite(table), dict.fromkeys(conditions, rules))


def image_bytes(path):
    """Reads a made-up image: a picture of one colour, or half a file."""
    file = io.BytesIO()
    Image.new("RGB", (300, 200), (len(path) * 5 % 256, 90, 160)).save(file, "PNG")
    data = file.getvalue()
    return data[: len(data) // 2] if path == BROKEN else data


def made_section(read_bytes=image_bytes, facts=(FACTS,)):
    """Makes a section of two detectors, two generators, three conditions and two seeds, with a cue and odd names."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 1], 20)
    sources = np.repeat(["camera", "gan", "<b>diffusion</b> $x$"], 20)
    paths = [f"{'real' if not label else 'fake'}/{i:02d}.png" for i, label in enumerate(labels)]
    paths[3], paths[5] = HOSTILE, BROKEN
    noise = rng.normal(size=(4, 60))
    scores = {"good": noise[:2] + 1.5 * labels, "poor": noise[2:] + 0.2 * labels}
    scores["good"][:, [3, 5]] = [[9.0, 8.0], [9.0, 8.0]]
    panel = made_panel(scores, labels, sources, paths, conditions=("clean", "jpeg:75", "jpeg:50"))
    summary = summarise(panel, ("auroc", "ap_generated", "ap_real"), draws=50)
    cues = compare_with_cues(panel, {"clean": _cues(panel)})
    views = dict.fromkeys(("good", "poor"), "random-crop 224")
    comparison = Comparison(
        title="made-up: good, poor",
        panel=panel,
        summary=summary,
        cues=cues,
        rankings=rankings_of(summary, panel),
        detectors={told["label"]: told for run in facts for told in run.get("detectors", {}).values()},
        views=views,
        runs=facts,
        read_bytes=read_bytes,
    )
    return Section(comparison, ["A note & more."], ["A <warning>."])


def _cues(panel):
    paths = panel.images["path"]
    brightness = np.random.default_rng(1).normal(size=len(paths))
    return pl.DataFrame({"path": paths, "key": pl.Series(range(len(paths)), dtype=pl.UInt64), "brightness": brightness})
