"""Reads a Chat Completions request: where its text lies, and what else a policy asks about.

Default deny: every string is a slot unless `openai_chat_places` says that the protocol defines it.
It must never change the body, nor quote any of it in an error.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import orjson

from adapters.errors import WireError
from adapters.wire.openai_chat_places import (
    DIALECT,
    KNOWN_KEYS,
    REQUEST,
    SCHEMA_FORMATS,
    SCHEMA_KEYWORDS,
    SCHEMA_TYPES,
    Place,
    fits,
    words,
)
from rules.chat import Call, SlotKind, TextSlot
from rules.json_text import JsonText, JsonTextError, Literal, Path

_ROLES: Final = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_READABLE_PARTS: Final = frozenset({"text", "refusal", "thinking", "input_text", "output_text"})
_MEDIA_PARTS: Final = words(
    """image_url input_image image input_audio audio audio_url video_url input_video video file
    input_file document document_url"""
)
_TEXT_TOOLS: Final = frozenset({"function", "custom"})
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
# In a schema, the keys whose values are data of the property that they stand in.
_SCHEMA_DATA: Final = frozenset({"default", "enum", "const", "examples", "example"})
_NAME_LIKE: Final = frozenset({Place.IDENTIFIER, Place.NAME, Place.PARTICIPANT})
_TOKEN_ID: Final = re.compile(r"[0-9]{1,7}")
_UNKNOWN: Final = "unknown"


def read_call(body: bytes) -> Call:
    """Return the view of a request body.

    Raises WireError: `invalid_json` for what is not JSON that can be read in one way only,
    `invalid_request` (with `param`) where the protocol's own fields are not what they have to be.
    """
    try:
        document = JsonText(body)
    except JsonTextError as error:
        raise WireError(DIALECT, "invalid_json", f"the request body is {error}") from None
    request = document.value
    if not isinstance(request, dict):
        raise _invalid("the request body is not a JSON object", None)
    roles = _roles(request.get("messages"))
    reader = _Reader(roles)
    reader.read(document.literals)
    response_format = request.get("response_format")
    unreadable = _unreadable(request)
    if reader.hidden_data:
        unreadable.add(_UNKNOWN)
    return Call(
        dialect=DIALECT,
        document=document,
        model=_model(request.get("model")),
        stream=_stream(request.get("stream")),
        slots=(*reader.around, *reader.said),
        tools=_tools(request),
        schema=_schema(response_format),
        unreadable=tuple(sorted(unreadable)),
        wants_json=_wants_json(response_format),
        wants_logprobs=request.get("logprobs") is True or bool(request.get("top_logprobs")),
    )


def _invalid(message: str, param: str | None) -> WireError:
    return WireError(DIALECT, "invalid_request", message, param)


def _model(model: Any) -> str:
    if not isinstance(model, str) or not fits(Place.MODEL, model):
        raise _invalid("`model` is missing or not the name of a model", "model")
    return model


def _stream(stream: Any) -> bool:
    if stream is not None and not isinstance(stream, bool):
        raise _invalid("`stream` is not a boolean", "stream")
    return stream is True


def _roles(messages: Any) -> list[str]:
    """Return who says each message; a role that the protocol does not know is `unknown`."""
    if not isinstance(messages, list) or not messages:
        raise _invalid("`messages` is missing or not a list of messages", "messages")
    roles: list[str] = []
    for index, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if not isinstance(role, str):
            param = f"messages[{index}].role"
            raise _invalid(f"`{param}` is missing or not a string", param)
        roles.append(role if role in _ROLES else _UNKNOWN)
    return roles


def _list(request: dict[str, Any], name: str) -> list[Any]:
    value = request.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _invalid(f"`{name}` is not a list", name)
    return value


def _tools(request: dict[str, Any]) -> tuple[str, ...]:
    """Names of all tools on offer; a tool that the provider runs itself goes by its type."""
    names: list[str] = []
    for index, tool in enumerate(_list(request, "tools")):
        kind = tool.get("type") if isinstance(tool, dict) else None
        if kind is None and isinstance(tool, dict):
            # Some providers take a tool without its type; what it brings says what it is.
            kind = next((name for name in ("function", "custom") if name in tool), None)
        if not isinstance(kind, str) or not kind:
            raise _invalid(f"`tools[{index}].type` is missing", f"tools[{index}].type")
        if kind in _TEXT_TOOLS:
            kind = _tool_name(tool.get(kind), f"tools[{index}].{kind}.name")
        names.append(kind)
    for index, function in enumerate(_list(request, "functions")):
        names.append(_tool_name(function, f"functions[{index}].name"))
    if request.get("web_search_options") is not None:
        names.append("web_search")
    return tuple(names)


def _tool_name(function: Any, param: str) -> str:
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or not name:
        raise _invalid(f"`{param}` is missing", param)
    return name


def _wants_json(response_format: Any) -> bool:
    kind = response_format.get("type") if isinstance(response_format, dict) else None
    return kind in ("json_object", "json_schema")


def _schema(response_format: Any) -> dict[str, Any] | None:
    if not isinstance(response_format, dict):
        return None
    wrapper = response_format.get("json_schema")
    schema = wrapper.get("schema") if isinstance(wrapper, dict) else response_format.get("schema")
    return schema if isinstance(schema, dict) else None


def _unreadable(request: dict[str, Any]) -> set[str]:
    """The types of all content parts that are not text; only well-known names go by themselves."""
    contents = [message.get("content") for message in request["messages"]]
    prediction = request.get("prediction")
    if isinstance(prediction, dict):
        contents.append(prediction.get("content"))
    found: set[str] = set()
    for content in contents:
        if isinstance(content, str) or content is None:
            continue
        for part in content if isinstance(content, list) else [content]:
            kind = part.get("type") if isinstance(part, dict) else None
            if not isinstance(kind, str):
                kind = "text" if isinstance(part, str) else _UNKNOWN
            if kind not in _READABLE_PARTS:
                found.add(kind if kind in _MEDIA_PARTS else _UNKNOWN)
    return found


class _Reader:
    """Turns the strings of a request into slots, in document order.

    `said` are those of the messages, `around` all others. Tokens are numbered slot by slot, and a
    conversation grows at its end: so the messages come last, wherever they stand in the body.
    """

    __slots__ = ("_roles", "around", "hidden_data", "said")

    def __init__(self, roles: Sequence[str]) -> None:
        self._roles = roles
        self.around: list[TextSlot] = []
        self.said: list[TextSlot] = []
        self.hidden_data = False  # media where the protocol has no place for it

    def read(self, literals: Sequence[Literal]) -> None:
        for ordinal, literal in enumerate(literals):
            if literal.is_key:
                if literal.text not in KNOWN_KEYS:
                    self._key(ordinal, literal)
            elif literal.text:
                self._value(ordinal, literal)

    def _key(self, ordinal: int, literal: Literal) -> None:
        node, _ = REQUEST.reach(literal.path[:-1])
        if node.place is Place.TOKEN_IDS and _TOKEN_ID.fullmatch(literal.text):
            return
        role = self._role(literal.path, known=False)
        self._add(literal.path, TextSlot(ordinal, role, SlotKind.KEY, literal.text))

    def _value(self, ordinal: int, literal: Literal) -> None:
        path, text = literal.path, literal.text
        node, left = REQUEST.reach(path)
        place = node.place
        if left == 0 and place is not None and fits(place, text):
            return
        if text.startswith("data:") and fits(Place.URL, text):
            self.hidden_data = True
        if left == 0 and place is not None:
            kind = SlotKind.NAME if place in _NAME_LIKE else _kind(text)
            self._add(path, TextSlot(ordinal, self._role(path, known=True), kind, text))
            return
        known = place is Place.OPEN or place is Place.SCHEMA
        if place is Place.SCHEMA:
            if _is_schema_word(path, text):
                return
            hint = _schema_hint(path, len(path) - left)
        else:
            hint = _nearest_key(path)
        role = self._role(path, known=known)
        self._add(path, TextSlot(ordinal, role, _kind(text), text, hint))

    def _add(self, path: Path, slot: TextSlot) -> None:
        (self.said if path[0] == "messages" else self.around).append(slot)

    def _role(self, path: Path, *, known: bool) -> str:
        first = path[0]
        if first == "messages":
            index = path[1]
            return self._roles[index] if known and isinstance(index, int) else _UNKNOWN
        return _SECTIONS.get(str(first), _UNKNOWN)


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


def _nearest_key(path: Path) -> str:
    return next(step for step in reversed(path) if isinstance(step, str))


def _is_schema_word(path: Path, text: str) -> bool:
    """True for the values of `type` and `format` that JSON Schema defines."""
    key = _nearest_key(path)
    if key == "type":
        return text in SCHEMA_TYPES
    return key == "format" and text in SCHEMA_FORMATS


def _schema_hint(path: Path, start: int) -> str:
    """The property that a default, an example or an allowed value belongs to.

    A title or a description gets no hint: it speaks of the property and is not a value of it.
    """
    if _nearest_key(path) in SCHEMA_KEYWORDS - _SCHEMA_DATA:
        return ""
    for at in range(len(path) - 1, start - 1, -1):
        step = path[at]
        if isinstance(step, str) and (
            step not in SCHEMA_KEYWORDS or (at > start and path[at - 1] == "properties")
        ):
            return step
    return ""
