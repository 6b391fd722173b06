"""The ledger's store: append-only segment files that prove themselves, with an index beside them.

A batch is one write and one sync, closed by a checkpoint signed over everything so far. Nothing is
ever changed in place. After any failure to write, the store is dead: it stays closed until a
restart has looked at what is on the disk.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from adapters.errors import StoreUnavailable
from adapters.ports import Leaf, Signer
from adapters.stores.segments.feed import IndexFeed
from adapters.stores.segments.files import FolderLock, SegmentFile, segment_path, sync_folder
from adapters.stores.segments.index import Head, Index, Row
from adapters.stores.segments.lines import checkpoint_line, header_line, leaf_prefix
from adapters.stores.segments.recover import Recovered, recover
from rules.audit.checkpoint import VerifierKey, sign_checkpoint
from rules.audit.merkle import Frontier, Node, inclusion_proof, leaf_hash
from rules.audit.receipt import build_receipt

_MEBIBYTE = 1024 * 1024
_OUTCOME_BYTES = 16 * 1024


class SegmentStore:
    """Implements `ports.LedgerStore` in a folder. `append` and `close` belong to one thread."""

    def __init__(
        self,
        folder: Path,
        signer: Signer,
        *,
        segment_bytes: int = 64 * _MEBIBYTE,
        floor_bytes: int = 64 * _MEBIBYTE,
    ) -> None:
        """Open or create the log, with a new segment after `segment_bytes`.

        `floor_bytes` is the free space below which no intent is admitted. Raises StoreUnavailable
        when another process writes this log, when it is damaged, or was written with another key.
        """
        self._folder = folder
        self._signer = signer
        self._key = VerifierKey(signer.name, signer.public_key)
        self._segment_bytes = segment_bytes
        self._floor_bytes = floor_bytes
        self._failure: str | None = None
        self._closed = False
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = FolderLock(folder)
        except OSError as error:
            self._unusable(error)
        try:
            found = recover(folder, self._key)
            self._segment = self._last_segment(found)
        except OSError as error:
            self._lock.close()
            self._unusable(error)
        except BaseException:
            self._lock.close()
            raise
        self.cut_bytes = found.cut_bytes
        self._frontier = found.frontier
        self._feed = IndexFeed(folder, found.index)
        self._open_calls = {row.call_id for row in self._feed.ask(Index.open_intents)}

    @property
    def verifier(self) -> str:
        """The log's public key as text (C2SP signed-note)."""
        return str(self._key)

    @property
    def size(self) -> int:
        """How many entries the log has."""
        return self._frontier.size

    @property
    def dead(self) -> bool:
        """True once writing has failed: from then on only a restart helps."""
        return self._failure is not None and not self._closed

    def append(self, leaves: Sequence[Leaf]) -> Sequence[int]:
        """Write the leaves and a checkpoint as one durable step; return their indexes.

        A leaf's `data` must be an entry of `rules.audit.entry`, encoded, without a newline. Raises
        StoreUnavailable; after a failed write or sync the store stays closed.
        """
        if self._closed or self._failure is not None:
            raise StoreUnavailable("ledger", self._failure or "the log is closed")
        if not leaves:
            return []
        if any(b"\n" in leaf.data or not leaf.data for leaf in leaves):
            raise ValueError("a leaf is empty or holds a newline")
        batch = _Batch(self._frontier.copy(), leaves)
        since = self._frontier.size
        note = sign_checkpoint(
            batch.frontier.size, batch.frontier.root(), self._key, self._signer.sign, since=since
        )
        batch.pieces.append(checkpoint_line(since, note))
        try:
            segment, base = self._write(since, b"".join(batch.pieces))
        except OSError as error:
            raise StoreUnavailable("ledger", self._fail(error)) from None
        self._frontier = batch.frontier
        self._count(leaves)
        rows = batch.rows(segment.first, base)
        self._feed.take(
            rows, batch.nodes, Head(self._frontier.size, segment.first, segment.size, note)
        )
        return range(since, self._frontier.size)

    def room(self) -> bool:
        """True while free space exceeds the floor and what the open calls' outcomes will need.

        May be asked by any thread. A folder that is gone kills the store.
        """
        if self._closed or self._failure is not None:
            return False
        try:
            found = os.statvfs(self._folder)
        except OSError as error:
            self._fail(error)
            return False
        needed = self._floor_bytes + (len(self._open_calls) + 1) * _OUTCOME_BYTES
        return found.f_bavail * found.f_frsize >= needed

    def orphans(self) -> Sequence[tuple[str, str, int, bytes]]:
        """Intents without an outcome: (call id, tenant, index, leaf hash)."""
        return [
            (row.call_id, row.tenant, row.log_index, row.leaf_hash)
            for row in self._feed.ask(Index.open_intents)
        ]

    def receipt(self, call_id: str) -> dict[str, object] | None:
        """The entries of a call with inclusion proofs under the newest checkpoint, or None.

        Raises StoreUnavailable when the index or a segment cannot be read.
        """
        return self._feed.ask(lambda index: self._receipt(index, call_id))

    def close(self) -> None:
        """Bring the index up to date and release files and locks; may be called again."""
        if self._closed:
            return
        self._closed = True
        self._feed.close()
        if self._segment is not None:
            self._segment.close()
        self._lock.close()

    def _last_segment(self, found: Recovered) -> SegmentFile | None:
        try:
            if found.segment is None:
                return None
            return SegmentFile(self._folder, found.segment, create=False)
        except OSError:
            found.index.close()
            raise

    def _write(self, since: int, data: bytes) -> tuple[SegmentFile, int]:
        """Append to the last segment, or to a new one; return it and where `data` starts in it."""
        segment = self._segment
        if segment is not None and segment.size + len(data) <= self._segment_bytes:
            base = segment.size
            segment.append(data)
            return segment, base
        fresh = SegmentFile(self._folder, since, create=True)
        header = header_line(since, str(self._key))
        self._segment = fresh
        if segment is not None:
            segment.close()
        fresh.append(header + data)
        sync_folder(self._folder)
        return fresh, len(header)

    def _count(self, leaves: Sequence[Leaf]) -> None:
        for leaf in leaves:
            if leaf.kind == "intent":
                self._open_calls.add(leaf.call_id)
            elif leaf.kind == "outcome":
                self._open_calls.discard(leaf.call_id)

    def _receipt(self, index: Index, call_id: str) -> dict[str, object] | None:
        head, rows = index.head(), index.rows_of(call_id)
        if head is None or not rows:
            return None
        entries = [
            (row.log_index, self._read(row), inclusion_proof(row.log_index, head.size, index.node))
            for row in rows
        ]
        return build_receipt(call_id, self._key, head.checkpoint, entries)

    def _read(self, row: Row) -> bytes:
        try:
            with segment_path(self._folder, row.segment).open("rb") as file:
                file.seek(row.offset)
                data = file.read(row.length)
        except OSError:
            data = b""
        if leaf_hash(data) != row.leaf_hash:
            raise StoreUnavailable(
                "ledger", f"entry {row.log_index} is damaged; run `pratique verify {self._folder}`"
            )
        return data

    def _fail(self, error: OSError) -> str:
        self._failure = (
            f"writing to the log in `{self._folder}` failed"
            f" ({error.strerror or error}); it stays closed until a restart"
        )
        return self._failure

    def _unusable(self, error: OSError) -> NoReturn:
        raise StoreUnavailable(
            "ledger", f"the log folder `{self._folder}` cannot be used: {error.strerror}"
        ) from None


class _Batch:
    """The lines of one append, and where each leaf stands within them."""

    def __init__(self, frontier: Frontier, leaves: Sequence[Leaf]) -> None:
        self.frontier = frontier
        self.nodes: list[Node] = []
        self.pieces: list[bytes] = []
        self._placed: list[tuple[Leaf, int, int, bytes]] = []
        at = 0
        for leaf in leaves:
            hashed = leaf_hash(leaf.data)
            prefix = leaf_prefix(frontier.size, hashed)
            self._placed.append((leaf, frontier.size, at + len(prefix), hashed))
            self.nodes.extend(frontier.append(hashed))
            self.pieces += (prefix, leaf.data, b"\n")
            at += len(prefix) + len(leaf.data) + 1

    def rows(self, segment: int, base: int) -> list[Row]:
        """The index rows of the batch, once it is known where it was written."""
        return [
            Row(
                index, leaf.call_id, leaf.kind, leaf.time, leaf.tenant, leaf.status,
                segment, base + at, len(leaf.data), hashed,
            )
            for leaf, index, at, hashed in self._placed
        ]  # fmt: skip
