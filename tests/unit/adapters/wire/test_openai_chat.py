import json

import pytest

from adapters.wire.openai_chat import error_body, error_event, error_restored, stream


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
        (b'{"error": "[PERSON_1]', b'{"error": "[PERSON_1]'),
        (b"\xff[PERSON_1]", b"\xff[PERSON_1]"),
        (b"", b""),
        (b'{"error":  {"code": null}}', b'{"error":  {"code": null}}'),
    ],
)  # fmt: skip
def test_a_providers_error_is_restored(body, expected):
    assert error_restored(body, restore) == expected


def test_a_stream_without_edits_passes():
    assert stream(None, None, drop_logprobs=False).feed(b"data: anything") == b"data: anything"
