"""The chat codec under arbitrary splits, texts and shapes."""

import contextlib
import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.errors import WireError
from adapters.wire.openai_chat import ChatStream, read_answer, read_call
from adapters.wire.sse import SseDecoder
from rules.chat import Cut, Lane
from rules.classify.recognizer import Finding
from rules.output.leakage import KnownValues
from rules.output.passage import Passage
from rules.output.stream_guard import Watch
from rules.policy.document import Guards

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
def test_any_json_in_a_stream_passes_an_editor_that_changes_nothing_or_is_refused(values):
    written = [b"data: " + json.dumps(value).encode() + b"\n\n" for value in values]
    data = b"".join(written)
    with contextlib.suppress(WireError):
        assert play(ChatStream(Hold(0), str), data, []) == data
    assert play(ChatStream(None, str), data, []) == data
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


SSN = re.compile(r"[0-9]{3}-[0-9]{2}-[0-9]{4}")
LOGGED = {"content": [{"token": "078-05-1120"}]}
# What a provider may send at any moment, whether it makes sense there or not.
CHUNKS = st.one_of(
    st.sampled_from(["it is ", "078", "-05", "-1120", "078-05-1120", ".", "well " * 50]).map(
        lambda text: {"choices": [{"index": 0, "delta": {"content": text}}]}
    ),
    st.sampled_from(["078-05", "-1120", "", "aB3x"]).map(
        lambda text: {
            "choices": [{"index": 0, "delta": {"content": "-05-1120"}}],
            "obfuscation": text,
        }
    ),
    st.sampled_from(
        [
            {"choices": [], "usage": {"prompt_tokens": 1}},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
            {"choices": [{"index": 0, "delta": {"content": "078"}, "finish_reason": "stop"}]},
            {"choices": [{"index": 1, "delta": {"content": "-05-1120"}}]},
            {"choices": [{"index": 0, "delta": {"content": ""}, "logprobs": LOGGED}]},
            {"choices": [{"index": 0, "delta": {"reasoning": "078"}}]},
            {"choices": [{"index": 0, "delta": {"content": ["078", {"text": "-05"}]}}]},
            {"choices": [{"index": 0, "delta": {"content": 781120}}]},
            {"choices": [{"index": 0, "message": {"content": "078-05-1120"}}]},
            {"choices": [], "id": "078-05-1120"},
            {"choices": [], "078-05-1120": 1},
            {"error": {"code": "x", "message": "-05-1120"}},
            None,
        ]
    ),
)


def scan(text: str) -> tuple[Finding, ...]:
    return tuple(Finding(0, *match.span(), "US_SSN", 0.9) for match in SSN.finditer(text))


def added_up(data: bytes) -> str:
    """The text of choice 0, as a careless client adds it up: past all ends and errors."""
    said = ""
    for event in SseDecoder().feed(data + b"\n\n"):
        if event.data is None or event.data == b"[DONE]":
            continue
        for choice in json.loads(event.data).get("choices", ()):
            content = choice.get("delta", {}).get("content") if choice["index"] == 0 else None
            for part in content if isinstance(content, list) else [content]:
                said += str(part["text"] if isinstance(part, dict) else part or "")
    return said


@settings(max_examples=300)
@given(st.lists(CHUNKS, max_size=12), st.booleans())
def test_no_identifier_leaves_in_whatever_order_its_pieces_come(chunks, commented):
    events = [b"[DONE]" if chunk is None else json.dumps(chunk).encode() for chunk in chunks]
    lead = b": 078-05-1120\nevent: 078-05-1120\n" if commented else b""
    watch = Watch(scan, KnownValues([]), frozenset({"US_SSN"}))
    passage = Passage(Guards(leakage="refuse"), watch, restorer=None)
    stream = ChatStream(passage, passage.whole)
    left = b""
    try:
        for event in events:
            left += stream.feed(lead + b"data: " + event + b"\n\n")
        left += stream.finish()
    except (Cut, WireError):
        left += stream.unsent
    assert SSN.search(added_up(left)) is None
    assert SSN.search(left.decode()) is None
