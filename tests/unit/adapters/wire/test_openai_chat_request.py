import json
from typing import Any

import pytest

from adapters.errors import WireError
from adapters.wire.openai_chat import read_call
from rules.chat import Call, SlotKind, TextSlot

DATA = "iVBORw0KGgo" * 8
HELLO = [{"role": "user", "content": "hello"}]


def view(**fields: Any) -> Call:
    return read_call(json.dumps({"model": "m", "messages": HELLO, **fields}).encode())


def slots(**fields: Any) -> dict[str, TextSlot]:
    return {slot.text: slot for slot in view(**fields).slots}


def message(**fields: Any) -> dict[str, TextSlot]:
    return slots(messages=[{"role": "user", **fields}])


def seen(slot: TextSlot) -> tuple[str, str, str]:
    return slot.role, slot.kind.value, slot.hint


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant", "tool", "function"])
def test_a_message_is_a_slot_of_its_role(role):
    assert seen(message(role=role, content="hi")["hi"]) == (role, "text", "")


def test_parts_are_slots_of_their_message():
    found = message(content=[{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "b"}])
    assert set(found) == {"a", "b"}
    assert found["a"].role == "user"


def test_the_protocols_own_words_are_no_slots():
    found = slots(
        service_tier="auto", reasoning_effort="low", modalities=["text"], tool_choice="auto",
        response_format={"type": "json_schema", "json_schema": {"name": "out", "schema": {}}},
        stream_options={"include_usage": True}, logit_bias={"50256": -100}, temperature=1,
        messages=[{"role": "tool", "tool_call_id": "call_1", "content": ""}],
    )  # fmt: skip
    assert found == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"service_tier": "Anna O'Donnell"},
        {"reasoning_effort": "born 03/14/1951"},
        {"messages": [{"role": "tool", "tool_call_id": "219-09-9999", "content": ""}]},
        {"messages": [{"role": "Anna O'Donnell", "content": ""}]},
        {"logit_bias": {"219099999": 1}},
    ],
)
def test_text_in_the_place_of_a_word_is_a_slot(fields):
    assert len(slots(**fields).keys() - {"hello"}) == 1


def test_an_unknown_field_is_a_slot_with_its_key():
    found = slots(patient_context={"chart": {"mrn": ["00482913"]}})
    assert seen(found["00482913"]) == ("unknown", "text", "mrn")
    assert seen(found["patient_context"]) == ("unknown", "key", "")
    assert found["mrn"].kind is SlotKind.KEY


def test_an_unknown_field_of_a_message_is_a_slot():
    assert seen(message(content="", note="x y")["x y"]) == ("unknown", "text", "note")


def test_metadata_is_a_slot_in_keys_and_values():
    found = slots(
        metadata={"patient_anna": "x"}, user="u", safety_identifier="s", prompt_cache_key="p"
    )
    assert seen(found["patient_anna"]) == ("metadata", "key", "")
    assert seen(found["x"]) == ("metadata", "text", "patient_anna")
    assert all(found[text].role == "metadata" for text in "usp")


def test_a_participants_name_takes_only_what_a_name_may_hold():
    assert seen(message(content="", name="Anna_ODonnell")["Anna_ODonnell"]) == ("user", "name", "")


def test_tool_calls_of_the_history_are_json():
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": "b"}'}}
    custom = {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "free words"}}
    found = message(role="assistant", content=None, tool_calls=[call, custom],
                    function_call={"name": "h", "arguments": "{broken"})  # fmt: skip
    assert seen(found['{"a": "b"}']) == ("assistant", "json", "")
    assert seen(found["free words"]) == ("assistant", "text", "")
    assert seen(found["{broken"]) == ("assistant", "text", "")
    assert len(found) == 3


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (' {"a": 1}\n', "json"), ("[1, 2]", "json"), ("[PERSON_1]", "text"), ("{}", "json"),
        ("12", "text"), ('"a"', "text"), ("{a}", "text"), ("  \n", "text"), ("[see]", "text"),
    ],
)  # fmt: skip
def test_text_that_is_a_json_document_is_json(text, kind):
    assert message(role="tool", content=text)[text].kind.value == kind


def test_tool_definitions_are_slots():
    parameters = {
        "type": "object", "description": "who", "required": ["mrn"],
        "properties": {
            "mrn": {"type": "string", "description": "number", "examples": ["00482913"]},
            "name": {"type": "string", "default": "Anna", "format": "email"},
            "when": {"enum": ["today"], "type": "Anna Smith", "format": "as in her chart"},
        },
    }  # fmt: skip
    function = {"name": "look_up", "description": "find", "parameters": parameters}
    found = slots(tools=[{"type": "function", "function": function}])
    assert seen(found["find"]) == ("definition", "text", "")
    assert seen(found["who"]) == seen(found["number"]) == ("definition", "text", "")
    assert seen(found["00482913"]) == ("definition", "text", "mrn")
    assert seen(found["Anna"]) == ("definition", "text", "name")
    assert seen(found["today"]) == ("definition", "text", "when")
    assert {"Anna Smith", "as in her chart"} <= set(found)
    assert not {"look_up", "object", "string", "email"} & set(found)
    assert found["when"].kind is SlotKind.KEY


def test_a_default_outside_of_any_property_has_no_hint():
    schema = {"name": "n", "schema": {"type": "string", "default": "Anna"}}
    found = slots(response_format={"type": "json_schema", "json_schema": schema})
    assert seen(found["Anna"]) == ("definition", "text", "")


def test_other_texts_of_a_request_are_covered():
    place = {"type": "approximate", "approximate": {"city": "Troy"}}
    found = slots(
        prediction={"type": "content", "content": "draft"}, stop=["END OF NOTE"],
        web_search_options={"user_location": place},
        functions=[{"name": "f", "description": "old", "parameters": {}}],
    )  # fmt: skip
    assert seen(found["draft"]) == ("prediction", "text", "")
    assert seen(found["END OF NOTE"]) == ("metadata", "text", "")
    assert seen(found["Troy"]) == ("metadata", "text", "city")
    assert seen(found["old"]) == ("definition", "text", "")


def test_media_is_unreadable_and_its_links_are_slots():
    link = "https://clinic.example/anna.png"
    parts = [
        {"type": "image_url", "image_url": {"url": link, "detail": "low"}},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}="}},
        {"type": "input_audio", "input_audio": {"data": DATA, "format": "wav"}},
        {"type": "file", "file": {"filename": "anna o'donnell.pdf", "file_id": "file-1"}},
        {"type": "hologram", "hologram": "x"},
        {"type": ["list"]},
    ]  # fmt: skip
    call = read_call(
        json.dumps({"model": "m", "messages": [{"role": "user", "content": parts}]}).encode()
    )
    assert call.unreadable == ("file", "image_url", "input_audio", "unknown")
    texts = {slot.text for slot in call.slots}
    assert {link, "anna o'donnell.pdf", "x"} <= texts
    assert not any(DATA in text for text in texts)


def test_a_data_url_in_plain_text_is_a_slot():
    url = "data:text/plain,Anna O'Donnell"
    found = message(content=[{"type": "image_url", "image_url": {"url": url}}])
    assert url in found


def test_media_where_none_belongs_is_unreadable():
    assert view(scan="data:image/png;base64,AAAA").unreadable == ("unknown",)


@pytest.mark.parametrize("content", [{"text": "a"}, 7, [["a"]]])
def test_content_of_no_known_shape_is_unreadable(content):
    assert view(messages=[{"role": "user", "content": content}]).unreadable == ("unknown",)


def test_prediction_parts_can_be_unreadable():
    assert view(prediction={"content": [{"type": "video_url"}]}).unreadable == ("video_url",)


def test_strings_in_a_list_of_parts_are_text():
    call = view(messages=[{"role": "user", "content": ["plain"]}])
    assert call.unreadable == ()
    assert call.slots[0].text == "plain"


def test_every_offered_tool_is_named():
    tools = [
        {"type": "function", "function": {"name": "a"}},
        {"type": "custom", "custom": {"name": "b"}},
        {"type": "code_interpreter"},
        {"function": {"name": "c"}},
    ]
    call = view(tools=tools, functions=[{"name": "d"}], web_search_options={})
    assert call.tools == ("a", "b", "code_interpreter", "c", "d", "web_search")


@pytest.mark.parametrize(
    ("fields", "tools"),
    [
        ({"plugins": [{"id": "file-parser"}]}, ("plugin:file-parser",)),
        ({"plugins": [{"id": "web"}], "web_search_options": {}}, ("plugin:web", "web_search")),
        ({"compound_custom": {"tools": {"enabled_tools": ["visit"]}}}, ("visit",)),
        ({"compound_custom": {"tools": {}}}, ()),
        ({"search_parameters": {"mode": "on"}}, ("web_search",)),
        ({"model": "openai/gpt-4o:Online"}, ("web_search",)),
        ({"models": ["x:online"]}, ("web_search",)),
        ({"enable_search": False, "web_search_options": None}, ()),
    ],
)
def test_what_a_provider_is_asked_to_do_by_itself_is_a_tool(fields, tools):
    assert view(**fields).tools == tools


def test_every_model_that_may_answer_is_named():
    assert view(models=["x-ai/grok-4", "gpt-4"]).models == ("m", "x-ai/grok-4", "gpt-4")
    assert view().models == ("m",)


@pytest.mark.parametrize(
    "fields",
    [{"logprobs": True}, {"logprobs": 1}, {"logprobs": "true"}, {"logprobs": 0},
     {"top_logprobs": 1}, {"top_logprobs": "0"}],
)  # fmt: skip
def test_whatever_may_bring_logprobs_asks_for_them(fields):
    assert view(**fields).wants_logprobs


@pytest.mark.parametrize(
    "fields",
    [{}, {"logprobs": None}, {"logprobs": False, "top_logprobs": 0}, {"top_logprobs": None}],
)
def test_what_brings_no_logprobs_does_not_ask_for_them(fields):
    assert not view(**fields).wants_logprobs


def test_schema_logprobs_and_stream_are_told():
    schema = {"type": "object"}
    wrapper = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    call = view(model="gpt-4o", stream=True, top_logprobs=2, response_format=wrapper)
    assert (call.model, call.stream) == ("gpt-4o", True)
    assert call.schema == schema
    assert call.wants_logprobs
    plain = view(stream=None)
    assert (plain.stream, plain.schema, plain.wants_logprobs) == (False, None, False)


@pytest.mark.parametrize("schema", [{"type": "text"}, {"json_schema": {"schema": "x"}}, "auto"])
def test_without_a_schema_there_is_none(schema):
    assert view(response_format=schema).schema is None


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"{", "invalid_json", None),
        (b'{"model": "Anna", "model": "m"}', "invalid_json", None),
        (b"[" * 200 + b"]" * 200, "invalid_json", None),
        (b"[]", "invalid_request", None),
        ({"messages": HELLO}, "invalid_request", "model"),
        ({"model": "Anna O'Donnell", "messages": HELLO}, "invalid_request", "model"),
        ({"model": "gpt-4o-ssn:123-45-6789/Anna", "messages": HELLO}, "invalid_request", "model"),
        ({"model": "m", "messages": HELLO, "models": ["gpt-4", "MRN-77120345"]},
         "invalid_request", "models"),
        ({"model": "m", "messages": HELLO, "models": "gpt-4"}, "invalid_request", "models"),
        ({"model": "m", "messages": HELLO, "plugins": [{"Anna": 1}]}, "invalid_request",
         "plugins[0].id"),
        ({"model": "m", "messages": HELLO, "compound_custom": {"tools": {"enabled_tools": "Anna"}}},
         "invalid_request", "compound_custom.tools.enabled_tools"),
        ({"model": "m", "messages": HELLO, "x": ["Anna"] * 50_001}, "invalid_json", None),
        ({"model": "m"}, "invalid_request", "messages"),
        ({"model": "m", "messages": {}}, "invalid_request", "messages"),
        ({"model": "m", "messages": []}, "invalid_request", "messages"),
        ({"model": "m", "messages": ["Anna"]}, "invalid_request", "messages[0].role"),
        ({"model": "m", "messages": [{"role": 1}]}, "invalid_request", "messages[0].role"),
        ({"model": "m", "messages": HELLO, "stream": "Anna"}, "invalid_request", "stream"),
        ({"model": "m", "messages": HELLO, "tools": {}}, "invalid_request", "tools"),
        ({"model": "m", "messages": HELLO, "tools": ["Anna"]}, "invalid_request", "tools[0].type"),
        ({"model": "m", "messages": HELLO, "tools": [{"type": "function"}]}, "invalid_request",
         "tools[0].function.name"),
        ({"model": "m", "messages": HELLO, "functions": [{}]}, "invalid_request",
         "functions[0].name"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_without_quoting_it(body, code, param):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(WireError) as refused:
        read_call(raw)
    assert (refused.value.place, refused.value.code, refused.value.param) == (
        "openai.chat",
        code,
        param,
    )
    assert "Anna" not in str(refused.value)


def test_a_call_does_not_show_its_text():
    call = view()
    assert "hello" not in repr(call) + repr(call.slots)


def test_too_many_strings_are_named_as_the_reason():
    with pytest.raises(WireError, match=r"^the request body has more than 50000 strings$"):
        view(x=["a"] * 50_001)
