import json

import pytest

from adapters.wire.openai_chat_logprobs import without_logprobs
from rules.json_text import JsonText


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"logprobs": {"a": [1, {"b": "]"}]}, "c": 1}', b'{"logprobs": null, "c": 1}'),
        (b'{"logprob\\u0073" :[[]], "c": 1}', b'{"logprob\\u0073" :null, "c": 1}'),
        (b'{"logprobs":"078-05-1120"}', b'{"logprobs":null}'),
        (b'{"logprobs":78051120}', b'{"logprobs":null}'),
        (b'[{"logprobs": true , "a": {"prompt_logprobs": [2]}}]',
         b'[{"logprobs": null , "a": {"prompt_logprobs": null}}]'),
        (b'{"a\\"": "\\\\", "logprobs": {"b": "\\""}}', b'{"a\\"": "\\\\", "logprobs": null}'),
    ],
)  # fmt: skip
def test_what_stands_under_the_key_becomes_null(raw, expected):
    stripped = without_logprobs(JsonText(raw))
    assert stripped.raw == expected
    assert stripped.value == json.loads(expected)


@pytest.mark.parametrize(
    "raw",
    [b'{"logprobs": null}', b'{"content": "logprobs"}', b'["logprobs", "a"]', b'{"a": "\\u0073"}',
     b'{"say": "\\"logprobs\\": [1]"}', b'{"top": 1}'],
)  # fmt: skip
def test_other_answers_stay(raw):
    document = JsonText(raw)
    assert without_logprobs(document) is document


def test_the_word_as_a_value_is_not_the_key():
    raw = b'{"a": "logprobs", "logprobs": [1], "b": ["logprobs"], "c": "logprob\\u0073"}'
    assert without_logprobs(JsonText(raw)).raw == raw.replace(b"[1]", b"null")
