"""``--dataset hf:OWNER/NAME[:CONFIG][@REVISION]``: Parquet files of a data set on the Hugging Face hub."""

import fnmatch
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import yaml

from datamodules.errors import DataOptionError, DatasetNotFoundError
from datamodules.tables.parquet import ParquetData
from datamodules.tables.splits import split_of
from datamodules.tables.table import PARQUET, Table

if TYPE_CHECKING:
    from huggingface_hub import HfApi

CARD = "README.md"
CONVERTED = "refs/convert/parquet"
"""The branch in which the hub keeps its own conversion of a data set."""
_SOURCE = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(:(?P<config>[^:@]+))?(@(?P<revision>[\w./-]+))?")


class HubData(ParquetData):
    """The Parquet files of one configuration of a data set, downloaded into the hub's cache, and read as ``parquet``.

    It was tried against a server of our own that answers as the hub does, and not yet against the hub itself.

    Its revision is looked up once and its commit is kept with the scores. Where the data set's card has configurations,
    their files are taken; else those of a folder of the configuration's name, or all.

    Args:
        root: Not used: the files lie in the hub's cache (``HF_HOME``).
        source: ``OWNER/NAME``, and behind it ``:CONFIG`` and ``@REVISION`` where wanted.
        **options: As for :class:`~datamodules.tables.module.TableData`.

    Raises:
        DataOptionError: The source is written otherwise.
    """

    name = "hf"
    takes_text = True

    def __init__(self, root: str | Path | None = None, *, source: str, **options: Any) -> None:  # noqa: ANN401
        match = _SOURCE.fullmatch(source)
        if match is None:
            raise DataOptionError(
                f"--dataset hf:{source} must be hf:OWNER/NAME, hf:OWNER/NAME:CONFIG@REVISION at most."
            )
        super().__init__(root or "", **options)
        self.source = source
        self.repository, self.config, self.asked = match["repository"], match["config"], match["revision"]

    @property
    def default_title(self) -> str:
        """The name on the hub."""
        return f"hf:{self.repository}{f':{self.config}' if self.config else ''}"

    @property
    def notes(self) -> tuple[str, ...]:
        """Those of the tables, and which commit they are of."""
        own = (f"Files of {self.repository} at commit {self.revision}.",) if self.revision else ()
        return (*super().notes, *own)

    def _tables(self) -> tuple[list[Table], list[str]]:
        with self._reached() as api:
            info = api.dataset_info(self.repository, revision=self.asked)
            self.revision = str(info.sha)
            there = [file.rfilename for file in info.siblings or ()]
            card = self._fetched(api, CARD).read_text(encoding="utf-8") if CARD in there else ""
        names = self._chosen(there, card)
        with self._reached() as api:
            files = [self._fetched(api, name) for name in names]
        self.base = files[0].parents[len(PurePosixPath(names[0]).parts) - 1]
        return [Table(self.base / name, name, self.base, None, dict(self.given)) for name in names], []

    def _fetched(self, api: "HfApi", name: str) -> Path:
        """Downloads a file, unless it is in the cache."""
        return Path(api.hf_hub_download(self.repository, name, repo_type="dataset", revision=self.revision))

    @contextmanager
    def _reached(self) -> Iterator["HfApi"]:
        """Gives access to the hub.

        Raises:
            DatasetNotFoundError: There is no such data set or revision, or no network.
            DataOptionError: The library is missing.
        """
        try:
            from huggingface_hub import HfApi, errors
        except ImportError as error:
            raise DataOptionError(
                f"--dataset hf needs a newer huggingface_hub: pip install fauxbench[hub] ({error})."
            ) from error
        try:
            yield HfApi()
        except errors.GatedRepoError as error:
            raise DatasetNotFoundError(
                f"{self.repository} is given only to who has agreed to its terms: agree on its page on the hub and log "
                "in (hf auth login)."
            ) from error
        except errors.RepositoryNotFoundError as error:
            raise DatasetNotFoundError(
                f"The hub has no data set {self.repository}, or it is private: look at the name, or log in (hf auth "
                "login)."
            ) from error
        except (errors.HTTPError, OSError) as error:  # type: ignore[attr-defined] # of its own transport
            raise DatasetNotFoundError(self._offline(error)) from error

    def _chosen(self, there: Sequence[str], card: str) -> list[str]:
        """Returns the Parquet files of the configuration and the splits that were asked for."""
        files = sorted(name for name in there if name.lower().endswith(PARQUET))
        if not files:
            endings = Counter(PurePosixPath(name).suffix.lower() or name for name in there)
            found = ", ".join(f"{number:,} {ending}" for ending, number in endings.most_common(5))
            raise DatasetNotFoundError(
                f"{self.repository} holds no {PARQUET} file, but {found or 'nothing'}. "
                f"hf:{self.repository}@{CONVERTED} reads the hub's conversion where there is one; other files are "
                f"fetched by hf download {self.repository} --repo-type dataset --local-dir DIR and read as a folder, a "
                "manifest or shards."
            )
        parts = list(self._parts(files, configs_of(card)))
        splits = sorted({split for _, split in parts if split is not None})
        unknown = [split for split in self.splits or () if split not in splits]
        if unknown:
            raise DatasetNotFoundError(f"{self.default_title} has no split {unknown[0]!r}; it has {', '.join(splits)}.")
        return sorted({name for name, split in parts if self.splits is None or split in self.splits})

    def _parts(
        self, files: Sequence[str], configs: dict[str, list[tuple[str | None, str]]]
    ) -> Iterator[tuple[str, str | None]]:
        """Yields the files of the configuration with their splits."""
        matched = {
            name: [(file, split or split_of(file)) for split, pattern in patterns for file in _matching(files, pattern)]
            for name, patterns in configs.items()
        }
        matched = {name: found for name, found in matched.items() if found}
        folders = sorted({file.split("/")[0] for file in files if "/" in file})
        if self.config is None and len(matched) > 1 and "default" not in matched:
            raise DataOptionError(
                f"{self.repository} has several configurations: name one, as in hf:{self.repository}:{min(matched)}; "
                f"there are {', '.join(sorted(matched))}."
            )
        if self.config is None and matched:
            yield from matched.get("default") or next(iter(matched.values()))
        elif self.config is None:
            yield from ((file, split_of(file)) for file in files)
        elif self.config in matched:
            yield from matched[self.config]
        else:
            inside = [file for file in files if self.config in PurePosixPath(file).parts[:-1]]
            if not inside:
                there = ", ".join(sorted(matched) or folders) or "none"
                raise DataOptionError(f"{self.repository} has no configuration {self.config!r}; there are: {there}.")
            yield from ((file, split_of(file)) for file in inside)

    def _offline(self, error: Exception) -> str:
        from huggingface_hub import constants, snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError

        revision = f" --revision {self.asked}" if self.asked else ""
        inside = f"{self.config}/*" if self.config else "*"
        try:
            folder = snapshot_download(self.repository, repo_type="dataset", revision=self.asked, local_files_only=True)
            here = f" What was fetched before lies in {folder}."
        except (LocalEntryNotFoundError, OSError):
            here = ""
        return (
            f"{self.repository} could not be fetched from {constants.ENDPOINT} ({_first_line(error)}). Where there is "
            f"a network, hf download {self.repository} --repo-type dataset{revision} --include '{inside}{PARQUET}' "
            f"--local-dir DIR fetches its files; --dataset parquet --data-root DIR reads them.{here}"
        )


def configs_of(card: str) -> dict[str, list[tuple[str | None, str]]]:
    r"""Reads the configurations of a data set's card.

    Args:
        card: Its README, whose head, between two lines ``---``, is YAML.

    Returns:
        For each configuration its patterns of files, each with the split that it is of, where one is stated.

    Examples:
        >>> configs_of("---\nconfigs:\n- config_name: core\n  data_files: core/*.parquet\n---\nText")
        {'core': [(None, 'core/*.parquet')]}
    """
    head = card.split("---\n", 2)[1] if card.startswith("---\n") and card.count("---\n") > 1 else ""
    try:
        facts = yaml.safe_load(head)
    except yaml.YAMLError:
        return {}
    found: dict[str, list[tuple[str | None, str]]] = {}
    for config in _list(facts.get("configs")) if isinstance(facts, dict) else ():
        if isinstance(config, dict) and config.get("data_files"):
            patterns = found.setdefault(str(config.get("config_name", "default")), [])
            for files in _list(config["data_files"]):
                stated = files if isinstance(files, dict) else {"path": files}
                split = str(stated["split"]) if stated.get("split") else None
                patterns += [(split, str(path)) for path in _list(stated.get("path"))]
    return found


def _list(value: object) -> Iterable[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _matching(files: Sequence[str], pattern: str) -> list[str]:
    """Finds the files of a pattern; two stars also stand for no folder at all."""
    patterns = (pattern, pattern.replace("**/", ""))
    return [file for file in files if any(fnmatch.fnmatchcase(file, one) for one in patterns)]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:120]
