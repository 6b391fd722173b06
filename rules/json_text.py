"""JSON as the caller wrote it: read the values, replace single strings, leave all other bytes.

A parsed document is re-serialised nowhere. Strings are found twice: as values, by a walk of the
parsed tree, and as byte spans, by one expression over the raw text; both come in document order,
so the n-th value is the n-th span. A document where the two disagree holds a duplicate object key.
Parsers differ on which of the two they keep, so what was inspected might not be what is read:
such a document is refused (RFC 8259 section 4 calls its meaning unpredictable).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

MAX_DEPTH: Final = 128
_LITERAL: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)

Path = tuple[str | int, ...]


class JsonTextError(Exception):
    """The text is not JSON that can be read in one way only; the message holds no content."""


@dataclass(frozen=True, slots=True, repr=False)
class Literal:
    """One string of a document: where it stands, what it says, whether it is an object's key."""

    path: Path
    text: str
    is_key: bool


class JsonText:
    """A JSON document as raw bytes, its parsed `value`, and its string `literals` in order."""

    __slots__ = ("_spans", "literals", "raw", "value")

    def __init__(self, raw: bytes) -> None:
        """Read `raw`; raises JsonTextError when it is not JSON, ambiguous, or nested too deep."""
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise JsonTextError(f"not valid JSON (at character {error.pos})") from None
        self.raw = raw
        self.value: Any = value
        self.literals: list[Literal] = []
        self._walk(value, (), 0)
        self._spans: list[tuple[int, int]] | None = None
        if len(_LITERAL.findall(raw)) != len(self.literals):
            raise JsonTextError("an object has the same key twice")

    def __repr__(self) -> str:
        return f"JsonText({len(self.raw)} bytes, {len(self.literals)} strings)"

    def _walk(self, value: Any, path: Path, depth: int) -> None:
        if isinstance(value, str):
            self.literals.append(Literal(path, value, is_key=False))
            return
        if not isinstance(value, dict | list):
            return
        if depth == MAX_DEPTH:
            raise JsonTextError(f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            for key, inner in value.items():
                at = (*path, key)
                self.literals.append(Literal(at, key, is_key=True))
                self._walk(inner, at, depth + 1)
        else:
            for index, inner in enumerate(value):
                self._walk(inner, (*path, index), depth + 1)

    def replace(self, edits: Mapping[int, str]) -> bytes:
        """Return the document with the literals at these ordinals saying something else."""
        return self.splice({ordinal: orjson.dumps(text) for ordinal, text in edits.items()})

    def splice(self, edits: Mapping[int, bytes]) -> bytes:
        """Return the document with raw JSON put in the place of the literals at these ordinals."""
        if not edits:
            return self.raw
        if self._spans is None:
            self._spans = [match.span() for match in _LITERAL.finditer(self.raw)]
        pieces: list[bytes] = []
        at = 0
        for ordinal in sorted(edits):
            start, end = self._spans[ordinal]
            pieces.append(self.raw[at:start])
            pieces.append(edits[ordinal])
            at = end
        pieces.append(self.raw[at:])
        return b"".join(pieces)
