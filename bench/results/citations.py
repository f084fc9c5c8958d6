"""What to cite for a store: the papers of its detectors and data sets, this suite's and WePe's."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bench.errors import BenchError
from bench.store.facts import Facts
from bench.store.runs import Run, read_runs
from datamodules.errors import UnknownDataNameError
from datamodules.registry import find_data
from detectors.errors import UnknownNameError
from detectors.fusion import create_fusion
from detectors.registry import find_detector

Fields = Mapping[str, str]
SUITE, WEPE = "fauxbench", "wepe"
DETECTOR, DATA = "detector", "data set"


@dataclass(frozen=True)
class Citation:
    """A paper or a program.

    Args:
        fields: As in BibTeX, with its ``key``.
        users: The detectors and data sets that it stands behind.
    """

    fields: Fields
    users: tuple[str, ...]


@dataclass(frozen=True)
class Uncited:
    """A detector or data set of which no entry is known.

    Args:
        name: Its name.
        kind: ``detector`` or ``data set``.
        paper: What it says of its paper, if anything.
    """

    name: str
    kind: str
    paper: str = ""


@dataclass(frozen=True)
class Citations:
    """What to cite for a store, in the order of the keys, and what has no entry."""

    entries: tuple[Citation, ...]
    uncited: tuple[Uncited, ...]


def cite_store(output: Path) -> Citations:
    """Finds what to cite for the runs of a results folder.

    Raises:
        BenchError: There are no runs, or a file of theirs cannot be read.
    """
    runs = read_runs(file.parent for file in (output / "scores").glob("*/*/run.json"))
    if not runs:
        raise BenchError(f"There are no scores under {output / 'scores'}: run 'python -m bench compare' first.")
    return gathered(list(_cited(runs)))


def gathered(cited: Sequence[tuple[str, str, Sequence[Fields], str]]) -> Citations:
    """Puts entries of one key together.

    Args:
        cited: Name, kind, entries, and what is said of the paper where there are none.
    """
    fields, users = dict[str, Fields](), defaultdict[str, list[str]](list)
    for name, _, papers, _ in [(SUITE, "", [suite()], ""), (WEPE, "", find_detector(WEPE).citations, ""), *cited]:
        for paper in papers:
            fields[paper["key"]] = paper
            users[paper["key"]].append(name)
    entries = (Citation(fields[key], tuple(dict.fromkeys(users[key]))) for key in sorted(fields))
    without = {(name, kind): Uncited(name, kind, paper) for name, kind, papers, paper in cited if not papers}
    return Citations(tuple(entries), tuple(without.values()))


def suite() -> Fields:
    """Describes this suite."""
    return {
        "key": SUITE,
        "author": "{The fauxbench contributors}",
        "title": "fauxbench: comparing detectors of AI-generated images",
        "note": f"Version {version(SUITE)}",
    }


def _cited(runs: Sequence[Run]) -> Iterator[tuple[str, str, Sequence[Fields], str]]:
    for run in runs:
        name = str(run.data.get("name", ""))
        if name:
            yield name, DATA, _of_dataset(name), ""
        for facts in run.detectors.values():
            members = str(facts["name"]).rpartition(":")[2].split("+") if "members" in facts else [str(facts["name"])]
            for member in (member.partition("#")[0] for member in members):
                yield member, DETECTOR, _of_detector(member), "" if "members" in facts else _paper(facts)
            if fuse := facts.get("options", {}).get("fuse"):
                yield from ((fuse, DETECTOR, [paper], "") for paper in create_fusion(str(fuse)).citations)


def _paper(facts: Facts) -> str:
    """Returns what a detector says of its paper; nothing where it has none."""
    paper = str(facts.get("paper", ""))
    return "" if paper.startswith("none") else paper


def _of_detector(name: str) -> Sequence[Fields]:
    """Returns a detector's entries; those of a plugin that was not loaded are not known."""
    try:
        return find_detector(name).citations
    except UnknownNameError:
        return ()


def _of_dataset(name: str) -> Sequence[Fields]:
    try:
        return find_data(name).citations
    except UnknownDataNameError:
        return ()
