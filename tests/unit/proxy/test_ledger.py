"""The ledger's front: nothing is told to be durable that is not, and nothing queued gets lost."""

import asyncio
import gc
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import StoreUnavailable
from adapters.keys.file import FileKeys
from adapters.ports import Leaf
from adapters.stores.segments.store import SegmentStore
from adapters.stores.segments.verify import verify_log
from proxy.ledger import Ledger
from rules.audit.entry import Change
from rules.audit.examine import StatedIntent, read_entry
from rules.audit.receipt import verify_receipt
from tests.support.ledger_log import an_intent, an_outcome, keys_in


class FixedClock:
    def __init__(self) -> None:
        self.now = 0.0

    def wall(self) -> float:
        return 1_700_000_100.0

    def monotonic(self) -> float:
        return self.now


class HeldStore:
    """A store in memory that waits at each append until it is let go, and can be told to fail."""

    def __init__(self) -> None:
        self.batches: list[list[Leaf]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.arrived = threading.Event()
        self.has_room = True
        self.room_asked = 0
        self.dead = False
        self.failure: Exception | None = None
        self.closed = False

    def append(self, leaves: Sequence[Leaf]) -> Sequence[int]:
        self.arrived.set()
        assert self.gate.wait(10)
        if self.failure is not None:
            raise self.failure
        start = sum(map(len, self.batches))
        if leaves:
            self.batches.append(list(leaves))
        return range(start, start + len(leaves))

    def room(self) -> bool:
        self.room_asked += 1
        return self.has_room

    def orphans(self) -> Sequence[tuple[str, str, int, bytes]]:
        return []

    def receipt(self, call_id: str) -> dict[str, Any] | None:
        return None

    def close(self) -> None:
        self.closed = True

    @property
    def leaves(self) -> list[Leaf]:
        return [leaf for batch in self.batches for leaf in batch]


@pytest.fixture
def keys(tmp_path: Path) -> FileKeys:
    return keys_in(tmp_path)


@pytest.fixture
def held() -> HeldStore:
    return HeldStore()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
async def ledger(held: HeldStore, keys: FileKeys, clock: FixedClock):
    made = Ledger(held, keys, clock)
    yield made
    held.gate.set()
    await made.close()


async def until_arrived(held: HeldStore) -> None:
    assert await asyncio.to_thread(held.arrived.wait, 10)


async def test_an_intent_is_answered_only_once_it_is_stored(
    ledger: Ledger, held: HeldStore
) -> None:
    held.gate.clear()
    waiting = asyncio.ensure_future(ledger.intent(an_intent("c1")))
    await until_arrived(held)
    assert not waiting.done()
    held.gate.set()
    ref = await waiting
    assert (ref.call_id, ref.index) == ("c1", 0)
    assert read_entry(0, held.leaves[0].data, None).leaf_hash == ref.leaf_hash


async def test_what_queues_up_is_written_as_one_batch(ledger: Ledger, held: HeldStore) -> None:
    held.gate.clear()
    first = asyncio.ensure_future(ledger.intent(an_intent("c0")))
    await until_arrived(held)
    rest = [asyncio.ensure_future(ledger.intent(an_intent(f"c{n}"))) for n in range(1, 20)]
    await asyncio.sleep(0)
    held.gate.set()
    refs = await asyncio.gather(first, *rest)
    assert [ref.index for ref in refs] == list(range(20))
    assert [len(batch) for batch in held.batches] == [1, 19]


async def test_an_outcome_is_signed_and_carries_its_intent(
    ledger: Ledger, held: HeldStore, keys: FileKeys
) -> None:
    ref = await ledger.intent(an_intent("c1"))
    await ledger.outcome(an_outcome("c1"), ref)
    entry = read_entry(1, held.leaves[1].data, keys.public_key)
    assert entry.intent == StatedIntent(ref.call_id, ref.index, ref.leaf_hash)
    assert held.leaves[1].status == "answered"


async def test_a_refusal_needs_no_intent(ledger: Ledger, held: HeldStore, keys: FileKeys) -> None:
    await ledger.outcome(an_outcome("c1", status="refused", principal=None, tenant="x"), None)
    assert read_entry(0, held.leaves[0].data, keys.public_key).intent is None
    assert held.leaves[0].tenant == "x"


async def test_a_cancelled_waiter_does_not_lose_the_entry(
    ledger: Ledger, held: HeldStore, keys: FileKeys
) -> None:
    held.gate.clear()
    waiting = asyncio.ensure_future(ledger.intent(an_intent("c1")))
    await until_arrived(held)
    waiting.cancel()
    closing = asyncio.ensure_future(ledger.outcome(an_outcome("c1", status="client_gone"), None))
    await asyncio.sleep(0)
    held.gate.set()
    await closing
    assert waiting.cancelled()
    intent, outcome = (read_entry(n, leaf.data, None) for n, leaf in enumerate(held.leaves))
    assert outcome.intent is not None
    assert outcome.intent.leaf_hash == intent.leaf_hash


async def test_a_cancelled_waiter_does_not_keep_others_of_its_batch_waiting(
    ledger: Ledger, held: HeldStore
) -> None:
    held.gate.clear()
    first = asyncio.ensure_future(ledger.intent(an_intent("c0")))
    await until_arrived(held)
    gone, kept = (asyncio.ensure_future(ledger.intent(an_intent(name))) for name in ("c1", "c2"))
    await asyncio.sleep(0)
    gone.cancel()
    held.gate.set()
    refs = await asyncio.wait_for(asyncio.gather(first, kept), 10)
    assert [ref.index for ref in refs] == [0, 2]


async def test_an_outcome_right_behind_its_cancelled_intent_waits_for_its_place(
    ledger: Ledger, held: HeldStore
) -> None:
    held.gate.clear()
    other = asyncio.ensure_future(ledger.intent(an_intent("c0")))
    await until_arrived(held)
    waiting = asyncio.ensure_future(ledger.intent(an_intent("c1")))
    closing = asyncio.ensure_future(ledger.outcome(an_outcome("c1", status="client_gone"), None))
    await asyncio.sleep(0)
    waiting.cancel()
    held.gate.set()
    await asyncio.gather(other, closing)
    assert [len(batch) for batch in held.batches] == [1, 1, 1]
    outcome = read_entry(2, held.leaves[2].data, None)
    assert outcome.intent is not None
    assert outcome.intent.index == 1


async def test_without_room_only_what_completes_the_record_is_written(
    ledger: Ledger, held: HeldStore
) -> None:
    ref = await ledger.intent(an_intent("c1"))
    await ledger.intent(an_intent("c2"))
    held.has_room = False
    with pytest.raises(StoreUnavailable, match="no room"):
        await ledger.intent(an_intent("c3"))
    for call_id in ("c3", "stranger"):
        with pytest.raises(StoreUnavailable, match="no room"):
            await ledger.outcome(an_outcome(call_id, status="refused"), None)
    await ledger.outcome(an_outcome("c1"), ref)
    # Its waiter was cancelled and never saw the intent; it is on record all the same.
    await ledger.outcome(an_outcome("c2", status="client_gone"), None)
    await ledger.change(Change(change_id="x1", time=1.0, what="policy", name="clinic", digest="ab"))
    assert [leaf.call_id for leaf in held.leaves] == ["c1", "c2", "c1", "c2", "x1"]


async def test_an_outcome_right_behind_its_intent_shares_its_refusal(
    ledger: Ledger, held: HeldStore
) -> None:
    held.gate.clear()
    other = asyncio.ensure_future(ledger.intent(an_intent("c0")))
    await until_arrived(held)
    held.has_room = False
    both = [
        asyncio.ensure_future(ledger.intent(an_intent("c1"))),
        asyncio.ensure_future(ledger.outcome(an_outcome("c1", status="client_gone"), None)),
    ]
    await asyncio.sleep(0)
    held.gate.set()
    await other
    refused = await asyncio.gather(*both, return_exceptions=True)
    assert ["no room" in str(answer) for answer in refused] == [True, True]
    assert [leaf.call_id for leaf in held.leaves] == ["c0"]


async def test_with_room_again_calls_are_taken_again(
    ledger: Ledger, held: HeldStore, clock: FixedClock
) -> None:
    held.has_room = False
    with pytest.raises(StoreUnavailable, match="no room"):
        await ledger.intent(an_intent("c1"))
    assert not ledger.writable
    assert not ledger.dead
    held.has_room = True
    await ledger.outcome(an_outcome("c2"), await ledger.intent(an_intent("c2")))
    clock.now += 1.0
    assert ledger.writable


async def test_the_probes_ask_for_room_once_a_second(
    ledger: Ledger, held: HeldStore, clock: FixedClock
) -> None:
    assert all(ledger.writable for _ in range(50))
    held.has_room = False
    clock.now = 0.99
    assert ledger.writable
    assert held.room_asked == 1
    clock.now = 1.0
    assert not any(ledger.writable for _ in range(50))
    assert held.room_asked == 2


async def test_a_dead_store_speaks_for_itself_and_ends_the_ledger(
    ledger: Ledger, held: HeldStore
) -> None:
    await ledger.intent(an_intent("c1"))
    assert not ledger.dead
    held.dead, held.has_room = True, False
    assert ledger.dead
    assert not ledger.writable
    held.failure = StoreUnavailable("ledger", "the disk is gone")
    with pytest.raises(StoreUnavailable, match="the disk is gone"):
        await ledger.intent(an_intent("c2"))
    await ledger.close()
    assert not ledger.dead


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_ledger_whose_writer_has_ended_is_dead(ledger: Ledger, held: HeldStore) -> None:
    held.failure = KeyboardInterrupt()  # type: ignore[assignment] # nothing else gets through
    held.gate.clear()
    waiting = asyncio.ensure_future(ledger.intent(an_intent("c1")))
    await until_arrived(held)
    (writer,) = (thread for thread in threading.enumerate() if thread.name == "ledger")
    held.gate.set()
    await asyncio.to_thread(writer.join, 10)
    assert ledger.dead
    waiting.cancel()


async def test_a_store_that_fails_tells_every_waiter_and_the_probes(
    ledger: Ledger, held: HeldStore
) -> None:
    held.gate.clear()
    first = asyncio.ensure_future(ledger.intent(an_intent("c0")))
    await until_arrived(held)
    rest = [asyncio.ensure_future(ledger.intent(an_intent(f"c{n}"))) for n in range(1, 5)]
    await asyncio.sleep(0)
    held.failure = StoreUnavailable("ledger", "the disk is gone")
    held.gate.set()
    answers = await asyncio.gather(first, *rest, return_exceptions=True)
    assert [str(answer) for answer in answers] == ["the disk is gone"] * 5
    assert not ledger.writable


async def test_a_defect_in_the_store_is_an_unavailable_store(
    ledger: Ledger, held: HeldStore, caplog: pytest.LogCaptureFixture
) -> None:
    held.failure = RuntimeError("of Anna O'Donnell")
    with pytest.raises(StoreUnavailable, match="the ledger failed"):
        await ledger.intent(an_intent("c1"))
    held.failure = None
    await ledger.intent(an_intent("c2"))
    assert "RuntimeError" in caplog.text
    assert "Anna" not in caplog.text


async def test_an_entry_that_cannot_be_encoded_fails_alone(ledger: Ledger, held: HeldStore) -> None:
    held.gate.clear()
    first = asyncio.ensure_future(ledger.intent(an_intent("c0")))
    await until_arrived(held)
    bad = asyncio.ensure_future(ledger.outcome(an_outcome("c1", status="fine"), None))
    good = asyncio.ensure_future(ledger.intent(an_intent("c2")))
    await asyncio.sleep(0)
    held.gate.set()
    await asyncio.gather(first, good)
    with pytest.raises(StoreUnavailable, match="could not be encoded"):
        await bad


async def test_closing_writes_what_is_queued_and_takes_no_more(
    ledger: Ledger, held: HeldStore
) -> None:
    held.gate.clear()
    waiting = [asyncio.ensure_future(ledger.intent(an_intent(f"c{n}"))) for n in range(3)]
    await until_arrived(held)
    closing = asyncio.ensure_future(ledger.close())
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable, match="closing"):
        await ledger.intent(an_intent("late"))
    held.gate.set()
    await closing
    await ledger.close()
    assert len(await asyncio.gather(*waiting)) == 3
    assert held.closed
    assert not ledger.writable


async def test_a_change_of_configuration_is_on_record(
    ledger: Ledger, held: HeldStore, keys: FileKeys
) -> None:
    await ledger.change(Change(change_id="x1", time=1.0, what="policy", name="clinic", digest="ab"))
    assert read_entry(0, held.leaves[0].data, keys.public_key).kind == "config"


async def test_the_next_start_closes_what_was_left_open(tmp_path: Path, keys: FileKeys) -> None:
    first = Ledger(SegmentStore(tmp_path / "log", keys, floor_bytes=0), keys, FixedClock())
    await first.intent(an_intent("left"))
    await first.outcome(an_outcome("done"), await first.intent(an_intent("done")))
    await first.close()
    assert len(verify_log(tmp_path / "log").open_intents) == 1
    second = Ledger(SegmentStore(tmp_path / "log", keys, floor_bytes=0), keys, FixedClock())
    assert await second.recover() == 1
    assert await second.recover() == 0
    receipt = await second.receipt("left", "north")
    assert receipt is not None
    _, outcome = verify_receipt(receipt, keys.verifier).entries
    assert (outcome.status, outcome.tenant) == ("unknown", "north")
    await second.close()
    report = verify_log(tmp_path / "log")
    assert report.ok
    assert report.open_intents == ()


async def test_a_receipt_is_for_its_tenant_alone(tmp_path: Path, keys: FileKeys) -> None:
    ledger = Ledger(SegmentStore(tmp_path / "log", keys, floor_bytes=0), keys, FixedClock())
    await ledger.outcome(an_outcome("c1"), await ledger.intent(an_intent("c1")))
    await ledger.outcome(an_outcome("nobody", status="refused", principal=None), None)
    assert await ledger.receipt("c1", "north") == await ledger.receipt("c1")
    assert await ledger.receipt("c1", "south") is None
    assert await ledger.receipt("nobody", "north") is None
    assert await ledger.receipt("c2") is None
    await ledger.close()


async def test_many_concurrent_calls_make_a_log_that_holds(tmp_path: Path, keys: FileKeys) -> None:
    ledger = Ledger(SegmentStore(tmp_path / "log", keys, floor_bytes=0), keys, FixedClock())

    async def call(number: int) -> None:
        ref = await ledger.intent(an_intent(f"c{number}"))
        await ledger.outcome(an_outcome(f"c{number}"), ref)

    await asyncio.gather(*(call(number) for number in range(300)))
    await ledger.close()
    report = verify_log(tmp_path / "log", str(keys.verifier))
    assert (report.ok, report.calls, report.open_intents) == (True, 300, ())
    assert report.checkpoints < 300
    gc.collect()
