"""Reading what a sidecar put on record, after proving that it holds."""

import base64
import json
from pathlib import Path

from proxy.app import verify
from tests.support.sidecar import SidecarProcess


def entries_of(folder: Path) -> list[dict]:
    """Return all entries of a data folder's log, in order; fails if the log does not hold."""
    report = verify(folder)
    assert report.ok, [str(problem) for problem in report.problems]
    entries = []
    for segment in sorted((folder / "evidence").glob("*.seg")):
        for line in segment.read_bytes().splitlines():
            entry = _entry(line)
            if entry is not None:
                entries.append(entry)
    return entries


def _entry(line: bytes) -> dict | None:
    """Return the entry of a leaf line, signed (a compact JWS) or not."""
    if not line.startswith(b"L "):
        return None
    leaf = line.split(b" ", 3)[3]
    if leaf.startswith(b"{"):
        return json.loads(leaf)
    payload = leaf.split(b".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))


def stopped_log(sidecar: SidecarProcess, folder: Path) -> list[dict]:
    """Stop the sidecar of a test's folder and return its log."""
    sidecar.stop()
    return entries_of(folder / "data")


def outcome_of(entries: list[dict], call_id: str) -> dict:
    """Return the outcome of one call."""
    (found,) = [e for e in entries if e["kind"] == "outcome" and e["call_id"] == call_id]
    return found
