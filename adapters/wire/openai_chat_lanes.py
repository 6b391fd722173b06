"""Says to which lane a string of a Chat Completions answer belongs, whole or streamed.

A lane is what a client adds up: the text of a choice, the arguments of one tool call. It must never
take what a client adds up for two lanes, since guards judge lane by lane: an answer whose pieces
could be added up in two ways, or to no end, is refused.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from adapters.errors import WireError
from adapters.wire.openai_chat_facts import MAX_CALLS, number_of
from adapters.wire.openai_chat_places import DIALECT, words
from rules.chat import Lane, LaneKind
from rules.json_text import Path

# Numbers of lanes beside the well-known ones, so that no tool call's index can meet them.
EXTRA_LANES: Final = 1_000_000
# Each lane holds state until it ends, so there is an end to lanes, too.
MAX_LANES: Final = 4096
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


@dataclass(slots=True)
class Strand:
    """Where a lane's pieces stand: enough to write one more piece of it.

    `steps` lead from a choice to the string; `marks` are what identifies each list item on the way.
    """

    lane: Lane
    steps: Path
    marks: tuple[dict[str, Any], ...] = field(repr=False, default=())

    @property
    def depends_on_order(self) -> bool:
        """True for a tool call that is known by its place or id, not by an index of its own."""
        return "tool_calls" in self.steps and not any("index" in mark for mark in self.marks)

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
        return value  # type: ignore[no-any-return] # a parsed JSON object


class Strands:
    """Says which lane a string of an answer belongs to, the same for every piece of a stream.

    `home` is where the protocol puts the words: `message`, or `delta` in a stream.
    """

    __slots__ = ("_calls", "_extra", "_home", "_lanes", "_last", "_named", "_numbers")

    def __init__(self, home: str) -> None:
        self._home = home
        self._lanes: dict[tuple[int, Path], Lane] = {}
        self._last: dict[tuple[int, Path], int] = {}
        self._named: dict[tuple[int, str], int] = {}
        self._numbers: dict[int, int] = {}
        self._extra = EXTRA_LANES
        self._calls = 0

    def find(self, value: Any, path: Path) -> Strand | None:
        """Return the strand of the string at `path` of the parsed answer, or None for no lane.

        Raises WireError for an answer with more lanes or tool calls than any answer has.
        """
        if len(path) < 4 or path[0] != "choices" or path[2] not in ("message", "delta"):
            return None
        if not isinstance(path[1], int):
            return None
        if isinstance(path[-1], str) and path[-1] not in _SPOKEN_KEYS:
            return None
        shape = tuple([step for step in path[3:] if isinstance(step, str)])
        if not shape or shape[-1] not in _SPOKEN_KEYS or not _WHOLE.isdisjoint(shape):
            return None
        choice = value["choices"][path[1]]
        number = number_of(choice, path[1])
        marks, key = self._marks(number, choice, path[2:])
        lane = self._lanes.get((number, key))
        if lane is None:
            if len(self._lanes) == MAX_LANES:
                raise invalid("the answer has too many parts")
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
        """Number a call by its place in a whole answer; in a stream by its index, or else its id.

        Parts of a text are not told apart.
        """
        if key[-1] != "tool_calls":
            return 0
        if self._home == "message":
            return position
        index = item.get("index") if isinstance(item, dict) else None
        if isinstance(index, int):
            return index
        name = item.get("id") if isinstance(item, dict) else None
        place = (choice, (*key, position))
        number = self._named.get((choice, str(name))) if name else self._last.get(place)
        if number is None:
            number = self._numbers.get(choice, 0)
            self._numbers[choice] = number + 1
            if name:
                self._named[(choice, str(name))] = number
        self._last[place] = number
        return number

    def _lane(self, choice: int, key: Path, shape: tuple[str, ...]) -> Lane:
        at_home = key[0] == self._home
        named = _NAMED.get(shape)
        if named is not None and at_home:
            return Lane(choice, *named)
        kind = LaneKind.ARGUMENTS if shape in _ARGUMENTS else LaneKind.TEXT
        if kind is LaneKind.ARGUMENTS:
            self._calls += 1
            if self._calls > MAX_CALLS:
                raise invalid("the answer calls too many tools")
            if at_home and isinstance(key[2], int):
                return Lane(choice, kind, key[2])
        if any("reason" in step or "think" in step or "thought" in step for step in shape):
            kind = LaneKind.REASONING
        self._extra += 1
        return Lane(choice, kind, self._extra)


def _mark(item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        return {}
    return {name: item[name] for name in ("index", "type") if isinstance(item.get(name), int | str)}


def invalid(message: str) -> WireError:
    """Return the error for an answer that cannot be judged; `message` quotes nothing of it."""
    return WireError(DIALECT, "invalid_answer", message)


def check(value: Any) -> None:
    """Raise WireError where an answer or chunk says something that no lane would hold.

    A `content` that is a number is text to many a client, and an index that is no integer may be
    read as any: `1.0`, `true` and `1` are one key to some and three to others.
    """
    choices = value.get("choices") if isinstance(value, dict) else None
    for choice in choices if isinstance(choices, list) else ():
        if not isinstance(choice, dict):
            continue
        _check_index(choice)
        for said in (choice.get("delta"), choice.get("message")):
            if isinstance(said, dict):
                _check_said(said)


def _check_said(said: dict[str, Any]) -> None:
    content = said.get("content")
    if type(content) is list:
        if not all(_is_part(part) for part in content):
            raise invalid("a part of the answer is neither text nor an object")
    elif content is not None and type(content) is not str:
        raise invalid("the answer's content is neither text nor a list of parts")
    if not isinstance(said.get("refusal"), str | None):
        raise invalid("the answer's refusal is not text")
    calls = said.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict):
            _check_index(call)


def _is_part(part: Any) -> bool:
    return isinstance(part, str) or (
        isinstance(part, dict) and isinstance(part.get("text"), str | dict | None)
    )


def _check_index(item: dict[str, Any]) -> None:
    index = item.get("index")
    if index is not None and not (type(index) is int and 0 <= index < EXTRA_LANES):
        raise invalid("an index in the answer is not a plain number")
