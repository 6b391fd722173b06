"""From a call and what was found in it to what may leave.

Everything that is not replaced stays byte for byte as the caller wrote it. This is the only place
that makes a `Minimized`, and an upstream takes nothing else. No `repr` here shows text.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rules.chat import Call, SlotKind, TextSlot
from rules.classify.catalogue import ENTITIES
from rules.classify.recognizer import Finding
from rules.json_text import JsonText
from rules.minimize.operators import KEEP, OPERATORS, TOKENIZE, OperatorSpec
from rules.minimize.restore import TokenMap
from rules.minimize.spans import Span, spans
from rules.minimize.token import Numbering, lookalikes

Counts = defaultdict[str, Counter[str]]

_KEEP: Final = OperatorSpec(operator=KEEP)
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


@dataclass(slots=True, repr=False)
class _Draft:
    """A slot's new text: pieces that are settled, and spans that wait for their tokens."""

    slot: TextSlot
    pieces: list[str | Span]

    def without_tokens(self) -> str:
        """Return the text with the bare brackets of a token wherever one will stand."""
        return "".join(p if isinstance(p, str) else p.render("[]") for p in self.pieces)

    def text(self, numbering: Numbering) -> str:
        """Return the text with all tokens."""
        tokenize = OPERATORS[TOKENIZE]
        written = []
        for piece in self.pieces:
            if isinstance(piece, Span):
                params = {
                    "entity_type": piece.entity,
                    "token": numbering.key if piece.name else numbering.token,
                }
                piece = piece.render(tokenize.operate(piece.value, params))
            written.append(piece)
        return "".join(written)


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
    counts: Counts = defaultdict(Counter)
    residual = {"unreadable"} if call.unreadable else set()
    drafts: list[_Draft] = []
    for index, found in _by_slot(findings).items():
        slot = call.slots[index]
        chosen = [
            (span, operators.get(span.entity) or operators.get("*") or _KEEP)
            for span in spans(slot, found)
        ]
        for span, spec in chosen:
            counts[span.entity][spec.operator] += 1
            if spec.leaves(span.value):
                residual.add("phi" if ENTITIES[span.entity].safe_harbor else "secrets")
        if pieces := _pieces(slot.text, chosen):
            drafts.append(_Draft(slot, pieces))
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
    return Minimization(minimized, TokenMap(numbering.values()), dict(counts), frozenset(residual))


def _pieces(text: str, chosen: Sequence[tuple[Span, OperatorSpec]]) -> list[str | Span]:
    """Return `text` in pieces, with what each operator leaves; none where everything is kept."""
    pieces: list[str | Span] = []
    at = 0
    for span, spec in chosen:
        if spec.operator == KEEP:
            continue
        tokenized = spec.operator == TOKENIZE
        pieces.append(text[at : span.start])
        pieces.append(span if tokenized else span.render(spec.apply(span.entity, span.value)))
        at = span.end
    if pieces:
        pieces.append(text[at:])
    return pieces


def _by_slot(findings: Sequence[Finding]) -> dict[int, list[Finding]]:
    found: dict[int, list[Finding]] = {}
    for finding in sorted(findings, key=lambda f: (f.slot, f.start)):
        found.setdefault(finding.slot, []).append(finding)
    return found


def _reserved(call: Call, drafts: Sequence[_Draft]) -> Mapping[str, set[int]]:
    """Return the ordinals that the text which leaves already says, outside of tokens.

    It is the new text that counts: what an operator takes out may join what stood around it.
    """
    if not any(isinstance(piece, Span) for draft in drafts for piece in draft.pieces):
        return {}
    changed = {draft.slot.literal: draft.without_tokens() for draft in drafts}
    text = "\n".join([changed.get(slot.literal, slot.text) for slot in call.slots])
    if "\\u" in text:
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
