"""Values back into an answer, in one piece or as a stream that is cut anywhere.

Only tokens handed out for this very call are restored, from the forms that `rules.minimize.token`
lists; what was put in is never looked at again. Text is held back only while it may be the
beginning of a token that exists. No `repr` shows a value.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

import orjson

from rules.minimize.token import (
    AS_GIVEN,
    IN_JSON,
    IN_TEXT,
    JSON_FREE,
    MAX_DIGITS,
    STEMS,
    TEXT_FREE,
    key_of,
    may_name_tokens,
)

# How much of what has left decides whether the next letter begins a word: an escape, `\u00e9`.
_CONTEXT: Final = 6
# Longer than a token in any of its forms.
_WINDOW: Final = 48
_LONGEST: Final = max(map(len, STEMS))
_BEGINNINGS: Final = {s: frozenset(s[:n] for n in range(len(s) + 1)) for s in STEMS}


def _beginning(free: str) -> re.Pattern[str]:
    """Return what an end of text looks like that more text can turn into a token.

    Groups 1 and 3 are letters that must begin a stem, or be one where group 2 or 4 follows them.
    A lone backslash has none of them.
    """
    number = rf"[0-9]{{1,{MAX_DIGITS}}}[B-RT-Z]?"
    inside = rf"(?:\\{{0,2}}[_-]| {{0,2}})(?:{number}['\u2019]?s? {{0,2}}\\{{0,2}})?|\\{{1,2}}"
    bracketed = rf"\\{{0,2}}\[ {{0,2}}([A-Z]{{0,{_LONGEST}}})({inside})\Z"
    bare = rf"{free}([A-Z]{{1,{_LONGEST}}})(\\{{0,2}}|\\{{0,2}}[_-](?:{number}s?)?)\Z"
    return re.compile(rf"{bracketed}|{bare}|\\{{1,2}}\Z", re.ASCII | re.IGNORECASE)


_BEGINS_IN_TEXT: Final = _beginning(TEXT_FREE)
_BEGINS_IN_JSON: Final = _beginning(JSON_FREE)


def _written(value: str, *, json: bool) -> str:
    return orjson.dumps(value).decode()[1:-1] if json else value


class TokenMap:
    """The tokens of one call and the values behind them; lives in memory as long as the call."""

    __slots__ = ("_beginnings", "_stems", "_values")

    def __init__(self, values: Mapping[str, str]) -> None:
        """Take every value by its token without brackets, as `Numbering.values` gives them."""
        self._values = dict(values)
        # Made when first needed: many answers never end in what could be the beginning of a token.
        self._stems: frozenset[str] | None = None
        self._beginnings: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"TokenMap({len(self._values)} tokens)"

    def counts(self) -> dict[str, int]:
        """Return the number of tokens by stem."""
        return dict(Counter(key.partition("_")[0] for key in self._values))

    def restorer(self, json: bool) -> "Restorer":
        """Return a restorer for one lane; `json` where the lane is the source of a JSON value."""
        return Restorer(self, json=json)

    def restore(self, text: str, json: bool = False) -> str:
        """Return all of `text` with its tokens turned back; `json` as for `restorer`."""
        return self.put_back(text, 0, len(text), json=json) if self._values else text

    def put_back(self, text: str, start: int, end: int, *, json: bool) -> str:
        """Return `text[start:end]` restored, where no token crosses `start` or `end`."""
        part = text[start:end]
        if "[" not in part and "_" not in part and "-" not in part:
            return part
        # Most answers name tokens as they were given and in no other form, which is five times
        # faster to find. No token in another form reaches across one of these.
        pieces = AS_GIVEN.split(part)
        if may_name_tokens("]".join(pieces[::2])):
            return self._search(text, start, end, json=json)
        for at in range(1, len(pieces), 2):
            value = self._values.get(pieces[at])
            pieces[at] = f"[{pieces[at]}]" if value is None else _written(value, json=json)
        return "".join(pieces)

    def _search(self, text: str, start: int, end: int, *, json: bool) -> str:
        """Do what `put_back` does, for tokens in all their forms."""
        pieces: list[str] = []
        for match in (IN_JSON if json else IN_TEXT).finditer(text, start):
            if match.start() >= end:
                break
            key, tail = key_of(match)
            value = self._values.get(key)
            if value is None:
                continue
            pieces.append(text[start : match.start()])
            pieces.append(_written(value, json=json))
            pieces.append(tail)
            start = match.end()
        pieces.append(text[start:end])
        return "".join(pieces)

    def undecided(self, text: str, start: int, *, json: bool) -> int:
        """Return where, from `start` on, the end of `text` begins that may become a token."""
        pattern = _BEGINS_IN_JSON if json else _BEGINS_IN_TEXT
        at = max(start, len(text) - _WINDOW)
        # Only behind a bracket that is still open can a beginning hold spaces.
        opened = text.rfind("[", at)
        if opened >= 0 and text.find("]", opened) < 0:
            at = max(at, opened - 2)
        else:
            space = text.rfind(" ", at)
            if space >= 0:
                # Where nearly all pieces of a stream end: behind a space, or within a word.
                at = space + 1
                word = text[at:]
                if not word or (word.isalpha() and word.isascii()):
                    begins = word and self._is_stem(word.upper(), whole=False)
                    return at if begins else len(text)
        match = pattern.search(text, at)
        while match is not None:
            letters, rest, bare_letters, bare_rest = match.groups()
            if letters is None:
                letters, rest = bare_letters, bare_rest
            if letters is None or self._is_stem(letters.upper(), whole=bool(rest)):
                return match.start()
            match = pattern.search(text, match.start() + 1)
        return len(text)

    def _is_stem(self, letters: str, *, whole: bool) -> bool:
        """True when a token of this call has this stem, or a stem that begins like this."""
        if self._stems is None:
            self._stems = frozenset(key.partition("_")[0] for key in self._values)
            self._beginnings = frozenset().union(*(_BEGINNINGS[stem] for stem in self._stems))
        return letters in (self._stems if whole else self._beginnings)


class Restorer:
    """Restores one lane piece by piece; all pieces together are what `TokenMap.restore` gives."""

    __slots__ = ("_idle", "_json", "_map", "_seen", "_start")

    def __init__(self, tokens: TokenMap, *, json: bool) -> None:
        self._map = tokens
        self._idle = len(tokens) == 0
        self._json = json
        # What is held back, from `_start` on, behind the last characters that have left.
        self._seen = ""
        self._start = 0

    def __repr__(self) -> str:
        return f"Restorer({len(self._seen) - self._start} characters held)"

    def feed(self, text: str) -> str:
        """Take the next piece of the lane; return what is decided, which may be nothing."""
        if self._idle:
            return text
        seen = self._seen + text
        return self._leave(seen, self._map.undecided(seen, self._start, json=self._json))

    def finish(self) -> str:
        """The lane has ended: return the rest."""
        return self._leave(self._seen, len(self._seen))

    def _leave(self, seen: str, end: int) -> str:
        text = self._map.put_back(seen, self._start, end, json=self._json)
        kept = end - _CONTEXT if end > _CONTEXT else 0
        self._seen = seen[kept:]
        self._start = end - kept
        return text
