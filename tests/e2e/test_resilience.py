"""Upstreams that fail, are slow or are cut, and clients that leave."""

import asyncio
import socket

import openai
import pytest

from adapters.upstreams.scripted import ScriptedProvider
from tests.support.evidence import outcome_of, stopped_log
from tests.support.policies import write_policy

NOTE = "Patient: Maria Gonzalez. Summarize for the family doctor, please."


def ask(text: str = NOTE, model: str = "gpt-4o", **more) -> dict:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("stream", [False, True])
async def test_the_next_upstream_is_tried(
    start, connect, provider, spare, tmp_path, status, stream
):
    sidecar = start({"main": provider.url, "spare": spare.url})
    provider.fail_next(1, status)
    async with connect(sidecar) as client:
        raw = await client.chat.completions.with_raw_response.create(**ask(stream=stream))
        if stream:
            text = "".join(
                [c.choices[0].delta.content or "" async for c in raw.parse() if c.choices]
            )
        else:
            text = raw.parse().choices[0].message.content
    assert "Maria Gonzalez" in text
    outcome = outcome_of(stopped_log(sidecar, tmp_path), raw.headers["x-pratique-receipt"])
    assert [(a["upstream"], a["status"]) for a in outcome["attempts"]] == [
        ("main", status),
        ("spare", 200),
    ]
    assert outcome["upstream"] == "spare"
    assert b"Gonzalez" not in spare.received[-1][1]


async def test_a_refused_connection_goes_to_the_next_upstream(start, connect, provider, tmp_path):
    sidecar = start({"dead": f"http://127.0.0.1:{closed_port()}/v1", "main": provider.url})
    async with connect(sidecar) as client:
        raw = await client.chat.completions.with_raw_response.create(**ask())
    outcome = outcome_of(stopped_log(sidecar, tmp_path), raw.headers["x-pratique-receipt"])
    assert [(a["upstream"], a["error"]) for a in outcome["attempts"]] == [
        ("dead", "upstream_unreachable"),
        ("main", None),
    ]


async def test_the_last_providers_own_error_reaches_the_sdk(sidecar, client, provider):
    provider.fail_next(1, 429)
    with pytest.raises(openai.RateLimitError) as caught:
        await client.chat.completions.create(**ask())
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.response.headers["x-request-id"]


async def test_a_400_is_not_tried_elsewhere(start, connect, provider, spare):
    sidecar = start({"main": provider.url, "spare": spare.url})
    provider.fail_next(1, 400)
    async with connect(sidecar) as client:
        with pytest.raises(openai.BadRequestError):
            await client.chat.completions.create(**ask())
    assert not spare.received


async def test_nobody_there_is_a_502(start, connect):
    sidecar = start({"dead": f"http://127.0.0.1:{closed_port()}/v1"})
    async with connect(sidecar) as client:
        with pytest.raises(openai.InternalServerError) as caught:
            await client.chat.completions.create(**ask())
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_unreachable")


async def test_a_first_byte_that_never_comes_is_a_504(start, connect, provider):
    sidecar = start({"main": provider.url}, deadlines="{first_byte: 200ms}")
    async with connect(sidecar) as client:
        with pytest.raises(openai.InternalServerError) as caught:
            await client.chat.completions.create(**ask(model="scripted-hang"))
    assert (caught.value.status_code, caught.value.code) == (504, "upstream_timeout")


async def test_a_stream_that_stalls_is_torn_and_not_ended(start, connect, tmp_path):
    stalling = ScriptedProvider(hold=asyncio.Event())
    await stalling.start()
    try:
        sidecar = start({"main": stalling.url}, deadlines="{idle: 200ms}")
        async with connect(sidecar) as client:
            with pytest.raises(openai.APIError) as caught:
                async for _ in await client.chat.completions.create(**ask(stream=True)):
                    pass
        assert caught.value.code == "upstream_timeout"
    finally:
        await stalling.stop()


async def test_a_stream_that_its_provider_cuts_is_not_taken_for_whole(sidecar, client, tmp_path):
    with pytest.raises(openai.APIError) as caught:
        async for _ in await client.chat.completions.create(
            **ask(model="scripted-cut", stream=True)
        ):
            pass
    assert caught.value.code == "upstream_broken"
    (outcome,) = [e for e in stopped_log(sidecar, tmp_path) if e["kind"] == "outcome"]
    assert (outcome["status"], outcome["complete"]) == ("failed", False)


async def test_an_error_inside_a_stream_reaches_the_sdk(client):
    with pytest.raises(openai.APIError):
        async for _ in await client.chat.completions.create(
            **ask(model="scripted-error-event", stream=True)
        ):
            pass


async def test_a_client_that_leaves_takes_the_upstream_call_with_it(
    sidecar, client, provider, tmp_path
):
    call = asyncio.ensure_future(client.chat.completions.create(**ask(model="scripted-hang")))
    async with asyncio.timeout(20):
        await provider.reached.wait()
        call.cancel()
        await provider.left.wait()
    entries = stopped_log(sidecar, tmp_path)
    assert [e["status"] for e in entries if e["kind"] == "outcome"] == ["client_gone"]


async def test_a_client_that_leaves_in_the_middle_of_a_stream(start, connect, tmp_path):
    endless = ScriptedProvider(hold=asyncio.Event())
    await endless.start()
    try:
        sidecar = start({"main": endless.url})
        client = connect(sidecar)
        stream = await client.chat.completions.create(**ask(stream=True))
        await anext(aiter(stream))
        await client.close()
        async with asyncio.timeout(20):
            await endless.left.wait()
        entries = stopped_log(sidecar, tmp_path)
    finally:
        await endless.stop()
    assert [e["status"] for e in entries if e["kind"] == "outcome"] == ["client_gone"]


async def test_a_failing_upstream_is_left_alone_for_a_while(start, connect, provider, spare):
    sidecar = start({"main": provider.url, "spare": spare.url})
    provider.fail_next(50, 503)
    async with connect(sidecar) as client:
        for _ in range(8):
            await client.chat.completions.create(**ask())
    assert provider.calls == 5
    assert spare.calls == 8


async def test_an_upstream_that_policy_excludes_is_not_a_fallback(
    start, connect, provider, spare, tmp_path
):
    policy = write_policy(tmp_path, '{minimize: {"*": tokenize}, providers: {names: [main]}}')
    sidecar = start({"main": provider.url, "spare": spare.url}, policy=policy)
    provider.fail_next(1, 503)
    async with connect(sidecar) as client:
        with pytest.raises(openai.InternalServerError):
            await client.chat.completions.create(**ask())
    assert not spare.received


async def test_what_is_under_way_ends_before_the_process_does(start, connect, tmp_path):
    gate = asyncio.Event()
    slow = ScriptedProvider(hold=gate)
    await slow.start()
    try:
        sidecar = start({"main": slow.url})
        async with connect(sidecar) as client:
            stream = await client.chat.completions.create(**ask(stream=True))
            await slow.reached.wait()
            stopping = asyncio.ensure_future(asyncio.to_thread(sidecar.stop))
            gate.set()
            text = "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])
        assert await stopping == 0
    finally:
        await slow.stop()
    assert "Maria Gonzalez" in text
    entries = stopped_log(sidecar, tmp_path)
    assert [e["status"] for e in entries if e["kind"] == "outcome"] == ["answered"]
