"""The chat codec under arbitrary splits, texts and shapes."""

import contextlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import WireError
from adapters.wire.openai_chat import ChatStream, read_answer, read_call
from adapters.wire.sse import SseDecoder
from rules.chat import Lane

KEYS = ["choices", "delta", "message", "content", "tool_calls", "function", "index", "id", "type"]
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | TEXT, inner, max_size=4)
    ),
    max_leaves=16,
)


class Hold:
    """Holds the last `keep` characters of a lane until it ends."""

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self.held: dict[Lane, str] = {}

    def feed(self, lane: Lane, text: str) -> str:
        text = self.held.get(lane, "") + text
        cut = max(0, len(text) - self.keep)
        self.held[lane] = text[cut:]
        return text[:cut]

    def finish(self, lane: Lane) -> str:
        return self.held.pop(lane, "")


def stream_of(pieces: list[tuple[int, bool, str]], ascii_only: bool) -> bytes:
    """Pieces of two choices, as text or tool arguments, then their ends."""
    events: list[Any] = []
    for index, is_text, text in pieces:
        call = {"index": 0, "function": {"arguments": text}}
        delta = {"content": text} if is_text else {"tool_calls": [call]}
        events.append({"choices": [{"index": index, "delta": delta, "finish_reason": None}]})
    events += [
        {"choices": [{"index": index, "delta": {}, "finish_reason": "stop"}]} for index in (0, 1)
    ]
    written = [json.dumps(event, ensure_ascii=ascii_only).encode() for event in events]
    return b"".join(b"data: " + event + b"\n\n" for event in [*written, b"[DONE]"])


def heard(data: bytes) -> dict[tuple[int, bool], str]:
    said: dict[tuple[int, bool], str] = {}
    for event in SseDecoder().feed(data):
        if event.data is None or event.data == b"[DONE]":
            continue
        for choice in json.loads(event.data)["choices"]:
            delta = choice["delta"]
            for call in delta.get("tool_calls", ()):
                key = (choice["index"], False)
                said[key] = said.get(key, "") + call["function"]["arguments"]
            key = (choice["index"], True)
            said[key] = said.get(key, "") + delta.get("content", "")
    return {key: text for key, text in said.items() if text}


def play(stream: ChatStream, data: bytes, cuts: list[int]) -> bytes:
    out = [stream.feed(data[a:b]) for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    return b"".join([*out, stream.finish()])


PIECES = st.lists(st.tuples(st.integers(0, 1), st.booleans(), TEXT), max_size=10)


@given(PIECES, st.booleans(), st.integers(0, 5), st.data())
def test_every_character_arrives_whatever_is_held_and_however_it_is_cut(
    pieces, ascii_only, keep, data
):
    stream = stream_of(pieces, ascii_only)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    edited = play(ChatStream(Hold(keep), str), stream, cuts)
    assert heard(edited) == heard(stream)
    assert edited.endswith(b"data: [DONE]\n\n")
    if keep == 0:
        assert edited == stream


@given(st.lists(JSON, min_size=1, max_size=3))
def test_any_json_in_a_stream_passes_an_editor_that_changes_nothing(values):
    written = [b"data: " + json.dumps(value).encode() + b"\n\n" for value in values]
    data = b"".join(written)
    assert play(ChatStream(Hold(0), str), data, []) == data
    assert play(ChatStream(), data, []) == data


@given(JSON)
def test_any_json_as_a_body_is_read_or_refused(value):
    body = json.dumps(value).encode()
    with contextlib.suppress(WireError):
        assert read_answer(body).rewrite(Hold(0), str) == body


@given(
    st.dictionaries(st.sampled_from(["tools", "metadata", "response_format", "stop"]), JSON), JSON
)
def test_every_string_of_a_request_is_a_slot_or_protocol(fields, content):
    body = {"model": "m", "messages": [{"role": "user", "content": content}], **fields}
    try:
        call = read_call(json.dumps(body).encode())
    except WireError:
        return
    literals = call.document.literals
    for slot in call.slots:
        assert slot.text == literals[slot.literal].text
    covered = {slot.literal for slot in call.slots}
    for ordinal, literal in enumerate(literals):
        if literal.text and not literal.text.isascii():
            assert ordinal in covered
