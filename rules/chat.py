"""A thin view over a chat call and its answer: where text lies, what was asked for, what it cost.

The caller's JSON stays the truth (see `rules.json_text`); these values only point into it. No
`repr` here shows text, since all of it may be about a patient.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol

from rules.json_text import JsonText

# `gpt-4o-2024-08-06`, `anthropic/claude-sonnet-4.6`, `01-ai/yi-large`
_MODEL: Final = re.compile(r"(?:[0-9]{1,3}-)?[A-Za-z][A-Za-z0-9._:/@+-]{0,127}", re.ASCII)
# When a model came out, which is the only long number that belongs into its name.
_RELEASE: Final = re.compile(
    r"(?<![0-9])20[1-3][0-9](-?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12][0-9]|3[01])(?![0-9])", re.ASCII
)
_EMAIL: Final = re.compile(r"@[A-Za-z0-9.-]*\.[A-Za-z]{2}")
_LONG_NUMBER: Final = re.compile(r"[0-9]{6}|[0-9](?:[-._]?[0-9]){6}", re.ASCII)


def is_model_name(text: str) -> bool:
    """True for what a provider might call a model.

    At most 128 plain characters, no address of mail, and no number that could be somebody's: none
    of 6 digits, nor of 7 where they are joined by `-`, `.` or `_` (`123-45-6789`); the date of a
    release aside.
    """
    if _MODEL.fullmatch(text) is None or _EMAIL.search(text) is not None:
        return False
    return _LONG_NUMBER.search(_RELEASE.sub("x", text)) is None


class SlotKind(StrEnum):
    """What a replacement put into a slot has to look like."""

    TEXT = "text"
    JSON = "json"  # JSON inside a JSON string: tool arguments, tool results
    NAME = "name"  # only letters, digits, `_` and `-` are allowed by the provider
    IDENTIFIER = "identifier"  # the same; where a part of it is replaced, all of it has to be
    KEY = "key"  # an object's key
    NUMBER = "number"  # a JSON number; what is put in its place is a JSON string


@dataclass(frozen=True, slots=True, repr=False)
class TextSlot:
    """One text of a request, or a number as it was written.

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

    `model` is the model asked for and `models` all that the call names, `model` first: any of them
    may answer. `tools` are the names of the tools offered, and of what else a provider is asked to
    do by itself (`web_search`, `plugin:web`); `schema` the JSON Schema that the caller demands of
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
    models: tuple[str, ...] = ()
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
