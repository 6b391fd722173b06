"""The grammar of tokens, and the numbering that hands them out.

A token is `[PERSON_1]`: the stem of its entity and an ordinal, counted per stem in order of first
appearance in the call. Another written form of the same thing has a letter behind the ordinal,
`[PERSON_1B]`. What comes later in a call never changes what came before, with one exception: text
of the caller that reads as a token keeps its ordinal to itself, wherever it stands, because it must
never be restored to anybody's value. Then only the value it collides with gets another ordinal.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import re2

from rules.classify.catalogue import ENTITIES
from rules.minimize.alias import Grouping, People, Written

STEMS: Final = frozenset(entity.stem for entity in ENTITIES.values())
MAX_DIGITS: Final = 6
_TOO_HIGH: Final = 10**MAX_DIGITS
# `A` is the main form, which has no letter, and `S` would read as a plural.
_LETTERS: Final = ("", *"BCDEFGHIJKLMNOPQRTUVWXYZ")
# How far an ordinal jumps that collides with a look-alike; the ordinals between stay as they are.
_JUMP: Final = 1000
# Numbers of these kinds are the same in whatever groups their digits are written.
_DIGITS_ONLY: Final = frozenset({"PHONE", "SSN", "ITIN", "CARD", "IBAN", "MBI", "NPI"})

_STEM: Final = "(" + "|".join(sorted(STEMS, key=len, reverse=True)) + ")"
_ORDINAL: Final = rf"([0-9]{{1,{MAX_DIGITS}}})"
_JOINT: Final = r"\\{0,2}[_-]"
# The damage that is undone, in words: case; spaces, or no joint, inside of brackets; both brackets
# or the joint escaped as in Markdown, once more in JSON; both brackets lost; plural, possessive.
_BODY: Final = (
    rf" {{0,2}}{_STEM}(?:{_JOINT}| {{0,2}}){_ORDINAL}([B-RT-Z])?((?:['\u2019]?s)?) {{0,2}}"
)
_BRACKETED: Final = rf"(\\{{1,2}})?\[{_BODY}(?(1)\\{{1,2}})\]"
_BARE: Final = rf"{_STEM}{_JOINT}{_ORDINAL}([B-RT-Z])?(s?)(?![A-Za-z0-9])"
_FREE: Final = "(?<![A-Za-z0-9])"
# In JSON source a letter may end an escape (`\n`) and then does not belong to the word behind it;
# right behind a backslash it would be an escape itself.
JSON_FREE: Final = r"(?:(?<![A-Za-z0-9\\])|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4}))"
TEXT_FREE: Final = _FREE


def _compile(free: str) -> re.Pattern[str]:
    return re.compile(f"{_BRACKETED}|{free}{_BARE}", re.ASCII | re.IGNORECASE)


IN_TEXT: Final = _compile(TEXT_FREE)
IN_JSON: Final = _compile(JSON_FREE)

# A token as it is handed out. It begins with a bracket, none is inside and none is needed around:
# so wherever it stands, `IN_TEXT` and `IN_JSON` match exactly it, too.
_LONGEST_STEM: Final = max(map(len, STEMS))
AS_GIVEN: Final = re.compile(rf"\[([A-Z]{{2,{_LONGEST_STEM}}}_[0-9]{{1,{MAX_DIGITS}}}[B-RT-Z]?)\]")
# What every form of a token and every look-alike holds: a bracket and a stem, or the end of a stem,
# a joint and a digit. Each of these begins with one fixed character, so a search for it is fast,
# and what rules out most of the places comes first.
_STEM_ENDS: Final = "|".join(sorted({stem[-2:] for stem in STEMS}))
_AFTER_BRACKET: Final = re.compile(rf"\[(?=[A-Z ]) {{0,2}}{_STEM}", re.IGNORECASE)
_AT_UNDERSCORE, _AT_HYPHEN = (
    re.compile(rf"{joint}(?=[0-9])(?<=[A-Z\\].)(?<=(?:{_STEM_ENDS}|.\\).)", re.IGNORECASE)
    for joint in "_-"
)

# Wider than what is restored, for a word may lose its neighbours on the way to the model and back.
_LOOKALIKE: Final = re2.compile(
    rf"(?i)\[ {{0,2}}{_STEM}(?:{_JOINT}| {{0,2}})([0-9]+)|{_STEM}{_JOINT}([0-9]+)"
)


def key_of(match: re.Match[str]) -> tuple[str, str]:
    """Return what a match of `IN_TEXT` or `IN_JSON` names (`PERSON_1B`), and a plural behind it."""
    _, stem, ordinal, letter, tail, bare_stem, bare_ordinal, bare_letter, bare_tail = match.groups()
    if stem is None:
        stem, ordinal, letter, tail = bare_stem, bare_ordinal, bare_letter, bare_tail
    return f"{stem}_{ordinal}{letter or ''}".upper(), tail


def may_name_tokens(text: str) -> bool:
    """False, and quickly so, for a text without any form of a token or of a look-alike."""
    # The search for the one character is done by `in` ten times as fast as by an expression.
    return bool(
        ("[" in text and _AFTER_BRACKET.search(text))
        or ("_" in text and _AT_UNDERSCORE.search(text))
        or ("-" in text and _AT_HYPHEN.search(text))
    )


def lookalikes(text: str) -> Mapping[str, set[int]]:
    """Return the ordinals, by stem, that the caller's own text already says."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    if not may_name_tokens(text):
        return found
    for stem, ordinal, bare_stem, bare_ordinal in _LOOKALIKE.findall(text):
        digits = ordinal or bare_ordinal
        if len(digits) <= MAX_DIGITS:
            found[(stem or bare_stem).upper()].add(int(digits))
    return found


class NumberingError(Exception):
    """A call holds more values of one kind than there are ordinals."""


class _Stem:
    """The values of one stem with their groups, and the names they have been given.

    No ordinal is given twice, and none that is reserved.
    """

    __slots__ = ("_group", "_next", "_places", "_stem", "_taken", "keys")

    def __init__(self, stem: str, reserved: Iterable[int]) -> None:
        grouping: Grouping = People() if stem == "PERSON" else Written(loose=stem in _DIGITS_ONLY)
        self._stem = stem
        self._group = grouping.group
        self._taken = set(reserved)
        self._next = 1
        # By group: the ordinal and the letter that were given last.
        self._places: list[tuple[int, int]] = []
        self.keys: dict[str, str] = {}

    def name(self, value: str) -> str:
        """Return a name for a value that has none."""
        group = self._group(value)
        places = self._places
        if group == len(places):
            ordinal, letter = self._ordinal(), 0
            places.append((ordinal, letter))
        else:
            ordinal, letter = places[group]
            letter += 1
            if letter == len(_LETTERS):
                ordinal, letter = self._ordinal(), 0
            places[group] = ordinal, letter
        key = self.keys[value] = f"{self._stem}_{ordinal}{_LETTERS[letter]}"
        return key

    def _ordinal(self) -> int:
        taken = self._taken
        while self._next < _TOO_HIGH:
            ordinal = self._next
            self._next += 1
            while ordinal in taken:
                ordinal += _JUMP
            if ordinal < _TOO_HIGH:
                taken.add(ordinal)
                return ordinal
        raise NumberingError("too many values of one kind in a call")


class Numbering:
    """Hands out the tokens of one call, in order of appearance."""

    __slots__ = ("_by_entity", "_reserved", "_stems")

    def __init__(self, reserved: Mapping[str, set[int]] = MappingProxyType({})) -> None:
        self._reserved = reserved
        self._stems: dict[str, _Stem] = {}
        self._by_entity: dict[str, _Stem] = {}

    def __repr__(self) -> str:
        return f"Numbering({len(self._stems)} stems)"

    def key(self, entity: str, value: str) -> str:
        """Return the token of `value` without its brackets: `PERSON_1`.

        Raises KeyError for an entity that is not in the catalogue, and NumberingError.
        """
        stem = self._by_entity.get(entity) or self._stem_of(entity)
        return stem.keys.get(value) or stem.name(value)

    def _stem_of(self, entity: str) -> _Stem:
        name = ENTITIES[entity].stem
        stem = self._stems.setdefault(name, _Stem(name, self._reserved.get(name, ())))
        self._by_entity[entity] = stem
        return stem

    def token(self, entity: str, value: str) -> str:
        """Return the token of `value`: `[PERSON_1]`. Raises as `key` does."""
        return f"[{self.key(entity, value)}]"

    def values(self) -> dict[str, str]:
        """Return every value by the token it has, without brackets."""
        return {key: value for stem in self._stems.values() for value, key in stem.keys.items()}
