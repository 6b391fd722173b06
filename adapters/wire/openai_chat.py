"""The dialect of OpenAI Chat Completions, in one place: calls, answers, streams and errors.

Codecs without sockets. Whoever carries calls imports from here and not from the parts.
It must never quote a body in an error.
"""

import orjson

from adapters.wire.openai_chat_answer import Answer, Restore, read_answer
from adapters.wire.openai_chat_places import DIALECT
from adapters.wire.openai_chat_request import read_call
from adapters.wire.openai_chat_stream import ChatStream
from adapters.wire.sse import encode_data
from rules.chat import LaneEditor
from rules.json_text import JsonText, JsonTextError

__all__ = [
    "DIALECT",
    "Answer",
    "ChatStream",
    "Restore",
    "error_body",
    "error_event",
    "error_restored",
    "read_answer",
    "read_call",
    "stream",
]


def stream(
    editor: LaneEditor | None, restore: Restore | None, *, drop_logprobs: bool = False
) -> ChatStream:
    """Begin a stream; without editor, restore and drop its bytes pass and are only observed."""
    return ChatStream(editor, restore, drop_logprobs)


def error_body(code: str | None, message: str, error_type: str, param: str | None = None) -> bytes:
    """Return an error as OpenAI writes it, so that SDKs raise what they always raise."""
    error = {"message": message, "type": error_type, "param": param, "code": code}
    return orjson.dumps({"error": error})


def error_event(code: str | None, message: str, error_type: str, param: str | None = None) -> bytes:
    """Return an error as an event inside a stream.

    SDKs raise on it, whatever the status was. No `[DONE]` may follow: it would look like success.
    """
    return encode_data(error_body(code, message, error_type, param))


def error_restored(body: bytes, restore: Restore) -> bytes:
    """Return a provider's error with the tokens in its strings restored, all other bytes kept.

    A body that is not JSON is restored as text; one that is neither is returned as it is.
    """
    try:
        document = JsonText(body)
    except JsonTextError:
        return _text_restored(body, restore)
    edits: dict[int, str] = {}
    for ordinal, literal in enumerate(document.literals):
        if not literal.is_key:
            restored = restore(literal.text)
            if restored != literal.text:
                edits[ordinal] = restored
    return document.replace(edits)


def _text_restored(body: bytes, restore: Restore) -> bytes:
    if body.lstrip()[:1] in (b"{", b"["):
        # Broken JSON, where a value put in unescaped might mean something else.
        return body
    try:
        return restore(body.decode()).encode()
    except UnicodeDecodeError:
        return body
