from pathlib import Path

import polars as pl

from bench.store.facts import FORMAT
from bench.store.runs import MEMBERS, Run

DETECTORS = {"a fingerprint": {"label": "wepe"}}


def run(**facts):
    return Run(Path("1"), facts, pl.DataFrame(schema=MEMBERS))


def test_a_run_that_told_nothing_of_its_images_tells_nothing_of_its_detectors():
    assert (run(format=FORMAT).data, run(format=FORMAT, detectors=DETECTORS).detectors) == ({}, {})
    assert run(format=FORMAT, detectors=DETECTORS, data={"title": "made-up"}).detectors == DETECTORS


def test_of_another_format_nothing_is_taken():
    other = run(format=FORMAT + 1, data={"title": "made-up", "wanted": {"clean": 3}}, detectors=DETECTORS)
    assert (other.data, other.detectors, other.wanted, other.rules()) == ({}, {}, {}, {})
