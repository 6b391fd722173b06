"""Brings the index and the copy of the checkpoint up to date, behind the writer's back.

Nobody waits for it but a reader who needs the newest entry. If the index fails, it is given up
until the next start, where it is rebuilt; the log itself does not depend on it.
"""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from adapters.errors import StoreUnavailable
from adapters.stores.segments.files import CHECKPOINT_COPY
from adapters.stores.segments.index import Head, Index, Row
from rules.audit.merkle import Node

_PAUSE_SECONDS: Final = 0.2
_T = TypeVar("_T")


class IndexFeed:
    """Owns the index; takes batches from the writer, answers readers."""

    def __init__(self, folder: Path, index: Index) -> None:
        """Start the background thread."""
        self._folder = folder
        self._index = index
        self._broken = False
        self._rows: list[Row] = []
        self._nodes: list[Node] = []
        self._head: Head | None = None
        self._pending = threading.Lock()  # the three fields above
        self._using = threading.RLock()  # the index, and the order of flushes
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger-index", daemon=True)
        self._thread.start()

    def take(self, rows: Sequence[Row], nodes: Sequence[Node], head: Head) -> None:
        """Take what a durable batch brought; returns at once."""
        if self._broken:
            return
        with self._pending:
            self._rows.extend(rows)
            self._nodes.extend(nodes)
            self._head = head
        if not self._wake.is_set():
            self._wake.set()

    def ask(self, question: Callable[[Index], _T]) -> _T:
        """Return the answer of `question` on an index that is up to date.

        Raises StoreUnavailable when the index has failed; the log is not affected.
        """
        with self._using:
            self.flush()
            if not self._broken:
                try:
                    return question(self._index)
                except sqlite3.Error:
                    self._broken = True
        raise StoreUnavailable(
            "ledger", f"the index in `{self._folder}` failed; a restart rebuilds it"
        )

    def flush(self) -> None:
        """Write what is pending; an error gives the index up."""
        with self._using:
            with self._pending:
                rows, nodes, head = self._rows, self._nodes, self._head
                self._rows, self._nodes, self._head = [], [], None
            if head is None or self._broken:
                return
            try:
                self._index.add(rows, nodes, head)
                self._copy(head.checkpoint)
            except (sqlite3.Error, OSError):
                self._broken = True

    def close(self) -> None:
        """Write what is pending and close the index."""
        self._closing.set()
        self._wake.set()
        self._thread.join()
        self.flush()
        with self._using:
            self._broken = True
            self._index.close()

    def _copy(self, checkpoint: str) -> None:
        """Replace the copy of the newest checkpoint: an anchor outside of index and segments."""
        draft = self._folder / f".{CHECKPOINT_COPY}"
        draft.write_text(checkpoint, encoding="utf-8")
        draft.replace(self._folder / CHECKPOINT_COPY)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            # A pause, so that many batches share one transaction.
            self._closing.wait(_PAUSE_SECONDS)
            self._wake.clear()
            self.flush()
