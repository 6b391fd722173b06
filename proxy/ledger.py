"""The evidence of every call: an intent before anything leaves, an outcome after the last byte.

One thread owns the store. It takes all that is queued, signs, appends it as one durable batch, and
wakes every waiter at once; so the more calls there are, the less each of them costs. This is the
only place where an `IntentRef` is made, and none is made before its intent is on the disk.

When space runs out, what is left belongs to the outcomes of intents that are on record: new intents
are refused, and so is a refusal that would be a call's only entry. A gap in the refusals, which the
caller counts, is preferred to a lost outcome. Changes of configuration, rare and small, still pass.
"""

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from adapters.errors import StoreUnavailable
from adapters.ports import Clock, Leaf, LedgerStore, Signer
from rules.audit.entry import (
    Change,
    Intent,
    IntentRef,
    Outcome,
    encode_change,
    encode_intent,
    encode_outcome,
)
from rules.audit.jws import protected_header, sign_compact
from rules.audit.merkle import leaf_hash
from rules.audit.receipt import tenants_of

_MAX_BATCH: Final = 512
_ROOM_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Waiting:
    """An entry on its way, who waits for it, and what they are to be told."""

    entry: Intent | Outcome | Change
    intent: IntentRef | None
    future: "asyncio.Future[IntentRef | None]"
    leaf: Leaf | None = None
    error: StoreUnavailable | None = None


class Ledger:
    """The asynchronous front of a `LedgerStore`, for one event loop."""

    def __init__(self, store: LedgerStore, signer: Signer, clock: Clock) -> None:
        """Start the writer thread, which owns `store` from now on; needs a running event loop."""
        self._store = store
        self._signer = signer
        self._clock = clock
        self._header = protected_header(signer.public_key)
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        # Calls whose intent is durable and whose outcome is not; the writer thread's own.
        self._open: dict[str, IntentRef] = {}
        self._closing = False
        self._failed = False
        # What the store last said about its room, and when it was asked; the event loop's own.
        self._room = True
        self._room_asked = -_ROOM_SECONDS
        self._writer = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._writer.start()

    @property
    def writable(self) -> bool:
        """False while calls cannot be admitted: no room, a failed last write, or it is closing.

        The store is asked about its room once a second at most.
        """
        if self._failed or self._closing or self.dead:
            return False
        now = self._clock.monotonic()
        if now - self._room_asked >= _ROOM_SECONDS:
            self._room, self._room_asked = self._store.room(), now
        return self._room

    @property
    def dead(self) -> bool:
        """True when nothing can ever be recorded again: the process must be started anew."""
        return not self._closing and (self._store.dead or not self._writer.is_alive())

    async def intent(self, entry: Intent) -> IntentRef:
        """Record what is about to leave; when this returns it is durable.

        Raises StoreUnavailable when there is no room or the store is closed; then nothing may
        leave. A waiter that is cancelled does not take the entry back: the call's outcome finds it.
        """
        ref = await self._put(entry, None)
        if ref is None:  # pragma: no cover - the writer answers every intent with a reference
            raise StoreUnavailable("ledger", "the intent was not recorded")
        return ref

    async def outcome(self, entry: Outcome, intent: IntentRef | None) -> None:
        """Record how a call ended; when this returns it is durable.

        Without `intent`, one that was recorded for this call all the same (its waiter was
        cancelled) is found and closed. Raises StoreUnavailable when it cannot be recorded, which
        while there is no room is every outcome without a recorded intent.
        """
        await self._put(entry, intent)

    async def change(self, entry: Change) -> None:
        """Record a change of configuration durably; raises StoreUnavailable."""
        await self._put(entry, None)

    async def recover(self) -> int:
        """Close the intents that an earlier process left open as `unknown`; return how many."""
        orphans = await asyncio.to_thread(self._store.orphans)
        await asyncio.gather(
            *(
                self.outcome(self._unknown(call_id, tenant), IntentRef(call_id, index, hashed))
                for call_id, tenant, index, hashed in orphans
            )
        )
        return len(orphans)

    async def receipt(self, call_id: str, tenant: str | None = None) -> dict[str, object] | None:
        """Return a call's receipt, or None for a call that is not in the log.

        With `tenant`, also None for a call of any other tenant, or of none.
        """
        return await asyncio.to_thread(self._receipt, call_id, tenant)

    async def close(self) -> None:
        """Write all that is queued, then release the store; nothing is accepted any more."""
        if self._closing:
            return
        self._closing = True
        self._queue.put(None)
        await asyncio.to_thread(self._writer.join)

    def _receipt(self, call_id: str, tenant: str | None) -> dict[str, object] | None:
        receipt = self._store.receipt(call_id)
        if receipt is None or tenant is None:
            return receipt
        return receipt if tenants_of(receipt) == {tenant} else None

    def _unknown(self, call_id: str, tenant: str) -> Outcome:
        return Outcome(
            call_id=call_id,
            time=self._clock.wall(),
            status="unknown",
            http_status=0,
            code="process_ended",
            tenant=tenant,
        )

    async def _put(
        self, entry: Intent | Outcome | Change, intent: IntentRef | None
    ) -> IntentRef | None:
        if self._closing:
            raise StoreUnavailable("ledger", "the ledger is closing")
        waiting = _Waiting(entry, intent, self._loop.create_future())
        self._queue.put(waiting)
        return await waiting.future

    def _run(self) -> None:
        """The writer thread: ends when the end mark has come and all before it is written."""
        carried: list[_Waiting] = []
        ending = False
        while not ending or carried:
            batch = carried
            if not ending:
                ending = self._take(batch)
            batch, carried = _split(batch)
            try:
                self._write(batch)
            except Exception as error:  # noqa: BLE001 - whatever it is, every waiter must be told
                self._fail(batch, error)
            # The loop may be gone where nobody closed the ledger; the entries are written.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(_answer, batch)
        self._store.close()

    def _take(self, batch: list[_Waiting]) -> bool:
        """Add what is queued to the batch, waiting only while it is empty; True at the end mark."""
        while len(batch) < _MAX_BATCH:
            try:
                waiting = self._queue.get(block=not batch)
            except queue.Empty:
                return False
            if waiting is None:
                return True
            batch.append(waiting)
        return False

    def _write(self, batch: Sequence[_Waiting]) -> None:
        # A dead store has no room either; then its own words say more.
        full = not (self._store.room() or self._store.dead)
        for waiting in batch:
            if full and not self._reserved(waiting):
                waiting.error = StoreUnavailable("ledger", "there is no room for new calls")
                continue
            try:
                waiting.leaf = self._leaf(waiting)
            except (ValueError, TypeError):
                waiting.error = StoreUnavailable("ledger", "an entry could not be encoded")
        written = [waiting for waiting in batch if waiting.leaf is not None]
        indexes = self._store.append([w.leaf for w in written if w.leaf is not None])
        self._failed = False
        for waiting, index in zip(written, indexes, strict=True):
            self._settle(waiting, index)

    def _reserved(self, waiting: _Waiting) -> bool:
        """Whether an entry may use the space that is kept back: all but what begins a call."""
        entry = waiting.entry
        if isinstance(entry, Outcome):
            return waiting.intent is not None or entry.call_id in self._open
        return isinstance(entry, Change)

    def _leaf(self, waiting: _Waiting) -> Leaf:
        entry = waiting.entry
        if isinstance(entry, Intent):
            data, tenant = encode_intent(entry), entry.principal.tenant
            return Leaf(data, "intent", entry.call_id, round(entry.time, 6), tenant, "")
        if isinstance(entry, Change):
            data, time = self._sign(encode_change(entry)), round(entry.time, 6)
            return Leaf(data, "config", entry.change_id, time, "", "")
        ref = waiting.intent or self._open.get(entry.call_id)
        data = self._sign(encode_outcome(entry, ref))
        tenant = entry.tenant if entry.principal is None else entry.principal.tenant
        return Leaf(data, "outcome", entry.call_id, round(entry.time, 6), tenant, entry.status)

    def _sign(self, payload: bytes) -> bytes:
        return sign_compact(payload, self._header, self._signer.sign)

    def _settle(self, waiting: _Waiting, index: int) -> None:
        """Keep track of open calls; an intent's waiter gets the proof that it is durable."""
        entry, leaf = waiting.entry, waiting.leaf
        if isinstance(entry, Intent) and leaf is not None:
            waiting.intent = IntentRef(entry.call_id, index, leaf_hash(leaf.data))
            self._open[entry.call_id] = waiting.intent
        elif isinstance(entry, Outcome):
            self._open.pop(entry.call_id, None)

    def _fail(self, batch: Sequence[_Waiting], error: Exception) -> None:
        self._failed = True
        if not isinstance(error, StoreUnavailable):
            _log.error("the ledger failed with %s", type(error).__name__)
            error = StoreUnavailable("ledger", "the ledger failed")
        for waiting in batch:
            waiting.error = waiting.error or error


def _split(batch: list[_Waiting]) -> tuple[list[_Waiting], list[_Waiting]]:
    """Put off outcomes whose intent is in the same batch: its place is not known before."""
    intents = {w.entry.call_id for w in batch if isinstance(w.entry, Intent)}
    if not intents:
        return batch, []
    now: list[_Waiting] = []
    later: list[_Waiting] = []
    for waiting in batch:
        early = isinstance(waiting.entry, Outcome) and waiting.entry.call_id in intents
        (later if early else now).append(waiting)
    return now, later


def _answer(batch: Sequence[_Waiting]) -> None:
    """Tell every waiter of a batch; those that were cancelled meanwhile have nobody to tell."""
    for waiting in batch:
        if waiting.future.done():
            continue
        if waiting.error is not None:
            waiting.future.set_exception(waiting.error)
        else:
            waiting.future.set_result(waiting.intent)
