"""Zip files, stored or deflated."""

import stat
import struct
import zipfile
from collections import Counter
from collections.abc import Iterator

from datamodules.errors import DataOptionError
from datamodules.reading import UnreadableImageError
from datamodules.trees.archive import DEFLATED, STORED, ArchiveTree, Member

_LOCAL_HEADER = struct.Struct("<4s22xHH")
_ENCRYPTED, _UTF8 = 1, 0x800


class ZipTree(ArchiveTree):
    """The files of a zip file."""

    def members(self, passed_by: Counter[str]) -> Iterator[Member]:
        """Yields the regular files of the directory at its end."""
        try:
            with zipfile.ZipFile(self.root) as archive:
                infos = archive.infolist()
        except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError, struct.error, ValueError) as error:
            raise DataOptionError(
                f"{self.root} is no zip file that can be read ({error}): fetch it again whole, or unpack it and give "
                "the folder."
            ) from error
        for info in infos:
            mode = info.external_attr >> 16
            if info.is_dir():
                continue
            if stat.S_ISLNK(mode):
                passed_by["a symbolic link"] += 1
                continue
            yield Member(
                _name_of(info),
                info.header_offset,
                info.compress_size,
                info.file_size,
                info.compress_type,
                info.CRC,
                _refusal(info),
            )

    def begin_of(self, member: Member) -> int:
        """Finds a member's first byte: its local header may be longer than the directory says."""
        header = self.file.read(member.offset, _LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
            raise UnreadableImageError("the archive is damaged here: no local header")
        _, name, extra = _LOCAL_HEADER.unpack(header)
        return member.offset + _LOCAL_HEADER.size + int(name) + int(extra)


def _name_of(info: zipfile.ZipInfo) -> str:
    """Returns the name; of one that does not say that it is UTF-8, and is, as UTF-8."""
    if info.flag_bits & _UTF8 or info.orig_filename.isascii():
        return info.filename
    try:
        return info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename


def _refusal(info: zipfile.ZipInfo) -> str | None:
    if info.flag_bits & _ENCRYPTED:
        return "encrypted: unpack the archive"
    if info.compress_type not in (STORED, DEFLATED):
        return f"compressed by zip method {info.compress_type}, which is not read: unpack the archive"
    return None
