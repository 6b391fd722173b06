"""Real provider traffic: what is not edited passes byte for byte; edits touch only their strings.

Reads the recorded exchanges that lie beside the repository, where they are there.
"""

import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from adapters.wire.openai_chat import ChatStream, read_answer, read_call
from adapters.wire.sse import SseDecoder
from rules.chat import Lane, SlotKind

_RECORDED = Path(__file__).parents[3] / "shared" / "wire" / "dev"
pytestmark = pytest.mark.skipif(
    not _RECORDED.is_dir(),
    reason="recorded provider traffic is not on this machine (looked for ../shared/wire/dev)",
)


@cache
def exchanges() -> list[dict[str, Any]]:
    found = []
    for file in sorted(_RECORDED.glob("*.jsonl")):
        with file.open(encoding="utf-8") as lines:
            found += [json.loads(line) for line in lines if '"dialect":"openai.chat"' in line]
    return found


def answers(*, streamed: bool) -> Iterator[bytes]:
    for exchange in exchanges():
        body = exchange["response"]["body"] or ""
        is_stream = not body.lstrip().startswith("{")
        # One record is of a content-type probe and holds no completion at all.
        if exchange["response"]["status"] == 200 and '"choices"' in body and is_stream is streamed:
            yield body.encode()


class Keep:
    def feed(self, lane: Lane, text: str) -> str:
        return text

    def finish(self, lane: Lane) -> str:
        return ""


class Hold:
    """Holds back the last three characters of each lane until it ends."""

    def __init__(self) -> None:
        self.held: dict[Lane, str] = {}

    def feed(self, lane: Lane, text: str) -> str:
        text = self.held.get(lane, "") + text
        self.held[lane] = text[-3:]
        return text[:-3]

    def finish(self, lane: Lane) -> str:
        return self.held.pop(lane)


class Upper(Keep):
    def feed(self, lane: Lane, text: str) -> str:
        return text.upper()


def split(data: bytes, seed: int) -> list[bytes]:
    chance = random.Random(seed)  # noqa: S311 - split points, not secrets
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(1, 40)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def run(stream: ChatStream, data: bytes, seed: int) -> bytes:
    return b"".join([*(stream.feed(piece) for piece in split(data, seed)), stream.finish()])


def chunks(data: bytes) -> list[Any]:
    return [
        json.loads(event.data)
        for event in SseDecoder().feed(data + b"\n\n")
        if event.data and event.data != b"[DONE]"
    ]


def spoken(data: bytes) -> dict[tuple[int, str], str]:
    """The text of each choice, as a client adds it up."""
    said: dict[tuple[int, str], str] = {}
    for chunk in chunks(data):
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            for name in ("content", "refusal", "reasoning", "reasoning_content"):
                key = (choice["index"], name)
                said[key] = said.get(key, "") + (delta.get(name) or "")
            for call in delta.get("tool_calls") or ():
                key = (choice["index"], f"tool {call.get('index', call.get('id'))}")
                said[key] = said.get(key, "") + (call["function"].get("arguments") or "")
    return {key: text for key, text in said.items() if text}


def test_requests_are_read_and_every_message_text_is_a_slot():
    read = 0
    for exchange in exchanges():
        body = exchange["request"]["body"]
        if exchange["request"]["method"] != "POST" or not body:
            continue
        call = read_call(body.encode())
        read += 1
        texts = {slot.text for slot in call.slots}
        for message in json.loads(body)["messages"]:
            content = message.get("content")
            if isinstance(content, str) and content:
                assert content in texts
        assert call.document.replace({}) == body.encode()
        for slot in call.slots:
            assert slot.kind is not SlotKind.JSON or json.loads(slot.text) is not None
    assert read > 200


def test_names_of_tools_and_words_of_the_protocol_pass_without_a_look():
    named = 0
    for exchange in exchanges():
        body = exchange["request"]["body"]
        if exchange["request"]["method"] != "POST" or not body:
            continue
        call = read_call(body.encode())
        names = {
            tool["function"]["name"]
            for tool in json.loads(body).get("tools") or ()
            if tool.get("type") == "function"
        }
        # Who takes part may be a person, whatever else is called the same.
        names -= {message.get("name") for message in json.loads(body)["messages"]}
        named += len(names)
        kinds = (SlotKind.NAME, SlotKind.IDENTIFIER)
        looked_at = [slot.text for slot in call.slots if slot.kind in kinds]
        assert names.isdisjoint(looked_at)
        assert not any(slot.kind is SlotKind.NUMBER for slot in call.slots)
    assert named > 50


def test_whole_answers_pass_unchanged():
    for body in answers(streamed=False):
        assert read_answer(body).rewrite(Keep(), str, keep_logprobs=True) == body


def test_whole_answers_change_in_their_text_only():
    changed = 0
    for body in answers(streamed=False):
        answer = read_answer(body)
        edited = answer.rewrite(Upper(), None, drop_logprobs=False)
        lanes = read_answer(edited).lanes
        assert lanes == [(lane, text.upper()) for lane, text in answer.lanes]
        changed += edited != body
        assert len(edited) >= len(body) - 64 or not body.isascii()
    assert changed > 150


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_streams_pass_unchanged_at_any_split(seed):
    for body in answers(streamed=True):
        assert run(ChatStream(Keep(), str, keep_logprobs=True), body, seed) == body
        assert run(ChatStream(), body, seed) == body


def test_streams_change_in_their_text_only():
    for body in answers(streamed=True):
        edited = run(ChatStream(Upper(), None), body, 4)
        assert spoken(edited) == {key: text.upper() for key, text in spoken(body).items()}
        for before, after in zip(chunks(body), chunks(edited), strict=True):
            before.pop("choices", None)
            after.pop("choices", None)
            assert before == after


def test_text_held_back_arrives_before_the_end():
    for body in answers(streamed=True):
        if b'"error"' in body:
            continue
        edited = run(ChatStream(Hold(), None), body, 5)
        assert spoken(edited) == spoken(body)
        assert edited.rstrip().endswith(body.rstrip()[-12:])


def test_facts_are_the_same_observed_and_edited():
    complete = 0
    for body in answers(streamed=True):
        observed, edited = ChatStream(), ChatStream(Keep(), str)
        run(observed, body, 6)
        run(edited, body, 7)
        assert observed.completion == edited.completion
        assert observed.error == edited.error
        complete += observed.completion.complete
    assert complete >= 50
