"""JSON as the caller wrote it: read the values, replace single ones, leave all other bytes.

A parsed document is re-serialised nowhere. Strings are found twice: as values, by a walk of the
parsed tree, and as byte spans, by the quotes of the raw text; both come in document order, so the
n-th value is the n-th span. A document where the two disagree holds a duplicate object key.
Parsers differ on which of the two they keep, so what was inspected might not be what is read:
such a document is refused (RFC 8259 section 4 calls its meaning unpredictable).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import orjson

MAX_DEPTH: Final = 64
# Each string costs a path and each array a call: a body of a million of them would cost seconds.
MAX_VALUES: Final = 500_000
# A number of fewer digits than this names nobody.
LONG_NUMBER: Final = 6
_LEAST_LONG: Final = 10 ** (LONG_NUMBER - 1)
_QUOTE: Final = re.compile(b'"')
_ESCAPED_QUOTE: Final = re.compile(rb'\\"')
_STRING: Final = re.compile(rb'"[^"]*"')
_NUMBER: Final = re.compile(rb"-?[0-9][0-9.eE+-]*")
_DIGIT: Final = re.compile(rb"[0-9]")

Path = tuple[str | int, ...]


class JsonTextError(Exception):
    """The text is not JSON that can be read in one way only; the message holds no content."""


class Literal(NamedTuple):
    """One string or number: where it stands, what it says, whether it is an object's key.

    A number says what was written, such as `7.712e7`.
    """

    path: Path
    text: str
    is_key: bool

    def __repr__(self) -> str:
        return f"Literal({len(self.text)} characters)"


class JsonText:
    """A JSON document as raw bytes, its parsed `value`, and its string `literals` in order.

    The ordinal of a string is its place in `literals`; those of numbers go on behind the strings.
    """

    __slots__ = ("_has_long", "_number_spans", "_quotes", "_source", "literals", "raw", "value")

    def __init__(self, raw: bytes, most: int = MAX_VALUES) -> None:
        """Read `raw`; raises JsonTextError when it is not JSON, ambiguous, or nested too deep.

        `most` is how many strings, how many objects and arrays, and how many commas between
        values it may hold.
        """
        self._source = _without_escaped_quotes(raw)
        if len(raw) > 2 * most:
            _bound(self._source, most)
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise JsonTextError(f"not valid JSON (at character {error.pos})") from None
        self.raw = raw
        self.value: Any = value
        self.literals: list[Literal] = []
        self._has_long = False
        if isinstance(value, str):
            self.literals.append(Literal((), value, False))
        elif isinstance(value, dict | list):
            self._walk(value, (), 0)
        self._quotes: list[int] | None = None
        self._number_spans: list[tuple[int, int]] | None = None
        if self._source.count(b'"') != 2 * len(self.literals):
            raise JsonTextError("an object has the same key twice")

    def __repr__(self) -> str:
        return f"JsonText({len(self.raw)} bytes, {len(self.literals)} strings)"

    def _walk(  # noqa: C901 - two plain loops; a call for each value would double its time
        self, value: dict[str, Any] | list[Any], path: Path, depth: int
    ) -> None:
        """Add the strings of an object or array. Strings are added where they are met, and types
        are compared by identity (the parser makes no subclasses), since every call and every answer
        pays for this walk."""
        if depth == MAX_DEPTH:
            raise JsonTextError(f"nested deeper than {MAX_DEPTH} levels")
        literals = self.literals
        at: Path
        if type(value) is dict:
            for key, inner in value.items():
                at = (*path, key)
                literals.append(Literal(at, key, True))
                kind = type(inner)
                if kind is str:
                    literals.append(Literal(at, inner, False))
                elif kind is dict or kind is list:
                    self._walk(inner, at, depth + 1)
                elif kind is int or kind is float:
                    self._has_long = self._has_long or _may_be_long(inner)
            return
        for index, inner in enumerate(value):
            kind = type(inner)
            if kind is str:
                literals.append(Literal((*path, index), inner, False))
            elif kind is dict or kind is list:
                self._walk(inner, (*path, index), depth + 1)
            elif kind is int or kind is float:
                self._has_long = self._has_long or _may_be_long(inner)

    def long_numbers(self) -> list[tuple[int, Literal]]:
        """Return the ordinal and the literal of each number inside of an object or array that is
        written with `LONG_NUMBER` digits or more. Documents without any pay nothing."""
        if not self._has_long:
            return []
        found: list[tuple[int, Literal]] = []
        paths = _number_paths(self.value, ())
        first = len(self.literals)
        for ordinal, (path, span) in enumerate(zip(paths, self._numbers(), strict=True), first):
            written = self.raw[slice(*span)]
            if len(_DIGIT.findall(written)) >= LONG_NUMBER:
                found.append((ordinal, Literal(path, written.decode(), False)))
        return found

    def _numbers(self) -> list[tuple[int, int]]:
        """Where the numbers of the document stand, in order."""
        if self._number_spans is None:
            blank = _STRING.sub(lambda match: b" " * len(match[0]), self._source)
            self._number_spans = [match.span() for match in _NUMBER.finditer(blank)]
        return self._number_spans

    def replace(self, edits: Mapping[int, str]) -> bytes:
        """Return the document with strings in the place of the literals at these ordinals."""
        return self.splice({ordinal: orjson.dumps(text) for ordinal, text in edits.items()})

    def splice(self, edits: Mapping[int, bytes]) -> bytes:
        """Return the document with raw JSON put in the place of the literals at these ordinals."""
        if not edits:
            return self.raw
        places = sorted((*self._span(ordinal), new) for ordinal, new in edits.items())
        pieces: list[bytes] = []
        at = 0
        for start, end, new in places:
            pieces += (self.raw[at:start], new)
            at = end
        pieces.append(self.raw[at:])
        return b"".join(pieces)

    def _span(self, ordinal: int) -> tuple[int, int]:
        strings = len(self.literals)
        if ordinal >= strings:
            return self._numbers()[ordinal - strings]
        if self._quotes is None:
            self._quotes = [match.start() for match in _QUOTE.finditer(self._source)]
        return self._quotes[2 * ordinal], self._quotes[2 * ordinal + 1] + 1


def _without_escaped_quotes(raw: bytes) -> bytes:
    """Return valid JSON with other bytes for escaped backslashes and quotes, at the same length.

    Every quote that is left begins or ends a string. Backslashes stand inside of strings only, and
    pair up from the left, which is how `bytes.replace` takes them.
    """
    if _ESCAPED_QUOTE.search(raw) is None:
        return raw
    return raw.replace(b"\\\\", b"__").replace(b'\\"', b"__")


def _bound(source: bytes, most: int) -> None:
    """Refuse a document of too many parts by its bytes, before anything is made of each part."""
    if source.count(b'"') > 2 * most:
        raise JsonTextError(f"has more than {most} strings")
    if max(_parts(source)) > most:
        nested, listed = _parts(_STRING.sub(b"", source))
        if nested > most:
            raise JsonTextError(f"has more than {most} objects and arrays")
        if listed > most:
            raise JsonTextError(f"has more than {most} values")


def _parts(source: bytes) -> tuple[int, int]:
    return source.count(b"[") + source.count(b"{"), source.count(b",")


def _may_be_long(number: float) -> bool:
    """True where a number may be written with many digits; a fraction like `0.7` is not."""
    if not -_LEAST_LONG < number < _LEAST_LONG:
        return True
    return type(number) is float and len(repr(number)) > LONG_NUMBER


def _number_paths(value: dict[str, Any] | list[Any], path: Path) -> Iterator[Path]:
    """Yield where each number stands, in document order."""
    for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
        kind = type(inner)
        if kind is dict or kind is list:
            yield from _number_paths(inner, (*path, step))
        elif kind is int or kind is float:
            yield (*path, step)
