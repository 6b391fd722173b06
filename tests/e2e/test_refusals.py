"""Each way of saying no: in the caller's dialect, with its code, and before harm is done."""

import asyncio

import aiohttp
import openai
import pytest

from tests.support.policies import write_policy
from tests.support.sidecar import KEY


def ask(text: str = "hello", model: str = "gpt-4o", **more) -> dict:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


async def test_a_wrong_key_is_a_401_that_sdks_know(sidecar, provider, connect):
    async with connect(sidecar, key="sk-wrong") as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            await client.chat.completions.create(**ask())
    assert caught.value.code == "invalid_api_key"
    assert "Incorrect API key provided" in caught.value.message
    assert "sk-wrong" not in caught.value.message
    assert not provider.received


async def test_a_stranger_is_refused_before_the_body_is_read(sidecar):
    host, port = sidecar.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n"
        b"expect: 100-continue\r\ncontent-type: application/json\r\n\r\n"
    )
    status = await asyncio.wait_for(reader.readline(), 20)
    writer.close()
    await writer.wait_closed()
    assert status.startswith(b"HTTP/1.1 401")


async def test_a_known_caller_is_asked_for_the_body(sidecar):
    host, port = sidecar.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = b'{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}]}'
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n"
        b"authorization: Bearer " + KEY.encode() + b"\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    )
    assert (await asyncio.wait_for(reader.readline(), 20)).startswith(b"HTTP/1.1 100")
    await reader.readline()
    writer.write(body)
    assert (await asyncio.wait_for(reader.readline(), 20)).startswith(b"HTTP/1.1 200")
    writer.close()
    await writer.wait_closed()


async def test_an_endpoint_nobody_classified_is_refused(client, provider):
    with pytest.raises(openai.PermissionDeniedError) as caught:
        await client.embeddings.create(model="e", input="Anna O'Donnell")
    assert caught.value.code == "unclassified_endpoint"
    assert not provider.received


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"model": "gpt-4o", "messages": [', "invalid_json"),
        (b'{"model": "a", "model": "b", "messages": []}', "invalid_json"),
        (b'{"messages": []}', "invalid_request"),
        (b'"text"', "invalid_request"),
    ],
)
async def test_a_body_that_cannot_be_read_in_one_way_only(sidecar, provider, body, code):
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            sidecar.url + "/v1/chat/completions", data=body, headers={"api-key": KEY}
        ) as response,
    ):
        error = (await response.json())["error"]
    assert (response.status, error["code"]) == (400, code)
    assert set(error) == {"type", "code", "message", "param"}
    assert not provider.received


async def test_a_body_over_the_limit(start, provider, connect):
    sidecar = start({"main": provider.url}, limits="{body_bytes: 2000}")
    async with connect(sidecar) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            await client.chat.completions.create(**ask("x" * 3000))
    assert (caught.value.status_code, caught.value.code) == (413, "body_too_large")

    async def endless():
        for _ in range(100):
            yield b" " * 1000

    async with (
        aiohttp.ClientSession() as session,
        session.post(
            sidecar.url + "/v1/chat/completions", data=endless(), headers={"api-key": KEY}
        ) as response,
    ):
        assert response.status == 413


async def test_a_credential_in_the_prompt_stops_the_call(client, provider):
    with pytest.raises(openai.PermissionDeniedError) as caught:
        await client.chat.completions.create(
            **ask("use ghp_abcdefghijklmnopqrstuvwxyz0123456789 please")
        )
    assert caught.value.code == "forbidden_by_policy"
    assert "ghp_" not in caught.value.message
    assert not provider.received


async def test_a_picture_cannot_be_inspected_and_does_not_leave(client, provider):
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    with pytest.raises(openai.PermissionDeniedError):
        await client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": [picture]}]
        )
    assert not provider.received


async def test_an_identifier_outside_the_body_is_refused(client, provider):
    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(**ask(), extra_query={"who": "anna@example.org"})
    assert caught.value.code == "identifier_outside_body"
    with pytest.raises(openai.BadRequestError):
        await client.chat.completions.create(
            **ask(), extra_headers={"idempotency-key": "anna@example.org"}
        )
    assert not provider.received


async def test_headers_nobody_thought_of_do_not_leave(client, provider):
    await client.chat.completions.create(
        **ask(), extra_headers={"x-patient": "Anna", "cookie": "s=1", "x-forwarded-for": "10.0.0.9"}
    )
    headers = {name.lower() for name, _ in dict(provider.received[-1][0]).items()}
    assert not headers & {"x-patient", "cookie", "x-forwarded-for"}


async def test_a_rate_is_a_429_with_a_time_to_wait(start, provider, connect):
    sidecar = start({"main": provider.url}, limits="{rate: 0.01, burst: 1}")
    async with connect(sidecar) as client:
        await client.chat.completions.create(**ask())
        with pytest.raises(openai.RateLimitError) as caught:
            await client.chat.completions.create(**ask())
    assert caught.value.code == "rate_limited"
    assert int(caught.value.response.headers["retry-after"]) > 1


async def test_the_kill_switch(sidecar, client, tmp_path, provider):
    (tmp_path / "data" / "STOP").touch()
    with pytest.raises(openai.InternalServerError) as caught:
        await client.chat.completions.create(**ask())
    assert caught.value.code == "kill_switch"
    (tmp_path / "data" / "STOP").unlink()
    await client.chat.completions.create(**ask())


async def test_logprobs_are_dropped_with_a_warning(client):
    raw = await client.chat.completions.with_raw_response.create(**ask(logprobs=True))
    assert raw.parse().choices[0].logprobs is None
    assert raw.headers["x-pratique-warning"] == "logprobs_dropped"


@pytest.fixture
def strict(start, provider, tmp_path):
    policy = write_policy(
        tmp_path,
        '{minimize: {"*": tokenize}, guards: {leakage: refuse, json_schema: refuse}}',
    )
    return start({"main": provider.url}, policy=policy)


async def test_an_answer_that_leaks_is_refused(strict, connect):
    async with connect(strict) as client:
        with pytest.raises(openai.UnprocessableEntityError) as caught:
            await client.chat.completions.create(**ask(model="scripted-leak"))
        assert caught.value.code == "output_leakage"
        assert caught.value.response.headers["x-should-retry"] == "false"
        assert not any(character.isdigit() for character in caught.value.body["message"])


async def test_a_stream_that_leaks_is_cut_before_it_does(strict, connect):
    received = ""
    async with connect(strict) as client:
        with pytest.raises(openai.APIError):  # noqa: PT012 - the error comes while reading
            async for chunk in await client.chat.completions.create(
                **ask(model="scripted-leak", stream=True)
            ):
                if chunk.choices:
                    received += chunk.choices[0].delta.content or ""
    assert not any(character.isdigit() for character in received)


async def test_leakage_that_policy_only_warns_of_is_told_in_a_header(client):
    raw = await client.chat.completions.with_raw_response.create(**ask(model="scripted-leak"))
    assert raw.headers["x-pratique-warning"] == "leakage:US_SSN"


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_breaks_its_schema_is_refused(strict, connect, stream):
    wanted = {
        "type": "json_schema",
        "json_schema": {
            "name": "x",
            "schema": {
                "type": "object",
                "properties": {"count": {"type": "integer"}},
                "required": ["count"],
            },
        },
    }
    request = ask(model="scripted-invalid-json", response_format=wanted, stream=stream)
    received = ""
    async with connect(strict) as client:
        with pytest.raises(openai.APIError) as caught:  # noqa: PT012 - or while reading a stream
            answer = await client.chat.completions.create(**request)
            if stream:
                async for chunk in answer:
                    if chunk.choices:
                        received += chunk.choices[0].delta.content or ""
    assert caught.value.code == "output_schema"
    assert received == ""


async def test_a_remote_schema_is_not_fetched(strict, connect, provider):
    wanted = {
        "type": "json_schema",
        "json_schema": {"name": "x", "schema": {"$ref": provider.url + "/models"}},
    }
    async with connect(strict) as client:
        with pytest.raises(openai.BadRequestError) as caught:
            await client.chat.completions.create(**ask(response_format=wanted))
    assert caught.value.code == "invalid_schema"
    assert not provider.received
