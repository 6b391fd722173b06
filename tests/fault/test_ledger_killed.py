"""Whatever happens to the process or its disk: what was acknowledged is there and verifies."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.errors import StoreUnavailable
from adapters.stores.segments.store import SegmentStore
from adapters.stores.segments.verify import verify_log
from rules.audit.receipt import verify_receipt
from tests.support.ledger_log import keys_in

ROOT = Path(__file__).parents[2]
RUNS = 6


def start(folder: Path, run: str, limit: int | None = None) -> subprocess.Popen[str]:
    def set_limit() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(  # noqa: S603 - our own script, under this interpreter
        [sys.executable, "-m", "tests.fault.ledger_load", str(folder), run],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=set_limit,
    )


def said(process: subprocess.Popen[str]) -> Iterator[list[str]]:
    assert process.stdout is not None
    for line in process.stdout:
        if line.endswith("\n"):
            yield line.split()


def killed_after(folder: Path, run: str, count: int) -> tuple[set[str], set[str], int]:
    """Run the load, kill it after so many acknowledgements; what was told, and recovered."""
    intents, outcomes, recovered = set(), set(), 0
    with start(folder, run) as process:
        for word, value in said(process):
            if word == "recovered":
                recovered = int(value)
            else:
                (intents if word == "intent" else outcomes).add(value)
            if len(intents) + len(outcomes) == count:
                process.kill()
    return intents, outcomes, recovered


def test_kill_after_kill_no_acknowledged_entry_is_lost(tmp_path: Path) -> None:
    intents: set[str] = set()
    outcomes: set[str] = set()
    left_open = 0
    for run in range(RUNS):
        told, closed, recovered = killed_after(tmp_path, str(run), 40 + 37 * run)
        intents |= told
        outcomes |= closed
        assert recovered == left_open
        report = verify_log(tmp_path / "log", str(keys_in(tmp_path).verifier))
        assert report.problems == []
        left_open = len(report.open_intents)
    keys = keys_in(tmp_path)
    store = SegmentStore(tmp_path / "log", keys, floor_bytes=0)
    for call_id in intents | outcomes:
        receipt = store.receipt(call_id)
        assert receipt is not None
        kinds = [entry.kind for entry in verify_receipt(receipt, keys.verifier).entries]
        assert kinds[0] == "intent"
        assert call_id not in outcomes or kinds == ["intent", "outcome"]
    store.close()


def test_a_full_disk_refuses_new_calls_and_leaves_a_log_that_holds(tmp_path: Path) -> None:
    keys_in(tmp_path)
    intents, outcomes, refused, dead = set(), set(), [], []
    # Less than a segment, and enough for SQLite's files.
    with start(tmp_path, "full", limit=38_000) as process:
        for word, value, *_ in said(process):
            if word == "unavailable":
                refused.append(value)
            elif word == "dead":
                dead.append(value)
            elif word != "recovered":
                (intents if word == "intent" else outcomes).add(value)
    assert process.returncode == 0
    assert refused
    # A write that failed is never tried again: only a restart helps.
    assert dead == ["True"]
    assert intents
    store = SegmentStore(tmp_path / "log", keys_in(tmp_path), floor_bytes=0)
    for call_id in intents:
        assert store.receipt(call_id) is not None
    store.close()
    report = verify_log(tmp_path / "log", str(keys_in(tmp_path).verifier))
    assert report.problems == []
    assert report.size >= len(intents) + len(outcomes)


def test_a_second_process_is_refused_while_the_first_one_lives(tmp_path: Path) -> None:
    with start(tmp_path, "first") as process:
        for word, _ in said(process):
            if word == "outcome":
                with pytest.raises(StoreUnavailable, match="another process writes this log"):
                    SegmentStore(tmp_path / "log", keys_in(tmp_path))
                process.kill()
                break
    SegmentStore(tmp_path / "log", keys_in(tmp_path), floor_bytes=0).close()
