"""Does an answer follow the JSON Schema of its caller (draft 2020-12 unless `$schema` says other).

A schema comes from outside: it is compiled without any way to fetch a remote `$ref`, and with a
regular expression engine that takes linear time. What is told of a breach is the keyword that was
broken and where in the schema it stands, never anything from the answer.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NoReturn

import jsonschema_rs

from rules.json_text import JsonText, JsonTextError
from rules.output.schema_size import SchemaError, size

__all__ = ["NOT_FOLLOWED", "NOT_JSON", "Problem", "Schema", "SchemaError"]

MAX_PROBLEMS: Final = 8
NOT_JSON: Final = "not_json"
NOT_FOLLOWED: Final = "not_followed"
# The library gives a verdict in time that grows with the schema (a millisecond for the largest
# here), but explains it in time that can grow with its square and worse, and lists every breach of
# a long text before it gives the first. So explanations have limits of their own.
MAX_NODES: Final = 100_000
MAX_EXPLAINED_NODES: Final = 2_000
MAX_LISTED_LENGTH: Final = 4_096
# A word of a schema that is fit to be told; anything else might be a value used as a key.
_PLAIN: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.-]{0,39}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One breach: the `keyword` that was broken, and its JSON pointer (RFC 6901) in the schema.

    Without a pointer: `not_json` for a text that is not JSON, or JSON that can be read in two ways;
    `not_followed` where finding out more would take too long. Parts of a pointer that do not look
    like names are shown as `*`.
    """

    keyword: str
    pointer: str = ""


class Schema:
    """A compiled schema, good for any number of answers."""

    __slots__ = ("_explains", "_validator")

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Compile `schema`; raises SchemaError."""
        measured = size(schema)
        if measured.nodes > MAX_NODES:
            raise SchemaError("the JSON Schema of this call is too large")
        self._explains = not measured.recursive and measured.nodes <= MAX_EXPLAINED_NODES
        try:
            self._validator = jsonschema_rs.validator_for(
                dict(schema),
                validate_formats=True,
                retriever=_no_retrieval,
                pattern_options=jsonschema_rs.RegexOptions(),
            )
        except ValueError:
            # The library's own words quote the schema, so they stay here.
            raise SchemaError(
                "the JSON Schema of this call is not valid, or has a pattern that cannot be "
                "matched in linear time"
            ) from None

    def problems(self, text: str) -> tuple[Problem, ...]:
        """Return what is wrong with `text`, a whole JSON answer; at most MAX_PROBLEMS."""
        try:
            value = JsonText(text.encode("utf-8", "surrogatepass")).value
        except JsonTextError:
            return (Problem(NOT_JSON),)
        if self._validator.is_valid(value):
            return ()
        if not self._explains:
            return (Problem(NOT_FOLLOWED),)
        if len(text) <= MAX_LISTED_LENGTH:
            errors = self._validator.iter_errors(value)
            return tuple(_problem(error) for error in islice(errors, MAX_PROBLEMS))
        return (self._first(value),)

    def _first(self, value: object) -> Problem:
        try:
            self._validator.validate(value)
        except jsonschema_rs.ValidationError as error:
            return _problem(error)
        return Problem(NOT_FOLLOWED)


def _no_retrieval(_uri: str) -> NoReturn:
    raise ValueError("remote references are off")


def _problem(error: jsonschema_rs.ValidationError) -> Problem:
    pointer = "".join(f"/{_told(part)}" for part in error.schema_path)
    return Problem(error.kind.name, pointer)


def _told(part: str | int) -> str:
    word = str(part)
    return word if isinstance(part, int) or _PLAIN.fullmatch(word) else "*"
