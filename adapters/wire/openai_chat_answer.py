"""Reads a Chat Completions answer: its lanes of text, and the facts of how it ended.

Shared by whole answers and streams. A string of an answer is fixed by the protocol, or a piece of
a lane (what the model says, which guards and restoring see piece by piece), or free: a whole
string that only has its tokens restored, such as the title of a citation.
It must never re-serialise an answer: only strings that changed are spliced in.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from adapters.errors import WireError
from adapters.wire.openai_chat_facts import Facts, number_of
from adapters.wire.openai_chat_places import ANSWER, DIALECT, KNOWN_KEYS, Place, fits, words
from rules.chat import Completion, Lane, LaneEditor, LaneKind
from rules.json_text import JsonText, JsonTextError, Path

Restore = Callable[[str], str]

# Numbers of lanes beside the well-known ones, so that no tool call's index can meet them.
EXTRA_LANES: Final = 1000
_NAMED: Final = {
    ("content",): (LaneKind.TEXT, 0),
    ("content", "text"): (LaneKind.TEXT, 0),
    ("refusal",): (LaneKind.REFUSAL, 0),
    ("content", "refusal"): (LaneKind.REFUSAL, 0),
    ("reasoning_content",): (LaneKind.REASONING, 0),
    ("reasoning",): (LaneKind.REASONING, 1),
}
_ARGUMENTS: Final = (("tool_calls", "function", "arguments"), ("function_call", "arguments"))
# Keys under which a model's own words come, in pieces where they are streamed.
_SPOKEN_KEYS: Final = words(
    """content text thinking thought reasoning reasoning_content summary transcript input
    arguments refusal output"""
)
# Whole things that came from elsewhere; a piece held back would end up in the next of them.
_WHOLE: Final = words("annotations citations search_results executed_tools images")
_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_COLON: Final = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*")


@dataclass(slots=True)
class Strand:
    """Where a lane's pieces stand: enough to write one more piece of it.

    `steps` lead from a choice to the string; `marks` are what identifies each list item on the way.
    """

    lane: Lane
    steps: Path
    marks: tuple[dict[str, Any], ...] = field(repr=False, default=())

    def piece(self, text: str) -> dict[str, Any]:
        """Return `text` as the protocol puts it into a choice."""
        value: Any = text
        marks = list(self.marks)
        for step in reversed(self.steps):
            if isinstance(step, str):
                value = {step: value}
            else:
                mark = marks.pop()
                value = [{**mark, **value} if isinstance(value, dict) else value]
        return value  # type: ignore[no-any-return]


class Strands:
    """Says which lane a string of an answer belongs to, the same for every piece of a stream.

    `home` is where the protocol puts the words: `message`, or `delta` in a stream.
    """

    __slots__ = ("_extra", "_home", "_ids", "_lanes")

    def __init__(self, home: str) -> None:
        self._home = home
        self._lanes: dict[tuple[int, Path], Lane] = {}
        self._ids: dict[tuple[int, Path], tuple[str, int]] = {}
        self._extra = EXTRA_LANES

    def find(self, value: Any, path: Path) -> Strand | None:
        """Return the strand of the string at `path` of the parsed answer, or None for no lane."""
        if len(path) < 4 or path[0] != "choices" or path[2] not in ("message", "delta"):
            return None
        if not isinstance(path[1], int):
            return None
        shape = tuple(step for step in path[3:] if isinstance(step, str))
        if not shape or shape[-1] not in _SPOKEN_KEYS or not _WHOLE.isdisjoint(shape):
            return None
        choice = value["choices"][path[1]]
        number = number_of(choice, path[1])
        marks, key = self._marks(number, choice, path[2:])
        lane = self._lanes.get((number, key))
        if lane is None:
            lane = self._lane(number, key, shape)
            self._lanes[(number, key)] = lane
        return Strand(lane, path[2:], marks)

    def _marks(
        self, choice: int, item: Any, steps: Path
    ) -> tuple[tuple[dict[str, Any], ...], Path]:
        """Return the marks of the list items on the way, and a key that is stable in a stream."""
        marks: list[dict[str, Any]] = []
        key: list[str | int] = []
        for step in steps:
            item = item[step]
            if isinstance(step, str):
                key.append(step)
                continue
            marks.append(_mark(item))
            key.append(self._item_number(choice, tuple(key), item, step))
        return tuple(marks), tuple(key)

    def _item_number(self, choice: int, key: Path, item: Any, position: int) -> int:
        """An item's own index; else calls are told apart by their ids, parts not at all."""
        if key[-1] != "tool_calls":
            return 0
        index = item.get("index") if isinstance(item, dict) else None
        if isinstance(index, int):
            return index
        name = item.get("id") if isinstance(item, dict) else None
        place = (choice, (*key, position))
        known = self._ids.get(place)
        if known is not None and (not name or name == known[0]):
            return known[1]
        taken = [number for (at, _), (_, number) in self._ids.items() if at == choice]
        number = max(taken, default=-1) + 1
        self._ids[place] = (str(name), number)
        return number

    def _lane(self, choice: int, key: Path, shape: tuple[str, ...]) -> Lane:
        at_home = key[0] == self._home
        named = _NAMED.get(shape)
        if named is not None and at_home:
            return Lane(choice, *named)
        kind = LaneKind.ARGUMENTS if shape in _ARGUMENTS else LaneKind.TEXT
        if kind is LaneKind.ARGUMENTS and at_home and isinstance(key[2], int):
            return Lane(choice, kind, key[2])
        if any("reason" in step or "think" in step or "thought" in step for step in shape):
            kind = LaneKind.REASONING
        self._extra += 1
        return Lane(choice, kind, self._extra)


def _mark(item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        return {}
    return {name: item[name] for name in ("index", "type") if isinstance(item.get(name), int | str)}


def is_free(path: Path, text: str) -> bool:
    """True for a string that is neither fixed by the protocol nor part of `logprobs`."""
    node, left = ANSWER.reach(path)
    if node.place is Place.OPEN:
        return False
    return left > 0 or node.place is None or not fits(node.place, text)


def without_logprobs(raw: bytes) -> bytes:
    """Return valid JSON with `null` for every object or array that is a member `logprobs`."""
    if b'"logprobs"' not in raw:
        return raw
    pieces: list[bytes] = []
    copied = 0
    tokens = _TOKEN.finditer(raw)
    for token in tokens:
        if token.group() != b'"logprobs"':
            continue
        colon = _COLON.match(raw, token.end())
        if colon is None or raw[colon.end() : colon.end() + 1] not in (b"{", b"["):
            continue
        pieces.append(raw[copied : colon.end()] + b"null")
        depth = 0
        for inner in tokens:
            mark = inner.group()
            depth += (mark in (b"{", b"[")) - (mark in (b"}", b"]"))
            if depth == 0:
                copied = inner.end()
                break
    return b"".join((*pieces, raw[copied:]))


class Answer:
    """A whole answer, read but not changed: its `completion` and its `lanes`, in document order."""

    __slots__ = ("_document", "_free", "_pieces", "completion")

    def __init__(self, document: JsonText, completion: Completion) -> None:
        self._document = document
        self.completion = completion
        self._pieces, self._free = _sort(document)

    def __repr__(self) -> str:
        return f"Answer({len(self._document.raw)} bytes, {len(self._pieces)} lanes)"

    @property
    def lanes(self) -> list[tuple[Lane, str]]:
        """Each lane with all of its text."""
        literals = self._document.literals
        return [
            (lane, "".join(literals[ordinal].text for ordinal in ordinals))
            for lane, ordinals in self._pieces.items()
        ]

    def rewrite(
        self, editor: LaneEditor | None, restore: Restore | None = None, drop_logprobs: bool = False
    ) -> bytes:
        """Return the answer with each lane passed through `editor`, free strings through `restore`.

        All bytes but those of changed strings stay. `drop_logprobs` puts null in their place.
        Lets the editor's Cut pass.
        """
        if drop_logprobs:
            stripped = without_logprobs(self._document.raw)
            if stripped != self._document.raw:
                return Answer(JsonText(stripped), self.completion).rewrite(editor, restore)
        literals = self._document.literals
        edits: dict[int, str] = {}
        if editor is not None:
            for lane, ordinals in self._pieces.items():
                for ordinal in ordinals:
                    edits[ordinal] = editor.feed(lane, literals[ordinal].text)
            # As in a stream, lanes end once all have spoken: what one holds may bear on another.
            for lane, ordinals in self._pieces.items():
                edits[ordinals[-1]] += editor.finish(lane)
        if restore is not None:
            edits.update((ordinal, restore(literals[ordinal].text)) for ordinal in self._free)
        return self._document.replace(
            {ordinal: text for ordinal, text in edits.items() if text != literals[ordinal].text}
        )


def _sort(document: JsonText) -> tuple[dict[Lane, list[int]], list[int]]:
    """Return the literals of each lane, and the free ones."""
    strands = Strands("message")
    pieces: dict[Lane, list[int]] = {}
    free: list[int] = []
    for ordinal, literal in enumerate(document.literals):
        if literal.is_key:
            if literal.text not in KNOWN_KEYS:
                free.append(ordinal)
            continue
        if not literal.text:
            continue
        strand = strands.find(document.value, literal.path)
        if strand is not None:
            pieces.setdefault(strand.lane, []).append(ordinal)
        elif is_free(literal.path, literal.text):
            free.append(ordinal)
    return pieces, free


def read_answer(body: bytes) -> Answer:
    """Return the view of a whole answer. Raises WireError `invalid_answer` for what is none."""
    try:
        document = JsonText(body)
    except JsonTextError as error:
        raise WireError(DIALECT, "invalid_answer", f"the answer is {error}") from None
    value = document.value
    if not isinstance(value, dict) or not isinstance(value.get("choices"), list):
        raise WireError(DIALECT, "invalid_answer", "the answer is not a chat completion")
    facts = Facts()
    facts.note(value)
    facts.completion.complete = facts.all_finished
    return Answer(document, facts.completion)
