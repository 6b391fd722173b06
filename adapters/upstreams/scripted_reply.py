"""Settles what the embedded provider replies to a call: text, JSON of a schema, or a tool call.

Pure: the same call gives the same reply. It must never fail on a call that the dialect can read.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from adapters.upstreams.scripted_instance import instance
from adapters.upstreams.scripted_prose import LEAKED_SSN, answer, from_tool, look

# Words of a tool's name or description that say nothing about what it is for.
_EMPTY_WORDS: Final = frozenset("the and for with from this that tool function patient".split())  # noqa: SIM905 - prose


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """What is said: `text`, which is the arguments where `tool` names the tool that is called."""

    text: str
    prompt_size: int
    tool: str | None = None
    tool_id: str = "call_scripted_0001"

    @property
    def finish_reason(self) -> str:
        """Why the answer ends, in the dialect's word."""
        return "stop" if self.tool is None else "tool_calls"

    def message(self) -> dict[str, Any]:
        """Return the reply as the message of a whole answer."""
        if self.tool is None:
            return {"role": "assistant", "content": self.text, "refusal": None, "annotations": []}
        function = {"name": self.tool, "arguments": self.text}
        call = {"id": self.tool_id, "type": "function", "function": function}
        return {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]}

    def usage(self) -> dict[str, Any]:
        """Return what it cost, at four characters a token."""
        prompt, completion = max(1, self.prompt_size // 4), max(1, len(self.text) // 4)
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        }


def compose(call: Mapping[str, Any]) -> Reply:
    """Return the reply to a parsed request whose messages have been checked."""
    messages: Sequence[Mapping[str, Any]] = call["messages"]
    said = [_text(message.get("content")) for message in messages]
    everything = "\n".join(said)
    question = next(
        (text for message, text in zip(reversed(messages), reversed(said), strict=True)
         if message.get("role") == "user"), said[-1],
    )  # fmt: skip
    model: str = call["model"]
    after_tool = messages[-1].get("role") in ("tool", "function")
    if not after_tool and (tool := _wanted_tool(call, question)) is not None:
        name, parameters = tool
        arguments = instance(parameters, look(question if look(question).people else everything))
        return Reply(orjson.dumps(arguments or {}).decode(), len(everything), name)
    schema = _schema(call.get("response_format"))
    if schema is not None:
        value = instance(schema, look(everything))
        if model.endswith("-invalid-json"):
            value = {"not_what_was_asked_for": [1, None]}
        return Reply(orjson.dumps(value).decode(), len(everything))
    text = from_tool(said[-1]) if after_tool else answer(question, everything)
    if model.endswith("-leak"):
        text += f" The number on file for another patient is {LEAKED_SSN}."
    return Reply(text, len(everything))


def _text(content: Any) -> str:
    """Return what can be read of a message's content, a string or a list of parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = [part.get("text") for part in content if isinstance(part, dict)]
    return "\n".join(text for text in texts if isinstance(text, str))


def _schema(response_format: Any) -> Mapping[str, Any] | None:
    """Return the schema asked for; a plain `json_object` is one without properties."""
    if not isinstance(response_format, dict):
        return None
    if response_format.get("type") == "json_object":
        return {"type": "object", "properties": {"summary": {"type": "string"}}}
    wrapper = response_format.get("json_schema")
    schema = wrapper.get("schema") if isinstance(wrapper, dict) else None
    return schema if isinstance(schema, dict) else None


def _wanted_tool(call: Mapping[str, Any], question: str) -> tuple[str, Mapping[str, Any]] | None:
    """Return the tool that the prompt calls for: forced, or named by a word of the question."""
    offered = [tool.get("function") for tool in call.get("tools") or ()]
    offered += call.get("functions") or ()
    functions = [one for one in offered if isinstance(one, dict) and "name" in one]
    choice = call.get("tool_choice")
    if choice == "none":
        return None
    named = choice.get("function") if isinstance(choice, dict) else None
    forced = named.get("name") if isinstance(named, dict) else None
    asked = set(re.findall(r"[a-z]{3,}", question.lower()))
    for function in functions:
        if choice == "required" or function["name"] == forced:
            return function["name"], _parameters(function)
        if forced is None and not asked.isdisjoint(_purpose(function)):
            return function["name"], _parameters(function)
    return None


def _parameters(function: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = function.get("parameters")
    return parameters if isinstance(parameters, dict) else {"type": "object"}


def _purpose(function: Mapping[str, Any]) -> set[str]:
    words = re.findall(r"[a-z]{3,}", f"{function['name']} {function.get('description')}".lower())
    return set(words) - _EMPTY_WORDS
