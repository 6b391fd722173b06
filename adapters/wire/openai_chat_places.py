"""The vocabulary of OpenAI Chat Completions: the strings that the protocol defines, by place.

Everything not listed here is somebody's text. A listed place is left alone only while its string
looks like what the protocol puts there, so that a name in `service_tier` is text again. After
OpenAI's API reference for `POST /chat/completions`, and the extensions of compatible providers.
It must never list a place where a person could write.
"""

import re
from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from rules.json_text import Path

DIALECT: Final = "openai.chat"


def words(text: str) -> frozenset[str]:
    """Return the words of a list that is written as prose."""
    return frozenset(text.split())


class Place(Enum):
    """What the protocol puts into a place."""

    TEXT = "text"
    WORD = "word"  # a discriminator or an option: `user`, `json_schema`, `5m`
    IDENTIFIER = "identifier"  # made by a machine, names a thing of this exchange
    NAME = "name"  # a function's name
    MODEL = "model"
    OPAQUE = "opaque"  # base64: media, encrypted or signed state
    URL = "url"  # a link, or media as a `data:` URL
    PARTICIPANT = "participant"  # a person's name in a place that takes letters and digits only
    SCHEMA = "schema"  # a JSON Schema, all the way down
    OPEN = "open"  # keys and values are the caller's own
    TOKEN_IDS = "token_ids"  # noqa: S105 - the numbers of a vocabulary, as keys


class Node:
    """One step of a path: what stands here, and the known steps below; list positions aside."""

    __slots__ = ("inner", "place")

    def __init__(self) -> None:
        self.inner: dict[str | int, Node] = {}
        self.place: Place | None = None

    def reach(self, path: Path) -> tuple["Node", int]:
        """Follow `path` as far as it is known; return the last node and the steps not known."""
        node, left = self, len(path)
        for step in path:
            if type(step) is str:
                below = node.inner.get(step)
                if below is None:
                    return node, left
                node = below
            left -= 1
        return node, 0


_WORD: Final = r"[A-Za-z][A-Za-z0-9_.:/+-]{0,63}|[0-9]{1,3}[a-z]{1,2}"
_FITS: Final[Mapping[Place, Callable[[str], object]]] = MappingProxyType(
    {
        Place.WORD: re.compile(_WORD).fullmatch,
        Place.IDENTIFIER: re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_.:|/+=-]{1,256}").fullmatch,
        Place.NAME: re.compile(r"[A-Za-z0-9_.:/-]{1,128}").fullmatch,
        Place.MODEL: re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,255}").fullmatch,
        Place.OPAQUE: re.compile(r"[A-Za-z0-9+/=_-]*").fullmatch,
        Place.URL: re.compile(r"data:[A-Za-z0-9.+/;=_-]*;base64,", re.IGNORECASE).match,
    }
)


def fits(place: Place, text: str) -> bool:
    """True if `text` is what the protocol puts into `place`, and not somebody's text."""
    check = _FITS.get(place)
    return check is not None and check(text) is not None


_PARTS: Final = {
    "": Place.TEXT,
    "type": Place.WORD,
    "text": Place.TEXT,
    "refusal": Place.TEXT,
    "thinking": Place.TEXT,
    "thinking.type": Place.WORD,
    "thinking.text": Place.TEXT,
    "image_url": Place.URL,
    "image_url.url": Place.URL,
    "image_url.detail": Place.WORD,
    "video_url": Place.URL,
    "video_url.url": Place.URL,
    "document_url": Place.URL,
    "input_audio.data": Place.OPAQUE,
    "input_audio.format": Place.WORD,
    "file.file_data": Place.URL,
    "file.file_id": Place.IDENTIFIER,
    "file.filename": Place.TEXT,
    "cache_control.type": Place.WORD,
    "cache_control.ttl": Place.WORD,
    "prompt_cache_breakpoint.mode": Place.WORD,
}
# What an assistant's message holds, whether it is sent back as history or comes as an answer.
_SPOKEN: Final = {
    "role": Place.WORD,
    "refusal": Place.TEXT,
    "reasoning": Place.TEXT,
    "reasoning_content": Place.TEXT,
    "reasoning_details.type": Place.WORD,
    "reasoning_details.format": Place.WORD,
    "reasoning_details.provider": Place.WORD,
    "reasoning_details.id": Place.IDENTIFIER,
    "reasoning_details.data": Place.OPAQUE,
    "reasoning_details.signature": Place.OPAQUE,
    "reasoning_details.text": Place.TEXT,
    "reasoning_details.summary": Place.TEXT,
    "tool_calls.id": Place.IDENTIFIER,
    "tool_calls.type": Place.WORD,
    "tool_calls.function.name": Place.NAME,
    "tool_calls.function.arguments": Place.TEXT,
    "tool_calls.custom.name": Place.NAME,
    "tool_calls.custom.input": Place.TEXT,
    "function_call.name": Place.NAME,
    "function_call.arguments": Place.TEXT,
    "audio.id": Place.IDENTIFIER,
    "audio.data": Place.OPAQUE,
    "audio.transcript": Place.TEXT,
    "annotations.type": Place.WORD,
    "annotations.url_citation.title": Place.TEXT,
    "annotations.url_citation.url": Place.TEXT,
    "channel": Place.WORD,
}
_TOOL: Final = {
    "type": Place.WORD,
    "function.name": Place.NAME,
    "function.description": Place.TEXT,
    "function.parameters": Place.SCHEMA,
    "parameters": Place.SCHEMA,
    "custom.name": Place.NAME,
    "custom.description": Place.TEXT,
    "custom.format.type": Place.WORD,
    "custom.format.grammar.syntax": Place.WORD,
    "custom.format.grammar.definition": Place.TEXT,
    "cache_control.type": Place.WORD,
    "cache_control.ttl": Place.WORD,
}


def _under(prefix: str, places: Mapping[str, Place]) -> dict[str, Place]:
    return {f"{prefix}.{step}".rstrip("."): place for step, place in places.items()}


_REQUEST: Final = {
    "model": Place.MODEL,
    "models": Place.MODEL,
    "messages.name": Place.PARTICIPANT,
    "messages.tool_call_id": Place.IDENTIFIER,
    **_under("messages", _SPOKEN),
    **_under("messages.content", _PARTS),
    **_under("tools", _TOOL),
    "functions.name": Place.NAME,
    "functions.description": Place.TEXT,
    "functions.parameters": Place.SCHEMA,
    "function_call": Place.WORD,
    "function_call.name": Place.NAME,
    "tool_choice": Place.WORD,
    "tool_choice.type": Place.WORD,
    "tool_choice.function.name": Place.NAME,
    "tool_choice.custom.name": Place.NAME,
    "tool_choice.allowed_tools.mode": Place.WORD,
    "tool_choice.allowed_tools.tools.type": Place.WORD,
    "tool_choice.allowed_tools.tools.function.name": Place.NAME,
    "tool_choice.allowed_tools.tools.custom.name": Place.NAME,
    "response_format.type": Place.WORD,
    "response_format.schema": Place.SCHEMA,
    "response_format.json_schema.name": Place.NAME,
    "response_format.json_schema.description": Place.TEXT,
    "response_format.json_schema.schema": Place.SCHEMA,
    "prediction.type": Place.WORD,
    **_under("prediction.content", _PARTS),
    "web_search_options.search_context_size": Place.WORD,
    "web_search_options.user_location.type": Place.WORD,
    "web_search_options.user_location.approximate": Place.OPEN,
    "logit_bias": Place.TOKEN_IDS,
    "metadata": Place.OPEN,
    "user": Place.TEXT,
    "safety_identifier": Place.TEXT,
    "prompt_cache_key": Place.TEXT,
    "prompt_cache_retention": Place.WORD,
    "prompt_cache_options.mode": Place.WORD,
    "prompt_cache_options.ttl": Place.WORD,
    "stop": Place.TEXT,
    "service_tier": Place.WORD,
    "reasoning_effort": Place.WORD,
    "reasoning_format": Place.WORD,
    "reasoning.effort": Place.WORD,
    "reasoning.summary": Place.WORD,
    "thinking.type": Place.WORD,
    "verbosity": Place.WORD,
    "modalities": Place.WORD,
    "audio.voice": Place.WORD,
    "audio.format": Place.WORD,
    "moderation.model": Place.MODEL,
    "provider.order": Place.IDENTIFIER,
    "provider.only": Place.IDENTIFIER,
    "provider.ignore": Place.IDENTIFIER,
    "provider.sort": Place.WORD,
    "provider.data_collection": Place.WORD,
    "transforms": Place.WORD,
}
_ANSWER: Final = {
    "id": Place.IDENTIFIER,
    "object": Place.WORD,
    "model": Place.MODEL,
    "system_fingerprint": Place.IDENTIFIER,
    "service_tier": Place.WORD,
    "provider": Place.WORD,
    "choices.finish_reason": Place.WORD,
    "choices.native_finish_reason": Place.WORD,
    "choices.logprobs": Place.OPEN,
    **_under("choices.message", _SPOKEN),
    **_under("choices.message.content", _PARTS),
    **_under("choices.delta", _SPOKEN),
    **_under("choices.delta.content", _PARTS),
    "obfuscation": Place.OPAQUE,
    "error.type": Place.WORD,
    "error.code": Place.WORD,
}


def _tree(places: Mapping[str, Place]) -> Node:
    root = Node()
    for path, place in places.items():
        node = root
        for step in path.split("."):
            node = node.inner.setdefault(step, Node())
        node.place = place
    return root


REQUEST: Final = _tree(_REQUEST)
ANSWER: Final = _tree(_ANSWER)

# The keywords of JSON Schema (draft 2020-12, and those of older drafts that providers accept).
SCHEMA_KEYWORDS: Final = words(
    """$schema $id $ref $defs $comment $anchor definitions type format title description default
    examples example enum const properties required items prefixItems additionalProperties
    patternProperties propertyNames anyOf oneOf allOf not if then else minimum maximum
    exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern minItems maxItems
    uniqueItems minProperties maxProperties nullable strict contentEncoding contentMediaType
    dependentRequired dependentSchemas contains discriminator mapping propertyName"""
)
SCHEMA_TYPES: Final = words("string number integer boolean object array null")
SCHEMA_FORMATS: Final = words(
    """date date-time time duration email idn-email hostname idn-hostname ipv4 ipv6 uri
    uri-reference iri iri-reference uuid regex json-pointer binary byte password int32 int64 float
    double"""
)
# Keys that say nothing about anybody, wherever they stand.
KNOWN_KEYS: Final = frozenset(
    {step for path in (*_REQUEST, *_ANSWER) for step in path.split(".")}
    | SCHEMA_KEYWORDS
    | words(
        """temperature top_p n stream stream_options include_usage include_obfuscation max_tokens
        max_completion_tokens presence_penalty frequency_penalty logprobs top_logprobs seed store
        parallel_tool_calls approximate city region country timezone index strict prefix top_k
        min_p repetition_penalty safe_prompt allow_fallbacks require_parameters max_uses name
        search_context_size usage prompt_tokens completion_tokens total_tokens created"""
    )
)
