"""Compares a log, while it is being verified, with what stands beside it: its index and the copy
of its newest checkpoint. Both were written after the log, so neither may know more than it.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from adapters.stores.segments.files import CHECKPOINT_COPY
from adapters.stores.segments.index import FILE_NAME, LOWEST_STORED_LEVEL, Head, Index, Row
from adapters.stores.segments.report import LogReport, span
from rules.audit.checkpoint import Checkpoint, VerifierKey, open_own_checkpoint
from rules.audit.merkle import Frontier, Node
from rules.errors import ProofError

_T = TypeVar("_T")
_BEYOND: Final = 1 << 62
_LISTED: Final = 20


class Witnesses:
    """The index as it was when the verification began, and the copy of the checkpoint."""

    def __init__(self, folder: Path, key: VerifierKey, report: LogReport) -> None:
        """Read the copy and take a snapshot of the index; to be done before the log is read."""
        self._report = report
        self._copy = self._read_copy(folder, key)
        self._copy_met = False
        self._index = self._open_index(folder)
        self._head = self._read_head()
        self._head_met = False
        self._shift = (0, 0)

    def close(self) -> None:
        """Release the index."""
        if self._index is not None:
            self._index.close()

    def known(self, start: int, stop: int) -> dict[int, bytes]:
        """Return the leaf hashes that the index states for a range of entries."""
        rows = self._rows(start, stop)
        return {
            at: row.leaf_hash
            for at, row in rows.items()
            if isinstance(row.leaf_hash, bytes) and len(row.leaf_hash) == 32
        }

    def frontier(self, checkpoint: Checkpoint) -> Frontier | None:
        """Return the frontier at a signed checkpoint where the index can prove one, else None."""
        if self._head is None or checkpoint.size > self._head.size:
            return None
        found = self._ask(lambda index: Frontier.of(checkpoint.size, index.node), None)
        return found if found is not None and found.root() == checkpoint.root else None

    def take_row(self, expected: Row) -> None:
        """Compare an entry of the log with its row."""
        at = expected.log_index
        if self._head is None or at >= self._head.size:
            return
        row = self._rows(at, at + 1).get(at)
        if row is None:
            self._tell(f"row {at} is missing or unreadable", at)
        elif not self._same(row, expected):
            fields = zip(Row._fields, row, expected, strict=True)
            wrong = ", ".join(f"`{name}`" for name, one, other in fields if one != other)
            self._tell(f"row {at} differs from the log in {wrong}", at)

    def take_nodes(self, nodes: list[Node]) -> None:
        """Compare completed nodes of the tree with those that the index keeps."""
        for node in nodes:
            self._take_node(*node)

    def take_checkpoint(self, checkpoint: Checkpoint, head: Head) -> None:
        """Compare a checkpoint of the log with the copy and with the index's head."""
        if self._copy is not None and self._copy.size == checkpoint.size:
            self._copy_met = True
            if self._copy.root != checkpoint.root:
                self._tell_copy("it states another root than the log")
        if self._head is not None and self._head.size == checkpoint.size:
            self._head_met = True
            if self._head != head:
                self._tell("its head differs from the log's checkpoint", None)

    def finish(self, size: int) -> None:
        """Say what the index and the copy know of and the log, which ends at `size`, does not."""
        if self._copy is not None and self._copy.size > size:
            self._tell_copy(f"the log is behind it; gone: {span(size, self._copy.size)}")
        elif self._copy is not None and not self._copy_met:
            self._tell_copy("it is of a size at which the log has no checkpoint")
        if self._index is None:
            return
        reach = 0
        if self._head is not None:
            reach = self._head.size
            if reach > size:
                self._tell(f"the log is behind it; gone: {span(size, reach)}", None)
            elif not self._head_met:
                self._tell("its head is of a size at which the log has no checkpoint", None)
        if reach < size:
            self._report.notes.append(
                f"the index is {size - reach} entries behind; opening the log brings it up to date"
            )
        self._take_surplus(reach)

    def _same(self, row: Row, expected: Row) -> bool:
        """Whether a row is right; a shift of all that follows in a segment is told only once."""
        if not isinstance(row.offset, int) or row._replace(offset=expected.offset) != expected:
            return False
        shift = (row.segment, row.offset - expected.offset)
        told = shift[1] == 0 or shift == self._shift
        self._shift = shift
        return told

    def _take_surplus(self, reach: int) -> None:
        rows = self._rows(reach, _BEYOND) | self._rows(-_BEYOND, 0)
        for at in sorted(rows)[:_LISTED]:
            self._tell(f"row {at} belongs to no entry", at)
        expected = sum(reach >> level for level in range(LOWEST_STORED_LEVEL, reach.bit_length()))
        if self._ask(Index.node_count, expected) > expected:
            self._tell("it has tree nodes that belong to no entries", None)

    def _take_node(self, level: int, place: int, hashed: bytes) -> None:
        head = self._head
        if head is None or level < LOWEST_STORED_LEVEL or (place + 1) << level > head.size:
            return
        if self._ask(lambda index: index.node(level, place), b"") != hashed:
            self._tell(f"tree node {place} of level {level} is missing or altered", None)

    def _read_copy(self, folder: Path, key: VerifierKey) -> Checkpoint | None:
        try:
            note = (folder / CHECKPOINT_COPY).read_bytes().decode("utf-8")
            return open_own_checkpoint(note, key)
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError):
            self._tell_copy("it cannot be read")
        except ProofError as error:
            self._tell_copy(str(error))
        return None

    def _open_index(self, folder: Path) -> Index | None:
        path = folder / FILE_NAME
        if not path.is_file():
            self._report.notes.append("there is no index; opening the log rebuilds it")
            return None
        try:
            return Index.open_read_only(path)
        except sqlite3.Error:
            self._tell("it cannot be read", None)
            return None

    def _read_head(self) -> Head | None:
        head = self._ask(Index.head, None)
        if head is not None and not (isinstance(head.size, int) and 0 <= head.size < _BEYOND):
            self._tell("its head is unreadable", None)
            return None
        return head

    def _rows(self, start: int, stop: int) -> dict[int, Row]:
        nothing: dict[int, Row] = {}
        return self._ask(lambda index: index.rows_between(start, stop), nothing)

    def _ask(self, question: Callable[[Index], _T], without: _T) -> _T:
        """The index's answer, or `without` where it has none; a broken index is given up."""
        if self._index is None:
            return without
        try:
            return question(self._index)
        except sqlite3.DataError:
            return without
        except sqlite3.Error:
            self._tell("it cannot be read", None)
            self._index.close()
            self._index = None
            return without

    def _tell(self, message: str, at: int | None) -> None:
        self._report.tell(message, FILE_NAME, None, at)

    def _tell_copy(self, message: str) -> None:
        self._report.tell(message, CHECKPOINT_COPY, None, None)
