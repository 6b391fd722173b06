"""Text as the recognizers see it: plain ASCII, one character for each that counts.

Accents, full-width digits, typographic quotes, hyphens and spaces become their plain forms, and
characters without width are left out, so that none of them hides an identifier. Offsets into the
folded text lead back to the text itself. Folding never adds a character.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from rules.chat import SlotKind

_JOINED: Final = frozenset({SlotKind.NAME, SlotKind.IDENTIFIER, SlotKind.KEY})
# Stands for a character that no identifier is made of; it ends words, as RE2 understands them.
OTHER: Final = "\x7f"
# Stands between two texts in one buffer; no pattern crosses it.
SEPARATOR: Final = "\x1e"

_NON_ASCII: Final = re.compile(r"[^\x00-\x7f]+")
_ESCAPE: Final = re.compile(r"\\[^u]", re.DOTALL)
_NON_ASCII_CHARACTER: Final = re.compile(r"[^\x00-\x7f]")
_SPECIAL: Final = re.compile(r"\\u[0-9A-Fa-f]{4}|\\.|[^\x00-\x7f]", re.DOTALL)
_JOINERS: Final = re.compile(r"_|(?<=[A-Za-z])-(?=[A-Za-z])")
_WORD: Final = re.compile(r"[A-Za-z]+")
# Letters without a decomposition, and those of other scripts that look like Latin ones.
_LETTERS: Final = dict(
    zip(
        "ßæÆøØłŁđĐðÐþÞıœŒаеорсухіѕјАВЕКМНОРСТУХІЅЈΑΒΕΖΗΙΚΜΝΟΡΤΥΧο",
        "saAoOlLdDdDtTioOaeopcyxisjABEKMHOPCTYXISJABEZHIKMNOPTYXo",
        strict=True,
    )
)
_QUOTES: Final = dict.fromkeys(
    map(chr, (0x2018, 0x2019, 0x201A, 0x201B, 0x2BC, 0x2B9, 0x2032, 0xB4)), "'"
) | dict.fromkeys(map(chr, (0x201C, 0x201D, 0x201E, 0x201F, 0xAB, 0xBB, 0x2033)), '"')
_INVISIBLE: Final = frozenset({"Mn", "Me", "Cf"})
_CLASSES: Final = {
    "Pd": "-", "Zs": " ", "Zl": "\n", "Zp": "\n", "Lu": "Q", "Lt": "Q", "Ll": "q",
}  # fmt: skip
# Beyond these, characters are rare enough to be folded anew each time, which bounds the memory.
_REMEMBERED: Final = 0x3000


class _Table(dict[int, str]):
    """A table for `str.translate` that fills itself."""

    def __missing__(self, code: int) -> str:
        plain = _plain(chr(code))
        if code < _REMEMBERED:
            self[code] = plain
        return plain


@dataclass(frozen=True, slots=True, repr=False)
class Folded:
    """A folded text; `offsets[i]` is where its character i stands in the original.

    `offsets` has one entry more than `text` has characters, and is None where nothing was left out.
    """

    text: str
    offsets: list[int] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the characters of the original that `start` to `end` stand for."""
        if self.offsets is None:
            return start, end
        return self.offsets[start], self.offsets[end]


def fold(text: str, kind: SlotKind = SlotKind.TEXT) -> Folded:
    """Fold one text. In JSON, escapes are read; in names and keys, `_` and `-` part words."""
    escaped = kind is SlotKind.JSON and "\\" in text
    if escaped and "\\u" in text:
        return _fold_with_offsets(text, escapes=True)
    plain = text
    if escaped:
        plain = _ESCAPE.sub(lambda match: _unescape(match[0]).ljust(2), plain)
    if not plain.isascii():
        plain = _NON_ASCII.sub(lambda match: match[0].translate(_TABLE), plain)
        if len(plain) != len(text):
            return _fold_with_offsets(text, escapes=escaped)
    if SEPARATOR in plain:
        plain = plain.replace(SEPARATOR, " ")
    if kind in _JOINED:
        plain = _WORD.sub(lambda match: _capitalised(match[0]), _JOINERS.sub(" ", plain))
    return Folded(plain)


def _fold_with_offsets(text: str, *, escapes: bool) -> Folded:
    pieces: list[str] = []
    offsets: list[int] = []
    at = 0
    for match in (_SPECIAL if escapes else _NON_ASCII_CHARACTER).finditer(text):
        special = match[0]
        if special[0] == "\\":
            special = _unescape(special)
        start = match.start()
        pieces.append(text[at:start])
        offsets.extend(range(at, start))
        plain = special.translate(_TABLE) if not special.isascii() else special
        pieces.append(plain)
        offsets.extend([start] * len(plain))
        at = match.end()
    pieces.append(text[at:])
    offsets.extend(range(at, len(text) + 1))
    return Folded("".join(pieces).replace(SEPARATOR, " "), offsets)


def _unescape(escape: str) -> str:
    """Read one escape of JSON (RFC 8259 section 7); quotes and the like only part words."""
    if len(escape) == 6:
        return chr(int(escape.removeprefix("\\u"), 16))
    return "\n" if escape in {"\\n", "\\r"} else "/" if escape == "\\/" else " "


def _capitalised(word: str) -> str:
    return word.capitalize() if word.islower() else word


def _plain(char: str) -> str:
    category = unicodedata.category(char)
    if category in _INVISIBLE:
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(char))
    known = _LETTERS.get(char) or _QUOTES.get(char)
    if known is not None:
        return known
    if category[0] in "LPS" and category not in {"So", "Sk"}:
        base = unicodedata.normalize("NFKD", char)[0]
        if base.isascii():
            return base
        return (
            "-" if char == "\N{MINUS SIGN}" else _LETTERS.get(base, _CLASSES.get(category, OTHER))
        )
    return _CLASSES.get(category, OTHER)


_TABLE: Final = _Table()
