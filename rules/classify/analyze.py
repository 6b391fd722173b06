"""Finds the identifiers in all texts of a call, in one pass over all of them.

The texts are folded to ASCII and joined into one buffer, between characters that no pattern
crosses; each text comes after the key it stands under, as context. Findings lead back to the
characters of the texts themselves.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from rules.chat import SlotKind, TextSlot
from rules.classify.catalogue import ENTITIES
from rules.classify.folding import OTHER, SEPARATOR, Folded, fold
from rules.classify.gazetteer import Gazetteer
from rules.classify.names import NameRecognizer
from rules.classify.patterns import FormRecognizer
from rules.classify.recognizer import Finding, Recognizer
from rules.classify.settle import settle

_STEMS: Final = "|".join(sorted({entity.stem for entity in ENTITIES.values()}))
# The tokens that `rules.minimize` makes; a longer number in brackets may be an identifier itself.
_TOKEN: Final = re.compile(rf"(\[(?:{_STEMS})_[0-9]{{1,6}}[A-Z]?\])")
_LABELS: Final = {
    name: "phi" if entity.safe_harbor else "secrets" for name, entity in ENTITIES.items()
}
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_-]+")


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a call holds: findings without overlaps, by slot and start, and the labels they give it.

    `Finding.slot` is the index into the slots that were analyzed; `labels` are of
    `rules.classify.catalogue.LABELS`, `phi` and `secrets` only.
    """

    findings: tuple[Finding, ...]
    labels: frozenset[str]


class _Segment(NamedTuple):
    """A text in the buffer: from `start` its context, from `text` its characters, up to `end`."""

    start: int
    text: int
    end: int
    folded: Folded

    @property
    def is_plain(self) -> bool:
        """The text alone, character by character."""
        return self.text == self.start and self.folded.offsets is None


class Analyzer:
    """Recognizers made ready once and used for all calls; holds nothing of any call."""

    def __init__(self, gazetteer: Gazetteer, more: Sequence[Recognizer] = ()) -> None:
        """Compile all forms and lists. `more` recognizers see the folded buffer."""
        self._recognizers: tuple[Recognizer, ...] = (
            FormRecognizer(),
            NameRecognizer(gazetteer),
            *more,
        )

    def analyze(self, slots: Sequence[TextSlot]) -> Analysis:
        """Return all that is found in the texts of a call."""
        folded = [fold(slot.text, slot.kind) for slot in slots]
        findings = self._find([_context(slot) for slot in slots], folded)
        return Analysis(findings, _labels(findings))

    def scan(self, text: str) -> tuple[Finding, ...]:
        """Return the findings of one plain text; their slot is 0."""
        return self._find([""], [fold(text)])

    def _find(self, contexts: Sequence[str], texts: Sequence[Folded]) -> tuple[Finding, ...]:
        segments: list[_Segment] = []
        pieces: list[str] = []
        at = 0
        for context, folded in zip(contexts, texts, strict=True):
            text = at + len(context)
            end = text + len(folded.text)
            segments.append(_Segment(at, text, end, folded))
            pieces += (context, folded.text, SEPARATOR)
            at = end + 1
        buffer = "".join(pieces)
        if "[" in buffer:
            buffer = _without_tokens(buffer)
        found = [f for recognizer in self._recognizers for f in recognizer.recognize([buffer])]
        return tuple(settle(_place(found, segments))) if found else ()


def _without_tokens(buffer: str) -> str:
    parts = _TOKEN.split(buffer)
    parts[1::2] = [OTHER * len(token) for token in parts[1::2]]
    return "".join(parts)


def _place(found: list[Finding], segments: Sequence[_Segment]) -> list[Finding]:
    """Lead findings in the buffer back to the texts; what is found in a context is left out."""
    whole = segments[0]
    if len(segments) == 1 and whole.is_plain and all(f.end <= whole.end for f in found):
        return found
    placed: list[Finding] = []
    starts = [segment.start for segment in segments]
    for _, start, end, entity, score in found:
        slot = bisect_right(starts, start) - 1
        _, text, limit, folded = segments[slot]
        start = max(start, text) - text
        end = min(end, limit) - text
        if start < end:
            if folded.offsets is not None:
                start, end = folded.span(start, end)
            placed.append(Finding(slot, start, end, entity, score))
    return placed


def _context(slot: TextSlot) -> str:
    """Write the key a text stands under as a label before it: `patientName` as `patient Name: `.

    What a provider takes as a name is no prose: the `name` of a tool must not make a person.
    """
    if not slot.hint or slot.kind is SlotKind.NAME or slot.kind is SlotKind.KEY:
        return ""
    return _CAMEL.sub(" ", fold(slot.hint).text) + ": "


def _labels(findings: Sequence[Finding]) -> frozenset[str]:
    return frozenset([_LABELS[finding.entity] for finding in findings])
