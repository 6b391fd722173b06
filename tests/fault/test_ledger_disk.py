"""A disk that fills up or goes away: calls are refused, outcomes kept, and the probes say which."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from adapters.errors import StoreUnavailable
from adapters.stores.segments.store import SegmentStore
from adapters.stores.segments.verify import verify_log
from proxy.admin.server import application
from proxy.ledger import Ledger
from tests.support.ledger_log import an_intent, an_outcome, keys_in, segments_of

FLOOR = 1 << 20


class Clock:
    now = 0.0

    def wall(self) -> float:
        return 1_700_000_100.0

    def monotonic(self) -> float:
        return self.now


class Disk:
    """Free space as the test wants it."""

    free = 1 << 30

    def statvfs(self, folder: Path) -> os.statvfs_result:
        os.stat(folder)
        blocks = self.free // 4096
        return os.statvfs_result((4096, 4096, blocks, blocks, blocks, 0, 0, 0, 0, 255))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(os, "statvfs", disk.statvfs)
    return disk


@pytest.fixture
async def ledger(tmp_path: Path, clock: Clock, disk: Disk) -> AsyncIterator[Ledger]:
    keys = keys_in(tmp_path)
    made = Ledger(SegmentStore(tmp_path / "log", keys, floor_bytes=FLOOR), keys, clock)
    yield made
    await made.close()


@pytest.fixture
async def probes(ledger: Ledger) -> AsyncIterator[TestClient[Any, Any]]:
    app = application(None, ledger, None, lambda: False)  # type: ignore[arg-type] # probes alone
    async with TestClient(TestServer(app)) as client:
        yield client


async def statuses(probes: TestClient[Any, Any], clock: Clock) -> dict[str, int]:
    clock.now += 1.0
    return {path: (await probes.get(path)).status for path in ("/readyz", "/livez")}


async def test_below_the_floor_nothing_eats_what_is_kept_for_outcomes(
    ledger: Ledger, probes: TestClient[Any, Any], clock: Clock, disk: Disk, tmp_path: Path
) -> None:
    ref = await ledger.intent(an_intent("under-way"))
    disk.free = FLOOR
    assert await statuses(probes, clock) == {"/readyz": 503, "/livez": 200}
    before = [path.stat().st_size for path in segments_of(tmp_path)]
    for number in range(20):
        with pytest.raises(StoreUnavailable, match="no room"):
            await ledger.intent(an_intent(f"c{number}"))
        for call_id in (f"c{number}", f"stranger-{number}"):
            with pytest.raises(StoreUnavailable, match="no room"):
                await ledger.outcome(an_outcome(call_id, status="refused"), None)
    assert [path.stat().st_size for path in segments_of(tmp_path)] == before
    await ledger.outcome(an_outcome("under-way"), ref)

    disk.free = 1 << 30
    await ledger.outcome(an_outcome("later"), await ledger.intent(an_intent("later")))
    assert await statuses(probes, clock) == {"/readyz": 200, "/livez": 200}
    await ledger.close()
    report = verify_log(tmp_path / "log", str(keys_in(tmp_path).verifier))
    assert (report.problems, report.calls, report.open_intents) == ([], 2, ())


async def test_a_folder_that_is_gone_ends_the_process_and_not_before(
    ledger: Ledger, probes: TestClient[Any, Any], clock: Clock, tmp_path: Path
) -> None:
    await ledger.intent(an_intent("c1"))
    assert await statuses(probes, clock) == {"/readyz": 200, "/livez": 200}
    (tmp_path / "log").rename(tmp_path / "gone")
    assert await statuses(probes, clock) == {"/readyz": 503, "/livez": 503}
    with pytest.raises(StoreUnavailable, match="closed until a restart"):
        await ledger.intent(an_intent("c2"))


async def test_a_call_finds_the_folder_gone_without_a_probe(
    ledger: Ledger, probes: TestClient[Any, Any], tmp_path: Path
) -> None:
    ref = await ledger.intent(an_intent("c1"))
    (tmp_path / "log").rename(tmp_path / "gone")
    with pytest.raises(StoreUnavailable, match="closed until a restart"):
        await ledger.outcome(an_outcome("c1"), ref)
    assert (await probes.get("/livez")).status == 503
