"""Where exactly a slot is cut, so that what is put in leaves it what it was: text, JSON, a name.

A cut may be wider than the finding: half an escape sequence, half a number or part of a word in a
name would leave something that nobody can read, or that reads as something else. It leaves out
nothing but the punctuation that holds JSON or a name together.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Final, NamedTuple

import orjson

from rules.chat import SlotKind, TextSlot
from rules.classify.recognizer import Finding

_JOINTS: Final = "_-"
_JOINT: Final = re.compile("[_-]")
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]")
# Strings and numbers of a JSON text; `true`, `false` and `null` identify nobody.
_JSON_VALUE: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|-?[0-9][0-9.eE+-]*')
_JSON_ESCAPE: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\."
)


class Form(Enum):
    """What the characters of a span are part of, where it is not plain text."""

    STRING = "string"  # of a JSON text
    NUMBER = "number"  # of a JSON text, and all of the number
    NAME = "name"


class Span(NamedTuple):
    """Characters `start` to `end` of a slot's text, which say `value` and are an `entity`.

    `form` is None in plain text, where anything can be put in as it is.
    """

    start: int
    end: int
    entity: str
    value: str
    form: Form | None = None

    def __repr__(self) -> str:
        return f"Span({self.start}, {self.end}, {self.entity})"

    def render(self, text: str) -> str:
        """Return `text` as it has to be written in this place."""
        form = self.form
        if form is None:
            return text
        if form is Form.NAME:
            return _NOT_IN_NAMES.sub("_", text) or "_"
        quoted = orjson.dumps(text).decode()
        return quoted if form is Form.NUMBER else quoted[1:-1]


def spans(slot: TextSlot, findings: Sequence[Finding]) -> list[Span]:
    """Return the cuts for the findings of one slot (in order of position), without overlaps."""
    if slot.kind is SlotKind.NAME:
        return list(_in_name(slot.text, findings))
    if slot.kind is SlotKind.IDENTIFIER:
        return list(_in_identifier(slot.text, findings))
    if slot.kind is SlotKind.JSON and _is_json(slot.text):
        return list(_in_json(slot.text, findings))
    return _in_text(slot.text, findings)


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _in_text(text: str, findings: Sequence[Finding]) -> list[Span]:
    cuts: list[Span] = []
    at, length, new = 0, len(text), tuple.__new__
    for finding in findings:
        start, end = finding.start, finding.end
        if start < at:
            start = at
        if end > length:
            end = length
        if start < end:
            # Made as `Span._make` makes them: this is where nearly all spans come from.
            cuts.append(new(Span, (start, end, finding.entity, text[start:end], None)))
            at = end
    return cuts


def _in_name(text: str, findings: Sequence[Finding]) -> Iterator[Span]:
    """Cut whole words, since a token glued to letters would not be restored."""
    at = 0
    for finding in findings:
        start, end = max(finding.start, at), min(finding.end, len(text))
        while start < end and text[start] in _JOINTS:
            start += 1
        while start < end and text[end - 1] in _JOINTS:
            end -= 1
        if start < end:
            start = max(at, *(text.rfind(joint, at, start) + 1 for joint in _JOINTS))
            behind = _JOINT.search(text, end)
            at = behind.start() if behind else len(text)
            yield Span(start, at, finding.entity, text[start:at], Form.NAME)


def _in_identifier(text: str, findings: Sequence[Finding]) -> Iterator[Span]:
    """Cut up all of the text: what stands beside a name or a number in an id belongs to somebody.

    Between two findings one character is left that parts them, so that both can be restored.
    """
    start = 0
    for number, finding in enumerate(findings, 1):
        end = findings[number].start - 1 if number < len(findings) else len(text)
        if start < end and (number == len(findings) or not text[end].isalnum()):
            yield Span(start, end, finding.entity, text[start:end], Form.NAME)
            start = end + 1


def _in_json(text: str, findings: Sequence[Finding]) -> Iterator[Span]:
    """Cut string by string and number by number; what lies between them is JSON's own."""
    todo = 0
    for match in _JSON_VALUE.finditer(text):
        left, right = match.span()
        touching = []
        while todo < len(findings) and findings[todo].start < right:
            touching.append(findings[todo])
            if findings[todo].end > right:
                break
            todo += 1
        if not touching:
            if todo == len(findings):
                return
        elif text[left] == '"':
            yield from _in_json_string(text, left + 1, right - 1, touching)
        else:
            entity = next((f.entity for f in touching if f.end > left), None)
            if entity is not None:
                yield Span(left, right, entity, text[left:right], Form.NUMBER)


def _in_json_string(
    text: str, left: int, right: int, findings: Sequence[Finding]
) -> Iterator[Span]:
    """Cut between `left` and `right`, where a string's characters stand, at no escape's middle."""
    escapes = [match.span() for match in _JSON_ESCAPE.finditer(text, left, right)]
    at = left
    for finding in findings:
        start, end = max(finding.start, at), min(finding.end, right)
        if start < end:
            start, end = _around(escapes, start)[0], _around(escapes, end)[1]
            value = orjson.loads(f'"{text[start:end]}"')
            yield Span(start, end, finding.entity, value, Form.STRING)
            at = end


def _around(escapes: Sequence[tuple[int, int]], point: int) -> tuple[int, int]:
    """Return the escape that `point` cuts, or `point` twice."""
    before = bisect_left(escapes, (point,)) - 1
    if before >= 0 and escapes[before][1] > point:
        return escapes[before]
    return point, point
