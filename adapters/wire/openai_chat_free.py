"""The strings of an answer that belong to no lane: what may pass as it is, and what is looked at.

A string that the protocol fixes passes while it looks like what the protocol puts there and could
not be an identifier or a token written in its place. Everything else goes, as a whole, through what
its caller gives: guards and restoring. It must never let a long number pass as a word.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from adapters.wire.openai_chat_places import ANSWER, Place, fits, words
from rules.classify.folding import SEPARATOR
from rules.json_text import Path
from rules.minimize.token import may_name_tokens

Restore = Callable[[str], str]

# What an identifier of a person has, grouped or not, and a word or a name of the protocol has not.
_DIGITS: Final = re.compile(r"(?:[0-9][^A-Za-z0-9]?){5}")
# The same for long base64, where chance writes longer numbers.
_LONG_DIGITS: Final = re.compile(r"(?:[0-9][^A-Za-z0-9]?){9}")
_RELEASED: Final = re.compile(r"[-@]?20[2-3][0-9](-?)[01][0-9]\1[0-3][0-9]")
# Random letters and digits behind prefixes, a UUID, OpenAI's fingerprint of a system, and what
# OpenRouter makes (with a time in it).
_MADE: Final = re.compile(
    r"(?:[A-Za-z]{2,16}[-_]){0,3}"
    r"(?:(?=(?:[0-9]*[A-Za-z]){6})[A-Za-z0-9]{10,64}"
    r"|(?=(?:[^a-f]*[a-f]){4})[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"|fp_(?=[0-9]*[a-f])[0-9a-f]{10}"
    r"|gen-1[0-9]{9}-[A-Za-z0-9]{16,32}"
)
# What nearly every answer says; the same wherever it stands.
_HARMLESS: Final = words(
    """assistant stop length tool_calls content_filter function_call function text default auto
    chat.completion chat.completion.chunk"""
)
_SHORT: Final = 64
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")
_MEDIA: Final = re.compile(r"data:[a-z]{1,16}/[a-z.+-]{1,64};base64,", re.IGNORECASE)
_FIVE_DIGITS: Final = re.compile(rb"[0-9]{5}")
_REMEMBERED: Final = 256


def is_padding(written: bytes) -> bool:
    """True for letters and digits of no meaning, as providers pad the events of a stream with."""
    return (
        len(written) <= _SHORT
        and (not written or written.isalnum())
        and _FIVE_DIGITS.search(written) is None
    )


def is_free(path: Path, text: str) -> bool:
    """True for a string of an answer that is not fixed by the protocol, nor part of `logprobs`."""
    if text in _HARMLESS:
        return False
    node, left = ANSWER.reach(path)
    place = node.place
    if place is Place.OPEN:
        return False
    if left > 0 or place is None:
        return True
    check = _PLAIN.get(place)
    return check is None or not check(text)


def _is_word(text: str) -> bool:
    return fits(Place.WORD, text) and _DIGITS.search(text) is None and not may_name_tokens(text)


def _is_name(text: str) -> bool:
    return fits(Place.NAME, text) and _DIGITS.search(text) is None and not may_name_tokens(text)


def _is_model(text: str) -> bool:
    return fits(Place.MODEL, text) and _DIGITS.search(_RELEASED.sub("", text)) is None


def _is_identifier(text: str) -> bool:
    if _MADE.fullmatch(text) is not None:
        return True
    known = fits(Place.IDENTIFIER, text)
    return known and _DIGITS.search(text) is None and not may_name_tokens(text)


def _is_opaque(text: str) -> bool:
    if len(text) <= _SHORT:
        return is_padding(text.encode())
    return _BASE64.fullmatch(text) is not None and _LONG_DIGITS.search(text) is None


def _is_media(text: str) -> bool:
    head = _MEDIA.match(text)
    return head is not None and _is_opaque(text[head.end() :])


_PLAIN: Final[dict[Place, Callable[[str], bool]]] = {
    Place.WORD: _is_word,
    Place.NAME: _is_name,
    Place.MODEL: _is_model,
    Place.IDENTIFIER: _is_identifier,
    Place.OPAQUE: _is_opaque,
    Place.URL: _is_media,
}


class FreeStrings:
    """Passes free strings through `restore`, all strings of an event or answer at once.

    A look costs far more than a string, and a stream repeats the same strings in each event, so
    short ones are remembered, up to a bound. Lets what `restore` raises pass.
    """

    __slots__ = ("_known", "_restore")

    def __init__(self, restore: Restore) -> None:
        self._restore = restore
        self._known: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"FreeStrings({len(self._known)} remembered)"

    def passed(self, texts: Sequence[str]) -> list[str]:
        """Return what becomes of each of `texts`."""
        known = self._known
        new = list(dict.fromkeys([text for text in texts if text not in known]))
        if not new:
            return [known[text] for text in texts]
        found = dict(zip(new, self._pass(new), strict=True))
        passed = [found[text] if text in found else known[text] for text in texts]
        for text, became in found.items():
            if len(known) == _REMEMBERED:
                break
            if len(text) <= _REMEMBERED:
                known[text] = became
        return passed

    def _pass(self, texts: list[str]) -> list[str]:
        if len(texts) > 1:
            # No recognizer and no token reaches across this character.
            passed = self._restore(SEPARATOR.join(texts)).split(SEPARATOR)
            if len(passed) == len(texts):
                return passed
        return [self._restore(text) for text in texts]
