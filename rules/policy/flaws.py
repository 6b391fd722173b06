"""What is wrong with a document, said so that whoever wrote it can mend it.

Turns the errors of a pydantic model into sentences with a place and, where one is near, a
suggestion. Never quotes a value: what stands in the wrong place may be a secret.
"""

import types
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

Place = tuple[str | int, ...]

_WORDS: Final = {
    "missing": "is missing",
    "string_type": "should be text; a number or `true` has to stand in quotes",
    "model_type": "should be a mapping of keys to values",
    "dict_type": "should be a mapping of keys to values",
    "tuple_type": "should be a list",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "string_pattern_mismatch": "holds a character that is not allowed here, or is too long",
    "too_short": "should not be empty",
    "bool_type": "should be `true` or `false`",
}


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong: `place` is the path of keys and indexes from the top of the document."""

    place: Place
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        where = dotted(self.place)
        said = f"{where}: {self.message}" if where else self.message
        return f"{said}; {self.suggestion}" if self.suggestion else said


class FlawError(ValueError):
    """For validators: a sentence in lower case, and apart from it what to do about it."""

    def __init__(self, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.suggestion = suggestion


def dotted(place: Place) -> str:
    """Return a place as people write it: `rules[0].match`."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return "did you mean `x`?" for the nearest of `known`, or nothing where none is near."""
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else ""


def repeated(document: object, place: Place, key: str) -> tuple[Flaw, ...]:
    """Return a flaw for each entry of the list at `place` whose `key` an earlier one has too.

    Looks at the document as it was written, so that it can tell this beside all other flaws.
    """
    for part in place:
        document = document.get(part) if isinstance(document, dict) else None
    first: dict[str, int] = {}
    found: list[Flaw] = []
    for at, entry in enumerate(document if isinstance(document, list) else ()):
        word = entry.get(key) if isinstance(entry, dict) else None
        if isinstance(word, str) and first.setdefault(word, at) != at:
            other = dotted((*place, first[word]))
            found.append(Flaw((*place, at, key), f"is the same as in `{other}`"))
    return tuple(found)


def flaws(error: ValidationError, model: type[BaseModel]) -> tuple[Flaw, ...]:
    """Return all that `error` reports of a document meant for `model`, in its order."""
    found: list[dict[str, Any]] = [dict(one) for one in error.errors(include_url=False)]
    places = {one["loc"][:depth] for one in found for depth in range(len(one["loc"]))}
    # A list whose entries are all wrong is reported as too short as well.
    return tuple(
        _flaw(one, model)
        for one in found
        if not (one["type"] == "too_short" and one["loc"] in places)
    )


def _flaw(error: dict[str, Any], model: type[BaseModel]) -> Flaw:
    kind: str = error["type"]
    place: Place = tuple(part for part in error["loc"] if part != "[key]")
    if kind == "missing":
        return Flaw(place[:-1], f"`{place[-1]}` is missing")
    if kind == "extra_forbidden":
        word = str(place[-1])
        return Flaw(place, f"unknown key `{word}`", _near_field(model, place[:-1], word))
    if kind in ("enum", "literal_error"):
        expected = str(error["ctx"]["expected"]).replace("'", "`")
        given = error["input"]
        near = did_you_mean(given, expected.split("`")[1::2]) if isinstance(given, str) else ""
        return Flaw(place, f"should be {expected}", near)
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, FlawError):
        return Flaw(place, str(cause), cause.suggestion)
    if cause is not None:
        return Flaw(place, str(cause))
    message = str(error["msg"]).replace("Input should", "should").replace("'", "`")
    return Flaw(place, _WORDS.get(kind, message[:1].lower() + message[1:]))


def _near_field(model: type[BaseModel], place: Place, word: str) -> str:
    owner = _model_at(model, place)
    return did_you_mean(word, tuple(owner.model_fields)) if owner is not None else ""


def _model_at(model: type[BaseModel], place: Place) -> type[BaseModel] | None:
    """The model whose keys stand at `place`, found by following the types of the fields."""
    kind: Any = model
    for part in place:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = kind.model_fields.get(str(part))
            kind = _inner(field.annotation) if field is not None else None
        else:
            # A list or a mapping, whose entries are all of the type that is named last.
            kind = _inner(_entry(kind))
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _entry(kind: Any) -> Any:
    arguments = [one for one in get_args(kind) if one is not Ellipsis]
    return arguments[-1] if arguments else None


def _inner(kind: Any) -> Any:
    """`kind` without `Annotated` and without the `None` of an optional field."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif get_origin(kind) in (Union, types.UnionType):
            kind = next(one for one in get_args(kind) if one is not types.NoneType)
        else:
            return kind
