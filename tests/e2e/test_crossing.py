"""A call's whole way, as an application sees it that changed nothing but its base URL."""

import asyncio

import aiohttp
import openai
import orjson
import pytest

from tests.e2e.conftest import PROVIDER_KEY
from tests.support.policies import write_policy
from tests.support.sidecar import KEY

NOTE = (
    "Patient: Maria Gonzalez, DOB 04/12/1948, MRN: 77120345, phone (312) 555-0188. "
    "Mrs. Gonzalez was treated for pneumonia with azithromycin. Summarize for the family doctor."
)
PLANTED = ("Gonzalez", "04/12/1948", "77120345", "555-0188")


def ask(text: str = NOTE, **more) -> dict:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}


def seen(provider) -> str:
    return provider.received[-1][1].decode()


async def test_values_stay_here_and_come_back(client, provider):
    answer = await client.chat.completions.create(**ask())
    assert not [value for value in PLANTED if value in seen(provider)]
    assert "[PERSON_1]" in seen(provider)
    assert "Maria Gonzalez" in answer.choices[0].message.content
    assert "PERSON_" not in answer.choices[0].message.content


async def test_a_stream_is_restored_and_is_a_stream(client, provider):
    pieces = []
    stream = await client.chat.completions.create(
        **ask(stream=True, stream_options={"include_usage": True})
    )
    usage = None
    async for chunk in stream:
        usage = chunk.usage or usage
        if chunk.choices and chunk.choices[0].delta.content:
            pieces.append(chunk.choices[0].delta.content)
    text = "".join(pieces)
    assert len(pieces) > 3
    assert "Maria Gonzalez" in text
    assert "PERSON_" not in text
    assert usage.total_tokens > 0
    assert not [value for value in PLANTED if value in seen(provider)]


@pytest.mark.parametrize("stream", [False, True])
async def test_tool_arguments_hold_real_values(client, provider, stream):
    tool = {
        "type": "function",
        "function": {
            "name": "book_appointment",
            "description": "Book an appointment for a patient",
            "parameters": {
                "type": "object",
                "properties": {"patient": {"type": "string"}, "mrn": {"type": "string"}},
                "required": ["patient", "mrn"],
            },
        },
    }
    request = ask("Book an appointment for Maria Gonzalez, MRN: 77120345.", tools=[tool])
    if stream:
        arguments = ""
        async for chunk in await client.chat.completions.create(**request, stream=True):
            for call in chunk.choices[0].delta.tool_calls or [] if chunk.choices else []:
                arguments += call.function.arguments or ""
    else:
        answer = await client.chat.completions.create(**request)
        arguments = answer.choices[0].message.tool_calls[0].function.arguments
    assert orjson.loads(arguments) == {"patient": "Maria Gonzalez", "mrn": "77120345"}
    assert "Gonzalez" not in seen(provider)


async def test_every_text_of_a_request_is_a_slot(client, provider):
    canary = "Zebediah Quillfeather"
    await client.chat.completions.create(
        model="gpt-4o",
        messages=[
            {"role": "system", "content": f"You assist Dr. {canary}."},
            {"role": "user", "name": "Zebediah_Quillfeather", "content": [
                {"type": "text", "text": f"I am Mr. {canary}."}]},
            {"role": "assistant", "content": f"Good day, Mr. {canary}.", "tool_calls": [
                {"id": "call_1", "type": "function", "function": {
                    "name": "find", "arguments": f'{{"patient": "Mr. {canary}"}}'}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": f'{{"name": "Mr. {canary}"}}'},
        ],
        tools=[{"type": "function", "function": {
            "name": "find", "description": f"Finds patients of Dr. {canary}",
            "parameters": {"type": "object", "properties": {
                "who": {"type": "string", "description": f"such as Mr. {canary}",
                        "enum": [f"Mr. {canary}", "other"]}}}}}],
        user=f"Mr. {canary}",
        metadata={"patient": f"Mr. {canary}"},
        extra_body={"x_unknown": {"deep": [f"Mr. {canary}"]}},
    )  # fmt: skip
    assert "Quillfeather" not in seen(provider)
    assert orjson.loads(seen(provider))["messages"][3]["tool_call_id"] == "call_1"


async def test_credentials_are_swapped(client, provider):
    await client.chat.completions.create(**ask("hello"))
    headers = {name.lower(): value for name, value in dict(provider.received[-1][0]).items()}
    assert headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert KEY not in str(headers)


async def test_provider_headers_come_back_and_hop_by_hop_ones_do_not(client):
    raw = await client.chat.completions.with_raw_response.create(**ask("hello"))
    assert raw.headers["x-request-id"]
    assert any(name.startswith("x-ratelimit-") for name in raw.headers)
    assert raw.headers["x-pratique-receipt"].startswith("pr-")
    assert raw.headers["x-pratique-upstream"] == "main"
    assert "keep-alive" not in raw.headers
    assert "content-encoding" not in raw.headers


async def test_passthrough_sends_the_very_bytes(start, provider, connect):
    sidecar = start({"main": provider.url}, policy="passthrough")
    body = (
        b'{ "messages":[{"content":"caf\\u00e9 SSN 219-09-9999 \\ud83d\\ude00","role":"user"}],'
        b'"temperature":1.0, "x_new":{"b":1e2,"a":null}, "model":"gpt-4o"}'
    )
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            sidecar.url + "/v1/chat/completions",
            data=body,
            headers={"authorization": f"Bearer {KEY}", "content-type": "application/json"},
        ) as response,
    ):
        assert response.status == 200
        answer = await response.read()
    assert provider.received[-1][1] == body
    assert orjson.loads(answer)["object"] == "chat.completion"


async def test_untouched_parts_keep_their_bytes_under_a_policy_that_tokenizes(sidecar, provider):
    body = (
        b'{"model":"gpt-4o","temperature":1.0,"x":{"b":1e2,"a":null},"messages":['
        b'{"role":"user","content":"plain caf\\u00e9"},'
        b'{"role":"user","content":"mail anna@example.org"}]}'
    )
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            sidecar.url + "/chat/completions",
            data=body,
            headers={"authorization": f"Bearer {KEY}", "content-type": "application/json"},
        ) as response,
    ):
        assert response.status == 200
    assert provider.received[-1][1] == body.replace(b"anna@example.org", b"[EMAIL_1]")


async def test_a_role_that_may_not_see_values_gets_tokens(start, provider, connect, tmp_path):
    policy = write_policy(tmp_path, '{minimize: {"*": tokenize}, restore: false}')
    async with connect(start({"main": provider.url}, policy=policy)) as client:
        answer = await client.chat.completions.create(**ask())
    assert "[PERSON_1]" in answer.choices[0].message.content
    assert "Gonzalez" not in answer.choices[0].message.content


async def test_structured_output_is_restored_and_valid(client):
    schema = {
        "type": "object",
        "properties": {"patient": {"type": "string", "pattern": "^[A-Z][a-z]+ [A-Z][a-z]+$"}},
        "required": ["patient"],
        "additionalProperties": False,
    }
    raw = await client.chat.completions.with_raw_response.create(
        **ask(
            "Patient: Maria Gonzalez. Extract the patient.",
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "extract", "schema": schema, "strict": True},
            },
        )
    )
    answer = orjson.loads(raw.parse().choices[0].message.content)
    assert answer == {"patient": "Maria Gonzalez"}
    assert "x-pratique-warning" not in raw.headers


async def test_the_sync_client_works_too(sidecar):
    def call() -> str:
        with openai.OpenAI(base_url=sidecar.url + "/v1", api_key=KEY, max_retries=0) as client:
            return client.chat.completions.create(**ask()).choices[0].message.content

    assert "Maria Gonzalez" in await asyncio.to_thread(call)
