"""What the people who run it see: probes, metrics, receipts."""

import asyncio

import aiohttp
import openai
import pytest
from prometheus_client.parser import text_string_to_metric_families

from proxy.app import verify
from rules.audit.checkpoint import VerifierKey
from rules.audit.receipt import verify_receipt
from tests.support.sidecar import KEY

NOTE = "Patient: Maria Gonzalez, MRN: 77120345. Summarize, please."


def ask(text: str = NOTE, **more) -> dict:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}


async def get(url: str, **headers) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return response.status, await response.text()


async def samples(sidecar) -> dict[tuple[str, tuple], float]:
    _, text = await get(sidecar.admin_url + "/metrics")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def read_stream(client, request: dict) -> None:
    async for _ in await client.chat.completions.create(**request):
        pass


async def test_probes(sidecar, tmp_path):
    assert (await get(sidecar.admin_url + "/livez"))[0] == 200
    assert (await get(sidecar.admin_url + "/readyz"))[0] == 200


async def test_metrics_tell_of_calls_and_hold_nothing_of_them(sidecar, client, connect, provider):
    await client.chat.completions.create(**ask())
    async with connect(sidecar, key="wrong") as stranger:
        with pytest.raises(openai.AuthenticationError):
            await stranger.chat.completions.create(**ask())
    answered = [
        ("decision", "permit"), ("outcome", "answered"), ("route", "default"), ("status", "200"),
        ("tenant_class", "standard"),
    ]  # fmt: skip
    refused = [
        ("decision", "none"), ("outcome", "refused"), ("route", "(none)"), ("status", "401"),
        ("tenant_class", "(none)"),
    ]  # fmt: skip
    wanted = {("pratique_calls_total", tuple(one)) for one in (answered, refused)}
    async with asyncio.timeout(20):  # a call is counted after its response
        while not wanted <= set(found := await samples(sidecar)):
            pass
    assert {found[one] for one in wanted} == {1}
    for stage in ("identify", "classify", "decide", "minimize", "record", "dispatch", "relay"):
        assert found["pratique_stage_seconds_count", (("stage", stage),)] >= 1
    assert found["pratique_added_seconds_count", (("route", "default"),)] == 1
    assert ("pratique_added_seconds_bucket", (("le", "0.00025"), ("route", "default"))) in found
    tokenized = (("entity", "MEDICAL_RECORD_NUMBER"), ("operator", "tokenize"))
    assert found["pratique_entities_total", tokenized] == 1
    _, text = await get(sidecar.admin_url + "/metrics")
    assert "Gonzalez" not in text
    assert "77120345" not in text


async def test_a_receipt_proves_its_call_with_the_public_key_alone(sidecar, client, tmp_path):
    raw = await client.chat.completions.with_raw_response.create(**ask())
    url = f"{sidecar.admin_url}/receipts/{raw.headers['x-pratique-receipt']}"
    async with aiohttp.ClientSession() as session:
        while (
            True
        ):  # the outcome follows its response; a receipt asked for sooner has no outcome yet
            async with session.get(url, headers={"api-key": KEY}) as response:
                assert response.status in (200, 404)
                receipt = await response.json()
            if len(receipt.get("entries", ())) == 2:
                break
    key = VerifierKey.parse((tmp_path / "data" / "keys" / "verifier").read_text().strip())
    assert [entry.kind for entry in verify_receipt(receipt, key).entries] == ["intent", "outcome"]


async def test_a_receipt_is_for_its_tenant_alone(sidecar, client):
    raw = await client.chat.completions.with_raw_response.create(**ask())
    url = f"{sidecar.admin_url}/receipts/{raw.headers['x-pratique-receipt']}"
    assert (await get(url))[0] == 401
    assert (await get(f"{sidecar.admin_url}/receipts/pr-none", **{"api-key": KEY}))[0] == 404


async def test_refusals_are_on_record_too(sidecar, client, connect, tmp_path):
    async with connect(sidecar, key="wrong") as stranger:
        with pytest.raises(openai.AuthenticationError) as caught:
            await stranger.chat.completions.create(**ask())
    with pytest.raises(openai.PermissionDeniedError):
        await client.embeddings.create(model="e", input="x")
    sidecar.stop()
    report = verify(tmp_path / "data")
    assert report.ok
    assert report.calls == 2
    receipt = caught.value.response.headers["x-pratique-receipt"]
    segments = b"".join(p.read_bytes() for p in (tmp_path / "data" / "evidence").glob("*.seg"))
    assert segments.count(b"L ") >= 2
    assert receipt.startswith("pr-")


async def test_nothing_that_is_written_holds_a_value(sidecar, client, provider, tmp_path):
    planted = (b"Gonzalez", b"77120345", KEY.encode(), b"sk-provider-side-0000")
    await client.chat.completions.create(**ask())
    stream = await client.chat.completions.create(**ask(stream=True))
    async for _ in stream:
        pass
    for bad in ("scripted-fail-500", "scripted-cut"):
        with pytest.raises(openai.APIError):
            await read_stream(client, {**ask(stream=True), "model": bad})
    sidecar.stop()
    written = [p for p in tmp_path.rglob("*") if p.is_file() and p.name != "pratique.yaml"]
    assert len(written) > 4
    assert not [(p, v) for p in written for v in planted if v in p.read_bytes()]
    log = "".join(sidecar.lines + sidecar.printed)
    assert '"event":"call"' in log
    assert not [v for v in planted if v.decode() in log]
