"""The probes say what a restart would mend, and what it would not."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from proxy.admin.server import application


class Evidence:
    """What the probes ask of the ledger."""

    writable = True
    dead = False


@pytest.fixture
def evidence() -> Evidence:
    return Evidence()


@pytest.fixture
async def probes(evidence: Evidence) -> AsyncIterator[TestClient[Any, Any]]:
    app = application(None, evidence, None, lambda: False)  # type: ignore[arg-type] # probes alone
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.parametrize(
    ("writable", "dead", "live", "ready"),
    [(True, False, 200, 200), (False, False, 200, 503), (False, True, 503, 503)],
)
async def test_only_a_dead_ledger_ends_the_life_of_the_process(
    probes: TestClient[Any, Any],
    evidence: Evidence,
    *,
    writable: bool,
    dead: bool,
    live: int,
    ready: int,
) -> None:
    evidence.writable, evidence.dead = writable, dead
    answer = await probes.get("/livez")
    assert (answer.status, await answer.json()) == (live, {"live": live == 200})
    answer = await probes.get("/readyz")
    assert (answer.status, (await answer.json())["checks"]["evidence"]) == (ready, writable)
