"""Turns the strings and numbers of a Chat Completions request into slots.

Default deny: everything is a slot unless `openai_chat_places` says that the protocol defines it.
It must never leave out a string that it does not know.
"""

from collections.abc import Sequence
from typing import Final

import orjson

from adapters.wire.openai_chat_places import KNOWN_KEYS, REQUEST, Node, Place, fits
from adapters.wire.openai_chat_shapes import has_plain_numbers, is_token_number
from adapters.wire.openai_chat_words import (
    MEDIA_PARTS,
    ROLES,
    SCHEMA_DATA,
    SCHEMA_FORMATS,
    SCHEMA_KEYWORDS,
    SCHEMA_NUMBERS,
    SCHEMA_TYPES,
)
from rules.chat import SlotKind, TextSlot
from rules.json_text import JsonText, Literal, Path

UNKNOWN: Final = "unknown"
_MEDIA: Final = frozenset({Place.OPAQUE, Place.URL})
_SECTIONS: Final = {
    "tools": "definition",
    "functions": "definition",
    "response_format": "definition",
    "metadata": "metadata",
    "user": "metadata",
    "safety_identifier": "metadata",
    "prompt_cache_key": "metadata",
    "stop": "metadata",
    "web_search_options": "metadata",
    "prediction": "prediction",
}


class SlotReader:
    """Reads one request; `roles` say who speaks each message.

    `said` are the slots of the messages, `around` all others, both in document order. Tokens are
    numbered slot by slot, and a conversation grows at its end: so the messages come last, wherever
    they stand in the body. `unreadable` are the kinds of data that say nothing as text, wherever
    they stand and whatever is written around them.
    """

    __slots__ = ("_roles", "around", "said", "unreadable")

    def __init__(self, roles: Sequence[str]) -> None:
        self._roles = [role if role in ROLES else UNKNOWN for role in roles]
        self.around: list[TextSlot] = []
        self.said: list[TextSlot] = []
        self.unreadable: set[str] = set()

    def read(self, document: JsonText) -> None:
        """Add all slots of `document`."""
        for ordinal, literal in enumerate(document.literals):
            if literal.is_key:
                if literal.text not in KNOWN_KEYS:
                    self._key(ordinal, literal)
            elif literal.text:
                self._string(ordinal, literal)
        numbers = document.long_numbers()
        if numbers:
            self._read_numbers(document, numbers)

    def _key(self, ordinal: int, literal: Literal) -> None:
        node, _ = REQUEST.reach(literal.path[:-1])
        if node.place is Place.TOKEN_IDS and is_token_number(literal.text):
            return
        role = self._role(literal.path, known=False)
        self._add(literal.path, TextSlot(ordinal, role, SlotKind.KEY, literal.text))

    def _string(self, ordinal: int, literal: Literal) -> None:
        path, text = literal.path, literal.text
        node, left = REQUEST.reach(path)
        place = node.place if left == 0 else None
        if place in _MEDIA or text[:5].lower() == "data:":
            self._note_media(place, path, text)
        if place is None:
            if not (node.place is Place.SCHEMA and _is_schema_word(path, text)):
                self._unknown(ordinal, literal, node, left, _kind(text))
        elif not node.expects(text):
            kind = _kind_in(place, text)
            self._add(path, TextSlot(ordinal, self._role(path, known=True), kind, text))

    def _note_media(self, place: Place | None, path: Path, text: str) -> None:
        if place is Place.OPAQUE or (place is Place.URL and not _is_link(text)):
            self.unreadable.add(_media_kind(path))
        elif place not in _MEDIA and fits(Place.URL, text):
            self.unreadable.add(UNKNOWN)

    def _unknown(
        self, ordinal: int, literal: Literal, node: Node, left: int, kind: SlotKind
    ) -> None:
        """Add what stands below the last step that is known, `left` steps above."""
        path = literal.path
        known = node.place is Place.OPEN or node.place is Place.SCHEMA
        if node.place is Place.SCHEMA:
            hint = _schema_hint(path, len(path) - left)
        else:
            hint = _nearest_key(path)
        role = self._role(path, known=known)
        self._add(path, TextSlot(ordinal, role, kind, literal.text, hint))

    def _read_numbers(self, document: JsonText, numbers: Sequence[tuple[int, Literal]]) -> None:
        places: dict[int, Path] = {}
        for ordinal, literal in numbers:
            node, left = REQUEST.reach(literal.path)
            if not _is_protocols_number(node, left, literal.path):
                places[ordinal] = literal.path
                self._unknown(ordinal, literal, node, left, SlotKind.NUMBER)

        def message(slot: TextSlot) -> int:
            at = slot.literal
            path = places[at] if at in places else document.literals[at].path
            return path[1] if isinstance(path[1], int) else 0

        # Numbers come behind the strings of their message, not behind those of all messages.
        self.said.sort(key=message)

    def _add(self, path: Path, slot: TextSlot) -> None:
        (self.said if path[0] == "messages" else self.around).append(slot)

    def _role(self, path: Path, *, known: bool) -> str:
        first = path[0]
        if first == "messages":
            index = path[1]
            return self._roles[index] if known and isinstance(index, int) else UNKNOWN
        return _SECTIONS.get(str(first), UNKNOWN)


def _kind_in(place: Place, text: str) -> SlotKind:
    """The kind of a string that is not what the protocol puts into `place`."""
    if place is Place.WORD:
        # A word that came into use after the lists were made is a word, not a name in lower case.
        return SlotKind.TEXT if text.isalpha() and text.islower() else SlotKind.IDENTIFIER
    if place is Place.PARTICIPANT or (place is Place.NAME and has_plain_numbers(text)):
        return SlotKind.NAME
    if place is Place.IDENTIFIER or place is Place.NAME:
        return SlotKind.IDENTIFIER
    return _kind(text)


def _kind(text: str) -> SlotKind:
    """JSON where all of the text is an object or an array, else plain text."""
    if (text[0] in "{[ \n\t\r") and text.rstrip()[-1:] in ("}", "]"):
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            return SlotKind.TEXT
        if isinstance(value, dict | list):
            return SlotKind.JSON
    return SlotKind.TEXT


def _is_link(text: str) -> bool:
    """True for what a provider would have to fetch, whose address is text that can be read."""
    return text.lstrip()[:4].lower() == "http"


def _media_kind(path: Path) -> str:
    return next((str(step) for step in reversed(path) if step in MEDIA_PARTS), UNKNOWN)


def _nearest_key(path: Path) -> str:
    return next(step for step in reversed(path) if isinstance(step, str))


def _is_schema_word(path: Path, text: str) -> bool:
    """True for the values of `type` and `format` that JSON Schema defines."""
    key = _nearest_key(path)
    if key == "type":
        return text in SCHEMA_TYPES
    return key == "format" and text in SCHEMA_FORMATS


def _is_protocols_number(node: Node, left: int, path: Path) -> bool:
    """True for a number that the protocol, or JSON Schema, asks for."""
    if node.place is Place.SCHEMA:
        inside = path[len(path) - left :]
        return _nearest_key(path) in SCHEMA_NUMBERS and SCHEMA_DATA.isdisjoint(inside)
    if node.place is Place.TOKEN_IDS:
        return left == 1
    return left == 0 and node.place is Place.NUMBER


def _schema_hint(path: Path, start: int) -> str:
    """The property that a default, an example or an allowed value belongs to.

    A title or a description gets no hint: it speaks of the property and is not a value of it.
    """
    if _nearest_key(path) in SCHEMA_KEYWORDS - SCHEMA_DATA:
        return ""
    for at in range(len(path) - 1, start - 1, -1):
        step = path[at]
        if isinstance(step, str) and (
            step not in SCHEMA_KEYWORDS or (at > start and path[at - 1] == "properties")
        ):
            return step
    return ""
