import json
from typing import Any

import pytest

from adapters.errors import WireError
from adapters.wire.openai_chat import ChatStream
from adapters.wire.sse import MAX_EVENT, SseDecoder
from rules.chat import Cut, Lane, LaneKind, Usage

DONE = b"data: [DONE]\n\n"


class Hold:
    """Upper-cases, and holds the last `keep` characters of a lane until it ends."""

    def __init__(self, keep: int = 3) -> None:
        self.keep = keep
        self.held: dict[Lane, str] = {}
        self.finished: list[Lane] = []

    def feed(self, lane: Lane, text: str) -> str:
        text = self.held.get(lane, "") + text.upper()
        cut = max(0, len(text) - self.keep)
        self.held[lane] = text[cut:]
        return text[:cut]

    def finish(self, lane: Lane) -> str:
        self.finished.append(lane)
        return self.held.pop(lane, "")


class Stop(Hold):
    def feed(self, lane: Lane, text: str) -> str:
        if "stop" in text:
            raise Cut("leakage", "leak", "an identifier")
        return text


def event(value: Any, end: bytes = b"\n") -> bytes:
    return b"data: " + json.dumps(value).encode() + end * 2


def chunk(delta: Any, *, index: int = 0, reason: str | None = None, **fields: Any) -> bytes:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}
    return event({"id": "c-1", "object": "chat.completion.chunk", "created": 7, "model": "m",
                  "choices": [choice], **fields})  # fmt: skip


def said(text: str, **fields: Any) -> bytes:
    return chunk({"content": text}, **fields)


def called(text: str, index: int = 0, **fields: Any) -> bytes:
    return chunk({"tool_calls": [{"index": index, "function": {"arguments": text}, **fields}]})


def run(stream: ChatStream, *events: bytes) -> bytes:
    return b"".join([*(stream.feed(one) for one in events), stream.finish()])


def deltas(data: bytes) -> list[tuple[int, Any, str | None]]:
    chunks = [
        json.loads(one.data)
        for one in SseDecoder().feed(data)
        if one.data and one.data != b"[DONE]"
    ]
    return [
        (choice["index"], choice["delta"], choice["finish_reason"])
        for one in chunks for choice in one["choices"]
    ]  # fmt: skip


def test_without_edits_bytes_pass_as_they_come_even_odd_ones():
    odd = [b"data: {br", b"oken\n\n", b": c\n\ndata: 7\r\n\r\n", said("x"), b"data: [DO", b"NE]"]
    stream = ChatStream()
    assert [stream.feed(piece) for piece in odd] == odd
    assert stream.finish() == b""
    assert stream.completion.model == "m"
    assert stream.completion.complete


def test_without_edits_an_endless_event_passes_too():
    stream = ChatStream()
    assert len(stream.feed(b"x" * (MAX_EVENT + 1))) == MAX_EVENT + 1
    stream.feed(b"\n\n" + DONE)
    assert stream.completion.complete


def test_what_is_held_back_comes_before_the_end_of_its_choice():
    data = run(ChatStream(Hold()), said("hello"), said(" you"), chunk({}, reason="stop"), DONE)
    assert deltas(data) == [
        (0, {"content": "HE"}, None), (0, {"content": "LLO "}, None),
        (0, {"content": "YOU"}, None), (0, {}, "stop"),
    ]  # fmt: skip
    assert data.endswith(DONE)
    rest = json.loads(SseDecoder().feed(data)[2].data or b"")
    assert (rest["id"], rest["object"], rest["created"], rest["model"]) == (
        "c-1", "chat.completion.chunk", 7, "m",
    )  # fmt: skip


def test_what_is_held_back_comes_under_the_names_that_the_client_knows():
    def restore(text: str) -> str:
        return text.replace("[PERSON_1]", "Anna")

    data = run(ChatStream(Hold(), restore), said("hello", system_fingerprint="of [PERSON_1]"))
    names = [json.loads(one.data or b"")["system_fingerprint"] for one in SseDecoder().feed(data)]
    assert names == ["of Anna", "of Anna"]


def test_an_event_that_speaks_and_ends_takes_the_rest_itself():
    data = run(ChatStream(Hold()), said("hello"), said(" you", reason="stop"))
    assert deltas(data) == [(0, {"content": "HE"}, None), (0, {"content": "LLO YOU"}, "stop")]


def test_choices_end_one_by_one():
    editor = Hold()
    data = run(
        ChatStream(editor), said("aaaa"), said("bbbb", index=1), chunk({}, reason="stop"),
        said("cc", index=1), chunk({}, index=1, reason="length"), DONE,
    )  # fmt: skip
    assert [(index, delta.get("content")) for index, delta, _ in deltas(data)] == [
        (0, "A"), (1, "B"), (0, "AAA"), (0, None), (1, "BB"), (1, "BCC"), (1, None),
    ]  # fmt: skip
    assert [lane.choice for lane in editor.finished] == [0, 1]


@pytest.mark.parametrize("end", [DONE, b""])
def test_the_rest_comes_before_the_end_of_the_stream(end):
    data = run(ChatStream(Hold()), said("hello"), end)
    assert data.endswith(end)
    assert deltas(data.removesuffix(end)) == [
        (0, {"content": "HE"}, None),
        (0, {"content": "LLO"}, None),
    ]


def test_a_chunk_with_usage_ends_nothing():
    usage = event({"choices": [], "usage": {"prompt_tokens": 1}})
    data = run(ChatStream(Hold()), said("hello"), usage, said(" you", reason="stop"), usage, DONE)
    assert [delta.get("content") for _, delta, _ in deltas(data)] == ["HE", "LLO YOU"]
    unended = run(ChatStream(Hold()), said("hello"), usage)
    assert [delta.get("content") for _, delta, _ in deltas(unended)] == ["HE", "LLO"]


@pytest.mark.parametrize("end", [DONE, chunk({}, reason="stop"), said("x", reason="stop")])
def test_what_has_ended_cannot_go_on(end):
    stream = ChatStream(Hold())
    stream.feed(said("hello") + end + said("") + chunk({}, reason="stop"))
    for text in ("again", "and again"):
        with pytest.raises(WireError) as refused:
            stream.feed(said(text))
        assert refused.value.code == "invalid_answer"
    stream.feed(said("other", index=1))


def test_filter_results_ahead_of_the_answer_end_nothing():
    first = event({"choices": [], "prompt_filter_results": [{"prompt_index": 0}], "usage": None})
    editor = Hold()
    stream = ChatStream(editor)
    stream.feed(said("hello"))
    assert stream.feed(first) == first
    assert editor.finished == []


def test_lanes_of_one_event_are_apart():
    both = chunk({"content": "text", "reasoning": "why", "reasoning_content": "how",
                  "tool_calls": [{"index": 2, "function": {"arguments": "{}"}}]})  # fmt: skip
    editor = Hold()
    run(ChatStream(editor), both)
    assert editor.finished == [
        Lane(0, LaneKind.TEXT), Lane(0, LaneKind.REASONING, 1), Lane(0, LaneKind.REASONING),
        Lane(0, LaneKind.ARGUMENTS, 2),
    ]  # fmt: skip


def test_the_rest_of_arguments_names_their_tool_call():
    data = run(
        ChatStream(Hold(1)), called('{"a"', 0), called('{"b"', 1), chunk({}, reason="tool_calls")
    )
    assert [delta for _, delta, _ in deltas(data)][2:] == [
        {"tool_calls": [{"index": 0, "function": {"arguments": '"'}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": '"'}}]},
        {},
    ]


def test_calls_without_an_index_are_told_apart_by_their_ids():
    def call(text: str, **fields: Any) -> bytes:
        return chunk({"tool_calls": [{"function": {"arguments": text}, **fields}]})

    editor = Hold()
    run(ChatStream(editor), call("a", id="x"), call("b"), call("c", id="x"), call("d", id="y"))
    assert editor.finished == [Lane(0, LaneKind.ARGUMENTS, 0), Lane(0, LaneKind.ARGUMENTS, 1)]


def test_the_rest_of_a_part_is_a_part():
    def part(text: str) -> bytes:
        return chunk(
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]}
        )

    data = run(ChatStream(Hold()), part("hello"), chunk({}, reason="stop"))
    assert deltas(data)[1][1] == {
        "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "LLO"}]}]
    }


def test_words_repeated_beside_the_delta_keep_their_own_count():
    def twice(text: str, reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": {"content": text}, "message": {"content": text}}
        return event({"choices": [{**choice, "finish_reason": reason}]})

    data = run(ChatStream(Hold()), twice("hello"), twice("you", "stop"))
    last = json.loads(SseDecoder().feed(data)[1].data or b"")["choices"][0]
    assert last["delta"] == last["message"] == {"content": "LLOYOU"}


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_line_ends_are_kept_and_used(end):
    data = run(ChatStream(Hold()), said("hello").replace(b"\n", end), DONE.replace(b"\n", end))
    assert data.count(b"data:") == 3
    assert data.count(end * 2) == 3
    assert end == b"\n" or data.count(b"\n") == data.count(end) * end.count(b"\n")


def test_events_that_say_nothing_pass():
    others = [
        b": OPENROUTER PROCESSING\n\n",
        b"\r\n\r\n",
        b"event: ping\ndata: {}\n\n",
        b"retry: 3\n\n",
        event([1]),
        event("x"),
    ]
    others += [event({"choices": 7}), event({"choices": {"a": {"delta": {"content": "x"}}}})]
    assert run(ChatStream(Hold()), *others) == b"".join(others)


def test_padding_and_unknown_fields_stay():
    events = [said("hello", obfuscation="a" * size, x={"y": [1.0, None]}) for size in (3, 0, 5)]
    expected = b"".join(events).replace(b'"hello"', b'"HELLO"')
    assert run(ChatStream(Hold(0)), *events) == expected


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        'a "quote"',
        "back\\slash",
        "\\",
        '\\"',
        "ü\n\u2028",
        "",
        "[DONE]",
        '"}',
        "\U0001f600",
    ],
)
def test_text_is_the_same_read_in_full_or_by_the_mould_of_an_earlier_event(text):
    seen = []

    class Note(Hold):
        def feed(self, lane: Lane, text: str) -> str:
            seen.append(text)
            return text + "!"

    events = [said("first", obfuscation="abc"), said(text, obfuscation="x"), said(text)]
    data = run(ChatStream(Note()), *events)
    assert seen == ["first", text, text]
    assert [delta["content"] for _, delta, _ in deltas(data)] == ["first!", f"{text}!", f"{text}!"]


def test_words_beside_an_error_do_not_reach_anybody_later():
    editor = Hold()
    failed = said("hello", error={"code": "overloaded"})
    data = run(ChatStream(editor), failed, failed)
    assert deltas(data) == [(0, {"content": "HE"}, None), (0, {"content": "LLOHE"}, None)]
    assert editor.finished == []


@pytest.mark.parametrize("padded", [{}, {"obfuscation": "abc"}])
def test_free_strings_are_restored_in_every_event(padded):
    stream = ChatStream(Hold(0), lambda text: text.replace("[PERSON_1]", "Anna"))
    texts = ["nobody", "of [PERSON_1]", "of [PERSON_1]", "nobody", "to [PERSON_1]"]
    data = run(stream, *(said("x", **padded, source=text) for text in texts))
    sources = [json.loads(one.data or b"")["source"] for one in SseDecoder().feed(data)]
    assert sources == [text.replace("[PERSON_1]", "Anna") for text in texts]


def test_usage_in_every_event_is_told_as_it_was_last():
    stream = ChatStream(Hold())
    run(stream, *(said("x", usage={"completion_tokens": count}) for count in (1, 2, 2, 3)))
    assert stream.completion.usage == Usage(0, 3)


def test_free_strings_are_restored():
    stream = ChatStream(None, lambda text: text.replace("[PERSON_1]", "Anna"))
    first = said("[PERSON_1]", citations=["of [PERSON_1]"])
    assert run(stream, first) == first.replace(b"of [PERSON_1]", b"of Anna")


def test_keys_nobody_knows_are_restored():
    stream = ChatStream(None, lambda text: text.replace("[PERSON_1]", "Anna"))
    assert run(stream, event({"for [PERSON_1]": 1})) == event({"for Anna": 1})


def test_logprobs_are_dropped():
    data = said("hi").replace(b'"logprobs": null', b'"logprobs": {"content": [{"token": "hi"}]}')
    assert run(ChatStream(drop_logprobs=True), data, data) == said("hi") * 2


@pytest.mark.parametrize("key", ["logprobs", "logprob\\u0073"])
def test_logprobs_that_nobody_asked_for_do_not_pass_an_editor(key):
    data = said("hi").replace(
        b'"logprobs": null', f'"{key}": {{"content": [{{"token": "hi"}}]}}'.encode()
    )
    clean = said("HI").replace(b'"logprobs"', f'"{key}"'.encode())
    assert run(ChatStream(Hold(0)), data, data) == clean * 2
    kept = run(ChatStream(Hold(0), keep_logprobs=True), data)
    assert kept == data.replace(b'"content": "hi"', b'"content": "HI"')


def test_only_lines_that_are_understood_pass_an_editor():
    odd = [b": SSN 1\n\n", b"event: SSN 1\nid: 078-05-1120\nretry: 5\n: SSN\n" + said("hi"),
           b"SSN 1\n\n", b"id: 7\r\nevent: chunk\r\n\r\n", b"retry: 0780511200\n\n",
           b"ssn: 1\n" + said("hi"), b"\xef\xbb\xbfdata: SSN\n\n", b": SSN"]  # fmt: skip
    data = run(ChatStream(Hold(0)), *odd)
    assert data == (
        b":\n\n" + b"retry: 5\n:\n" + said("HI") + b"\n" + odd[3] + b"\n" + said("HI") + b"\n:"
    )
    assert run(ChatStream(None, str), *odd) == b"".join(odd)


def test_padding_that_says_something_is_looked_at():
    seen = []

    def look(text: str) -> str:
        seen.append(text)
        return text.replace("0780511200", "")

    events = [said("a", obfuscation=pad) for pad in ("aB3", "0780511200", "x y", "zZ9", "\u00e9")]
    data = run(ChatStream(Hold(0), look), *events)
    assert seen == ["0780511200", "x y", "\u00e9"]
    assert b"0780511200" not in data


def test_a_string_in_a_place_of_the_protocol_is_looked_at_where_it_does_not_look_the_part():
    def look(text: str) -> str:
        return (
            text.replace("219-09-9999", "***").replace("[PERSON_1]", "A").replace("PERSON_1", "A")
        )

    call = {
        "index": 0,
        "id": "call_PERSON_1",
        "function": {"name": "see_PERSON_1", "arguments": ""},
    }
    odd = chunk({"role": "219-09-9999", "tool_calls": [call], "audio": {"data": "219-09-9999"}},
                reason="SSN219-09-9999", model="m-219-09-9999", service_tier="x_219-09-9999",
                system_fingerprint="fp-219-09-9999")  # fmt: skip
    odd = odd.replace(b'"c-1"', b'"chatcmpl-219-09-9999"')
    data = run(ChatStream(Hold(0), look), odd)
    assert b"219" not in data
    assert b'"call_A"' in data
    assert b'"see_A"' in data


def test_strings_of_every_event_are_looked_at_once():
    looks = []

    def look(text: str) -> str:
        looks.append(text)
        return text

    usual = chunk({"role": "assistant"}, id="chatcmpl-DPTCTUGiPPm37BdONIE1N4vrh2YZ7")
    run(ChatStream(Hold(0), look), usual, usual)
    assert looks == []
    run(ChatStream(Hold(0), look), *[chunk({}, source="of the chart") for _ in range(5)])
    assert len(looks) == 1


def test_choices_without_end_do_not_pass_an_editor():
    stream = ChatStream(Hold())
    for index in range(256):
        stream.feed(chunk({}, index=index))
    with pytest.raises(WireError, match="too many"):
        stream.feed(chunk({}, index=256))
    observed = ChatStream()
    run(observed, *(said("a", index=index, reason="stop") for index in range(257)))
    assert not observed.completion.complete
    assert len(observed.completion.finish_reasons) == 256


def test_an_end_after_nothing_is_no_end():
    stream = ChatStream(Hold())
    run(stream, chunk({"role": "assistant", "content": ""}), DONE)
    assert not stream.completion.complete
    for whole in ([DONE], [said("", role="x"), said("a"), DONE], [called("{}"), DONE]):
        stream = ChatStream(Hold())
        run(stream, *whole)
        assert stream.completion.complete


def test_a_call_that_comes_back_by_its_id_is_the_same_call():
    def call(text: str, **fields: Any) -> bytes:
        return chunk({"tool_calls": [{"function": {"arguments": text}, **fields}]})

    editor = Hold(9)
    run(ChatStream(editor), call("a", id="x"), call("b", id="y"), call("c"), call("d", id="x"))
    assert editor.finished == [Lane(0, LaneKind.ARGUMENTS, 0), Lane(0, LaneKind.ARGUMENTS, 1)]


def test_what_follows_a_call_without_an_index_belongs_to_the_last_one_named():
    def call(text: str, **fields: Any) -> bytes:
        return chunk({"tool_calls": [{"function": {"arguments": text}, **fields}]})

    heard: list[tuple[int, str]] = []

    class Note(Hold):
        def feed(self, lane: Lane, text: str) -> str:
            heard.append((lane.tool, text))
            return text

    run(ChatStream(Note()), call("a", id="x"), call("b"), call("c", id="y"), call("d"))
    assert heard == [(0, "a"), (0, "b"), (1, "c"), (1, "d")]


def test_data_on_two_lines_is_edited_in_place():
    data = b'event: e\ndata: {"choices": [{"index": 0, "delta":\ndata: {"content": "abc"}}]}\n\n'
    assert run(ChatStream(Hold(0)), data) == data.replace(b"abc", b"ABC")


@pytest.mark.parametrize(
    "data",
    [b"data: keep-alive\n\n", b'data: {"choices": [], "choices": [1]}\n\n', b'data: "\xff"\n\n'],
)
def test_what_cannot_be_inspected_does_not_pass_an_editor(data):
    stream = ChatStream(Hold(0))
    with pytest.raises(WireError) as refused:
        stream.feed(said("ok") + data)
    assert refused.value.code == "invalid_answer"
    assert stream.unsent == said("OK")


@pytest.mark.parametrize("text", [b"\xff", b"\\x"])
def test_broken_text_does_not_pass_by_the_mould_of_an_earlier_event(text):
    stream = ChatStream(Hold())
    stream.feed(said("hello"))
    with pytest.raises(WireError):
        stream.feed(said("hello").replace(b"hello", text))


def test_a_cut_passes_and_leaves_what_came_before():
    stream = ChatStream(Stop())
    with pytest.raises(Cut):
        stream.feed(said("one") + said("two") + said("stop") + said("three"))
    assert stream.unsent == said("one") + said("two")


def test_facts_come_with_the_stream():
    stream = ChatStream(Hold())
    stream.feed(
        called("", id="x", type="function").replace(b'"arguments"', b'"name": "f", "arguments"')
    )
    assert not stream.completion.complete
    stream.feed(
        chunk({}, reason="tool_calls") + event({"choices": [], "usage": {"prompt_tokens": 5}})
    )
    assert stream.completion.tools_called == ("f",)
    assert stream.completion.finish_reasons == ("tool_calls",)
    assert stream.completion.usage == Usage(5, 0)
    assert stream.completion.complete


@pytest.mark.parametrize("edits", [True, False])
def test_a_stream_cut_short_is_not_complete(edits):
    stream = ChatStream(Hold() if edits else None)
    run(stream, said("a", reason="stop"), said("b", index=1), b'data: {"choi')
    assert not stream.completion.complete


@pytest.mark.parametrize("edits", [True, False])
@pytest.mark.parametrize(
    ("error", "word"),
    [({"code": "overloaded"}, "overloaded"), ({"code": None, "type": "trouble"}, "trouble"),
     ({"code": "of Anna O'Donnell"}, "error"), ("of Anna O'Donnell", "error")],
)  # fmt: skip
def test_an_error_inside_the_stream_is_told_and_ends_it(edits, error, word):
    editor = Hold()
    stream = ChatStream(editor if edits else None)
    data = run(stream, said("hello"), event({"error": error}), DONE)
    assert stream.error == word
    assert not stream.completion.complete
    assert data.endswith(event({"error": error}) + DONE)
    assert editor.finished == []


def test_a_last_event_without_its_blank_line_is_edited_too():
    last = said("hello", reason="stop").rstrip(b"\n")
    assert run(ChatStream(Hold(0)), last) == last.replace(b"hello", b"HELLO")
    assert run(ChatStream(Hold(0)), DONE + b"\n") == DONE + b"\n"


def test_what_is_held_back_follows_an_unfinished_last_event():
    data = run(ChatStream(Hold()), said("hello").rstrip(b"\n"))
    assert [delta for _, delta, _ in deltas(data)] == [{"content": "HE"}, {"content": "LLO"}]
