"""Opening a log: a torn tail is cut, a stale index made good, damaged evidence left as it is."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from adapters.errors import StoreUnavailable
from adapters.keys.file import FileKeys
from adapters.stores.segments import files
from adapters.stores.segments.store import SegmentStore
from adapters.stores.segments.verify import verify_log
from tests.support.ledger_log import a_log, an_intent, intent_leaf, record_call, segments_of


def opened(tmp_path: Path, keys: FileKeys, **options: int) -> SegmentStore:
    return SegmentStore(tmp_path / "log", keys, **{"floor_bytes": 0, **options})


def rows(tmp_path: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(tmp_path / "log" / "index.sqlite") as db:
        found = db.execute("SELECT * FROM entries ORDER BY log_index").fetchall()
    db.close()
    return found


def test_a_torn_tail_is_cut_wherever_it_was_torn(tmp_path: Path) -> None:
    keys = a_log(tmp_path, calls=2, segment_bytes=1 << 20)
    (path,) = segments_of(tmp_path)
    whole = path.read_bytes()
    size = verify_log(tmp_path / "log", str(keys.verifier)).size
    store = opened(tmp_path, keys)
    store.append([intent_leaf(an_intent("lost-1")), intent_leaf(an_intent("lost-2"))])
    store.close()
    torn = path.read_bytes()
    # The state before the batch was acknowledged: neither index nor copy know of it.
    shutil.rmtree(tmp_path / "log")
    a_state = tmp_path / "log"
    for cut in range(len(whole) + 1, len(torn), 97):
        a_state.mkdir()
        path.write_bytes(torn[:cut])
        store = opened(tmp_path, keys)
        assert (store.size, store.cut_bytes) == (size, cut - len(whole))
        record_call(store, keys, "after")
        store.close()
        report = verify_log(a_state, store.verifier)
        assert (report.ok, report.size) == (True, size + 2)
        shutil.rmtree(a_state)


def test_a_torn_new_segment_goes_away(tmp_path: Path) -> None:
    keys = a_log(tmp_path, calls=3, segment_bytes=3_000)
    size = verify_log(tmp_path / "log").size
    torn = files.segment_path(tmp_path / "log", size)
    for content in (b"", b"S 1 ", b"S 1 9 wrong\nL 3"):
        torn.write_bytes(content)
        store = opened(tmp_path, keys, segment_bytes=3_000)
        assert store.size == size
        assert not torn.exists()
        store.close()
    store = opened(tmp_path, keys, segment_bytes=3_000)
    record_call(store, keys, "after")
    store.close()
    assert verify_log(tmp_path / "log").ok


@pytest.mark.parametrize("damage", ["byte", "line", "tail", "segment", "copy", "header"])
def test_damage_to_acknowledged_entries_keeps_the_log_shut(tmp_path: Path, damage: str) -> None:
    keys = a_log(tmp_path, calls=6)
    first, *_, last = segments_of(tmp_path)
    index = tmp_path / "log" / "index.sqlite"
    if damage in {"byte", "line", "header"}:
        # Then only what stands in the segments tells that more was acknowledged.
        (tmp_path / "log" / "checkpoint").unlink()
    if damage == "byte":
        index.unlink()
        content = bytearray(first.read_bytes())
        content[len(content) // 2] ^= 1
        first.write_bytes(content)
    elif damage == "line":
        index.unlink()
        lines = last.read_bytes().splitlines(keepends=True)
        last.write_bytes(b"".join(lines[:1] + lines[2:]))
    elif damage == "tail":
        os.truncate(last, last.stat().st_size - 1)
    elif damage == "segment":
        last.unlink()
    elif damage == "copy":
        index.unlink()
        last.unlink()
    else:
        index.unlink()
        first.write_bytes(first.read_bytes().replace(b"S 1 0", b"S 1 1"))
    before = {path.name: path.read_bytes() for path in segments_of(tmp_path)}
    with pytest.raises(StoreUnavailable, match=r"not opened: run `pratique verify .*/log`"):
        opened(tmp_path, keys)
    assert {path.name: path.read_bytes() for path in segments_of(tmp_path)} == before


@pytest.mark.parametrize("state", ["missing", "garbage", "behind", "foreign", "altered"])
def test_an_index_of_any_state_is_made_good(tmp_path: Path, state: str) -> None:
    keys = a_log(tmp_path, calls=20)
    index = tmp_path / "log" / "index.sqlite"
    whole = rows(tmp_path)
    if state == "missing":
        index.unlink()
    elif state == "garbage":
        index.write_bytes(b"not a database at all" * 300)
    elif state == "foreign":
        shutil.copy(index, tmp_path / "aside")
        (tmp_path / "elsewhere").mkdir()
        a_log(tmp_path / "elsewhere", calls=1)
        shutil.copy(tmp_path / "elsewhere" / "log" / "index.sqlite", index)
    elif state == "altered":
        with sqlite3.connect(index) as db:
            db.execute("UPDATE nodes SET hash = zeroblob(32)")
        db.close()
    else:
        shutil.copy(index, tmp_path / "aside")
        store = opened(tmp_path, keys, segment_bytes=5_000)
        record_call(store, keys, "more")
        store.close()
        whole = rows(tmp_path)
        shutil.copy(tmp_path / "aside", index)
    opened(tmp_path, keys, segment_bytes=5_000).close()
    assert rows(tmp_path) == whole
    assert verify_log(tmp_path / "log", str(keys.verifier)).problems == []
