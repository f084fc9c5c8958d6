"""README, CONTRIBUTING and docs/: short, with links that lead somewhere and commands that the program takes."""

import io
import re
import subprocess
import tomllib
from contextlib import redirect_stderr

import pytest
import yaml
from documents import PAGES, ROOT, anchors, blocks, calls, commands, lines, links
from PIL import Image

from bench.cli.app import COMMANDS, build_parser
from bench.references.locks import read_lock
from datamodules.registry import DATASETS
from detectors.registry import DETECTORS
from tools.pictures import COMMAND, FOLDER, LARGEST
from tools.site_pages import generated_pages

README = (ROOT / "README.md").read_text(encoding="utf-8")
MKDOCS = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
DOCS = sorted((ROOT / "docs").glob("*.md"))
MOST_WORDS = 900
CHIEF = (
    *("installation", "quickstart", "data", "detectors", "your-detector", "reading-the-report", "questions"),
    *("commands", "statistics", "clusters", "python", "reproducing", "status", "architecture"),
)
"""Pages that the README leads to; the others are in the nav."""


def name_of(page):
    return str(page.relative_to(ROOT))


def nav_pages(nav=None):
    """Every page of the site's nav, by its path."""
    entries = yaml.load(MKDOCS, Loader=yaml.BaseLoader)["nav"] if nav is None else nav
    for_each = [value for entry in entries for value in (entry.values() if isinstance(entry, dict) else [entry])]
    return [page for value in for_each for page in ([value] if isinstance(value, str) else nav_pages(value))]


def told_by(parser, call):
    """What a parser says of a call that it does not take; nothing of one that it does. No file of options is read."""
    call = [word for before, word in zip(("", *call), call, strict=False) if "--config" not in (before, word)]
    told = io.StringIO()
    try:
        with redirect_stderr(told):
            parser.parse_args(list(call))
    except SystemExit:
        return told.getvalue()
    return ""


def test_the_readme_is_short():
    assert len(README.split()) <= MOST_WORDS


def test_numbers_in_the_readme_are_those_of_the_code():
    assert f"lists the {len(DETECTORS)} that are here" in README
    assert f"the demo has {len(read_lock(ROOT / 'bench' / 'references' / 'demo.json').images)} images" in README


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_has_one_title_at_its_top(page):
    text = page.read_text(encoding="utf-8")
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert text.startswith("# ")
    assert len(re.findall(r"^# ", outside, re.MULTILINE)) == 1


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_to_a_file_and_a_heading(page):
    for target in links(page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{name_of(page)}: {target}"
        assert not anchor or anchor in anchors(file), f"{name_of(page)}: {target}"


@pytest.mark.parametrize("page", DOCS, ids=name_of)
def test_links_of_docs_stay_in_docs_so_that_a_site_can_be_made_of_them(page):
    for target in links(page.read_text(encoding="utf-8")):
        assert not target.startswith(("/", "..")), target


def test_the_readme_leads_to_the_chief_pages_and_the_nav_to_every_one():
    linked = {target.partition("#")[0] for target in links(README)}
    assert {f"docs/{name}.md" for name in CHIEF} <= linked
    assert set(nav_pages()) == {page.name for page in DOCS} | set(generated_pages())
    assert len(nav_pages()) == len(set(nav_pages()))


def test_pictures_are_small_and_shown_with_words_for_those_who_do_not_see_them():
    pictures = {f"docs/pictures/{file.name}" for file in FOLDER.iterdir()}
    shown = {path: words for words, path in re.findall(r"!\[(.*?)\]\((.*?)\)", README)}
    assert set(shown) == pictures == {"docs/pictures/page.png", "docs/pictures/terminal.svg"}
    assert all(len(words.split()) >= 6 for words in shown.values())
    assert all((ROOT / path).stat().st_size < LARGEST for path in pictures)
    with Image.open(FOLDER / "page.png") as page:
        page.load()
        assert min(page.size) >= 600
    assert " ".join(COMMAND) in README
    terminal = (FOLDER / "terminal.svg").read_text(encoding="utf-8")
    assert "url(" not in re.sub(r"url\(#", "", terminal)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_blocks_of_bash_are_bash(page):
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.language == "bash":
            ended = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
            assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_call_in_the_documentation_is_one_that_the_program_takes(name):
    parser = build_parser()
    found = {tuple(call): page for page in PAGES for call in commands(page) if call and call[0] == name}
    assert found, f"no page shows how {name} is called"
    refused = {f"{name_of(page)}: {' '.join(call)}": told_by(parser, call) for call, page in found.items()}
    assert not any(refused.values()), refused


def test_no_page_names_a_command_that_does_not_exist():
    for page in PAGES:
        for call in commands(page):
            assert not call or call[0] in COMMANDS or call[0].startswith("-"), f"{name_of(page)}: {call}"


def test_the_job_file_is_bash_and_its_call_is_taken():
    text = (ROOT / "examples" / "slurm.sbatch").read_text(encoding="utf-8")
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
    (call,) = calls(text.replace("\\\n", " ").splitlines()[-1])
    parsed = build_parser().parse_args([word.replace("${DATA:?names the folder}", "DATA") for word in call])
    assert parsed.compare.num_nodes * parsed.compare.devices == 8


def test_the_targets_of_make_that_the_pages_name_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        named = [line for block in blocks(text) if block.language == "bash" for line in lines(block)]
        named += re.findall(r"`(make [^`]+)`", text)
        for line in (line for line in named if line.startswith("make ")):
            words = line.partition("#")[0].split()[1:]
            assert {word for word in words if "=" not in word} <= targets, line


def test_the_status_and_the_data_pages_name_every_data_set():
    for page in ("status.md", "data.md"):
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        for name in DATASETS:
            assert re.search(rf"`{name}[`:]", text), f"{page}: {name}"


def test_the_citation_file_agrees_with_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    assert citation["type"] == "software"
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]
    assert citation["keywords"] == project["keywords"]
    assert [author["name"] for author in citation["authors"]] == [author["name"] for author in project["authors"]]
