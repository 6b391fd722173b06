import json

import pytest

from adapters.wire.openai_chat import error_body, error_event, error_restored, stream
from rules.chat import Cut


def restore(text: str) -> str:
    return text.replace("[PERSON_1]", "Anna O'Donnell").replace("[NOTE_1]", 'a "note"')


def test_an_error_has_the_shape_that_sdks_know():
    assert json.loads(error_body("forbidden", "no", "invalid_request_error", "model")) == {
        "error": {
            "message": "no",
            "type": "invalid_request_error",
            "param": "model",
            "code": "forbidden",
        }
    }


def test_an_error_in_a_stream_is_one_event_and_no_end():
    event = error_event("c", "m", "server_error")
    assert event.startswith(b'data: {"error":')
    assert event.endswith(b"}\n\n")
    assert b"[DONE]" not in event


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error": {"message": "bad [PERSON_1]", "n": 1.0}}',
         b'{"error": {"message": "bad Anna O\'Donnell", "n": 1.0}}'),
        (b'{"error": "[NOTE_1]"}', b'{"error": "a \\"note\\""}'),
        (b"<p>[PERSON_1]</p>", b"<p>Anna O'Donnell</p>"),
        (b'{"for [PERSON_1]": {"message": "x"}}', b'{"for Anna O\'Donnell": {"message": "x"}}'),
        (b'["[PERSON_1]", "[PERSON_1]"]', b'["Anna O\'Donnell", "Anna O\'Donnell"]'),
        (b"", b""),
        (b'{"error":  {"code": null}}', b'{"error":  {"code": null}}'),
    ],
)  # fmt: skip
def test_a_providers_error_is_restored(body, expected):
    assert error_restored(body, restore) == expected


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":{"message":"SSN 123-45-6789"',
        b'\xef\xbb\xbf {"error":{"message":"SSN 123-45-6789"',
        b'{"error": "SSN 123-45-6789", "error": "x"}',
        b"[" * 400 + b'"SSN 123-45-6789"' + b"]" * 400,
        b"\xff SSN 123-45-6789",
        "SSN 123-45-6789".encode("utf-16"),
        "SSN 123-45-6789".encode("utf-16-le"),
    ],
)
def test_an_error_that_cannot_be_read_gives_way_to_our_own(body):
    error = json.loads(error_restored(body, str))["error"]
    assert error["code"] == "upstream_error"
    assert "123" not in str(error)


def test_every_string_of_an_error_is_looked_at():
    seen = []

    def look(text: str) -> str:
        seen.append(text)
        return text

    error_restored(b'{"error": {"SSN 123": "a", "code": "b", "x": ["c"]}}', look)
    assert all(any(part in text for text in seen) for part in ("SSN 123", "a", "b", "c"))


def test_a_cut_in_an_error_passes():
    def refuse(text: str) -> str:
        raise Cut("leakage", "output_leakage", "an identifier")

    with pytest.raises(Cut):
        error_restored(b'{"error": "SSN"}', refuse)


def test_a_stream_without_edits_passes():
    assert stream(None, None, drop_logprobs=False).feed(b"data: anything") == b"data: anything"
