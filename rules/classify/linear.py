"""RE2 expressions over bytes: their time is linear in the text, whatever the text.

google-re2 wraps each match in a generator and an object, which takes longer than most matches do.
So its compiled expressions are called directly here, and only here.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import re2

ANYWHERE: Final = re2._Anchor.UNANCHORED  # noqa: SLF001 - no public name
HERE: Final = re2._Anchor.ANCHOR_START  # noqa: SLF001 - no public name
WHOLE: Final = re2._Anchor.ANCHOR_BOTH  # noqa: SLF001 - no public name

Matcher = Callable[[Any, bytes, int, int], Sequence[tuple[int, int]]]
"""Called with an anchor, a text, and where in it to start and to end; returns the span of a match,
then those of its groups where they were asked for; (-1, -1) stands for what did not match."""

_MEMORY: Final = 64 << 20


def _options(*, longest: bool = False, groups: bool = False) -> Any:
    options = re2.Options()
    options.longest_match = longest
    options.never_capture = not groups
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _MEMORY
    options.log_errors = False
    return options


def matcher(pattern: str, *, longest: bool = False, groups: bool = False) -> Matcher:
    """Compile a pattern; `longest` is slow where a match may start anywhere."""
    compiled = re2.compile(pattern.encode(), _options(longest=longest, groups=groups))
    match: Matcher = compiled._regexp.Match  # noqa: SLF001 - what the public methods call
    return match


def group_names(pattern: str) -> list[tuple[str, int]]:
    """Return the named groups of a pattern, each with its number among the spans of a match."""
    compiled = re2.compile(pattern.encode(), _options(longest=True, groups=True))
    return [(name.decode(), number) for name, number in compiled.groupindex.items()]


def which(patterns: Iterable[str]) -> Callable[[bytes], list[int]]:
    """Return a function that tells the numbers of the patterns that all of a text matches."""
    kinds = re2.Set(WHOLE, _options(longest=True))
    for pattern in patterns:
        kinds.Add(pattern.encode())
    kinds.Compile()
    match: Callable[[bytes], list[int]] = kinds._set.Match  # noqa: SLF001 - as above
    return match
