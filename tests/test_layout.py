"""The layout that docs/architecture.md describes: few entries, short files, no circle of files.

The layers themselves are contracts in pyproject.toml, which `make lint` holds with import-linter.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("bench", "datamodules", "detectors")
FILES = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
MOST_LINES, MOST_ENTRIES = 300, 12


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in FILES}


def forwarded(package: str) -> dict[str, str]:
    """Where each name that a package forwards comes from; what is imported when it is used stands in its stub."""
    folder = ROOT / package.replace(".", "/")
    stub = folder / "__init__.pyi"
    tree = ast.parse((stub if stub.exists() else folder / "__init__.py").read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module]
    return {
        name.name: f"{package}.{node.module}" if node.level else str(node.module)
        for node in found
        for name in node.names
    }


def imports_of(file: Path) -> set[str]:
    """The modules of these packages that a file imports anywhere but for its types."""
    found = set()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for_types = {
        below
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for below in ast.walk(node)
    }
    for node in set(ast.walk(tree)) - for_types:
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            sources = forwarded(node.module) if MODULES.get(node.module, file).name == "__init__.py" else {}
            found |= {node.module, *(sources.get(name.name, f"{node.module}.{name.name}") for name in node.names)}
    return (found & MODULES.keys()) - {module_of(file)}


def circles() -> list[list[str]]:
    """Groups of modules that import each other, by Tarjan's algorithm.

    A package's ``__init__`` is no link of a circle: its names are followed to where they come from.
    """
    graph = {name: imports_of(file) for name, file in MODULES.items() if file.name != "__init__.py"}
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in graph[name] & graph.keys():
            if other not in order:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], order[other])
        if low[name] == order[name]:
            group = [stack.pop()]
            while group[-1] != name:
                group.append(stack.pop())
            found.append(group)

    for name in graph:
        if name not in order:
            visit(name)
    return [sorted(group) for group in found if len(group) > 1]


def test_the_top_of_bench_has_few_entries():
    entries = {path.name for path in (ROOT / "bench").iterdir()} - {"__pycache__", "py.typed"}
    assert len(entries) <= MOST_ENTRIES, sorted(entries)


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_no_file_is_long(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_no_files_import_each_other_in_a_circle():
    assert circles() == []


def test_tests_mirror_the_packages():
    """A test file of a package lies where what it tests lies, in a folder of the same name."""
    for package in PACKAGES:
        known = {folder.relative_to(ROOT) for folder in (ROOT / package).rglob("*") if folder.is_dir()} | {
            Path(package)
        }
        tested = {file.parent.relative_to(ROOT / "tests") for file in (ROOT / "tests" / package).rglob("test_*.py")}
        assert tested <= known, sorted(map(str, tested - known))
