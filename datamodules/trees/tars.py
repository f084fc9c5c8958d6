"""Tar files that are not compressed."""

from collections import Counter
from collections.abc import Iterator

from datamodules.errors import DataOptionError
from datamodules.tar_headers import ShardError, read_members
from datamodules.trees.archive import ArchiveTree, Member


class TarTree(ArchiveTree):
    """The files of a tar file."""

    def members(self, passed_by: Counter[str]) -> Iterator[Member]:
        """Yields the regular files by their headers."""
        try:
            with self.root.open("rb") as stream:
                for member in read_members(stream, self.file.size, passed_by):
                    yield Member(member.name, member.offset, member.size, member.size)
        except ShardError as error:
            raise DataOptionError(
                f"{self.root}: {error}; fetch it again whole, or unpack it and give the folder."
            ) from error
