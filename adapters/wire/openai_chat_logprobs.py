"""Takes `logprobs` out of a Chat Completions answer.

They repeat what the model said in pieces that no guard sees together, as text and as numbers of
bytes. The key is looked for as a parser reads it (`"logprob\\u0073"` is the same key). All other
bytes stay.
"""

import re
from typing import Any, Final

import orjson

from rules.json_text import JsonText, Path

# vLLM says the same of the prompt.
_KEYS: Final = frozenset({"logprobs", "prompt_logprobs"})
_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_COLON: Final = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*")
# With the key as it is nearly always written, and a value that is not null already.
_LIKELY: Final = re.compile(rb'logprobs"[ \t\r\n]*:[ \t\r\n]*(?!null|[ \t\r\n])')
_SCALAR: Final = re.compile(rb"[^,\]}\s]+")


def without_logprobs(document: JsonText) -> JsonText:
    """Return the document with `null` for whatever stands under a key `logprobs`."""
    raw = document.raw
    if _LIKELY.search(raw) is None and b"\\u" not in raw:
        return document
    if not any(
        literal.is_key
        and literal.text in _KEYS
        and _value_at(document.value, literal.path) is not None
        for literal in document.literals
    ):
        return document
    return JsonText(_stripped(raw))


def _value_at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _stripped(raw: bytes) -> bytes:
    pieces: list[bytes] = []
    copied = 0
    tokens = _TOKEN.finditer(raw)
    for token in tokens:
        colon = _COLON.match(raw, token.end()) if _is_key(token.group()) else None
        if colon is None:
            continue
        pieces += (raw[copied : colon.end()], b"null")
        scalar = _SCALAR.match(raw, colon.end())
        if scalar is not None and raw[colon.end()] not in b'{["':
            copied = scalar.end()
            continue
        depth = 0
        for inner in tokens:
            mark = inner.group()
            depth += (mark in (b"{", b"[")) - (mark in (b"}", b"]"))
            if depth == 0:
                copied = inner.end()
                break
    return b"".join((*pieces, raw[copied:]))


def _is_key(token: bytes) -> bool:
    if b"logprobs" not in token and b"\\u" not in token:
        return False
    return orjson.loads(token) in _KEYS
