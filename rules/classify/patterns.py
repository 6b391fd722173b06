"""Finds every form in one pass: an RE2 union over bytes, then a set that names what was matched.

RE2 takes time linear in the text for any input. The union only says where a form begins; how far
the longest one goes is asked from there, since RE2 is slow to find a longest match anywhere. A
value that fails its check gives its place back: the scan goes on behind its first word.
"""

import re
from collections.abc import Sequence
from typing import Final

from rules.classify.contacts import CONTACTS
from rules.classify.dates import DATES
from rules.classify.form import Form
from rules.classify.linear import ANYWHERE, HERE, WHOLE, group_names, matcher, which
from rules.classify.numbers import NUMBERS
from rules.classify.places import PLACES
from rules.classify.recognizer import Finding
from rules.classify.secrets import SECRETS

FORMS: Final = SECRETS + NUMBERS + CONTACTS + DATES + PLACES

_FIRST_WORD: Final = matcher(r"[A-Za-z0-9]+|[^A-Za-z0-9]+", longest=True)
_UNDERSCORE: Final = ord("_")
_Span = tuple[int, int, str]


def _with_underscores(pattern: str) -> str:
    """Let words end at underscores too, which RE2 counts as letters: `note_123-45-6789`."""
    return pattern.replace(r"\b", r"(?:\b|_)")


class FormRecognizer:
    """Recognizes all `forms`; compiled once, then shared by all calls."""

    def __init__(self, forms: Sequence[Form] = FORMS) -> None:
        self._forms = tuple(forms)
        self._surest_first = [-form.score for form in forms].__getitem__
        patterns = [_with_underscores(form.pattern) for form in forms]
        union = "|".join(f"(?:{pattern})" for pattern in patterns)
        union = re.sub(r"\(\?P<\w+>", "(?:", union)
        self._anywhere = matcher(union)
        self._here = matcher(union, longest=True)
        self._kinds = which(patterns)
        self._single = [matcher(pattern, longest=True, groups=True) for pattern in patterns]
        self._groups = [
            [(name.removesuffix("_2"), number) for name, number in group_names(pattern)]
            for pattern in patterns
        ]

    def recognize(self, texts: Sequence[str]) -> list[Finding]:
        """Return the findings in `texts`, which have been folded to ASCII."""
        found: list[Finding] = []
        for slot, text in enumerate(texts):
            self._scan(text.encode("ascii", "replace"), slot, found)
        return found

    def _scan(self, data: bytes, slot: int, found: list[Finding]) -> None:
        anywhere, here, size = self._anywhere, self._here, len(data)
        at = 0
        while (start := anywhere(ANYWHERE, data, at, size)[0][0]) >= 0:
            end = here(HERE, data, start, size)[0][1]
            value = data[start:end]
            fitting = self._kinds(value)
            if len(fitting) > 1:
                fitting.sort(key=self._surest_first)
            # Each form that fits is asked, the surest first, until one accepts its value.
            for number in fitting:
                spans = self._accept(number, value)
                if spans:
                    score = self._forms[number].score
                    for begin, stop, entity in spans:
                        found.append(Finding(slot, start + begin, start + stop, entity, score))
                    at = start + spans[-1][1]
                    break
            else:
                atomic = any(self._forms[number].atomic for number in fitting)
                at = end if atomic else _FIRST_WORD(HERE, data, start, size)[0][1]

    def _accept(self, number: int, value: bytes) -> list[_Span]:
        form, groups = self._forms[number], self._groups[number]
        spans: list[_Span] = [(0, len(value), form.entity)]
        if groups:
            at = self._single[number](WHOLE, value, 0, len(value))
            spans = [(*at[group], name) for name, group in groups if at[group][0] >= 0]
            if len(spans) > 1:
                spans.sort()
        elif value[0] == _UNDERSCORE or value[-1] == _UNDERSCORE:
            spans = [(len(value) - len(value.lstrip(b"_")), len(value.rstrip(b"_")), form.entity)]
        if form.check is not None:
            start, end, entity = spans[0]
            kept = form.check(value[start:end].decode())
            if not kept:
                return []
            spans[0] = (start, start + kept, entity)
        return spans
