"""Reads a results repository: its tasks, and the submissions that hold what they promise."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.store.dataset import SHORT
from bench.store.sharing.checking import faults
from bench.store.sharing.submission import FACTS_FILE, Submission, SubmissionError, read_submission
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
    try:
        submission = read_submission(folder)
    except SubmissionError as error:
        return Refused(name, str(error.faults[0]), len(error.faults) - 1)
    told = submission.task
    if told["digest"] not in tasks:
        words = f"{told['name']}, version {told['version']}, with the digest {told['digest'][:SHORT]}"
        return Refused(name, f"{FACTS_FILE}: its task, {words}, is none of {TASKS}/")
    found = faults(folder, tasks[told["digest"]])
    return Refused(name, str(found[0]), len(found) - 1) if found else Entry(name, submission)
