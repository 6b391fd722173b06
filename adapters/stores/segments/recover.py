"""What opening a log finds: where it ends, and an index that is level with it.

Only the end of the last segment may be torn, and only behind the last valid checkpoint: nobody was
told that those entries are durable. They are cut off. Any other damage is damage to evidence; then
the log does not open, so that nothing is written over it, and `pratique verify` says what it is.
"""

import os
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from adapters.errors import StoreUnavailable
from adapters.stores.segments.files import (
    CHECKPOINT_COPY,
    list_segments,
    read_lines,
    segment_path,
    sync_folder,
)
from adapters.stores.segments.index import FILE_NAME, Head, Index, Row, row_of
from adapters.stores.segments.lines import (
    CheckpointLine,
    HeaderLine,
    LeafLine,
    leaf_prefix,
    parse_line,
)
from rules.audit.checkpoint import Checkpoint, VerifierKey, open_checkpoint, open_own_checkpoint
from rules.audit.examine import read_entry
from rules.audit.merkle import Frontier, Node, leaf_hash
from rules.errors import ProofError

_ROWS_A_TRANSACTION = 5_000


@dataclass(slots=True)
class Recovered:
    """The state of a log: its frontier, its last segment (None for a new log), what was cut."""

    frontier: Frontier
    index: Index
    segment: int | None = None
    cut_bytes: int = 0


@dataclass(slots=True)
class _Batch:
    """Lines read since the last checkpoint, and rows that are proved but not yet in the index."""

    frontier: Frontier
    rows: list[Row] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)


def recover(folder: Path, key: VerifierKey) -> Recovered:
    """Find the end of the log in `folder`, cut a torn tail, bring the index up to date.

    Raises StoreUnavailable when an acknowledged entry is damaged or missing, or the log has
    another key.
    """
    index = _open_index(folder)
    try:
        return _Recovery(folder, key, index).run()
    except sqlite3.Error:
        index.close()
        index = _fresh_index(folder)
    except BaseException:
        index.close()
        raise
    try:
        return _Recovery(folder, key, index).run()
    except BaseException:
        index.close()
        raise


class _Recovery:
    """One pass over the part of the log that the index does not cover yet."""

    def __init__(self, folder: Path, key: VerifierKey, index: Index) -> None:
        self._folder = folder
        self._key = key
        self._index = index
        self._done = Frontier()
        self._rows: list[Row] = []
        self._nodes: list[Node] = []
        self._head: Head | None = None

    def run(self) -> Recovered:
        """Read to the end; raises sqlite3.Error when the index has to be rebuilt first."""
        segments = list_segments(self._folder)
        offset = 0
        head = self._index.head()
        if head is not None:
            self._done = self._start_from(head)
            segments = [first for first in segments if first >= head.segment]
            offset = head.offset
            if segments[:1] != [head.segment]:
                self._refuse("the log is behind its index: a segment is missing")
        result = Recovered(self._done, self._index, segments[-1] if segments else None)
        for first in segments:
            end = self._follow(first, offset)
            size = segment_path(self._folder, first).stat().st_size
            # A segment of which nothing is proved may also be empty: it was made and never written.
            if end < size or end == 0:
                self._check_tail(first, end, last=first == segments[-1])
                result.cut_bytes = size - end
                result.segment = self._cut(first, end, segments)
            offset = 0
        self._flush()
        self._check_copy()
        result.frontier = self._done
        return result

    def _start_from(self, head: Head) -> Frontier:
        """The frontier at the index's head, proved by the signed checkpoint kept there."""
        try:
            stated = open_own_checkpoint(head.checkpoint, self._key)
        except ProofError:
            # Either the index is not this log's, or the log has another key; the segments tell.
            raise sqlite3.DataError("the index's checkpoint does not verify") from None
        frontier = Frontier.of(head.size, self._index.node)
        if stated.size != head.size or stated.root != frontier.root():
            raise sqlite3.DataError("the index's nodes do not lead to its checkpoint")
        path = segment_path(self._folder, head.segment)
        if path.is_file() and path.stat().st_size < head.offset:
            self._refuse("the log is behind its index: its end is missing")
        return frontier

    def _follow(self, first: int, offset: int) -> int:
        """Read a segment up to its last valid checkpoint; return the byte offset behind that."""
        end = offset
        if offset == 0 and first != self._done.size:
            self._refuse(f"the segment before entry {first} is missing or short")
        batch = _Batch(self._done.copy())
        try:
            for raw in read_lines(segment_path(self._folder, first), offset):
                if not raw.ended:
                    break
                line = parse_line(raw.data)
                if isinstance(line, HeaderLine) != (raw.offset == 0):
                    raise ProofError("the segment's header is in the wrong place")
                if isinstance(line, LeafLine):
                    self._take_leaf(batch, line, first, raw.offset)
                elif isinstance(line, CheckpointLine):
                    end = raw.offset + len(raw.data) + 1
                    self._settle(batch, line, Head(batch.frontier.size, first, end, line.note))
                    batch = _Batch(self._done.copy())
                else:
                    self._check_header(line, first)
        except ProofError:
            # Whether this is a torn tail or damage depends on what follows; see `_check_tail`.
            return self._head_offset(first, offset)
        return end

    def _head_offset(self, first: int, offset: int) -> int:
        head = self._head
        return head.offset if head is not None and head.segment == first else offset

    def _take_leaf(self, batch: _Batch, line: LeafLine, segment: int, offset: int) -> None:
        hashed = leaf_hash(line.data)
        if line.index != batch.frontier.size or line.leaf_hash != hashed:
            raise ProofError("the line is damaged")
        entry = read_entry(line.index, line.data, None)
        start = offset + len(leaf_prefix(line.index, hashed))
        batch.rows.append(row_of(entry, segment, start, len(line.data)))
        batch.nodes.extend(batch.frontier.append(hashed))

    def _settle(self, batch: _Batch, line: CheckpointLine, head: Head) -> None:
        stated = open_own_checkpoint(line.note, self._key)
        since = self._done.size
        if line.since != since or stated.since != since or stated.size != head.size:
            raise ProofError("the checkpoint is in the wrong place")
        if stated.root != batch.frontier.root():
            raise ProofError("the checkpoint has another root")
        self._done = batch.frontier
        self._rows.extend(batch.rows)
        self._nodes.extend(batch.nodes)
        self._head = head
        if len(self._rows) >= _ROWS_A_TRANSACTION:
            self._flush()

    def _flush(self) -> None:
        if self._rows and self._head is not None:
            self._index.add(self._rows, self._nodes, self._head)
            self._rows, self._nodes = [], []

    def _check_header(self, line: HeaderLine, first: int) -> None:
        if line.first != first:
            raise ProofError("the segment's header is of another segment")
        if line.verifier != str(self._key):
            self._refuse(
                "the log was written with another key or name (set `keys` to the folder of the key"
                " that signs it, or `data` to another folder)"
            )

    def _check_tail(self, first: int, end: int, *, last: bool) -> None:
        """Refuse unless everything from `end` on can only be entries that nobody relies on."""
        if not last:
            self._refuse(f"the segment that starts at entry {first} is damaged before its end")
        for raw in read_lines(segment_path(self._folder, first), end):
            stated = self._checkpoint_in(raw.data)
            if stated is not None and stated.size > self._done.size:
                self._refuse(f"acknowledged entries from {self._done.size} on are damaged")

    def _checkpoint_in(self, raw: bytes) -> Checkpoint | None:
        try:
            line = parse_line(raw)
            if isinstance(line, CheckpointLine):
                return open_checkpoint(line.note, self._key)
        except ProofError:
            pass
        return None

    def _cut(self, first: int, end: int, segments: list[int]) -> int | None:
        """Cut the torn tail off; a segment of which nothing is left goes away as a whole."""
        self._check_copy()
        path = segment_path(self._folder, first)
        if end > 0:
            handle = os.open(path, os.O_WRONLY)
            try:
                os.ftruncate(handle, end)
                os.fsync(handle)
            finally:
                os.close(handle)
            return first
        path.unlink()
        sync_folder(self._folder)
        return segments[-2] if len(segments) > 1 else None

    def _check_copy(self) -> None:
        """Refuse when a checkpoint that was once handed out covers more than the log has."""
        try:
            note = (self._folder / CHECKPOINT_COPY).read_text(encoding="utf-8")
            stated = open_checkpoint(note, self._key)
        except (OSError, UnicodeDecodeError, ProofError):
            # It is written without a sync, so a power failure may leave it empty.
            return
        same = stated.size == self._done.size
        if stated.size > self._done.size or (same and stated.root != self._done.root()):
            self._refuse("the log is behind the copy of its newest checkpoint")

    def _refuse(self, why: str) -> NoReturn:
        raise StoreUnavailable(
            "ledger", f"{why}; the log is not opened: run `pratique verify {self._folder}`"
        )


def _open_index(folder: Path) -> Index:
    try:
        return Index.open(folder / FILE_NAME)
    except sqlite3.Error:
        return _fresh_index(folder)


def _fresh_index(folder: Path) -> Index:
    for suffix in ("", "-wal", "-shm"):
        (folder / f"{FILE_NAME}{suffix}").unlink(missing_ok=True)
    try:
        return Index.open(folder / FILE_NAME)
    except sqlite3.Error:
        raise StoreUnavailable("ledger", f"no index can be made in `{folder}`") from None
