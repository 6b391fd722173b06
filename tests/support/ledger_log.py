"""Entries and logs for the tests of the evidence: one principal, fixed times, keys in a folder."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from adapters.keys.file import FileKeys, open_keys
from adapters.ports import Leaf
from adapters.stores.segments.report import LogReport
from adapters.stores.segments.store import SegmentStore
from adapters.stores.segments.verify import verify_log
from rules.audit.entry import (
    Attempt,
    GuardRun,
    Intent,
    IntentRef,
    Outcome,
    encode_intent,
    encode_outcome,
)
from rules.audit.jws import protected_header, sign_compact
from rules.audit.merkle import leaf_hash
from rules.chat import Usage
from rules.principal import Assurance, Principal

NAME = "log.test/evidence"
PRINCIPAL = Principal("svc", "north", frozenset({"nurse"}), "triage", Assurance.HIGH, "api_key")


def keys_in(folder: Path) -> FileKeys:
    """Return the keys of a folder, made on first use."""
    return open_keys(folder / "keys", NAME)


def an_intent(call_id: str, **fields: object) -> Intent:
    """Return an intent with everything set."""
    given = {
        "call_id": call_id,
        "time": 1_700_000_000.25,
        "principal": PRINCIPAL,
        "dialect": "openai_chat",
        "model": "gpt-4o",
        "stream": False,
        "policy": "clinic",
        "policy_hash": "ab" * 32,
        "rule": "nurses",
        "entities": {"PERSON": {"tokenize": 2}},
        "labels": frozenset({"phi"}),
        "tools": ("lookup",),
    }
    return Intent(**{**given, **fields})  # type: ignore[arg-type]


def an_outcome(call_id: str, **fields: object) -> Outcome:
    """Return an outcome with everything set."""
    given = {
        "call_id": call_id,
        "time": 1_700_000_001.5,
        "status": "answered",
        "http_status": 200,
        "principal": PRINCIPAL,
        "dialect": "openai_chat",
        "model": "gpt-4o",
        "attempts": (Attempt("primary", 200, None, 0.5),),
        "guards": (GuardRun("leakage", "warn", {"PERSON": 1}, "warned"),),
        "upstream": "primary",
        "usage": Usage(10, 20),
        "finish_reasons": ("stop",),
        "complete": True,
    }
    return Outcome(**{**given, **fields})  # type: ignore[arg-type]


def intent_leaf(entry: Intent) -> Leaf:
    """Return what the ledger would hand to its store for an intent."""
    return Leaf(encode_intent(entry), "intent", entry.call_id, entry.time, "north", "")


def outcome_leaf(keys: FileKeys, entry: Outcome, intent: IntentRef | None) -> Leaf:
    """Return what the ledger would hand to its store for an outcome."""
    header = protected_header(keys.public_key)
    data = sign_compact(encode_outcome(entry, intent), header, keys.sign)
    tenant = entry.tenant if entry.principal is None else entry.principal.tenant
    return Leaf(data, "outcome", entry.call_id, entry.time, tenant, entry.status)


def record_call(store: SegmentStore, keys: FileKeys, call_id: str) -> IntentRef:
    """Append a call's two entries, each as a batch of its own."""
    leaf = intent_leaf(an_intent(call_id))
    (index,) = store.append([leaf])
    ref = IntentRef(call_id, index, leaf_hash(leaf.data))
    store.append([outcome_leaf(keys, an_outcome(call_id), ref)])
    return ref


def a_log(folder: Path, calls: int = 6, *, segment_bytes: int = 5_000) -> FileKeys:
    """Write a closed log of calls in `folder/log`; every third batch also holds a refusal, and
    the last call stays open. Returns its keys."""
    keys = keys_in(folder)
    store = SegmentStore(folder / "log", keys, segment_bytes=segment_bytes, floor_bytes=0)
    for number in range(calls):
        leaf = intent_leaf(an_intent(f"call-{number}"))
        (index,) = store.append([leaf])
        if number == calls - 1:
            break
        ref = IntentRef(f"call-{number}", index, leaf_hash(leaf.data))
        batch = [outcome_leaf(keys, an_outcome(f"call-{number}"), ref)]
        if number % 3 == 0:
            refused = an_outcome(f"refused-{number}", status="refused", http_status=403)
            batch.append(outcome_leaf(keys, refused, None))
        store.append(batch)
    store.close()
    return keys


def segments_of(folder: Path) -> Sequence[Path]:
    """Return the segment files of `folder/log` in order."""
    return sorted((folder / "log").glob("*.seg"))


def lines_of(folder: Path) -> Iterator[tuple[Path, int, bytes]]:
    """Yield every line of the log: its file, its position there, its bytes with the newline."""
    for path in segments_of(folder):
        for at, line in enumerate(path.read_bytes().splitlines(keepends=True)):
            yield path, at, line


Lines = list[bytes]


class LogCase:
    """A log that is made once, and copies of it to spoil."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = a_log(folder, calls=12)
        self.verifier = str(self.keys.verifier)
        self.log = folder / "log"
        self.saved = folder / "saved"
        shutil.copytree(self.log, self.saved)

    def restore(self) -> None:
        shutil.rmtree(self.log)
        shutil.copytree(self.saved, self.log)

    def report(self) -> LogReport:
        return verify_log(self.log, self.verifier)

    def said(self) -> str:
        report = self.report()
        assert not report.ok
        return "\n".join(map(str, report.problems))

    def edit(self, at: int, change: Callable[[Lines], None]) -> Path:
        path = segments_of(self.folder)[at]
        lines = path.read_bytes().splitlines(keepends=True)
        change(lines)
        path.write_bytes(b"".join(lines))
        return path

    def sql(self, statement: str) -> None:
        with sqlite3.connect(self.log / "index.sqlite") as db:
            db.execute(statement)
        db.close()
