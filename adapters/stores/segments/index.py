"""The index of a log: an SQLite file that answers questions and can be rebuilt at any time.

It is never the truth: rows are written after the log has them on disk. `nodes` keeps the complete
Merkle subtrees from level 4 up, so that a proof reads a few rows instead of the whole log.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from rules.audit.examine import Entry
from rules.audit.merkle import Node, node_hash

FILE_NAME: Final = "index.sqlite"
LOWEST_STORED_LEVEL: Final = 4
_FORMAT: Final = 1
_SCHEMA: Final = """
CREATE TABLE entries (
  log_index INTEGER PRIMARY KEY, call_id TEXT NOT NULL, kind TEXT NOT NULL, time REAL NOT NULL,
  tenant TEXT NOT NULL, status TEXT NOT NULL, segment INTEGER NOT NULL, offset INTEGER NOT NULL,
  length INTEGER NOT NULL, leaf_hash BLOB NOT NULL);
CREATE INDEX entries_by_call ON entries (call_id);
CREATE TABLE nodes (
  level INTEGER, place INTEGER, hash BLOB NOT NULL, PRIMARY KEY (level, place)) WITHOUT ROWID;
CREATE TABLE head (
  id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL, segment INTEGER NOT NULL,
  offset INTEGER NOT NULL, checkpoint TEXT NOT NULL);
"""


class Row(NamedTuple):
    """One entry: what it is asked by, and where its bytes stand (segment, offset, length)."""

    log_index: int
    call_id: str
    kind: str
    time: float
    tenant: str
    status: str
    segment: int
    offset: int
    length: int
    leaf_hash: bytes


def row_of(entry: Entry, segment: int, start: int, length: int) -> Row:
    """Return the row of an entry whose bytes start at byte `start` of its segment."""
    return Row(
        entry.index, entry.call_id, entry.kind, entry.time, entry.tenant, entry.status,
        segment, start, length, entry.leaf_hash,
    )  # fmt: skip


class Head(NamedTuple):
    """How far the index has followed the log: up to just behind this checkpoint's line."""

    size: int
    segment: int
    offset: int
    checkpoint: str


class Index:
    """An open index. Every method may raise sqlite3.Error; none may be called by two at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @classmethod
    def open(cls, path: Path) -> "Index":
        """Open or create the index for writing; raises sqlite3.Error when it cannot be used."""
        db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                db.executescript(f"BEGIN;{_SCHEMA}PRAGMA user_version={_FORMAT};COMMIT;")
            elif version != _FORMAT:
                raise sqlite3.DatabaseError("the index has another format")
        except BaseException:
            db.close()
            raise
        return cls(db)

    @classmethod
    def open_read_only(cls, path: Path) -> "Index":
        """Open an index as it is at this moment, for checking it; raises sqlite3.Error."""
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        # Damaged text must be compared and named, not raise.
        db.text_factory = lambda raw: raw.decode("utf-8", "replace")
        try:
            db.execute("BEGIN")
            db.execute("SELECT count(*) FROM head").fetchone()
        except BaseException:
            db.close()
            raise
        return cls(db)

    def close(self) -> None:
        """Close the file, folding its write-ahead log in."""
        self._db.close()

    def add(self, rows: Iterable[Row], nodes: Iterable[Node], head: Head) -> None:
        """Add what one or more batches brought, as one transaction."""
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            db.executemany("INSERT INTO entries VALUES (?,?,?,?,?,?,?,?,?,?)", rows)
            db.executemany(
                "INSERT INTO nodes VALUES (?,?,?)",
                (node for node in nodes if node.level >= LOWEST_STORED_LEVEL),
            )
            db.execute("INSERT OR REPLACE INTO head VALUES (1,?,?,?,?)", head)
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")

    def head(self) -> Head | None:
        """Return how far the index is, or None for an empty one."""
        found = self._db.execute(
            "SELECT size, segment, offset, checkpoint FROM head WHERE id = 1"
        ).fetchone()
        return None if found is None else Head(*found)

    def node(self, level: int, place: int) -> bytes:
        """Return the hash of a complete node; raises sqlite3.DataError when it is not there."""
        if 0 < level < LOWEST_STORED_LEVEL:
            return node_hash(self.node(level - 1, 2 * place), self.node(level - 1, 2 * place + 1))
        if level == 0:
            found = self._one("SELECT leaf_hash FROM entries WHERE log_index = ?", (place,))
        else:
            found = self._one(
                "SELECT hash FROM nodes WHERE level = ? AND place = ?", (level, place)
            )
        if found is None or not isinstance(found[0], bytes):
            raise sqlite3.DataError("the index lacks a node of the tree")
        return found[0]

    def rows_of(self, call_id: str) -> list[Row]:
        """Return the rows of one call in the order of the log."""
        found = self._db.execute(
            "SELECT * FROM entries WHERE call_id = ? ORDER BY log_index", (call_id,)
        )
        return [Row(*row) for row in found]

    def rows_between(self, start: int, stop: int) -> dict[int, Row]:
        """Return the rows of `start <= log_index < stop` by their index."""
        found = self._db.execute(
            "SELECT * FROM entries WHERE log_index >= ? AND log_index < ?", (start, stop)
        )
        return {row[0]: Row(*row) for row in found}

    def node_count(self) -> int:
        """Return how many tree nodes there are."""
        return int(self._one("SELECT count(*) FROM nodes", ())[0])

    def open_intents(self) -> list[Row]:
        """Return the intents whose calls have no outcome, in the order of the log."""
        found = self._db.execute(
            "SELECT * FROM entries AS e WHERE kind = 'intent' AND NOT EXISTS (SELECT 1 FROM entries"
            " WHERE call_id = e.call_id AND kind = 'outcome') ORDER BY log_index"
        )
        return [Row(*row) for row in found]

    def _one(self, query: str, values: Sequence[int]) -> Any:
        return self._db.execute(query, values).fetchone()
