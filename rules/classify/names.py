"""Finds persons: by what stands around a name, and by lists of first and last names.

A title, a label or a degree makes a name of nearly any capitalised word; without them a list must
know it. A name that was found once is found wherever its parts stand alone in the same call. Every
step is linear in the text: words are looked at a bounded number of times, and never from afar.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import re2

from rules.classify.gazetteer import Gazetteer
from rules.classify.name_context import CUES, Cue
from rules.classify.name_words import (
    COMMON,
    DEGREE,
    EPONYM,
    FIRST,
    VERY_WORDY,
    WORDY,
    Lexicon,
    Word,
)
from rules.classify.recognizer import Finding

_LONGEST_NAME: Final = 5
# The look-behind comes second, so that the search can leap from capital to capital.
_NAME: Final = r"[A-Z](?<![A-Za-z0-9].)[A-Za-z]*(?:['-](?!s\b)[A-Za-z]+){0,3}"
_PARTICLES: Final = (
    r"(?:(?:de|del|della|di|da|do|dos|das|du|la|le|van|von|der|den|ter|ten|bin|ibn|al|el)[ ]){0,2}"
)
_GAP: Final = rf"(?:(?<=\b[A-Z])\.[ ]?|_|[ ]{{1,2}}{_PARTICLES})"
_RUN: Final = re.compile(rf"{_NAME}(?:{_GAP}{_NAME})*")
_RUN_WORD: Final = re.compile(_NAME)
_ANY_WORD: Final = re.compile(r"[A-Za-z]+(?:['-](?!s\b)[A-Za-z]+){0,3}")
_NEXT: Final = re.compile(rf"(?:(?<=\b[A-Za-z])\.[ ]?|[ ]{{1,2}}{_PARTICLES})(?=[A-Za-z])")
_COMMA: Final = re.compile(r",[ ]?(?=[A-Za-z])")
_PARTICLE: Final = re.compile(_PARTICLES)

_LAST_FIRST: Final = frozenset({Cue.LABEL, Cue.ROLE})
_STRONG: Final = frozenset({Cue.TITLE, Cue.LABEL, Cue.PHRASE})

_Spans = Iterator[tuple[list[Word], float]]


class NameRecognizer:
    """Recognizes persons with the help of a gazetteer; compiled once, then shared by all calls."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._lexicon = Lexicon(gazetteer)
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.never_capture = True
        cues = "|".join(pattern for _, pattern in CUES)
        self._cue = re2.compile(rf"\b(?:{cues})".encode(), options)
        self._kinds = [(cue, re2.compile(pattern.encode(), options)) for cue, pattern in CUES]

    def recognize(self, texts: Sequence[str]) -> list[Finding]:
        """Return the persons in `texts`, which have been folded to ASCII."""
        return [
            Finding(slot, start, end, "PERSON", score)
            for slot, text in enumerate(texts)
            for start, end, score in self._persons(text)
        ]

    def _persons(self, text: str) -> Iterator[tuple[int, int, float]]:
        known: set[str] = set()
        for words, score in self._by_context(text):
            yield words[0].start, words[-1].end, score
            known.update(word.text.lower() for word in words if len(word.text) > 2)
        runs = self._runs(text)
        for run in runs:
            for words, score in self._by_lists(run, text):
                yield words[0].start, words[-1].end, score
                if len(words) > 1:  # alone, it is known no better than by the list again
                    known.update(
                        word.text.lower()
                        for word in words
                        if len(word.text) > 2 and not word.mask & COMMON
                    )
        if known:
            yield from _again(runs, known, text)

    def _by_context(self, text: str) -> _Spans:
        data = text.encode("ascii", "replace")
        for match in self._cue.finditer(data):
            start, end = match.span()
            cue = next(cue for cue, kind in self._kinds if kind.fullmatch(data, start, end))
            words = self._read(text, end - 1, cue)
            if words and _is_announced(words, cue):
                yield words, 0.9 if cue is Cue.TITLE else 0.8

    def _read(self, text: str, at: int, cue: Cue) -> list[Word]:
        """Read up to five words that could be one name, from `at`; `Last, First` after labels."""
        words: list[Word] = []
        begin = at
        particle = _PARTICLE.match(text, at)
        if particle is not None and text[particle.end() : particle.end() + 1].isupper():
            at = particle.end()
        while len(words) < _LONGEST_NAME and (match := _ANY_WORD.match(text, at)) is not None:
            word = self._lexicon.word(match[0], match.start())
            if word.is_behind_names or not _can_be_named(word, cue, words):
                break
            words.append(word)
            gap = _NEXT.match(text, word.end)
            if gap is None and cue in _LAST_FIRST and len(words) == 1:
                gap = _COMMA.match(text, word.end)
            if gap is None:
                break
            at = gap.end()
        if words:
            words[0] = words[0]._replace(start=begin)
        return words

    def _runs(self, text: str) -> list[list[Word]]:
        """Return what stands in capitals side by side, but for single plain words."""
        plain, make = self._lexicon.plain, self._lexicon.word
        runs: list[list[Word]] = []
        for match in _RUN.finditer(text):
            run, start = match[0], match.start()
            if run in plain or len(run) == 1:
                continue
            if run.isalpha():
                runs.append([make(run, start)])
            else:
                runs.append(
                    [make(m[0], m.start()) for m in _RUN_WORD.finditer(text, start, match.end())]
                )
        return runs

    def _by_lists(self, run: list[Word], text: str) -> _Spans:
        """Yield the names in a run: its parts between plain words, where a list supports them."""
        part: list[Word] = []
        for word in run:
            listable = _can_be_listed(word)
            if part and (not listable or len(part) == _LONGEST_NAME):
                yield from _judge(part, text)
                part = []
            if listable:
                part.append(word)
        if part:
            yield from _judge(part, text)


def _is_announced(words: list[Word], cue: Cue) -> bool:
    """Does a context make a name of these words? The weaker it is, the more they must be names."""
    full = [word for word in words if not word.is_initial]
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
        if before and not before[-1].text[0].islower():
            return False
        if word.mask or before:
            return word.is_clear
        return cue is Cue.TITLE and len(word.text) > 2 and not VERY_WORDY.search(word.text)
    if word.is_initial or word.mask & ~COMMON:
        return True
    return not word.mask and (cue is Cue.TITLE or not WORDY.search(word.text.lower()))


def _can_be_listed(word: Word) -> bool:
    """Can the word be part of a name that nothing announces?"""
    if word.is_initial:
        return True
    if word.mask:
        return bool(word.mask & ~COMMON) and not word.is_behind_names
    return not (word.text.isupper() or VERY_WORDY.search(word.text.lower()))


def _judge(part: list[Word], text: str) -> _Spans:
    full = [word for word in part if not word.is_initial]
    if not full:
        return
    end = part[-1].end
    clear = [word for word in full if word.is_clear]
    unknown = [word for word in full if word.is_unknown]
    if (clear or unknown) and DEGREE.match(text, end):
        yield part, 0.85
    elif EPONYM.match(text, end):
        return
    elif len(part) >= 2 and clear:
        yield part, 0.7
    elif 2 <= len(unknown) == len(full) <= 3:
        yield part, 0.45
    elif clear and not clear[0].text.isupper():
        if clear[0].mask & FIRST:
            yield part, 0.5
        elif not _starts_sentence(text, clear[0].start):
            yield part, 0.4


def _again(runs: list[list[Word]], known: set[str], text: str) -> Iterator[tuple[int, int, float]]:
    """Yield the parts of known names where they stand alone."""
    for run in runs:
        for word in run:
            if word.text.lower() not in known:
                continue
            if word.mask & COMMON and _starts_sentence(text, word.start):
                continue
            if not EPONYM.match(text, word.end):
                yield word.start, word.end, 0.65


def _starts_sentence(text: str, at: int) -> bool:
    before = text[max(0, at - 3) : at].rstrip(" ")
    return not before or before[-1] in ".!?:\n\x1e"
