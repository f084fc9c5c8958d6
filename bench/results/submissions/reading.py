"""Reads a results repository: its tasks, and the submissions that hold what they promise."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.store.sharing.checking import check
from bench.store.sharing.submission import FACTS_FILE, Submission, SubmissionError, read_facts
from bench.store.sharing.task import Task, read_task

TASKS, SUBMISSIONS = "tasks", "submissions"


@dataclass(frozen=True)
class Refused:
    """A submission that is not what it must be.

    Args:
        folder: Where it lies among the submissions.
        fault: The first one.
        more: How many others there are.
    """

    folder: str
    fault: str
    more: int = 0


@dataclass(frozen=True)
class Entry:
    """A submission that is right, and where it lies among the submissions."""

    folder: str
    submission: Submission

    @property
    def repository(self) -> str:
        """The submitter's address."""
        return address(self.submission.repository)


@dataclass(frozen=True)
class Repository:
    """A results repository.

    Args:
        tasks: Each once, by name and version.
        entries: By folder.
    """

    tasks: Sequence[Task]
    entries: Sequence[Entry]
    refused: Sequence[Refused]


def read_repository(root: Path) -> Repository:
    """Reads a results repository, or the one whose ``submissions`` folder it is given.

    Raises:
        BenchError: It is none, or a task cannot be read.
    """
    root = root.resolve().parent if root.resolve().name == SUBMISSIONS and not (root / TASKS).is_dir() else root
    lacking = [name for name in (TASKS, SUBMISSIONS) if not (root / name).is_dir()]
    if lacking:
        raise BenchError(
            f"--submissions {root} has no folder {' and no '.join(lacking)}: give a results repository, with "
            "tasks/*.json and submissions/<submitter>/<detector>/."
        )
    tasks = {task.digest: task for task in map(read_task, sorted((root / TASKS).glob("*.json")))}
    if not tasks:
        raise BenchError(f"{root / TASKS} holds no task: write one with task freeze.")
    entries: list[Entry] = []
    refused: list[Refused] = []
    for folder in _folders(root / SUBMISSIONS):
        checked = _checked(folder, folder.relative_to(root / SUBMISSIONS).as_posix(), tasks)
        if isinstance(checked, Entry):
            entries.append(checked)
        else:
            refused.append(checked)
    if not entries and not refused:
        raise BenchError(f"{root / SUBMISSIONS} holds no submission: submit writes one.")
    return Repository(sorted(tasks.values(), key=lambda task: (task.name, task.version, task.digest)), entries, refused)


def address(url: str) -> str:
    """Writes the address of a repository in one way.

    Examples:
        >>> address("https://GitHub.com/owner/name.git/")
        'https://github.com/owner/name'
    """
    scheme, found, rest = url.strip().partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{found}{host.lower()}{slash}{path}".rstrip("/").removesuffix(".git")


def _folders(submissions: Path) -> Iterator[Path]:
    """Yields what may be a submission: what lies in a submitter's folder, and a submission that lies too high."""
    for submitter in _visible(submissions):
        yield from [submitter] if (submitter / FACTS_FILE).exists() else _visible(submitter)


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.is_dir())


def _checked(folder: Path, name: str, tasks: Mapping[str, Task]) -> Entry | Refused:
    task = tasks.get(_digest(folder))
    checked = check(folder, task)
    faults = [str(fault) for fault in checked.faults]
    if task is None and checked.task is not None:  # one that lies elsewhere
        faults.insert(0, f"{FACTS_FILE}: its task is none of {TASKS}/ here")
    if faults or checked.submission is None:
        return Refused(name, faults[0], len(faults) - 1)
    return Entry(name, checked.submission)


def _digest(folder: Path) -> str:
    """Returns the digest of the task that a submission is for, as it says; of none where it says nothing."""
    try:
        return str(read_facts(folder)["task"]["digest"])
    except SubmissionError:
        return ""
