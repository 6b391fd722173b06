"""The log's store: what is acknowledged stays, the rest is cut, damage is never covered up."""

import os
import sqlite3
from pathlib import Path

import pytest

from adapters.errors import StoreUnavailable
from adapters.keys.file import FileKeys, open_keys
from adapters.ports import Leaf
from adapters.stores.segments import files
from adapters.stores.segments.store import SegmentStore
from adapters.stores.segments.verify import verify_log
from rules.audit.receipt import verify_receipt
from tests.support.ledger_log import (
    NAME,
    an_intent,
    an_outcome,
    intent_leaf,
    keys_in,
    outcome_leaf,
    record_call,
    segments_of,
)


@pytest.fixture
def keys(tmp_path: Path) -> FileKeys:
    return keys_in(tmp_path)


def opened(tmp_path: Path, keys: FileKeys, **options: int) -> SegmentStore:
    return SegmentStore(tmp_path / "log", keys, **{"floor_bytes": 0, **options})


def test_entries_get_their_places_in_order(tmp_path: Path, keys: FileKeys) -> None:
    store = opened(tmp_path, keys)
    batch = [intent_leaf(an_intent(f"c{number}")) for number in range(3)]
    assert list(store.append(batch)) == [0, 1, 2]
    assert list(store.append([intent_leaf(an_intent("c9"))])) == [3]
    assert list(store.append([])) == []
    assert store.size == 4
    store.close()


def test_a_call_has_a_receipt_that_verifies_offline(tmp_path: Path, keys: FileKeys) -> None:
    store = opened(tmp_path, keys, segment_bytes=4_000)
    for number in range(40):
        record_call(store, keys, f"c{number}")
    for number in (0, 17, 39):
        receipt = store.receipt(f"c{number}")
        assert receipt is not None
        proven = verify_receipt(receipt, keys.verifier)
        assert [entry.kind for entry in proven.entries] == ["intent", "outcome"]
        assert proven.checkpoint.size == 80
    assert store.receipt("nobody") is None
    store.close()


def test_an_empty_log_has_no_receipts_and_opens_again(tmp_path: Path, keys: FileKeys) -> None:
    store = opened(tmp_path, keys)
    assert store.receipt("c1") is None
    store.close()
    store.close()
    opened(tmp_path, keys).close()


def test_a_closed_log_goes_on_where_it_ended(tmp_path: Path, keys: FileKeys) -> None:
    store = opened(tmp_path, keys, segment_bytes=2_000)
    record_call(store, keys, "c1")
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.append([intent_leaf(an_intent("c2"))])
    store = opened(tmp_path, keys, segment_bytes=2_000)
    record_call(store, keys, "c2")
    store.close()
    report = verify_log(tmp_path / "log", store.verifier)
    assert (report.ok, report.size, report.calls) == (True, 4, 2)


def test_segments_are_changed_when_they_are_full(tmp_path: Path, keys: FileKeys) -> None:
    store = opened(tmp_path, keys, segment_bytes=3_000)
    for number in range(8):
        record_call(store, keys, f"c{number}")
    store.close()
    assert len(segments_of(tmp_path)) > 2
    assert all(path.stat().st_size <= 3_000 for path in segments_of(tmp_path))


def test_open_intents_are_orphans_until_their_outcome(tmp_path: Path, keys: FileKeys) -> None:
    store = opened(tmp_path, keys)
    leaf = intent_leaf(an_intent("open"))
    store.append([leaf])
    ref = record_call(store, keys, "closed")
    ((call_id, tenant, index, hashed),) = store.orphans()
    assert (call_id, tenant, index) == ("open", "north", 0)
    assert hashed != ref.leaf_hash
    store.append([outcome_leaf(keys, an_outcome("open", status="unknown"), None)])
    assert store.orphans() == []
    store.close()


def test_a_second_writer_is_refused_by_name_of_the_lock(tmp_path: Path, keys: FileKeys) -> None:
    store = opened(tmp_path, keys)
    with pytest.raises(StoreUnavailable, match=r"another process writes this log .*/log/lock"):
        opened(tmp_path, keys)
    store.close()
    opened(tmp_path, keys).close()


def test_another_key_is_refused(tmp_path: Path, keys: FileKeys) -> None:
    store = opened(tmp_path, keys)
    record_call(store, keys, "c1")
    store.close()
    other = open_keys(tmp_path / "other", NAME)
    with pytest.raises(StoreUnavailable, match="another key"):
        SegmentStore(tmp_path / "log", other)


def test_there_is_room_only_above_the_floor(tmp_path: Path, keys: FileKeys) -> None:
    store = opened(tmp_path, keys)
    assert store.room()
    store.close()
    assert not store.room()
    store = opened(tmp_path, keys, floor_bytes=1 << 60)
    assert not store.room()
    assert not store.dead
    record_call(store, keys, "c1")
    store.close()


def test_a_log_whose_folder_is_gone_is_dead(tmp_path: Path, keys: FileKeys) -> None:
    store = opened(tmp_path, keys)
    record_call(store, keys, "c1")
    (tmp_path / "log").rename(tmp_path / "gone")
    assert not store.room()
    assert store.dead
    (tmp_path / "log").mkdir()
    with pytest.raises(StoreUnavailable, match=r"No such file.*closed until a restart"):
        store.append([intent_leaf(an_intent("c2"))])
    store.close()


def test_open_calls_reserve_room_for_their_outcomes(
    tmp_path: Path, keys: FileKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(tmp_path, keys)
    free = os.statvfs_result((4096, 4096, 100, 10, 10, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: free)
    assert store.room()
    store.append([intent_leaf(an_intent(f"c{number}")) for number in range(3)])
    assert not store.room()
    store.append([outcome_leaf(keys, an_outcome(f"c{number}"), None) for number in range(3)])
    assert store.room()
    store.close()


@pytest.mark.parametrize("data", [b"", b"{}\n{}"])
def test_a_leaf_that_would_break_the_lines_is_refused(
    tmp_path: Path, keys: FileKeys, data: bytes
) -> None:
    store = opened(tmp_path, keys)
    with pytest.raises(ValueError, match="newline"):
        store.append([Leaf(data, "intent", "c", 1.0, "t", "")])
    record_call(store, keys, "c1")
    store.close()


def test_a_failed_sync_closes_the_store_for_good(
    tmp_path: Path, keys: FileKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(tmp_path, keys)
    record_call(store, keys, "c1")
    tried = []

    def fail(_: int) -> None:
        tried.append(1)
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(files, "_sync_data", fail)
        with pytest.raises(StoreUnavailable, match="Input/output error"):
            store.append([intent_leaf(an_intent("c2"))])
    with pytest.raises(StoreUnavailable, match="closed until a restart"):
        store.append([intent_leaf(an_intent("c3"))])
    assert tried == [1]
    assert not store.room()
    assert store.dead
    store.close()
    assert not store.dead


def test_a_new_segments_name_is_made_durable_with_its_first_entries(
    tmp_path: Path, keys: FileKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(tmp_path, keys)
    synced = []
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(os.fstat(fd).st_ino), sync(fd)))
    record_call(store, keys, "c1")
    assert (tmp_path / "log").stat().st_ino in synced
    store.close()


def test_short_writes_are_completed(
    tmp_path: Path, keys: FileKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(tmp_path, keys)
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:100]))
    record_call(store, keys, "c1")
    store.close()
    monkeypatch.undo()
    assert verify_log(tmp_path / "log", store.verifier).ok


@pytest.mark.parametrize("how", ["unlinked", "replaced", "grown", "cut"])
def test_a_file_that_somebody_else_touched_closes_the_store(
    tmp_path: Path, keys: FileKeys, how: str
) -> None:
    store = opened(tmp_path, keys)
    record_call(store, keys, "c1")
    (path,) = segments_of(tmp_path)
    if how == "unlinked":
        path.unlink()
    elif how == "replaced":
        content = path.read_bytes()
        path.rename(tmp_path / "kept")
        path.write_bytes(content)
    elif how == "grown":
        with path.open("ab") as file:
            file.write(b"x")
    else:
        os.truncate(path, 10)
    with pytest.raises(StoreUnavailable, match="stays closed"):
        store.append([intent_leaf(an_intent("c2"))])
    store.close()


def test_a_broken_index_costs_receipts_but_not_entries(tmp_path: Path, keys: FileKeys) -> None:
    store = opened(tmp_path, keys)
    record_call(store, keys, "c1")
    assert store.receipt("c1") is not None
    with sqlite3.connect(tmp_path / "log" / "index.sqlite") as db:
        db.execute("DROP TABLE entries")
    db.close()
    record_call(store, keys, "c2")
    with pytest.raises(StoreUnavailable, match="a restart rebuilds it"):
        store.receipt("c2")
    record_call(store, keys, "c3")
    store.close()
    store = opened(tmp_path, keys)
    assert store.size == 6
    assert store.receipt("c2") is not None
    store.close()


def test_a_damaged_entry_has_no_receipt(tmp_path: Path, keys: FileKeys) -> None:
    store = opened(tmp_path, keys)
    record_call(store, keys, "c1")
    (path,) = segments_of(tmp_path)
    path.write_bytes(path.read_bytes().replace(b'"c1"', b'"c2"'))
    with pytest.raises(StoreUnavailable, match="entry 0 is damaged"):
        store.receipt("c1")
    store.close()


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path, keys: FileKeys) -> None:
    (tmp_path / "log").touch()
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        opened(tmp_path, keys)
