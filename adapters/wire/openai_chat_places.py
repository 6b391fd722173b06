"""The vocabulary of OpenAI Chat Completions: the strings that the protocol defines, by place.

Everything not listed here is somebody's text. A listed place is left alone only while its string
is what the protocol puts there, so that a name in `service_tier` is text again. After OpenAI's API
reference for `POST /chat/completions`, and the extensions of compatible providers.
It must never list a place where a person could write.
"""

import re
from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from adapters.wire import openai_chat_words as known
from adapters.wire.openai_chat_shapes import is_data_url, is_encoded, is_plain_name, is_random_id
from adapters.wire.openai_chat_words import words as words  # others import it from here
from rules.chat import is_model_name
from rules.json_text import Path

DIALECT: Final = "openai.chat"


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
    NUMBER = "number"  # a number that the protocol asks for


_Entry = Place | frozenset[str]  # a closed list of words is a place for a WORD


class Node:
    """One step of a path: what stands here, and the known steps below; list positions aside."""

    __slots__ = ("inner", "place", "words")

    def __init__(self) -> None:
        self.inner: dict[str | int, Node] = {}
        self.place: Place | None = None
        self.words: frozenset[str] = frozenset()

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

    def expects(self, text: str) -> bool:
        """True if a caller's `text` can be nothing but what the protocol puts here."""
        if text in self.words:
            return True
        check = None if self.place is None else _EXPECTED.get(self.place)
        return check is not None and bool(check(text))


_EXPECTED: Final[Mapping[Place, Callable[[str], object]]] = MappingProxyType(
    {
        Place.IDENTIFIER: is_random_id,
        Place.NAME: is_plain_name,
        Place.MODEL: is_model_name,
        Place.OPAQUE: is_encoded,
        Place.URL: is_data_url,
    }
)
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
    """True if `text` looks like what a provider puts into `place` of an answer."""
    check = _FITS.get(place)
    return check is not None and check(text) is not None


_PARTS: Final[Mapping[str, _Entry]] = {
    "": Place.TEXT,
    "type": known.PART_TYPES,
    "text": Place.TEXT,
    "refusal": Place.TEXT,
    "thinking": Place.TEXT,
    "thinking.type": known.ON_OFF,
    "thinking.text": Place.TEXT,
    "image_url": Place.URL,
    "image_url.url": Place.URL,
    "image_url.detail": known.DETAILS,
    "video_url": Place.URL,
    "video_url.url": Place.URL,
    "document_url": Place.URL,
    "input_audio.data": Place.OPAQUE,
    "input_audio.format": known.AUDIO_FORMATS,
    "file.file_data": Place.URL,
    "file.file_id": Place.IDENTIFIER,
    "file.filename": Place.TEXT,
    "cache_control.type": known.CACHING,
    "cache_control.ttl": known.TIMES,
    "prompt_cache_breakpoint.mode": known.CACHING,
}
# What an assistant's message holds, whether it is sent back as history or comes as an answer.
_SPOKEN: Final[Mapping[str, _Entry]] = {
    "role": known.ROLES,
    "refusal": Place.TEXT,
    "reasoning": Place.TEXT,
    "reasoning_content": Place.TEXT,
    "reasoning_details.type": known.REASONING_TYPES,
    "reasoning_details.format": known.REASONING_SOURCES,
    "reasoning_details.provider": Place.NAME,
    "reasoning_details.id": Place.IDENTIFIER,
    "reasoning_details.data": Place.OPAQUE,
    "reasoning_details.signature": Place.OPAQUE,
    "reasoning_details.text": Place.TEXT,
    "reasoning_details.summary": Place.TEXT,
    "tool_calls.id": Place.IDENTIFIER,
    "tool_calls.type": known.TOOL_TYPES,
    "tool_calls.function.name": Place.NAME,
    "tool_calls.function.arguments": Place.TEXT,
    "tool_calls.custom.name": Place.NAME,
    "tool_calls.custom.input": Place.TEXT,
    "function_call.name": Place.NAME,
    "function_call.arguments": Place.TEXT,
    "audio.id": Place.IDENTIFIER,
    "audio.data": Place.OPAQUE,
    "audio.transcript": Place.TEXT,
    "annotations.type": known.ANNOTATIONS,
    "annotations.url_citation.title": Place.TEXT,
    "annotations.url_citation.url": Place.TEXT,
    "channel": known.CHANNELS,
}
_TOOL: Final[Mapping[str, _Entry]] = {
    "type": known.TOOL_TYPES,
    "function.name": Place.NAME,
    "function.description": Place.TEXT,
    "function.parameters": Place.SCHEMA,
    "parameters": Place.SCHEMA,
    "custom.name": Place.NAME,
    "custom.description": Place.TEXT,
    "custom.format.type": known.GRAMMAR_FORMATS,
    "custom.format.grammar.syntax": known.GRAMMARS,
    "custom.format.grammar.definition": Place.TEXT,
    "cache_control.type": known.CACHING,
    "cache_control.ttl": known.TIMES,
}


_NUMBERS: Final = words(
    """temperature top_p top_k min_p top_a n seed max_tokens max_completion_tokens min_tokens
    presence_penalty frequency_penalty repetition_penalty top_logprobs reasoning.max_tokens
    thinking.budget_tokens"""
)


def _under(prefix: str, places: Mapping[str, _Entry]) -> dict[str, _Entry]:
    return {f"{prefix}.{step}".rstrip("."): place for step, place in places.items()}


_REQUEST: Final[Mapping[str, _Entry]] = {
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
    "function_call": known.TOOL_CHOICES,
    "function_call.name": Place.NAME,
    "tool_choice": known.TOOL_CHOICES,
    "tool_choice.type": known.TOOL_CHOICES | known.TOOL_TYPES,
    "tool_choice.function.name": Place.NAME,
    "tool_choice.custom.name": Place.NAME,
    "tool_choice.allowed_tools.mode": known.TOOL_CHOICES,
    "tool_choice.allowed_tools.tools.type": known.TOOL_TYPES,
    "tool_choice.allowed_tools.tools.function.name": Place.NAME,
    "tool_choice.allowed_tools.tools.custom.name": Place.NAME,
    "response_format.type": known.RESPONSE_FORMATS,
    "response_format.schema": Place.SCHEMA,
    "response_format.json_schema.name": Place.NAME,
    "response_format.json_schema.description": Place.TEXT,
    "response_format.json_schema.schema": Place.SCHEMA,
    "prediction.type": known.PREDICTIONS,
    **_under("prediction.content", _PARTS),
    "web_search_options.search_context_size": known.EFFORTS,
    "web_search_options.user_location.type": known.LOCATIONS,
    "web_search_options.user_location.approximate": Place.OPEN,
    "logit_bias": Place.TOKEN_IDS,
    "metadata": Place.OPEN,
    "user": Place.TEXT,
    "safety_identifier": Place.TEXT,
    "prompt_cache_key": Place.TEXT,
    "prompt_cache_retention": known.TIMES,
    "prompt_cache_options.mode": known.CACHING,
    "prompt_cache_options.ttl": known.TIMES,
    "stop": Place.TEXT,
    "service_tier": known.TIERS,
    "reasoning_effort": known.EFFORTS,
    "reasoning_format": known.REASONING_FORMATS,
    "reasoning.effort": known.EFFORTS,
    "reasoning.summary": known.SUMMARIES,
    "thinking.type": known.ON_OFF,
    "verbosity": known.EFFORTS,
    "modalities": known.MODALITIES,
    "audio.voice": known.VOICES,
    "audio.format": known.AUDIO_FORMATS,
    "moderation.model": Place.MODEL,
    "provider.order": Place.NAME,
    "provider.only": Place.NAME,
    "provider.ignore": Place.NAME,
    "provider.sort": known.SORTS,
    "provider.data_collection": known.DATA_COLLECTION,
    "transforms": known.TRANSFORMS,
    "plugins.id": Place.NAME,
    "compound_custom.tools.enabled_tools": Place.NAME,
    "search_parameters.mode": known.ON_OFF,
    **dict.fromkeys(_NUMBERS, Place.NUMBER),
}
_ANSWER: Final[Mapping[str, _Entry]] = {
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


def _tree(places: Mapping[str, _Entry]) -> Node:
    root = Node()
    for path, place in places.items():
        node = root
        for step in path.split("."):
            node = node.inner.setdefault(step, Node())
        if isinstance(place, Place):
            node.place = place
        else:
            node.place, node.words = Place.WORD, place
    return root


REQUEST: Final = _tree(_REQUEST)
ANSWER: Final = _tree(_ANSWER)

# Keys that say nothing about anybody, wherever they stand.
KNOWN_KEYS: Final = frozenset(
    {step for path in (*_REQUEST, *_ANSWER) for step in path.split(".")}
    | known.SCHEMA_KEYWORDS
    | words(
        """temperature top_p n stream stream_options include_usage include_obfuscation max_tokens
        max_completion_tokens presence_penalty frequency_penalty logprobs top_logprobs seed store
        parallel_tool_calls approximate city region country timezone index strict prefix top_k
        min_p repetition_penalty safe_prompt allow_fallbacks require_parameters max_uses name
        search_context_size usage prompt_tokens completion_tokens total_tokens created"""
    )
)
