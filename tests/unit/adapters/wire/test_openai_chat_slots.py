"""What no field of a request can hide: data in odd places, identifiers in the protocol's own."""

import json
from typing import Any

import pytest

from adapters.wire.openai_chat import read_answer, read_call, stream
from rules.chat import Call, SlotKind, TextSlot

HELLO = [{"role": "user", "content": "hello"}]
PLAIN = "data:text/plain;base64,Patient Anna Lee SSN 123-45-6789"
DATA = "iVBORw0KGgo" * 8
SSN = "ssn:123-45-6789"


def view(**fields: Any) -> Call:
    return read_call(json.dumps({"model": "m", "messages": HELLO, **fields}).encode())


def slots(**fields: Any) -> dict[str, TextSlot]:
    return {slot.text: slot for slot in view(**fields).slots}


def said(**fields: Any) -> Call:
    return view(messages=[{"role": "user", **fields}])


def part(**fields: Any) -> Call:
    return said(content=[{"type": "text", "text": "hi", **fields}])


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"image_url": PLAIN}, "image_url"),
        ({"image_url": {"url": PLAIN}}, "image_url"),
        ({"file": {"file_data": PLAIN}}, "file"),
        ({"video_url": {"url": f" {PLAIN}"}}, "video_url"),
        ({"input_audio": {"data": PLAIN}}, "input_audio"),
    ],
)
def test_text_that_poses_as_data_is_read_and_the_part_is_unreadable(fields, kind):
    call = part(**fields)
    assert call.unreadable == (kind,)
    assert any("123-45-6789" in slot.text for slot in call.slots)


@pytest.mark.parametrize("short", ["123-45-6789", "QW5uYSBMZWU=", "A" * 63, DATA + "?", "=" * 64])
def test_data_too_short_or_broken_to_be_media_is_read(short):
    call = part(input_audio={"data": short})
    assert short in {slot.text for slot in call.slots}
    assert call.unreadable == ("input_audio",)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"image_url": f"data:image/png;base64,{DATA}"}, "image_url"),
        ({"image_url": f"DATA:image/svg+xml;charset=utf-8;BASE64,{DATA}=="}, "image_url"),
        ({"input_audio": {"data": DATA}}, "input_audio"),
        ({"file": {"file_data": f"data:application/pdf;base64,{DATA}"}}, "file"),
    ],
)
def test_data_in_a_part_that_calls_itself_text_is_unreadable(fields, kind):
    call = part(**fields)
    assert call.unreadable == (kind,)
    assert {slot.text for slot in call.slots} == {"hi"}


def test_data_beside_the_content_is_unreadable():
    call = said(content="hi", audio={"data": DATA}, reasoning_details=[{"signature": DATA}])
    assert call.unreadable == ("audio", "unknown")
    assert said(content=f"DATA:image/png;base64,{DATA}").unreadable == ("unknown",)


def test_words_that_begin_like_a_data_url_are_words():
    assert said(content="data: none was collected").unreadable == ()


def test_a_link_is_text_and_its_part_is_an_image():
    call = part(image_url={"url": "https://clinic.example/anna.png"})
    assert "https://clinic.example/anna.png" in {slot.text for slot in call.slots}
    assert call.unreadable == ("image_url",)


@pytest.mark.parametrize(
    "fields",
    [
        {"service_tier": SSN},
        {"reasoning_effort": SSN},
        {"verbosity": SSN},
        {"modalities": [SSN]},
        {"tools": [{"type": SSN}]},
        {"tool_choice": SSN},
        {"response_format": {"type": SSN}},
        {"provider": {"order": [SSN]}},
        {"moderation": {"model": SSN}},
        {"plugins": [{"id": SSN}]},
        {"messages": [{"role": SSN, "content": "hello"}]},
        {"messages": [{"role": "assistant", "content": "hello", "channel": SSN}]},
        {"messages": [{"role": "tool", "content": "hello", "tool_call_id": f"Anna|{SSN}"}]},
        {"messages": [{"role": "user", "content": [
            {"type": "text", "text": "hello", "cache_control": {"type": SSN}}]}]},
        {"messages": [{"role": "user", "content": [
            {"type": "text", "text": "hello"}, {"type": "file", "file": {"file_id": SSN}}]}]},
    ],
)  # fmt: skip
def test_an_identifier_in_a_place_of_the_protocol_is_read(fields):
    found = slots(**fields)
    assert any(SSN in text for text in found)


@pytest.mark.parametrize(
    "name",
    ["MRN-77120345_Anna", "lookup_123-45-6789", "Anna_Lee", "find_Anna-Lee", "f:77", "a@b"],
)
def test_a_name_that_no_function_has_is_read(name):
    found = slots(tools=[{"type": "function", "function": {"name": name}}])
    assert found[name].kind in (SlotKind.NAME, SlotKind.IDENTIFIER)


@pytest.mark.parametrize(
    "name", ["get_weather", "getWeatherV2", "mcp__github__create-issue", "Joke", "GITHUB_GET_2024"]
)
def test_a_name_as_functions_have_them_passes(name):
    assert name not in slots(tools=[{"type": "function", "function": {"name": name}}])


@pytest.mark.parametrize(
    "text",
    ["call_S7tRWNiD8CbD2xDRMuXOEc8e", "toolu_01A09q90qw90lq9178q5lq9", "48f5r72yf", "call_1",
     "chatcmpl-tool-445dbde6c4764cafb57824bb928ef6c2", "call_00_sXqYgMESDht75NCLLZtt9804",
     "123e4567-e89b-12d3-a456-426614174000", "functions.get_weather:0",
     "tooluse_8Mxq-eWL2NvgBrFNGtPRd7"],
)  # fmt: skip
def test_an_id_drawn_at_random_passes(text):
    assert text not in slots(messages=[{"role": "tool", "content": "x", "tool_call_id": text}])


@pytest.mark.parametrize(
    "text",
    ["call_77120345", "AnnaLee1951", "call_AnnaLee", "functions.Anna_Lee:0", "Anna.Lee-1951",
     "tooluse_Anna-Lee-123-45-6789ab", "219-09-9999"],
)  # fmt: skip
def test_an_id_that_somebody_wrote_is_read(text):
    found = slots(messages=[{"role": "tool", "content": "x", "tool_call_id": text}])
    assert found[text].kind is SlotKind.IDENTIFIER


def test_a_new_word_of_the_protocol_is_no_name_in_lower_case():
    assert slots(service_tier="ultra")["ultra"].kind is SlotKind.TEXT


@pytest.mark.parametrize(("key", "is_read"), [("50256", False), ("262143", False),
                                              ("482913", True), ("7712034", True)])  # fmt: skip
def test_numbers_of_a_vocabulary_are_no_longer_than_it(key, is_read):
    assert (key in slots(logit_bias={key: 1})) is is_read


def test_numbers_that_the_protocol_does_not_ask_for_are_read():
    found = slots(metadata={"mrn": 77120345}, chart={"ids": [1234567.5, 12]}, seed=77120345)
    assert found["77120345"].kind is SlotKind.NUMBER
    assert (found["77120345"].hint, found["77120345"].role) == ("mrn", "metadata")
    assert found["1234567.5"].hint == "ids"
    assert "12" not in found


def test_numbers_in_a_schema_are_read_where_they_are_data():
    property_ = {"type": "integer", "maximum": 99999999, "default": 77120345, "enum": [88120345],
                 "examples": [{"maximum": 66120345}]}  # fmt: skip
    parameters = {"type": "object", "properties": {"mrn": property_}}
    function = {"name": "f", "parameters": parameters}
    found = slots(tools=[{"type": "function", "function": function}], logit_bias={"5": 1000000})
    numbers = {text for text, slot in found.items() if slot.kind is SlotKind.NUMBER}
    assert numbers == {"77120345", "88120345", "66120345"}
    assert found["77120345"].hint == "mrn"


def test_a_number_becomes_a_string_and_all_else_stays():
    raw = b'{"model": "m", "metadata": {"mrn" : 77120345 , "n":1.50},"messages":[{"role":"user"}]}'
    call = read_call(raw)
    slot = next(slot for slot in call.slots if slot.kind is SlotKind.NUMBER)
    assert call.document.replace({slot.literal: "[MRN_1]"}) == raw.replace(
        b"77120345", b'"[MRN_1]"'
    )


def test_a_number_is_read_with_its_message_so_that_a_longer_talk_begins_the_same():
    first = {"role": "user", "content": "a", "mrn": 77120345}
    call = view(messages=[first, {"role": "user", "content": "b"}])
    texts = [slot.text for slot in call.slots if slot.kind is not SlotKind.KEY]
    assert texts == ["a", "77120345", "b"]


def test_names_and_ids_that_were_replaced_come_back():
    def restore(text: str) -> str:
        return text.replace("MRN_1", "77120345")

    call = {"index": 0, "id": "MRN_1", "type": "function",
            "function": {"name": "lookup_MRN_1", "arguments": "{}"}}  # fmt: skip
    whole = {"choices": [{"index": 0, "message": {"role": "assistant", "tool_calls": [call]}}]}
    told = json.loads(read_answer(json.dumps(whole).encode()).rewrite(None, restore))
    given = told["choices"][0]["message"]["tool_calls"][0]
    assert (given["id"], given["function"]["name"]) == ("77120345", "lookup_77120345")
    chunk = {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}
    sent = stream(None, restore).feed(b"data: " + json.dumps(chunk).encode() + b"\n\n")
    given = json.loads(sent[6:])["choices"][0]["delta"]["tool_calls"][0]
    assert (given["id"], given["function"]["name"]) == ("77120345", "lookup_77120345")
