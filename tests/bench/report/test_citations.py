import re

from bench.report.citations import bibtex, citations_json
from bench.results.citations import DATA, DETECTOR, gathered
from datamodules.registry import list_datasets
from detectors import list_detectors


def parse_bibtex(text: str) -> dict[str, dict[str, str]]:
    """Reads entries by their keys, as BibTeX does: braces must match, and what stands between entries is passed by."""
    found: dict[str, dict[str, str]] = {}
    position = 0
    while match := re.compile(r"^@(\w+)\{([^,\s]+),", re.MULTILINE).search(text, position):
        kind, key, position = match[1], match[2], match.end()
        fields = {"kind": kind}
        while field := re.compile(r"\s*(\w+)\s*=\s*\{").match(text, position):
            depth, start = 1, field.end()
            position = start
            while depth:
                depth += {"{": 1, "}": -1}.get(text[position], 0)
                position += 1
            assert field[1] not in fields, f"{key} has {field[1]} twice"
            fields[field[1]] = " ".join(text[start : position - 1].split())
            assert text[position] == ","
            position += 1
        assert re.compile(r"\s*\}").match(text, position), f"{key} does not end"
        assert key not in found, f"{key} comes twice"
        found[key] = fields
    return found


def all_there_is():
    detectors = [(name, DETECTOR, cls.citations, cls.paper) for name, cls in list_detectors().items()]
    return gathered([*detectors, *((name, DATA, cls.citations, "") for name, cls in list_datasets().items())])


def test_every_entry_of_the_registry_is_bibtex():
    found = all_there_is()
    parsed = parse_bibtex(bibtex(found))
    assert set(parsed) == {citation.fields["key"] for citation in found.entries}
    for citation in found.entries:
        written = parsed[citation.fields["key"]]
        assert written["title"] == f"{{{citation.fields['title']}}}"
        for name, value in citation.fields.items():
            assert name in ("key", "title") or written[name] == value
    kinds = {"booktitle": "inproceedings", "journal": "article"}
    for written in parsed.values():
        assert written["kind"] == next((kind for field, kind in kinds.items() if field in written), "misc")


def test_no_line_is_wide_and_what_is_no_entry_is_a_comment():
    lines = bibtex(all_there_is()).splitlines()
    assert max(map(len, lines)) <= 60
    assert all(re.match(r"@|%|\s|\}|$", line) for line in lines)


def test_what_has_no_entry_is_named_with_its_paper():
    found = gathered(
        [("mine", DETECTOR, (), "a workshop of 2026"), ("folder", DATA, (), ""), ("gone\x1b[2J", DETECTOR, (), "")]
    )
    text = bibtex(found)
    assert "% mine: no entry is known; it names as its paper: a" in text
    assert "% folder: images of your own; cite where they come from." in text
    assert "\x1b" not in text
    assert set(parse_bibtex(text)) == {"fauxbench", "nie2025epistemic"}
    assert citations_json(found)["without"][0] == {"name": "mine", "kind": "detector", "paper": "a workshop of 2026"}
