"""Finds every form in one pass: an RE2 union over bytes, then a set that names what was matched.

RE2 takes time linear in the text for any input. The union only says where a form begins; how far
the longest one goes is asked from there, since RE2 is slow to find a longest match anywhere. A
value that fails its check gives its place back: the scan goes on behind its first word.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import re2

from rules.classify.contacts import CONTACTS
from rules.classify.dates import DATES
from rules.classify.form import Form
from rules.classify.numbers import NUMBERS
from rules.classify.places import PLACES
from rules.classify.recognizer import Finding
from rules.classify.secrets import SECRETS

FORMS: Final = SECRETS + NUMBERS + CONTACTS + DATES + PLACES

_MEMORY: Final = 64 << 20
_FIRST_WORD: Final = re2.compile(rb"[A-Za-z0-9]+|[^A-Za-z0-9]+")
_Span = tuple[int, int, str, float]


def _options(*, capture: bool = False, longest: bool = True) -> Any:
    options = re2.Options()
    options.longest_match = longest
    options.never_capture = not capture
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _MEMORY
    options.log_errors = False
    return options


def _with_underscores(pattern: str) -> str:
    """Let words end at underscores too, which RE2 counts as letters: `note_123-45-6789`."""
    return pattern.replace(r"\b", r"(?:\b|_)")


class FormRecognizer:
    """Recognizes all `forms`; compiled once, then shared by all calls."""

    def __init__(self, forms: Sequence[Form] = FORMS) -> None:
        self._forms = tuple(forms)
        patterns = [_with_underscores(form.pattern) for form in forms]
        union = "|".join(f"(?:{pattern})" for pattern in patterns)
        union = re.sub(r"\(\?P<\w+>", "(?:", union)
        self._anywhere = re2.compile(union.encode(), _options(longest=False))
        self._here = re2.compile(union.encode(), _options())
        self._kinds = re2.Set(re2._Anchor.ANCHOR_BOTH, _options())  # noqa: SLF001 - the module gives it no public name
        for pattern in patterns:
            self._kinds.Add(pattern.encode())
        self._kinds.Compile()
        self._single = [
            re2.compile(pattern.encode(), _options(capture=True)) for pattern in patterns
        ]
        self._groups = [
            [(name.decode(), number) for name, number in single.groupindex.items()]
            for single in self._single
        ]

    def recognize(self, texts: Sequence[str]) -> list[Finding]:
        """Return the findings in `texts`, which have been folded to ASCII."""
        return [
            Finding(slot, start, end, entity, score)
            for slot, text in enumerate(texts)
            for start, end, entity, score in self._scan(text.encode("ascii", "replace"))
        ]

    def _scan(self, data: bytes) -> Iterator[_Span]:
        at = 0
        while (first := self._anywhere.search(data, at)) is not None:
            start = first.start()
            end = self._here.match(data, start).end()
            spans, resume = self._label(data[start:end], start)
            yield from spans
            at = resume or _FIRST_WORD.match(data, start).end()

    def _label(self, value: bytes, offset: int) -> tuple[list[_Span], int]:
        """Ask each form that fits a match, the surest first, until one accepts its value.

        Also return where the scan goes on; 0 stands for behind the first word.
        """
        fitting = sorted(self._kinds.Match(value), key=lambda n: -self._forms[n].score)
        for number in fitting:
            spans = self._accept(number, value, offset)
            if spans:
                return spans, max(span[1] for span in spans)
        atomic = any(self._forms[number].atomic for number in fitting)
        return [], offset + len(value) if atomic else 0

    def _accept(self, number: int, value: bytes, offset: int) -> list[_Span]:
        form, groups = self._forms[number], self._groups[number]
        begin = len(value) - len(value.lstrip(b"_"))
        spans: list[_Span] = [(begin, len(value.rstrip(b"_")), form.entity, form.score)]
        if groups:
            match = self._single[number].fullmatch(value)
            found = ((match.span(group), name) for name, group in groups)
            spans = [
                (*span, name.removesuffix("_2"), form.score) for span, name in found if span[0] >= 0
            ]
            spans.sort()
        if form.check is not None:
            start, end, entity, score = spans[0]
            kept = form.check(value[start:end].decode())
            if not kept:
                return []
            spans[0] = (start, start + kept, entity, score)
        return [
            (start + offset, end + offset, entity, score) for start, end, entity, score in spans
        ]
