"""The files of a log's folder: which there are, the lock that makes one writer, durable appends.

A write or sync that fails is never tried again: what reached the disk is unknown then, so the file
is given up. Reading never changes anything.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from adapters.errors import StoreUnavailable

CHECKPOINT_COPY: Final = "checkpoint"
_LOCK: Final = "lock"
_SEGMENT: Final = re.compile(r"segment-([0-9]{12,18})\.seg", re.ASCII)
# macOS has no fdatasync.
_sync_data = getattr(os, "fdatasync", os.fsync)


class RawLine(NamedTuple):
    """A line as it stands: where it starts, its bytes without the newline, whether it had one."""

    offset: int
    data: bytes
    ended: bool


def segment_path(folder: Path, first: int) -> Path:
    """Return the path of the segment whose first entry has this index."""
    return folder / f"segment-{first:012d}.seg"


def list_segments(folder: Path) -> list[int]:
    """Return the first indexes of all segments in order, by their names."""
    found = (_SEGMENT.fullmatch(name) for name in os.listdir(folder))
    numbers = (int(match[1]) for match in found if match)
    return sorted(number for number in numbers if segment_path(folder, number).is_file())


def read_lines(path: Path, offset: int = 0) -> Iterator[RawLine]:
    """Yield the lines of a segment from a byte offset on."""
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            ended = line.endswith(b"\n")
            yield RawLine(offset, line[:-1] if ended else line, ended)
            offset += len(line)


def sync_folder(folder: Path) -> None:
    """Make the creation or removal of files in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class FolderLock:
    """The right to write a log; held until closed, or until the process ends, however it ends."""

    __slots__ = ("_handle",)

    def __init__(self, folder: Path) -> None:
        """Take the lock; raises StoreUnavailable naming the file when somebody has it."""
        path = folder / _LOCK
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._handle)
            raise StoreUnavailable(
                "ledger", f"another process writes this log (it holds `{path}`)"
            ) from None

    def close(self) -> None:
        """Give the right back."""
        os.close(self._handle)


class SegmentFile:
    """One segment open for appending."""

    __slots__ = ("_handle", "_identity", "first", "path", "size")

    def __init__(self, folder: Path, first: int, *, create: bool) -> None:
        """Open the segment whose first entry is `first`; raises OSError."""
        self.first = first
        self.path = segment_path(folder, first)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        if create:
            flags |= os.O_CREAT | os.O_EXCL
        self._handle = os.open(self.path, flags, 0o600)
        found = os.fstat(self._handle)
        self._identity = (found.st_dev, found.st_ino)
        self.size = found.st_size

    def append(self, data: bytes) -> None:
        """Write all of `data` and make it durable; raises OSError, after which the file is lost.

        Also raises OSError when the file at this path is no longer the one that was opened, or
        somebody else has written to it or cut it.
        """
        found = os.stat(self.path)
        if (found.st_dev, found.st_ino) != self._identity or found.st_size != self.size:
            raise OSError("the file was replaced or changed by somebody else")
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._handle, rest) :]
        _sync_data(self._handle)
        self.size += len(data)

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)
