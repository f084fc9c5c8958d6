"""Changes the code on purpose and looks whether a test fails: ``python -m tools.mutants``, or ``make mutants``.

A *mutant* is the code with one slip in it: ``+`` for ``-``, ``<=`` for ``<``, an argument left out, a number one
higher. mutmut's operators make them, here of every function, decorated ones too, and of constants. Not mutated:
types, decorators, sentences (strings with a space), whose words no test should pin, and ``zip(strict=True)``,
which guards what cannot happen.

From all mutants of ``TARGETS`` those with the lowest hash of seed, file, function and change are drawn: each with the
same chance, and a change of one function leaves the draw of all others as it is. A mutant *survives* if no test that
reaches it fails (``tools/mutant_tests.py``). Those that behave as the code does stand in
``tools/equivalent_mutants.toml``, with the reason. Exit code 1 if another survives.
"""

import argparse
import difflib
import hashlib
import signal
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import libcst as cst
import libcst.matchers as m
from mutmut.mutation.mutators import mutation_operators

from tools.mutant_tests import TestRuns

ROOT = Path(__file__).resolve().parent.parent
TARGETS = (
    "bench/scoring/plan.py",
    "bench/statistics/*.py",
    "bench/store/*.py",
    "datamodules/reading.py",
    "datamodules/views.py",
    "detectors/*.py",
)
EQUIVALENT = ROOT / "tools" / "equivalent_mutants.toml"
SAMPLE, SEED = 300, 0
_TYPE = m.Subscript() | m.BinaryOperation(operator=m.BitOr())
"""What a module gives a name to if it is a type."""
TRIVIAL_CALLS = {"len", "isinstance", "cast", "TypeVar", "getLogger"}


@dataclass(frozen=True)
class Mutant:
    """One slip in one file.

    Args:
        file: Path in the repository.
        function: Dotted name of the function or class around it; empty at the top of the file.
        node: What is replaced, a node of ``tree``.
        changed: What stands in its place.
        rank: The mutants with the lowest are drawn.
        tree: The whole file.
    """

    file: str
    function: str
    node: cst.CSTNode
    changed: cst.CSTNode
    rank: str
    tree: cst.Module

    @cached_property
    def text(self) -> str:
        """The file with the slip in it."""
        module = self.tree.visit(_Replacement(self.node, self.changed))
        assert isinstance(module, cst.Module)
        return module.code

    def compiles(self) -> bool:
        """Tells whether Python can read it."""
        try:
            compile(self.text, self.file, "exec")
        except SyntaxError:
            return False
        return True

    @cached_property
    def difference(self) -> tuple[int, str, str]:
        """The number of the first changed line, the lines that go, and those that come."""
        before, after = self.tree.code.splitlines(), self.text.splitlines()
        codes = [
            code for code in difflib.SequenceMatcher(None, before, after, False).get_opcodes() if code[0] != "equal"
        ]
        start, end = codes[0][1], codes[-1][2]
        gone, come = before[start:end], after[start : end + len(after) - len(before)]
        return start + 1, _stripped(gone), _stripped(come)


class _Replacement(cst.CSTTransformer):
    def __init__(self, node: cst.CSTNode, changed: cst.CSTNode) -> None:
        self.node, self.changed, self.done = node, changed, False

    def on_visit(self, node: cst.CSTNode) -> bool:
        return not self.done and node is not self.node

    def on_leave(self, original_node: cst.CSTNode, updated_node: cst.CSTNode) -> cst.CSTNode:  # type: ignore[override]
        if original_node is not self.node:
            return updated_node
        self.done = True
        return self.changed


class _Mutations(cst.CSTVisitor):
    """Collects the mutants of a file: function, node, changed node."""

    def __init__(self) -> None:
        super().__init__()
        self.scope: list[str] = []
        self.found: list[tuple[str, cst.CSTNode, cst.CSTNode]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, (cst.Annotation, cst.Decorator)) or _is_trivial(node):
            return False
        if not self.scope and m.matches(node, m.Assign(value=_TYPE)):
            return False
        if isinstance(node, cst.SimpleString) and " " in node.value:
            return False
        if isinstance(node, cst.Arg) and node.keyword is not None and node.keyword.value == "strict":
            return False
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                changes = [changed for changed in operator(node) if _is_strict(changed) or not _is_strict(node)]
                self.found += [(".".join(self.scope), node, changed) for changed in changes]
        if isinstance(node, (cst.FunctionDef, cst.ClassDef)):
            self.scope.append(node.name.value)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, (cst.FunctionDef, cst.ClassDef)):
            self.scope.pop()


def _is_trivial(node: cst.CSTNode) -> bool:
    if not isinstance(node, cst.Call):
        return False
    name = node.func.attr if isinstance(node.func, cst.Attribute) else node.func
    return isinstance(name, cst.Name) and name.value in TRIVIAL_CALLS


def _is_strict(node: cst.CSTNode) -> bool:
    return m.matches(node, m.Call(m.Name("zip"), [m.ZeroOrMore(), m.Arg(m.Name("True"), m.Name("strict"))]))


def _stripped(lines: Sequence[str]) -> str:
    return "\n".join(line.strip() for line in lines)


def mutants(file: str, text: str, seed: int = SEED) -> Iterator[Mutant]:
    """Makes every mutant of a file.

    Args:
        file: Path in the repository.
        text: The file's text.
        seed: Another seed gives other ranks.
    """
    tree = cst.parse_module(text)
    visitor = _Mutations()
    tree.visit(visitor)
    times: Counter[tuple[str, str, str]] = Counter()
    for function, node, changed in visitor.found:
        change = (function, tree.code_for_node(node), tree.code_for_node(changed))
        times[change] += 1
        rank = hashlib.sha256(repr((seed, file, *change, times[change])).encode()).hexdigest()
        yield Mutant(file, function, node, changed, rank, tree)


def draw(size: int, seed: int, root: Path = ROOT) -> list[Mutant]:
    """Draws the sample, in the order of files.

    Args:
        size: Number of mutants.
        seed: Seed of the draw.
        root: Folder of the repository.
    """
    files = sorted(file for pattern in TARGETS for file in root.glob(pattern))
    names = [(file.relative_to(root).as_posix(), file.read_text(encoding="utf-8")) for file in files]
    ranked = sorted((mutant for name, text in names for mutant in mutants(name, text, seed)), key=lambda one: one.rank)
    drawn: list[Mutant] = []
    for mutant in ranked:
        if len(drawn) == size:
            break
        if mutant.compiles():
            drawn.append(mutant)
    return sorted(drawn, key=lambda mutant: (mutant.file, mutant.difference[0], mutant.rank))


def main(arguments: Sequence[str] | None = None) -> int:
    """Tries a sample of mutants.

    Args:
        arguments: Words of the command line.

    Returns:
        1 if a mutant survived that is not known to be equivalent, 0 otherwise.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", help="only the sample's part in these files and folders")
    parser.add_argument("--sample", type=int, default=SAMPLE, help="number of mutants (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of the draw (default: %(default)s)")
    options = parser.parse_args(arguments)
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))  # so that the copy is removed
    known = {_key(entry): entry["reason"] for entry in tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["mutant"]}
    wanted = tuple(Path(path).as_posix() for path in options.paths)
    sample = [
        mutant
        for mutant in draw(options.sample, options.seed)
        if not wanted or any(mutant.file == path or mutant.file.startswith(f"{path}/") for path in wanted)
    ]
    start, counts = time.monotonic(), Counter[str]()
    with TestRuns(ROOT, sorted({mutant.file for mutant in sample})) as runs:
        for number, mutant in enumerate(sample, 1):
            line, gone, come = mutant.difference
            fate, tests = "equivalent", 0
            if (mutant.file, mutant.function, gone, come) not in known:
                fate, tests = runs.fate(mutant.file, mutant.text, line)
            counts[fate] += 1
            if fate not in ("killed", "equivalent"):
                print(f"{mutant.file}:{line} {mutant.function}: {fate} ({tests} tests)", flush=True)
                print(
                    "\n".join(
                        [*(f"  - {old}" for old in gone.splitlines()), *(f"  + {new}" for new in come.splitlines())]
                    )
                )
            elif sys.stdout.isatty():
                print(f"{number}/{len(sample)}", end="\r", flush=True)
    fates = ", ".join(f"{counts[fate]} {fate}" for fate in ("killed", "timed out", "equivalent", "survived"))
    print(f"{len(sample)} mutants tried in {(time.monotonic() - start) / 60:.0f} minutes: {fates}.")
    if counts["survived"]:
        print(f"Write a test for each survivor, or name it with the reason in {EQUIVALENT.relative_to(ROOT)}.")
    return int(counts["survived"] > 0)


def _key(entry: dict[str, str]) -> tuple[str, str, str, str]:
    return (
        entry["file"],
        entry["function"],
        _stripped(entry["gone"].splitlines()),
        _stripped(entry["come"].splitlines()),
    )


if __name__ == "__main__":
    sys.exit(main())
