"""Reads a Chat Completions request: where its text lies, and what else a policy asks about.

What a policy decides on (models, tools, media) is read wherever a provider would act on it, so
that no field beside the well-known ones walks around a rule.
It must never change the body, nor quote any of it in an error.
"""

from typing import Any, Final

from adapters.errors import WireError
from adapters.wire.openai_chat_places import DIALECT
from adapters.wire.openai_chat_slots import UNKNOWN, SlotReader
from adapters.wire.openai_chat_words import MEDIA_PARTS, READABLE_PARTS
from rules.chat import Call, is_model_name
from rules.json_text import JsonText, JsonTextError

# More strings, or more objects and arrays, than any real call has.
MAX_VALUES: Final = 50_000
_TEXT_TOOLS: Final = frozenset({"function", "custom"})
_WEB_SEARCH: Final = "web_search"
_SEARCH_FIELDS: Final = ("web_search_options", "search_parameters", "enable_search")


def read_call(body: bytes) -> Call:
    """Return the view of a request body.

    Raises WireError: `invalid_json` for what is not JSON that can be read in one way only,
    `invalid_request` (with `param`) where the protocol's own fields are not what they have to be.
    """
    try:
        document = JsonText(body, MAX_VALUES)
    except JsonTextError as error:
        raise WireError(DIALECT, "invalid_json", f"the request body {_said(error)}") from None
    request = document.value
    if not isinstance(request, dict):
        raise _invalid("the request body is not a JSON object", None)
    models = _models(request)
    reader = SlotReader(_roles(request.get("messages")))
    reader.read(document)
    response_format = request.get("response_format")
    return Call(
        dialect=DIALECT,
        document=document,
        model=models[0],
        stream=_stream(request.get("stream")),
        slots=(*reader.around, *reader.said),
        tools=(*_tools(request), *_capabilities(request, models)),
        schema=_schema(response_format),
        unreadable=tuple(sorted(reader.unreadable | _unreadable(request))),
        models=models,
        wants_json=_wants_json(response_format),
        wants_logprobs=_wants_logprobs(request),
    )


def _said(error: JsonTextError) -> str:
    """Make a sentence with what the error says: it `has` something, or it `is` something."""
    words = str(error)
    return words if words.startswith("has ") else f"is {words}"


def _invalid(message: str, param: str | None) -> WireError:
    return WireError(DIALECT, "invalid_request", message, param)


def _models(request: dict[str, Any]) -> tuple[str, ...]:
    """Return every model that is named: `model`, then those that a router may fall back to."""
    model = request.get("model")
    if not isinstance(model, str) or not is_model_name(model):
        raise _invalid("`model` is missing or not the name of a model", "model")
    others = _list(request, "models")
    if not all(isinstance(other, str) and is_model_name(other) for other in others):
        raise _invalid("`models` holds something that is not the name of a model", "models")
    return (model, *others)


def _stream(stream: Any) -> bool:
    if stream is not None and not isinstance(stream, bool):
        raise _invalid("`stream` is not a boolean", "stream")
    return stream is True


def _roles(messages: Any) -> list[str]:
    """Return who says each message, in the caller's word."""
    if not isinstance(messages, list) or not messages:
        raise _invalid("`messages` is missing or not a list of messages", "messages")
    roles: list[str] = []
    for index, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if not isinstance(role, str):
            param = f"messages[{index}].role"
            raise _invalid(f"`{param}` is missing or not a string", param)
        roles.append(role)
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
            kind = _member(tool.get(kind), "name", f"tools[{index}].{kind}.name")
        names.append(kind)
    for index, function in enumerate(_list(request, "functions")):
        names.append(_member(function, "name", f"functions[{index}].name"))
    return tuple(names)


def _capabilities(request: dict[str, Any], models: tuple[str, ...]) -> tuple[str, ...]:
    """What else a provider is asked to do by itself, named like a tool of its own."""
    names: list[str] = []
    for index, plugin in enumerate(_list(request, "plugins")):
        plugin_id = _member(plugin, "id", f"plugins[{index}].id")
        names.append(f"plugin:{plugin_id}")
        if plugin_id == "web":
            names.append(_WEB_SEARCH)
    names += _compound_tools(request)
    asked = any(_is_asked(request.get(field)) for field in _SEARCH_FIELDS)
    if asked or any(model.lower().endswith(":online") for model in models):
        names.append(_WEB_SEARCH)
    return tuple(dict.fromkeys(names))


def _compound_tools(request: dict[str, Any]) -> list[str]:
    custom = request.get("compound_custom")
    tools = custom.get("tools") if isinstance(custom, dict) else None
    enabled = tools.get("enabled_tools") if isinstance(tools, dict) else None
    if not _is_asked(enabled):
        return []
    if not isinstance(enabled, list) or not all(isinstance(name, str) for name in enabled):
        param = "compound_custom.tools.enabled_tools"
        raise _invalid(f"`{param}` is not a list of names", param)
    return enabled


def _is_asked(value: Any) -> bool:
    """False for what is left out, null or false; providers differ on what else they take."""
    return value is not None and value is not False


def _member(value: Any, name: str, param: str) -> str:
    member = value.get(name) if isinstance(value, dict) else None
    if not isinstance(member, str) or not member:
        raise _invalid(f"`{param}` is missing", param)
    return member


def _wants_logprobs(request: dict[str, Any]) -> bool:
    top = request.get("top_logprobs")
    return _is_asked(request.get("logprobs")) or (top is not None and top != 0)


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
    """The kinds of all content parts that are not text, by their type and by what they bring."""
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
            if isinstance(part, dict):
                found |= MEDIA_PARTS & part.keys()
            if not isinstance(kind, str):
                kind = "text" if isinstance(part, str) else UNKNOWN
            if kind not in READABLE_PARTS:
                found.add(kind if kind in MEDIA_PARTS else UNKNOWN)
    return found
