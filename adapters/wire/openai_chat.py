"""The dialect of OpenAI Chat Completions, in one place: calls, answers, streams and errors.

Codecs without sockets. Whoever carries calls imports from here and not from the parts.
It must never quote a body in an error.
"""

import orjson

from adapters.wire.openai_chat_answer import Answer, read_answer
from adapters.wire.openai_chat_free import FreeStrings, Restore
from adapters.wire.openai_chat_places import DIALECT, KNOWN_KEYS
from adapters.wire.openai_chat_request import read_call
from adapters.wire.openai_chat_stream import ChatStream
from adapters.wire.sse import encode_data
from rules.chat import LaneEditor
from rules.json_text import JsonText, JsonTextError, Literal

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
    editor: LaneEditor | None,
    restore: Restore | None,
    *,
    drop_logprobs: bool = False,
    keep_logprobs: bool = False,
) -> ChatStream:
    """Begin a stream; without editor, restore and drop its bytes pass and are only observed.

    An editor cannot judge `logprobs`, so with one they are dropped too, unless `keep_logprobs`.
    """
    return ChatStream(editor, restore, drop_logprobs, keep_logprobs=keep_logprobs)


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
    """Return a provider's error with all its strings passed through `restore`, other bytes kept.

    Text that does not begin like JSON is passed as text. A body that can be read in no way, or in
    more than one, gives way to an error of our own, since nobody could say what it holds.
    Lets what `restore` raises pass.
    """
    if not body:
        return body
    try:
        document = JsonText(body)
    except JsonTextError:
        return _text_restored(body, restore)
    literals = document.literals
    at = [n for n, literal in enumerate(literals) if _needs_restoring(literal)]
    passed = FreeStrings(restore).passed([literals[n].text for n in at])
    return document.replace(
        {n: text for n, text in zip(at, passed, strict=True) if text != literals[n].text}
    )


def _needs_restoring(literal: Literal) -> bool:
    return literal.text != "" and not (literal.is_key and literal.text in KNOWN_KEYS)


def _text_restored(body: bytes, restore: Restore) -> bytes:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "{"
    # Text in UTF-16 is read as UTF-8 with zeros between, which hides what it says.
    if text.lstrip()[:1] in ("{", "[") or "\0" in text:
        return error_body("upstream_error", "the provider's error cannot be read", "server_error")
    return restore(text).encode()
