import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jsonschema_rs
import openai
import pytest

from adapters.upstreams.scripted import ScriptedProvider, application
from adapters.wire.openai_chat import read_answer
from adapters.wire.sse import SseDecoder

NOTE = """Discharge note for [PERSON_1], MRN [MRN_1], born [DATE_1].
Admitted [DATE_2], discharged [DATE_3] by Dr. [PERSON_2]. Mrs. [PERSON_1B] had pneumonia
(HbA1c 8.1 %) and got azithromycin. Follow-up with Dr. [PERSON_2B] on [DATE_4]."""
BOOK = {
    "type": "function",
    "function": {
        "name": "book_appointment",
        "description": "Book an appointment.",
        "parameters": {
            "type": "object",
            "properties": {"patient": {"type": "string"}, "mrn": {"type": "string"}},
        },
    },
}


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    provider = ScriptedProvider(capture=True, first_byte_delay=0.001, delta_delay=0.0001)
    await provider.start()
    yield provider
    await provider.stop()


@pytest.fixture
async def client(provider: ScriptedProvider) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=provider.url, api_key="any", max_retries=0) as client:
        yield client


def ask(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": "scripted-clinical", "messages": [{"role": "user", "content": text}], **fields}


async def text(client: openai.AsyncOpenAI, prompt: str, **fields: Any) -> str:
    answer = await client.chat.completions.create(**ask(prompt, **fields))
    return answer.choices[0].message.content or ""


async def test_a_discharge_summary_uses_what_the_note_says(client):
    summary = await text(client, NOTE)
    for used in ("[PERSON_1]", "[MRN_1]", "[DATE_3]", "[PERSON_2]", "pneumonia", "azithromycin",
                 "HbA1c 8.1 %", "### Medication", "by [PERSON_2] on [DATE_4]"):  # fmt: skip
        assert used in summary
    assert "[PERSON_1B]" not in summary
    assert summary == await text(client, NOTE)


async def test_a_claim_is_answered_with_its_member_number(client):
    answer = await text(client, "Member ID: [MEMBER_1]. Why was the claim of [PERSON_1] denied?")
    assert "[MEMBER_1]" in answer
    assert "[PERSON_1]" in answer


async def test_plain_values_are_used_like_tokens(client):
    answer = await text(
        client, "Write a referral letter for Anna O'Donnell, metformin 500 mg daily."
    )
    assert "Anna O'Donnell" in answer
    assert "metformin 500 mg daily" in answer


async def test_a_question_about_nobody_is_answered(client):
    assert "the patient" in await text(client, "What now?")


async def test_a_stream_says_the_same_in_pieces_and_ends_with_its_usage(client):
    stream = await client.chat.completions.create(
        **ask(NOTE, n=2), stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    said = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].index == 1]
    assert "".join(piece or "" for piece in said) == await text(client, NOTE)
    assert len(said) > 20
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 10


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_tool_is_called_when_the_prompt_calls_for_it(provider, streamed):
    body = ask("Book a visit for [PERSON_1], MRN [MRN_1].", tools=[BOOK], stream=streamed)
    async with aiohttp.request("POST", f"{provider.url}/chat/completions", json=body) as answer:
        raw = await answer.read()
    if streamed:
        parsed = [json.loads(e.data) for e in SseDecoder().feed(raw) if e.data != b"[DONE]"]
        deltas = [chunk["choices"][0]["delta"] for chunk in parsed]
        calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
        arguments = "".join(call["function"]["arguments"] for call in calls)
        assert len(calls) > 4
    else:
        assert read_answer(raw).completion.tools_called == ("book_appointment",)
        arguments = read_answer(raw).lanes[0][1]
    assert json.loads(arguments) == {"patient": "[PERSON_1]", "mrn": "[MRN_1]"}


@pytest.mark.parametrize(
    ("fields", "called"),
    [
        ({"tools": [BOOK]}, False),
        ({"tools": [BOOK], "tool_choice": "required"}, True),
        ({"tools": [BOOK], "tool_choice": "none"}, False),
        ({"tools": [BOOK], "tool_choice": named("other")}, False),
        ({"tools": [BOOK], "tool_choice": named("book_appointment")}, True),
        ({"functions": [{"name": "weather"}], "tool_choice": "required"}, True),
    ],
)  # fmt: skip
async def test_tool_choice_is_followed(client, fields, called):
    answer = await client.chat.completions.create(**ask("How are things?", **fields))
    assert (answer.choices[0].finish_reason == "tool_calls") is called


async def test_a_tools_result_is_passed_on(client):
    messages = [
        {"role": "user", "content": "Look up [PERSON_1]."},
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {
            "name": "book_appointment", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": '{"next_visit": "[DATE_1]", "n": 2}'},
    ]  # fmt: skip
    answer = await text(client, "", messages=messages, tools=[BOOK])
    assert "next visit: [DATE_1]; n: 2" in answer
    messages[-1]["content"] = "none booked"
    assert "none booked" in await text(client, "", messages=messages)


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "patient_name": {"type": "string"},
        "visit_dates": {"type": "array", "items": {"type": "string"}, "minItems": 2},
        "severity": {"enum": ["low", "high"]},
        "age": {"type": "integer", "exclusiveMinimum": 17},
        "score": {"type": "number", "minimum": 3},
        "smoker": {"type": ["boolean", "null"]},
        "doctor": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/person"}]},
        "summary": {"type": "string"},
        "kind": {"const": "note"},
        "gone": {"type": "null"},
        "other": {"type": "string"},
    },
    "required": ["patient_name", "visit_dates", "severity", "age", "score", "doctor", "kind"],
    "additionalProperties": False,
    "$defs": {"person": {"properties": {"doctor": {"type": "string"}}, "required": ["doctor"]}},
}


@pytest.mark.parametrize(("model", "valid"), [("m", True), ("m-invalid-json", False)])
async def test_a_schema_is_satisfied_unless_asked_otherwise(client, model, valid):
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
    value = json.loads(await text(client, NOTE, model=model, response_format=wanted))
    assert jsonschema_rs.is_valid(SCHEMA, value) is valid
    if valid:
        assert value["patient_name"] == "[PERSON_1]"
        assert value["doctor"] == {"doctor": "[PERSON_2]"}


async def test_a_json_object_is_one(client):
    answer = await text(client, NOTE, response_format={"type": "json_object"})
    assert "[PERSON_1]" in json.loads(answer)["summary"]


async def test_a_leaking_model_tells_a_number_that_nobody_gave_it(client):
    assert "SSN" not in NOTE
    assert "536-22-8145" in await text(client, NOTE, model="x-leak")


@pytest.mark.parametrize(
    ("status", "error"),
    [(429, openai.RateLimitError), (500, openai.InternalServerError), (404, openai.NotFoundError)],
)
async def test_failures_come_by_model_name_and_on_order(client, provider, status, error):
    with pytest.raises(error):
        await text(client, NOTE, model=f"x-fail-{status}")
    provider.fail_next(2, status)
    for _ in range(2):
        with pytest.raises(error):
            await text(client, NOTE)
    assert await text(client, NOTE)


async def test_a_request_that_is_none_is_refused(client):
    with pytest.raises(openai.BadRequestError, match="messages"):
        await text(client, "", messages=[])


async def chunks(client: openai.AsyncOpenAI, model: str, pieces: list[Any]) -> None:
    stream = await client.chat.completions.create(**ask(NOTE, model=model), stream=True)
    async for chunk in stream:
        pieces.append(chunk)  # noqa: PERF401 - what came before an error is looked at


async def test_a_cut_drops_the_connection(client):
    pieces: list[Any] = []
    with pytest.raises(openai.APIConnectionError):
        await chunks(client, "x-cut", pieces)
    assert len(pieces) > 3
    with pytest.raises(openai.APIConnectionError):
        await text(client, NOTE, model="x-cut")


async def test_an_error_comes_in_the_middle_of_a_stream(client):
    pieces: list[Any] = []
    with pytest.raises(openai.APIError, match="broke off"):
        await chunks(client, "x-error-event", pieces)
    assert len(pieces) > 3
    with pytest.raises(openai.InternalServerError):
        await text(client, NOTE, model="x-error-event")


async def test_a_slow_first_byte_comes(client):
    assert await text(client, NOTE, model="x-slow-first-byte")


async def test_a_stream_is_held_until_it_is_let_go(client, provider):
    provider.hold = asyncio.Event()
    stream = await client.chat.completions.create(**ask(NOTE), stream=True)
    reader = asyncio.create_task(_reasons(stream))
    await provider.reached.wait()
    assert not reader.done()
    provider.hold.set()
    assert (await reader)[-1] == "stop"


async def _reasons(stream: Any) -> list[str | None]:
    return [chunk.choices[0].finish_reason async for chunk in stream]


@pytest.mark.parametrize("fields", [{"model": "x-hang"}, {"stream": True}])
async def test_a_client_that_leaves_is_counted(client, provider, fields):
    provider.hold = asyncio.Event()
    call = asyncio.create_task(_read_all(provider, ask(NOTE, **fields)))
    await provider.reached.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await provider.left.wait()
    assert provider.cancelled == 1


async def _read_all(provider: ScriptedProvider, body: dict[str, Any]) -> bytes:
    async with aiohttp.request("POST", f"{provider.url}/chat/completions", json=body) as answer:
        return await answer.read()


async def test_stopping_ends_what_hangs():
    provider = ScriptedProvider()
    await provider.start()
    call = asyncio.create_task(_read_all(provider, ask(NOTE, model="x-hang")))
    await provider.reached.wait()
    await provider.stop()
    with pytest.raises(aiohttp.ClientError):
        await call
    await provider.stop()


async def test_a_key_is_asked_for():
    provider = ScriptedProvider(api_key="right")
    await provider.start()
    try:
        async with openai.AsyncOpenAI(
            base_url=provider.url, api_key="wrong", max_retries=0
        ) as wrong:
            for call in (wrong.models.list(), text(wrong, NOTE)):
                with pytest.raises(openai.AuthenticationError) as refused:
                    await call
                assert refused.value.code == "invalid_api_key"
        right = wrong.with_options(api_key="right", http_client=openai.DefaultAsyncHttpxClient())
        async with right:
            assert [model.id async for model in right.models.list()] == ["scripted-clinical"]
        assert provider.received == type(provider.received)()
    finally:
        await provider.stop()


async def test_requests_are_captured_when_asked(client, provider):
    await text(client, NOTE)
    headers, body = provider.received[-1]
    assert headers["authorization"] == "Bearer any"
    assert json.loads(body)["messages"][0]["content"] == NOTE


@pytest.mark.parametrize("streamed", [True, False])
async def test_answers_are_compressed_for_who_accepts_it(provider, streamed):
    async with aiohttp.request(
        "POST", f"{provider.url}/chat/completions", json=ask(NOTE, stream=streamed),
        headers={"accept-encoding": "gzip"},
    ) as answer:  # fmt: skip
        assert answer.headers["content-encoding"] == "gzip"
        assert b"[PERSON_1]" in (await answer.read()).replace(b'"}', b"") or streamed
    async with aiohttp.request(
        "POST", f"{provider.url}/chat/completions", json=ask(NOTE, stream=streamed),
        headers={"accept-encoding": "identity"},
    ) as answer:  # fmt: skip
        assert "content-encoding" not in answer.headers
        assert not (await answer.read()).startswith(gzip.compress(b"")[:2])
        assert answer.headers["x-request-id"].startswith("req_")
        assert answer.headers["openai-processing-ms"].isdigit()
        assert answer.headers["x-ratelimit-remaining-requests"].isdigit()


async def test_the_application_can_be_run_by_others(aiohttp_client):
    client = await aiohttp_client(application())
    answer = await client.post("/v1/chat/completions", json=ask(NOTE))
    assert answer.status == 200
    assert [model["id"] for model in (await (await client.get("/v1/models")).json())["data"]]


@pytest.mark.parametrize(
    "parameters",
    [
        None, "x", {"type": "object", "properties": "x"}, {"$ref": "#/nowhere"}, {"$ref": "#"},
        {"properties": {"a": "x", "b": {"enum": "x"}}}, {"anyOf": ["x"]},
        {"properties": {"n": {"type": "integer", "minimum": "x"}}},
        {"$defs": {"a": {"properties": {"a": {"$ref": "#/$defs/a"}}}}, "$ref": "#/$defs/a"},
    ],
)  # fmt: skip
async def test_odd_schemas_are_answered(client, parameters):
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    answer = await client.chat.completions.create(**ask(NOTE, tools=[tool], tool_choice="required"))
    calls = answer.choices[0].message.tool_calls
    assert calls is not None
    json.loads(calls[0].function.arguments)
