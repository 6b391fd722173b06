"""A node that dies in the middle of a call: what was about to leave is on record all the same."""

import asyncio

import openai
import pytest

from proxy.app import verify
from tests.e2e.conftest import connect, provider, start  # noqa: F401 - fixtures
from tests.support.evidence import entries_of, stopped_log

CALL = {
    "model": "scripted-hang",
    "messages": [{"role": "user", "content": "Patient: Maria Gonzalez, MRN: 77120345."}],
}


async def test_killed_between_intent_and_answer(start, provider, connect, tmp_path):  # noqa: F811
    sidecar = start({"main": provider.url})
    async with connect(sidecar) as client:
        call = asyncio.ensure_future(client.chat.completions.create(**CALL))
        async with asyncio.timeout(30):
            await provider.reached.wait()
        await asyncio.to_thread(sidecar.kill)
        with pytest.raises(openai.APIConnectionError):
            await call

    report = verify(tmp_path / "data")
    assert report.ok, report.problems
    assert len(report.open_intents) == 1
    (intent,) = [e for e in entries_of(tmp_path / "data") if e["kind"] == "intent"]
    assert intent["entities"]["MEDICAL_RECORD_NUMBER"] == {"tokenize": 1}

    again = start({"main": provider.url})
    entries = stopped_log(again, tmp_path)
    (outcome,) = [e for e in entries if e["kind"] == "outcome"]
    assert (outcome["call_id"], outcome["status"]) == (intent["call_id"], "unknown")
    assert not verify(tmp_path / "data").open_intents
