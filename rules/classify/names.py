"""Finds persons: by what stands around a name, and by lists of first and last names.

A title, a label or a degree makes a name of nearly any capitalised word; without them a list must
know it. A name that was found once is found wherever its parts stand alone in the same call. Every
step is linear in the text: words are looked at a bounded number of times, and never from afar.
"""

import re
from collections.abc import Sequence
from typing import Final

from rules.classify.gazetteer import Gazetteer
from rules.classify.linear import ANYWHERE, matcher, which
from rules.classify.name_context import CUES, Cue
from rules.classify.name_words import (
    COMMON,
    DEGREE,
    EPONYM,
    FIRST,
    Lexicon,
    Word,
    is_very_wordy,
    is_wordy,
)
from rules.classify.recognizer import Finding

_LONGEST_NAME: Final = 5
_PARTICLES: Final = (
    r"(?:(?:de|del|della|di|da|do|dos|das|du|la|le|van|von|der|den|ter|ten|bin|ibn|al|el)[ ]){0,2}"
)
_WORD: Final = r"[A-Za-z]+(?:['-](?!s\b)[A-Za-z]+){0,3}"
# A word; and what parts it from the next word of a name, where one may follow.
_STEP: Final = re.compile(
    rf"({_WORD})((?:(?<=\b[A-Za-z])\.[ ]?|[ ]{{1,2}}{_PARTICLES})(?=[A-Za-z]))?"
)
_COMMA: Final = re.compile(r",[ ]?(?=[A-Za-z])")
_PARTICLE: Final = re.compile(_PARTICLES)
# Runs are looked for with each capital replaced by an A: to a single letter `re` leaps, while it
# steps through a text to find one of many. That halves its time.
_TO_A: Final = bytes(ord("A") if ord("A") <= code <= ord("Z") else code for code in range(256))
_NAME: Final = rb"A(?<![Aa-z0-9]A)[Aa-z]*(?:['-](?!s\b)[Aa-z]+){0,3}"
_GAP: Final = rb"(?:[ ]{1,2}(?=[Aabdeiltv])%b|_|(?<=\bA)\.[ ]?)" % _PARTICLES.encode()
_RUN: Final = re.compile(rb"%b((?:%b%b)+)?" % (_NAME, _GAP, _NAME))
_RUN_WORD: Final = re.compile(_NAME)

_LAST_FIRST: Final = (Cue.LABEL, Cue.ROLE)
_STRONG: Final = (Cue.TITLE, Cue.LABEL, Cue.PHRASE)

# No list makes a name surer than this.
_BY_DEGREE: Final = 0.85


_Person = tuple[int, int, float]


class NameRecognizer:
    """Recognizes persons with the help of a gazetteer; compiled once, then shared by all calls."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._lexicon = Lexicon(gazetteer)
        self._cue = matcher(rf"\b(?:{'|'.join(pattern for _, pattern in CUES)})")
        self._cues = [cue for cue, _ in CUES]
        self._kinds = which(pattern for _, pattern in CUES)

    def recognize(self, texts: Sequence[str]) -> list[Finding]:
        """Return the persons in `texts`, which have been folded to ASCII."""
        return [
            Finding(slot, start, end, "PERSON", score)
            for slot, text in enumerate(texts)
            for start, end, score in self._persons(text)
        ]

    def _persons(self, text: str) -> list[_Person]:
        data = text.encode("ascii", "replace")
        persons: list[_Person] = []
        known: set[str] = set()
        certain: dict[int, float] = {}  # how surely a word at a place is part of a name
        for words, score in self._by_context(text, data):
            persons.append((words[0].start, words[-1].end, score))
            for word in words:
                certain[word.start] = score
                if len(word.text) > 2:
                    known.add(word.text.lower())
        runs = self._runs(text, data)
        for run in runs:
            if len(run) == 1 and not _may_stand_alone(run[0], text, certain):
                continue
            for part in _parts(run):
                if score := _judge(part, text):
                    persons.append((part[0].start, part[-1].end, score))
                    if len(part) > 1:  # alone, it is known no better than by the list again
                        known.update(
                            word.text.lower()
                            for word in part
                            if len(word.text) > 2 and not word.mask & COMMON
                        )
        return persons + _again(runs, known, certain, text) if known else persons

    def _by_context(self, text: str, data: bytes) -> list[tuple[list[Word], float]]:
        named: list[tuple[list[Word], float]] = []
        cue_in, size, end = self._cue, len(data), 0
        while (span := cue_in(ANYWHERE, data, end, size)[0])[0] >= 0:
            start, end = span
            cue = self._cues[min(self._kinds(data[start:end]))]
            words = self._read(text, end - 1, cue)
            if words and _is_announced(words, cue):
                named.append((words, 0.9 if cue is Cue.TITLE else 0.8))
        return named

    def _read(self, text: str, at: int, cue: Cue) -> list[Word]:
        """Read up to five words that could be one name, from `at`; `Last, First` after labels."""
        words: list[Word] = []
        begin = at
        if text[at].islower():
            particle = _PARTICLE.match(text, at)
            if particle is not None and text[particle.end() : particle.end() + 1].isupper():
                at = particle.end()
        while len(words) < _LONGEST_NAME and (step := _STEP.match(text, at)) is not None:
            word = self._lexicon.word(step[1], at)
            if word.is_behind_names or not _can_be_named(word, cue, words):
                break
            words.append(word)
            at = step.end()
            if step[2] is None:
                may_turn = cue in _LAST_FIRST and len(words) == 1
                if not may_turn or (comma := _COMMA.match(text, at)) is None:
                    break
                at = comma.end()
            # After a capital no small letter goes on with a name: most names end here.
            if text[at].islower() and word.text[0].isupper():
                break
        if words:
            words[0] = words[0]._replace(start=begin)
        return words

    def _runs(self, text: str, data: bytes) -> list[list[Word]]:
        """Return what stands in capitals side by side, but for single plain words."""
        lexicon = self._lexicon
        plain, mask_of, make = lexicon.plain, lexicon.mask, lexicon.word
        runs: list[list[Word]] = []
        shape = data.translate(_TO_A)
        for match in _RUN.finditer(shape):
            start, end = match.span()
            run = text[start:end]
            if match.lastindex:
                spans = [word.span() for word in _RUN_WORD.finditer(shape, start, end)]
                runs.append([make(text[start:end], start) for start, end in spans])
            # Most are plain words with a capital, as at the start of a sentence.
            elif run not in plain and len(run) > 1:
                runs.append([tuple.__new__(Word, (run, start, end, mask_of(run)))])  # half as long
        return runs


def _is_announced(words: list[Word], cue: Cue) -> bool:
    """Does a context make a name of these words? The weaker it is, the more they must be names."""
    full = [word for word in words if len(word.text) > 1]
    if not full:
        return False
    if cue in _STRONG:
        return full[0].mask & ~FIRST != COMMON or len(full) > 1
    if any(word.is_clear for word in full):
        return True
    if cue is Cue.KIN:
        return any(word.is_unknown and not word.text.isupper() for word in full)
    return len(full) >= 2 and any(word.is_unknown for word in full)


def _can_be_named(word: Word, cue: Cue, before: list[Word]) -> bool:
    """Can the word go on with a name that began with `before`, where the context asks for one?"""
    if word.text[0].islower():
        if word.mask or before:
            return word.is_clear
        return cue is Cue.TITLE and len(word.text) > 2 and not is_very_wordy(word.text)
    if word.is_initial or word.mask & ~COMMON:
        return True
    return not word.mask and (cue is Cue.TITLE or not is_wordy(word.text.lower()))


def _can_be_listed(word: Word) -> bool:
    """Can the word be part of a name that nothing announces?"""
    if word.is_initial:
        return True
    if word.mask:
        return bool(word.mask & ~COMMON) and not word.is_behind_names
    return not (word.text.isupper() or is_very_wordy(word.text.lower()))


def _may_stand_alone(word: Word, text: str, certain: dict[int, float]) -> bool:
    """Can the lists make a name of one word? Not of a plain one; of an unknown one by a degree."""
    _, start, end, mask = word
    if mask >= COMMON or certain.get(start, 0) >= _BY_DEGREE:
        return False
    return mask > 0 or DEGREE.match(text, end) is not None


def _parts(run: list[Word]) -> list[list[Word]]:
    """Return what stands between the plain words of a run, up to five words each."""
    parts: list[list[Word]] = []
    part: list[Word] = []
    for word in run:
        listable = _can_be_listed(word)
        if part and (not listable or len(part) == _LONGEST_NAME):
            parts.append(part)
            part = []
        if listable:
            part.append(word)
    if part:
        parts.append(part)
    return parts


def _judge(part: list[Word], text: str) -> float:
    """Return how surely the lists make a name of these words; 0 for no name."""
    full = [word for word in part if not word.is_initial]
    clear = [word for word in full if word.is_clear]
    unknown = [word for word in full if not word.mask]
    end = part[-1].end
    score = 0.0
    if (clear or unknown) and DEGREE.match(text, end):
        return _BY_DEGREE
    if len(part) >= 2 and clear:
        score = 0.7
    elif 2 <= len(unknown) == len(full) <= 3:
        score = 0.45
    elif clear and not clear[0].text.isupper():
        if clear[0].mask & FIRST:
            score = 0.5
        elif not _starts_sentence(text, clear[0].start):
            score = 0.4
    return 0.0 if score and EPONYM.match(text, end) else score


def _again(
    runs: list[list[Word]], known: set[str], certain: dict[int, float], text: str
) -> list[_Person]:
    """Return the parts of known names where they stand alone."""
    return [
        (word.start, word.end, 0.65)
        for run in runs
        for word in run
        if word.text.lower() in known
        and word.start not in certain
        and not (word.mask & COMMON and _starts_sentence(text, word.start))
        and not EPONYM.match(text, word.end)
    ]


def _starts_sentence(text: str, at: int) -> bool:
    before = text[max(0, at - 3) : at].rstrip(" ")
    return not before or before[-1] in ".!?:\n\x1e"
