"""Requests and answers that somebody made to do harm."""

import asyncio
import gzip

import aiohttp
import openai
import orjson
import pytest

from tests.e2e.conftest import PROVIDER_KEY
from tests.support.policies import write_policy
from tests.support.raw_provider import RawProvider, answer_with
from tests.support.sidecar import KEY

CALL = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}


def completion(**more) -> bytes:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "x"}}
    return orjson.dumps({"id": "c", "object": "chat.completion", "choices": [choice], **more})


async def raw_exchange(sidecar, request: bytes) -> bytes:
    host, port = sidecar.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_figures_of_a_provider_cannot_take_places_away(start, connect):
    usage = {"prompt_tokens": -5, "completion_tokens": 1, "total_tokens": -4}
    async with RawProvider(answer_with(completion(usage=usage))) as provider:
        sidecar = start({"main": provider.url}, limits="{in_flight: 2, rate: 1000, burst: 1000}")
        async with connect(sidecar) as client:
            for _ in range(6):
                await client.chat.completions.create(**CALL)


async def test_a_request_that_http_does_not_allow_is_repeated_nowhere(sidecar):
    answer = await raw_exchange(
        sidecar,
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nAuthorization : Bearer "
        + KEY.encode()
        + b"\r\nMaria Gonzalez SSN 123-45-6789\r\n\r\n",
    )
    assert answer.split(b" ", 2)[1] == b"400"
    assert b'"code":"malformed_request"' in answer
    sidecar.stop()
    for value in (KEY, "Gonzalez", "123-45"):
        assert value.encode() not in answer
        assert value not in "".join(sidecar.lines + sidecar.printed)


async def test_a_credential_that_is_sent_twice_is_not_judged_by_its_first(sidecar):
    for first, second in ((KEY, "wrong"), ("wrong", KEY)):
        answer = await raw_exchange(
            sidecar,
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
            b"api-key: %s\r\napi-key: %s\r\ncontent-length: 2\r\n\r\n{}"
            % (first.encode(), second.encode()),
        )
        assert answer.startswith(b"HTTP/1.1 401")
        assert b"ambiguous_credential" in answer


async def test_headers_leave_only_in_the_form_that_sdks_give_them(sidecar, provider):
    headers = {
        "user-agent": "SSN 123-45-6789", "x-stainless-os": "SSN 123-45-6789",
        "openai-beta": "SSN 123-45-6789", "accept": "text/123-45-6789",
        "content-type": "application/json; p=123-45-6789", "api-key": KEY,
    }  # fmt: skip
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            sidecar.url + "/v1/chat/completions", data=orjson.dumps(CALL), headers=headers
        ) as response,
    ):
        assert response.status == 200
    assert "123-45" not in str(provider.received[-1][0])


async def test_the_headers_of_the_sdk_itself_arrive(client, provider):
    await client.chat.completions.create(**CALL)
    sent = {name.lower(): value for name, value in dict(provider.received[-1][0]).items()}
    assert sent["user-agent"].startswith("AsyncOpenAI/Python")
    assert {"accept", "x-stainless-lang", "x-stainless-retry-count"} <= set(sent)


async def test_what_stands_beside_the_body_is_decided_on_too(start, connect, provider, tmp_path):
    forbid = "- {name: nothing, effect: forbid, match: {labels: [phi, secrets]}}"
    policy = write_policy(tmp_path, "{}", before=forbid)
    async with connect(start({"main": provider.url}, policy=policy)) as client:
        with pytest.raises(openai.PermissionDeniedError):
            await client.chat.completions.create(**CALL, extra_query={"ssn": "219-09-9999"})
        with pytest.raises(openai.PermissionDeniedError):
            await client.chat.completions.create(
                **CALL, extra_headers={"idempotency-key": "anna@example.org"}
            )
    assert not provider.received


async def test_a_provider_cannot_speak_in_our_name(start, connect):
    more = "x-pratique-receipt: pr-forged\r\nx-pratique-warning: none\r\nserver-timing: x\r\n"
    async with (
        RawProvider(answer_with(completion(), more=more)) as provider,
        connect(start({"main": provider.url})) as client,
    ):
        raw = await client.chat.completions.with_raw_response.create(**CALL)
    assert "forged" not in str(raw.headers)
    assert raw.headers.get_list("x-pratique-receipt")[0].startswith("pr-1")
    assert "x-pratique-warning" not in raw.headers


async def test_the_providers_key_does_not_come_back_in_its_errors(start, connect):
    said = orjson.dumps({"error": {"message": f"bad key {PROVIDER_KEY}", "type": "x"}})
    more = f"x-debug: {PROVIDER_KEY}\r\n"
    async with (
        RawProvider(answer_with(said, "401 Unauthorized", more)) as provider,
        connect(start({"main": provider.url})) as client,
    ):
        with pytest.raises(openai.AuthenticationError) as caught:
            await client.chat.completions.create(**CALL)
    assert PROVIDER_KEY not in caught.value.response.text
    assert PROVIDER_KEY not in str(caught.value.response.headers)


async def test_an_answer_too_large_to_hold_is_refused(start, connect):

    body = gzip.compress(b" " * (65 * 1024 * 1024), 9)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n"
    answer = head + b"content-length: %d\r\n\r\n" % len(body) + body
    async with (
        RawProvider(answer) as provider,
        connect(start({"main": provider.url})) as client,
    ):
        with pytest.raises(openai.InternalServerError) as caught:
            await client.chat.completions.create(**CALL)
    assert caught.value.code == "upstream_broken"
