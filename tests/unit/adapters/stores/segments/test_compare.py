"""The index and the copy of the checkpoint are compared with the log, row by row."""

import re
import shutil
from pathlib import Path

import pytest

from adapters.stores.segments.store import SegmentStore
from rules.audit.checkpoint import sign_checkpoint
from tests.support.ledger_log import LogCase, an_intent, intent_leaf


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> LogCase:
    return LogCase(Path(tmp_path_factory.mktemp("compare")))


@pytest.fixture
def case(made: LogCase) -> LogCase:
    made.restore()
    return made


def test_an_index_that_lags_behind_is_only_noted(case: LogCase) -> None:
    shutil.copy(case.log / "index.sqlite", case.folder / "old")
    store = SegmentStore(case.log, case.keys, floor_bytes=0)
    store.append([intent_leaf(an_intent("late"))])
    store.close()
    shutil.copy(case.folder / "old", case.log / "index.sqlite")
    report = case.report()
    assert report.ok
    assert any("1 entries behind" in note for note in report.notes)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM entries WHERE log_index = 5", "row 5 is missing"),
        ("UPDATE entries SET status = 'refused' WHERE log_index = 1", "row 1 differs.*`status`"),
        ("UPDATE entries SET tenant = 'x' WHERE log_index = 4", "row 4 differs.*`tenant`"),
        ("UPDATE entries SET time = time + 1 WHERE log_index = 4", "row 4 differs.*`time`"),
        ("UPDATE entries SET offset = 'x' WHERE log_index = 4", "row 4 differs.*`offset`"),
        ("UPDATE entries SET offset = offset + 1 WHERE log_index = 4", "row 4 .*`offset`"),
        ("UPDATE entries SET call_id = x'ff' WHERE log_index = 4", "row 4 differs.*`call_id`"),
        (
            "UPDATE entries SET call_id = CAST(x'ff' AS TEXT) WHERE log_index = 4",
            "row 4 differs.*`call_id`",
        ),
        ("UPDATE entries SET leaf_hash = zeroblob(32) WHERE log_index = 4", "row 4 .*`leaf_hash`"),
        (
            "UPDATE entries SET log_index = CASE log_index WHEN 2 THEN -3 ELSE -2 END"
            " WHERE log_index IN (2, 3)",
            "row -3 belongs to no entry",
        ),
        (
            "INSERT INTO entries SELECT 99, call_id, kind, time, tenant, status, segment, offset,"
            " length, leaf_hash FROM entries WHERE log_index = 1",
            "row 99 belongs to no entry",
        ),
        ("UPDATE nodes SET hash = zeroblob(32)", "tree node 0 of level 4 is missing or altered"),
        ("DELETE FROM nodes", "tree node 0 of level 4 is missing or altered"),
        ("INSERT INTO nodes VALUES (9, 9, zeroblob(32))", "nodes that belong to no entries"),
        ("UPDATE head SET size = 26", "size at which the log has no|head differs"),
        ("UPDATE head SET size = 'x'", "head is unreadable"),
        ("UPDATE head SET size = 99", "the log is behind it; gone: entries 27 to 98"),
        ("UPDATE head SET checkpoint = 'x'", "head differs"),
        ("UPDATE head SET offset = 1", "head differs"),
        ("DELETE FROM head", "belongs to no entry"),
        ("DROP TABLE entries", "cannot be read"),
        ("DROP TABLE head", "cannot be read"),
    ],
)
def test_a_changed_index_is_told(case: LogCase, statement: str, said: str) -> None:
    case.sql(statement)
    assert re.search(said, case.said())


def test_a_garbled_index_is_told(case: LogCase) -> None:
    (case.log / "index.sqlite").write_bytes(b"garbage" * 1000)
    assert "index.sqlite: it cannot be read" in case.said()


@pytest.mark.parametrize("content", [b"", b"\xff\xff", b"log\n1\n"])
def test_a_spoiled_copy_of_the_checkpoint_is_told(case: LogCase, content: bytes) -> None:
    (case.log / "checkpoint").write_bytes(content)
    assert case.said().startswith("checkpoint: ")


def test_a_line_added_to_the_copy_is_told(case: LogCase) -> None:
    with (case.log / "checkpoint").open("a") as file:
        file.write("\N{EM DASH} evil AAAAAAAA\n")
    assert "checkpoint: the checkpoint carries signatures" in case.said()


def test_a_copy_with_another_root_is_a_fork(case: LogCase) -> None:
    for size, said in ((27, "another root"), (3, "another root|no checkpoint")):
        note = sign_checkpoint(size, b"r" * 32, case.keys.verifier, case.keys.sign, since=0)
        (case.log / "checkpoint").write_text(note)
        assert re.search(said, case.said())
