"""What commands print at 60, 80 and 120 columns: no line is wider but a path, and no name is cut beyond recognition."""

import functools
import io
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.cells import cell_len
from rich.console import Console
from threshold_panels import panel_of

from bench.references.checks import SCORES, STATISTICS, Check, Moved, Verification
from bench.references.locks import Column
from bench.report.audit import print_audit
from bench.report.block_probe import print_probe
from bench.report.data import print_diagnosis, print_entries
from bench.report.detectors import listed_detectors
from bench.report.explanation import print_explanation
from bench.report.listing import print_backbones, print_detectors
from bench.report.score_rows import TableWriter
from bench.report.store import print_check
from bench.report.table import Table, print_tables
from bench.report.thresholds import print_thresholds
from bench.report.verification import print_verification
from bench.results.block_probe import BlockProbe
from bench.results.cues.audit import CueResult, GeneratorAudit
from bench.results.cues.study import Correlation, CueStudy
from bench.results.explain import Explanation
from bench.results.thresholds.study import study_thresholds
from bench.scoring.files import ScoredImage
from bench.scoring.options import RunOptions
from bench.statistics.bootstrap import Interval
from bench.statistics.number import Number
from bench.store.check import StoreCheck, StoreFault
from bench.studies.base import Line, Result
from bench.studies.catalogue import STUDIES
from bench.studies.output import print_study
from bench.studies.rivals import rivals_table
from bench.studies.run import Costs, Outcome, outcome_table, settled
from datamodules.checks.catalogue import list_entries
from datamodules.checks.diagnosis import Diagnosis, SourceFacts
from datamodules.checks.faults import Finding
from detectors import Perturbation, list_backbones
from detectors.probing import Probe

DETECTORS = ("wepe:rule=tensor_absmean,ratio=0.2,blocks=0-4,n=5", "rigid+wepe-gradient-cuff", "community-forensics")
GENERATORS = ("stable-diffusion-xl-turbo-1024", "djudge-versatile-diffusion", "sd15")
FILE = "scores/folder-a-long-name-of-a-data-set/2026-01-01T00-00-00-0123abcd/part-000-0123456789abcdef.parquet"


def data_list(console: Console) -> None:
    print_entries(list_entries(None), console)


def data_check(console: Console) -> None:
    spread = (1024.0, 1536.0, 4096.0)
    counts = {"JPEG": 12_345, "PNG": 678, "WEBP": 9}
    sizes = {f"{1024 + side}x{1536 + side}": 100 for side in range(5)}
    rows = [
        SourceFacts(label, name, 13_032, None, 3, None, counts, {".jpeg": 13_032}, sizes, spread, spread, (75, 90, 96))
        for label, name in enumerate(GENERATORS[:2])
    ]
    findings = (Finding("wrong", f"generated {GENERATORS[0]}", "3 files are no images", (FILE, "short.png")),)
    print_diagnosis(Diagnosis("folder:images", tuple(rows), findings, pl.DataFrame(), "0" * 64), console)


def verify(console: Console) -> None:
    checks = [
        Check(name, "jpeg:75+blur:1.5", generator, metric, status, 0.51234, 0.61234, "the locked images changed")
        for name, status in zip(DETECTORS, ("drifts", "matches", "missing"), strict=True)
        for generator in GENERATORS
        for metric in ("auroc", "ap_generated", SCORES)
    ]
    checks.append(Check("all", "all", "all", STATISTICS, "missing", 312, 0, "images of the lock are not there"))
    moved = (Moved(Column(DETECTORS[0], "clean", 0), f"{GENERATORS[0]}/{'a' * 40}/000123.png", 0.1, 0.2, 1000.0),)
    command = f"python -m bench compare --detectors {' '.join(DETECTORS)} --limit 12"
    further = Verification("demo with random-vit24 against demo.json", tuple(checks[-10:]), command=command)
    print_verification(Verification("demo against demo.json", tuple(checks), moved, (), (further,), command), console)


def audit(console: Console) -> None:
    cue = CueResult("worst", "container", 0.8, Interval(0.7, 0.9), "bytes_per_pixel / jpeg_quality", 0.9, None)
    made = dict.fromkeys(("container", "content", "all"), cue)
    audits = [GeneratorAudit(name, pl.DataFrame(), (), made, {"all": cue}) for name in GENERATORS]
    found = [Correlation(name, "jpeg_quality", 0.123, Interval(-0.2, 0.4), 1234, None) for name in DETECTORS]
    print_audit(CueStudy("folder:images", {"clean": audits, "reencode:75": audits}, found), console)


def thresholds(console: Console) -> None:
    stream = np.random.default_rng(4)
    panel = panel_of(stream.random((2, 40)), stream.random((2, 40)), {GENERATORS[0]: 1 + stream.random((2, 40))})
    panels = {"folder:a-long-name (resize=256)": panel, "folder:another-long-name (resize=256)": panel}
    print_thresholds(study_thresholds(panels, ["fpr:5", "best"], draws=20, prevalences=[0.01]), console)


def probe(console: Console) -> None:
    similarities = tuple(np.linspace(0.9, 0.99, 24).tolist())
    made = Probe(similarities, 100, True)
    modules = tuple(f"encoder.layers.{block}" for block in range(24))
    shown = ("folder:images", DETECTORS[0], "0" * 64, modules, made, Perturbation(), 0, "cpu", ("real/a.png (broken)",))
    print_probe(BlockProbe(*shown), console)


@functools.cache
def costs_of_studies() -> tuple[Table, list[str]]:
    settings = [(study, settled(study, RunOptions(), {})) for study in STUDIES.values()]
    costs = Costs()
    return costs.table(settings), costs.lacking(settings)


def reproduce(console: Console) -> None:
    table, notes = costs_of_studies()
    print_tables([table], console, notes=notes)
    print_tables([rivals_table(study.paper for study in STUDIES.values())], console)
    study = STUDIES["table1"]
    ours = Number(0.9, Interval(0.8, 0.95))
    lines = tuple(Line(name, where, "auroc", ours) for name in DETECTORS for where in GENERATORS)
    print_study(study, Result(lines), console)
    reason = "--dataset imagenet needs --data-root DIR."
    print_tables([outcome_table([Outcome(study, "cannot run here", 1.0, reason=reason)])], console)


def store(console: Console) -> None:
    root = Path("results")
    faults = (StoreFault(root / FILE, "damaged", "its checksum is another than the one in its name"),)
    print_check(StoreCheck(root, 12, 1, faults, (root / f"{FILE}.damaged",)), console)


def explain(console: Console) -> None:
    lines = (("label", DETECTORS[0]), ("fingerprint", "0" * 64), ("file", FILE))
    print_explanation(Explanation("A number of a detector on a data set", {"Detector": lines}), console)


def score(console: Console) -> None:
    for labels in (DETECTORS[:1], DETECTORS):
        writer = TableWriter(console.file, labels, {}, to_stdout=True, width=console.width)
        files = [
            f"/a/folder/of/mine/{name}/{'photograph' * (1 + 4 * place)}.jpg" for place, name in enumerate(GENERATORS)
        ]
        writer.begin(files)
        for file in files[:-1]:
            writer.write(ScoredImage(file, "0" * 64, dict.fromkeys(labels, 0.123456)))
        writer.write(ScoredImage(files[-1], "0" * 64, reason="unexpected end of the file after 123,456 bytes"))


def list_detectors(console: Console) -> None:
    print_detectors(listed_detectors(RunOptions.backbone, ()), console)


def list_all_backbones(console: Console) -> None:
    print_backbones(list_backbones(), console)


NAMES = {
    list_detectors: ("community-forensics", "wepe-gradient-cuff"),
    list_all_backbones: ("dinov2-vitl14-reg", "efficientnet-lite0"),
    data_list: ("lsun-bedroom-train", "unleashing-transformers"),
    data_check: GENERATORS[:2],
    verify: (*DETECTORS, *GENERATORS),
    audit: (*DETECTORS, *GENERATORS),
    thresholds: (GENERATORS[0],),
    probe: (DETECTORS[0],),
    reproduce: ("rigid-lsun-bedroom", "timm:model=swin_tiny_patch4_window7_224", *DETECTORS, *GENERATORS),
    store: (FILE,),
    explain: (DETECTORS[0], "0" * 64),
    score: (*DETECTORS, *GENERATORS),
}
"""What prints, and the names that must be in it."""


NATURAL = r"[:,+/_=@-]"
"""Where a name may be taken apart."""


def is_path(line: str) -> bool:
    return "/" in line and " " not in line.strip(" -.")


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("shown", NAMES, ids=lambda shown: shown.__name__)
def test_no_line_is_wider_and_names_can_be_read(shown, width: int) -> None:
    out = io.StringIO()
    shown(Console(file=out, width=width))
    lines = out.getvalue().splitlines()
    assert lines
    assert [line for line in lines if cell_len(line) > width and not is_path(line)] == []
    together = re.sub(r"\s", "", out.getvalue())
    for name in NAMES[shown]:
        assert [part for part in re.split(NATURAL, name) if part not in together] == [], name
