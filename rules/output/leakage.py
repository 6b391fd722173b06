"""Identifiers in an answer that its request did not hold.

A model may only say what it was told: an identifier that comes out without having gone in is
somebody else's, remembered or invented. What the request held is only looked up when a watched
kind is found, since most answers hold none. Nothing here keeps, returns or tells a value.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from rules.classify.recognizer import Finding

# What a model may put into or leave out of a value without changing it: zero-width characters and
# soft hyphens go, dashes of all widths become one.
_LOOKS: Final = dict.fromkeys([0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF]) | dict.fromkeys(
    [*range(0x2010, 0x2016), 0x2212], "-"
)
_NOT_ALNUM: Final = re.compile(r"[\W_]+")
_TOKEN: Final = re.compile(r"\[?[A-Z]+_[0-9]+[A-Z]*\]?", re.IGNORECASE)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_CONTROL: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
# Shorter codes stand in any longer number by chance, so they are known only where they stand alone.
_SHORTEST_CODE: Final = 6
# A national number without its country code: the part that is the same in every way to write it.
_PHONE_DIGITS: Final = 10


def unescaped(source: str) -> str:
    """Return `source` with the escapes of RFC 8259 section 7 resolved, wherever it is cut.

    Models write JSON where it was not asked for, and JSON inside JSON: so this is for any text with
    a backslash, and goes two levels deep. In prose it does no harm to an identifier. Halves of
    surrogate pairs become U+FFFD, since no identifier is written with them and no recognizer can
    encode them.
    """
    text = _ESCAPE.sub(_character, source)
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(escape: re.Match[str]) -> str:
    code, plain = escape.groups()
    if code is None:
        return _CONTROL.get(plain, plain)
    point = int(code, 16)
    return "\ufffd" if 0xD800 <= point <= 0xDFFF else chr(point)


class KnownValues:
    """What a request held, however it was written: case, spaces, dashes and width do not matter."""

    __slots__ = ("_codes", "_texts", "_words")

    def __init__(self, texts: Iterable[str]) -> None:
        """Remember `texts`, the texts of the request as it came in; nothing is done to them yet."""
        self._texts: tuple[str, ...] | None = tuple(texts)
        self._words = ""
        self._codes = ""

    def __repr__(self) -> str:
        return "KnownValues()"

    def holds(self, entity: str, value: str) -> bool:
        """True when any text of the request holds `value`, an identifier of the kind `entity`.

        Values with digits are compared by letters and digits alone (`(617) 555-0123` is
        `617.555.0123`), phone numbers by their last ten; all others as whole words.
        """
        self._fold()
        words = _folded(value)
        code = _NOT_ALNUM.sub("", words)
        if len(code) < _SHORTEST_CODE or not any(character.isdigit() for character in code):
            return _stands_in(words, self._words)
        if entity == "PHONE_NUMBER" and code.isdigit():
            code = code[-_PHONE_DIGITS:]
        return code in self._codes

    def _fold(self) -> None:
        if self._texts is None:
            return
        # Tool arguments and results are JSON inside a text; they count as read and as written.
        read = [unescaped(text) for text in self._texts if "\\" in text]
        folded = [_folded(text) for text in (*self._texts, *read)]
        self._words = "\0".join(folded)
        self._codes = "\0".join(_NOT_ALNUM.sub("", text) for text in folded)
        self._texts = None


def leaks(
    text: str, findings: Sequence[Finding], known: KnownValues, entities: Collection[str]
) -> tuple[Finding, ...]:
    """Return those of `findings` in `text` that are of a watched kind and were not in the request.

    A token such as `[PERSON_1]` stands for a value of the request and is never a leak.
    """
    return tuple(
        finding
        for finding in findings
        if finding.entity in entities
        and _is_foreign(text[finding.start : finding.end], finding, known)
    )


def _is_foreign(value: str, finding: Finding, known: KnownValues) -> bool:
    return _TOKEN.fullmatch(value) is None and not known.holds(finding.entity, value)


def _folded(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_LOOKS)
    return " ".join(text.casefold().split())


def _stands_in(words: str, text: str) -> bool:
    """True when `words` occurs in `text` and no letter or digit touches it."""
    if not words:
        return False
    at = text.find(words)
    while at >= 0:
        end = at + len(words)
        if not (text[at - 1 : at].isalnum() or text[end : end + 1].isalnum()):
            return True
        at = text.find(words, at + 1)
    return False
