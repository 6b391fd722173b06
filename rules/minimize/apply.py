"""From a call and what was found in it to what may leave.

Everything that is not replaced stays byte for byte as the caller wrote it. This is the only place
that makes a `Minimized`, and an upstream takes nothing else. No `repr` here shows text.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from typing import Final

from rules.chat import Call, SlotKind, TextSlot
from rules.classify.catalogue import ENTITIES
from rules.classify.recognizer import Finding
from rules.json_text import JsonText
from rules.minimize.operators import KEEP, TOKENIZE, OperatorSpec
from rules.minimize.restore import TokenMap
from rules.minimize.spans import Form, Span, spans
from rules.minimize.token import Numbering, lookalikes

_KEEP: Final = OperatorSpec(operator=KEEP)
_PLACE: Final = attrgetter("slot", "start")
_SLOT: Final = attrgetter("slot")
_ASCII_ESCAPE: Final = re.compile(r"\\u00([2-7][0-9a-fA-F])")


@dataclass(frozen=True, slots=True, repr=False)
class Envelope:
    """What leaves beside the body: the raw path and query, and the headers in order."""

    path: str
    query: str
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, repr=False)
class Minimized:
    """What may leave; made by `minimize` alone."""

    dialect: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    model: str
    stream: bool
    body: bytes

    def __repr__(self) -> str:
        return f"Minimized({self.dialect}, stream={self.stream}, {len(self.body)} bytes)"

    def with_model(self, name: str) -> "Minimized":
        """Return the call for a target that knows the model as `name`.

        Only the string under the top-level key `model` is written anew; where there is none, the
        body stays as it is.
        """
        if name == self.model:
            return self
        document = JsonText(self.body)
        edits = {
            ordinal: name
            for ordinal, literal in enumerate(document.literals)
            if literal.path == ("model",) and not literal.is_key
        }
        return replace(self, model=name, body=document.replace(edits))


@dataclass(frozen=True, slots=True, repr=False)
class Minimization:
    """A minimized call, and what is known of how it was made.

    `counts` gives, by entity and operator, how often each was applied. `residual` are the labels
    (see `rules.classify.catalogue`) that are still true of what leaves.
    """

    minimized: Minimized
    tokens: TokenMap
    counts: Mapping[str, Mapping[str, int]]
    residual: frozenset[str]

    def __repr__(self) -> str:
        return f"Minimization({self.minimized!r}, {self.tokens!r}, {sorted(self.residual)})"


class _Draft:
    """A slot's new text in pieces; those at `holes` wait for the token of their span."""

    __slots__ = ("_holes", "_pieces", "slot")

    def __init__(self, slot: TextSlot, pieces: list[str], holes: list[tuple[int, Span]]) -> None:
        self.slot = slot
        self._pieces = pieces
        self._holes = holes

    def has_tokens(self) -> bool:
        return bool(self._holes)

    def text(self, numbering: Numbering | None = None) -> str:
        """Return the text with all tokens, or before that, with the bare brackets of each.

        Tokens are what most spans get, so they are asked for here and not by way of `Tokenize`.
        """
        if numbering is not None:
            pieces = self._pieces
            for at, span in self._holes:
                key = numbering.key(span.entity, span.value)
                form = span.form
                if form is None:
                    pieces[at] = f"[{key}]"
                else:
                    pieces[at] = key if form is Form.NAME else span.render(f"[{key}]")
        return "".join(self._pieces)


class _Choice:
    """Which operator each entity gets, how often it was applied, and what is left readable."""

    __slots__ = ("_applied", "_operators", "_specs", "residual")

    def __init__(self, operators: Mapping[str, OperatorSpec]) -> None:
        self._operators = operators
        self._specs: dict[str, OperatorSpec] = {}
        self._applied: dict[str, int] = {}
        self.residual: set[str] = set()

    def counts(self) -> dict[str, dict[str, int]]:
        return {
            entity: {spec.operator: self._applied[entity]} for entity, spec in self._specs.items()
        }

    def draft(self, slot: TextSlot, cuts: Sequence[Span]) -> _Draft | None:
        """Apply the operators to one slot; return None where everything is kept."""
        text = slot.text
        pieces: list[str] = []
        holes: list[tuple[int, Span]] = []
        at = 0
        specs, applied = self._specs, self._applied
        for span in cuts:
            entity = span.entity
            spec = specs.get(entity) or self._choose(entity)
            applied[entity] += 1
            if spec.operator == TOKENIZE:
                new = "[]" if span.form is None else span.render("[]")
                holes.append((len(pieces) + 1, span))
            else:
                if spec.leaves(span.value):
                    self.residual.add("phi" if ENTITIES[entity].safe_harbor else "secrets")
                if spec.operator == KEEP:
                    continue
                new = span.render(spec.apply(entity, span.value))
            pieces += (text[at : span.start], new)
            at = span.end
        if not pieces:
            return None
        pieces.append(text[at:])
        return _Draft(slot, pieces, holes)

    def _choose(self, entity: str) -> OperatorSpec:
        spec = self._operators.get(entity) or self._operators.get("*") or _KEEP
        self._specs[entity] = spec
        self._applied[entity] = 0
        return spec


def minimize(
    call: Call,
    findings: Sequence[Finding],
    operators: Mapping[str, OperatorSpec],
    envelope: Envelope,
) -> Minimization:
    """Apply to each finding the operator of its entity, or of `*`; without either it is kept.

    `findings` are sorted by slot and position and do not overlap. Tokens are numbered in the order
    of the slots. Where nothing is replaced, the body is the very object that came in. Raises
    KeyError for an operator or entity nobody knows, and NumberingError.
    """
    choice = _Choice(operators)
    drafts: list[_Draft] = []
    for index, found in groupby(sorted(findings, key=_PLACE), key=_SLOT):
        slot = call.slots[index]
        draft = choice.draft(slot, spans(slot, list(found)))
        if draft is not None:
            drafts.append(draft)
    if call.unreadable:
        choice.residual.add("unreadable")
    numbering = Numbering(_reserved(call, drafts))
    edits = {draft.slot.literal: draft.text(numbering) for draft in drafts}
    if any(draft.slot.kind is SlotKind.KEY for draft in drafts):
        _keep_keys_apart(call.document, edits)
    minimized = Minimized(
        dialect=call.dialect,
        path=envelope.path,
        query=envelope.query,
        headers=envelope.headers,
        model=call.model,
        stream=call.stream,
        body=call.document.replace(edits),
    )
    tokens = TokenMap(numbering.values())
    return Minimization(minimized, tokens, choice.counts(), frozenset(choice.residual))


def _reserved(call: Call, drafts: Sequence[_Draft]) -> Mapping[str, set[int]]:
    """Return the ordinals that the text which leaves already says, outside of tokens.

    It is the new text that counts: what an operator takes out may join what stood around it.
    """
    if not any(draft.has_tokens() for draft in drafts):
        return {}
    changed = {draft.slot.literal: draft.text() for draft in drafts}
    text = "\n".join([changed.get(slot.literal, slot.text) for slot in call.slots])
    # A search for one character takes a tenth of the time, and most texts hold no backslash at all.
    if "\\" in text and "\\u" in text:
        text += "\n" + _ASCII_ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    return lookalikes(text)


def _keep_keys_apart(document: JsonText, edits: dict[int, str]) -> None:
    """Number the new keys that would be the same as another key of their object."""
    keys = [(o, literal.path) for o, literal in enumerate(document.literals) if literal.is_key]
    taken: set[tuple[str | int, ...]] = {path for ordinal, path in keys if ordinal not in edits}
    numbers: Counter[tuple[str | int, ...]] = Counter()
    for ordinal, path in keys:
        if ordinal in edits:
            key = edits[ordinal]
            wanted = (*path[:-1], key)
            while (*path[:-1], edits[ordinal]) in taken:
                numbers[wanted] += 1
                edits[ordinal] = f"{key}_{numbers[wanted] + 1}"
            taken.add((*path[:-1], edits[ordinal]))
