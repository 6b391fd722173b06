"""A thin view over a chat call and its answer: where text lies, what was asked for, what it cost.

The caller's JSON stays the truth (see `rules.json_text`); these values only point into it. No
`repr` here shows text, since all of it may be about a patient.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from rules.json_text import JsonText


class SlotKind(StrEnum):
    """What a replacement put into a slot has to look like."""

    TEXT = "text"
    JSON = "json"  # JSON inside a JSON string: tool arguments, tool results
    NAME = "name"  # only letters, digits, `_` and `-` are allowed by the provider
    KEY = "key"  # an object's key


@dataclass(frozen=True, slots=True, repr=False)
class TextSlot:
    """One text of a request.

    `literal` is its ordinal in the document; `role` who says it (`system`, `user`, `tool`,
    `definition`, `metadata` …); `hint` the key it stands under, which gives `12345678` a meaning
    where the text itself has none.
    """

    literal: int
    role: str
    kind: SlotKind
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Call:
    """One request to a model, read but not changed.

    `tools` are the names of the tools offered; `schema` the JSON Schema that the caller demands of
    the answer, `wants_json` that it is JSON; `unreadable` the kinds of parts that no recognizer can
    look into (`image_url` …).
    """

    dialect: str
    document: JsonText
    model: str
    stream: bool
    slots: tuple[TextSlot, ...]
    tools: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    unreadable: tuple[str, ...] = ()
    wants_logprobs: bool = False
    wants_json: bool = False

    def __repr__(self) -> str:
        return f"Call({self.dialect}, stream={self.stream}, {len(self.slots)} slots)"


class LaneKind(StrEnum):
    """The kinds of text that an answer carries side by side."""

    TEXT = "text"
    REASONING = "reasoning"
    REFUSAL = "refusal"
    ARGUMENTS = "arguments"  # JSON, streamed in pieces


class Lane(NamedTuple):
    """One strand of an answer: the text of choice 0, the arguments of its second tool call …"""

    choice: int
    kind: LaneKind
    tool: int = 0


class LaneEditor(Protocol):
    """What stands between a provider's lanes and the caller: guards, then restoring.

    Raises `Cut` from either method when nothing more of the answer may leave.
    """

    def feed(self, lane: Lane, text: str) -> str:
        """Take the next piece of a lane; return what may leave now (perhaps nothing)."""
        ...

    def finish(self, lane: Lane) -> str:
        """The lane has ended; return the rest of what may leave."""
        ...


class Cut(Exception):
    """A guard forbids the rest of an answer; `code` is stable, the message holds no value."""

    def __init__(self, guard: str, code: str, message: str) -> None:
        super().__init__(message)
        self.guard = guard
        self.code = code


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counts them."""

    prompt: int = 0
    completion: int = 0


@dataclass(slots=True)
class Completion:
    """What is known of an answer once it ended; facts only, no text."""

    model: str = ""
    finish_reasons: tuple[str, ...] = ()
    tools_called: tuple[str, ...] = ()
    usage: Usage | None = None
    complete: bool = False
