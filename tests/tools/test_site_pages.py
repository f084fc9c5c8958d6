"""Pages of the site that are made: none is lost, links are right; and a build of the whole, looked at."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

import bench
import datamodules
import detectors
from tools.site_pages import COPIES, PACKAGES, ROOT, generated_pages, public_names, relocated


@pytest.mark.parametrize("package", [bench, detectors, datamodules], ids=lambda package: package.__name__)
def test_every_public_name_is_on_the_page_of_its_package(package):
    names = public_names(package.__name__)
    assert set(names) == {name for name in package.__all__ if not name.startswith("__")}
    text = generated_pages()[f"api/{package.__name__}.md"]
    assert re.findall(r"^::: (.+)$", text, re.MULTILINE) == list(names.values())
    for name, path in names.items():
        assert path.startswith(f"{package.__name__}.")
        assert path.endswith(f".{name}")


def test_links_lead_to_pages_and_what_is_no_page_is_named_alone():
    text = "![A picture](docs/pictures/page.png) [a](CONTRIBUTING.md#a-release) [`b`](examples/b.py) [c](#c) [d](https://d.org)"
    assert relocated(text, "README.md") == (
        "![A picture](pictures/page.png) [a](contributing.md#a-release) `b` [c](#c) [d](https://d.org)"
    )
    block = "```text\n[a](b.py)\n```"
    assert relocated(block, "README.md") == block


def test_copies_are_of_files_that_are_there():
    assert all((ROOT / source).is_file() for source in COPIES.values())
    assert set(PACKAGES) == {"bench", "detectors", "datamodules"}


class Page(HTMLParser):
    """Counts what matters of a built page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.titles, self.assets, self.lacking = 0, [], []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.titles += tag == "h1"
        if tag in ("script", "img", "iframe", "source", "video", "audio") and values.get("src"):
            self.assets.append(values["src"])
        if tag == "link" and values.get("rel") in ("stylesheet", "icon", "preconnect", "preload", "dns-prefetch"):
            self.assets.append(values["href"])
        if tag == "img" and not values.get("alt"):
            self.lacking.append(values["src"])


@pytest.mark.heavy
def test_the_site_builds_strictly_and_needs_nothing_from_elsewhere(tmp_path):
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    files = [file for file in sorted((tmp_path / "site").rglob("*.html")) if file.name != "404.html"]
    assert {str(file.relative_to(tmp_path / "site").with_suffix(".md")) for file in files} == {
        *(page.name for page in (ROOT / "docs").glob("*.md")),
        *generated_pages(),
    }
    for file in files:
        page = Page(file)
        assert page.titles == 1, file.name
        assert page.lacking == [], file.name
        assert [asset for asset in page.assets if re.match(r"(https?:)?//", asset)] == [], file.name
        assert all((file.parent / asset.partition("?")[0]).resolve().is_file() for asset in page.assets), file.name
    for style in (tmp_path / "site").rglob("*.css"):
        assert not re.search(r"url\(\s*[\"']?(https?:)?//|@import", style.read_text(encoding="utf-8")), style.name


@pytest.mark.heavy
def test_a_link_that_leads_nowhere_fails_the_build(tmp_path):
    """On a small site with this one's settings of what is checked."""
    settings = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    (tmp_path / "docs").mkdir()
    config = {"site_name": "small", "validation": settings["validation"], "theme": "mkdocs"}
    (tmp_path / "mkdocs.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    for link, code in (("other.md#there", 0), ("other.md#nowhere", 1), ("lost.md", 1)):
        (tmp_path / "docs" / "index.md").write_text(f"# Home\n\n[other]({link})\n", encoding="utf-8")
        (tmp_path / "docs" / "other.md").write_text("# Other\n\n## There\n", encoding="utf-8")
        words = [sys.executable, "-m", "mkdocs", "build", "--strict"]
        ended = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == code, f"{link}: {ended.stderr}"
        shutil.rmtree(tmp_path / "site", ignore_errors=True)
