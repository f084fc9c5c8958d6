"""Pages of the site that lie nowhere under ``docs/``: a hook of MkDocs, which calls what is named ``on_...``.

Some are made from the code, as ``make docs`` runs, so that they cannot go stale; others are files of this repository
that are read where they lie, too.
"""

import ast
import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from detectors.registry import DETECTORS
from tools.option_pages import options_page

ROOT = Path(__file__).resolve().parent.parent
COPIES: Mapping[str, str] = {
    "index.md": "README.md",
    "benchmarks.md": "benchmarks/README.md",
    "detector-options.md": "detectors/README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
"""Pages, and the files that they are made of."""
PAGES_OF = {source: page for page, source in COPIES.items()}
NAMED = re.compile(r"(?<!\[)`(benchmarks/README\.md|detectors/README\.md)`")
"""Files in words of ``docs/``, from which no link leads out."""
PACKAGES: Mapping[str, str] = {
    "bench": "The face for programs: what the command line does, as functions.",
    "detectors": "Detectors alone, with torch. They know nothing of data sets and stores.",
    "datamodules": "Data sets as Lightning's `LightningDataModule`, and what finds, reads and labels images.",
}
WIDE = ("index.md",)
"""Pages without the list of their section at the left, which would hold themselves alone."""
METHODS = {place.partition(":")[2] for place in DETECTORS.values()}
"""Classes of detectors: what they do is in their docstring, their members are those of `Detector`."""
ROLE = re.compile(r":(?:class|meth|func|attr|data|mod):<code>~?([^<]*)</code>")
"""What Sphinx would make a link of, in a docstring."""
LINK = re.compile(r"(!?)\[((?:[^\[\]]|!\[[^\]]*\]\([^)]*\))*)\]\(([^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages to those of ``docs/``."""
    for page, text in generated_pages().items():
        hidden = "---\nhide:\n  - navigation\n---\n\n" if page in WIDE else ""
        files.append(File.generated(config, page, content=hidden + text))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Makes links of the files that a page names and that are pages here.

    Examples:
        >>> on_page_markdown("Speed, measured: `benchmarks/README.md`.")
        'Speed, measured: [`benchmarks/README.md`](benchmarks.md).'
    """
    return NAMED.sub(lambda name: f"[{name[0]}]({PAGES_OF[name[1]]})", markdown)


def on_page_content(html: str, **_: object) -> str:
    """Leaves the name alone of what a docstring refers to.

    Examples:
        >>> on_page_content("see :meth:<code>~Detector.forward</code>")
        'see <code>Detector.forward</code>'
    """
    return ROLE.sub(r"<code>\1</code>", html)


def generated_pages() -> dict[str, str]:
    """Returns the Markdown of every page that is made, by its path on the site."""
    copies = {page: relocated((ROOT / source).read_text(encoding="utf-8"), source) for page, source in COPIES.items()}
    python = {f"api/{package}.md": python_page(package) for package in PACKAGES}
    return {**copies, "options.md": options_page(), **python}


def relocated(text: str, source: str) -> str:
    """Turns a file's links into those of its page; what is no page of the site is named without a link.

    Args:
        text: The file's Markdown.
        source: Where it lies, from the repository's root.

    Examples:
        >>> relocated("[Data](../docs/data.md#columns), [a script](coverage.py)", "benchmarks/README.md")
        '[Data](data.md#columns), a script'
    """

    def relinked(link: re.Match[str]) -> str:
        mark, words, target = link.groups()
        path, hash_mark, anchor = target.partition("#")
        if not path or re.match(r"[a-z]+:", target):
            return link[0]
        file = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        page = PAGES_OF.get(file) or (file.removeprefix("docs/") if file.startswith("docs/") else None)
        return f"{mark}[{words}]({page}{hash_mark}{anchor})" if page else words

    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("```") else LINK.sub(relinked, part) for part in parts)


def python_page(package: str) -> str:
    """Writes the page of a package: what it exports, each with the docstring that mkdocstrings finds."""
    entries = [
        f"::: {path}\n" + ("    options:\n      members: false\n" if name in METHODS else "")
        for name, path in public_names(package).items()
    ]
    return "\n".join([f"# {package}\n\n{PACKAGES[package]}\n", *entries])


def public_names(package: str) -> dict[str, str]:
    """Returns where each public name of a package is defined; nothing is imported."""
    face = next(path for end in ("pyi", "py") if (path := ROOT / package / f"__init__.{end}").exists())
    tree = ast.parse(face.read_text(encoding="utf-8"))
    places = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            module = f"{package}.{node.module}" if node.level else node.module
            places |= {name.name: f"{module}.{name.name}" for name in node.names}
    (exported,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    return {name: places.get(name, f"{package}.{name}") for name in exported if not name.startswith("__")}
