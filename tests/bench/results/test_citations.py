import json
import re
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.results.citations import SUITE, cite_store
from datamodules.registry import list_datasets
from detectors import list_detectors
from detectors.fusion import create_fusion

STORE = Path(__file__).resolve().parents[2] / "data" / "store-0.1.0"
OF_ONES_OWN = {"folder", "hf", "manifest", "parquet", "shards"}
KNOWN = {"key", "author", "title", "booktitle", "journal", "volume", "pages", "year", "eprint", "doi"}


def entries() -> list[tuple[str, dict[str, str]]]:
    classes = {**list_detectors(), **list_datasets()}
    fusions = {name: create_fusion(name) for name in ("minp", "stouffer")}
    return [(name, dict(paper)) for name, one in {**classes, **fusions}.items() for paper in one.citations]


@pytest.mark.parametrize("name", list(list_detectors()))
def test_every_detector_has_an_entry_which_is_the_paper_that_it_names(name):
    cls = list_detectors()[name]
    numbers = [paper.get("eprint") for paper in cls.citations]
    assert cls.citations
    assert numbers[0] == (cls.paper.removeprefix("arXiv ") if cls.paper.startswith("arXiv ") else None)


def test_every_data_set_has_an_entry_unless_its_images_are_the_users_own():
    assert {name for name, cls in list_datasets().items() if not cls.citations} == OF_ONES_OWN


def test_entries_hold_what_bibtex_needs():
    for name, paper in entries():
        assert set(paper) <= KNOWN, name
        assert {"key", "author", "title", "year"} <= set(paper), name
        assert re.fullmatch(r"[a-z]+(19|20)\d\d[a-z0-9]+", paper["key"]), paper["key"]
        assert paper["year"] in paper["key"]
        assert re.fullmatch(r"(19|20)\d\d", paper["year"])
        assert re.fullmatch(r"\d{4}\.\d{5}", paper.get("eprint", "2000.00000"))
        assert {"booktitle", "journal", "eprint"} & set(paper), f"{name} was published nowhere"
        assert all("," in author for author in paper["author"].split(" and ")), paper["author"]
        assert not any("  " in value or value != value.strip() for value in paper.values()), name


def test_one_key_is_one_paper():
    papers: dict[str, dict[str, str]] = {}
    for name, paper in entries():
        assert papers.setdefault(paper["key"], paper) == paper, name
    titles = [paper["title"].lower() for paper in papers.values()]
    assert len(set(titles)) == len(titles)


def test_a_store_is_cited_with_its_detectors_its_data_wepe_and_the_suite():
    found = cite_store(STORE)
    used = {citation.fields["key"]: citation.users for citation in found.entries}
    assert used == {
        SUITE: (SUITE,),
        "nie2025epistemic": ("wepe",),
        "he2024rigid": ("rigid",),
        "vanderwalt2014scikit": ("demo",),
        "pedregosa2011scikit": ("demo",),
    }
    assert found.uncited == ()


def test_a_folder_without_runs_is_a_mistake(tmp_path):
    with pytest.raises(BenchError, match="There are no scores under"):
        cite_store(tmp_path)


def test_an_ensemble_is_cited_by_its_members_and_its_way_of_fusing(tmp_path):
    common = {"paper": "none: an example", "version": 1, "options": {}}
    common |= dict.fromkeys(("view", "view_mode", "label", "precision"), "any")
    fused = {"name": "fuse=minp:npr+rigid#2", "members": ["b", "c"], "options": {"fuse": "minp"}}
    facts = {
        "format": 1,
        "data": {"name": "folder"},
        "detectors": {"a": {**common, **fused}, "d": {**common, "name": "mine"}},
    }
    run = tmp_path / "scores" / "folder-x" / "20260101T000000.000000-abcdef"
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    found = cite_store(tmp_path)
    used = {citation.fields["key"]: citation.users for citation in found.entries}
    assert used["tan2024rethinking"] == ("npr",)
    assert used["he2024rigid"] == ("rigid",)
    assert used["zisman2026realstats"] == ("minp",)
    assert [(one.name, one.kind, one.paper) for one in found.uncited] == [
        ("folder", "data set", ""),
        ("mine", "detector", ""),
    ]
