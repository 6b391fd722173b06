"""A form: how identifiers of one kind are written, and how what looks like one is checked.

A form is an RE2 expression over folded (ASCII) text. Where it has groups, each is named after the
entity it is, and only the groups are found: the words around them are context. To keep the scan
linear, whatever may follow the shortest match of a form is bounded or is itself a match.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

Check = Callable[[str], int]
"""Says how many characters of a value are an identifier, counted from its start; 0 for none."""


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write an `entity`; `check` is asked about the first group, or the whole match.

    Nothing is looked for within a match of an `atomic` form that its check rejects.
    """

    entity: str
    pattern: str
    score: float
    check: Check | None = None
    atomic: bool = False


_NUMBER: Final = r"(?:numbers?|num|nbr|no|ids?|identifiers?|code)"
_ASIDE: Final = r"(?:\s?\([A-Za-z# ]{1,12}\))?"
_IS: Final = r"[\s\"':=#.>-]{0,6}(?:(?:is|was|ending in|ends in|ends with)[\s\"':]{1,4})?"
# What stands between a label and its value: `MRN: 1`, `"mrn": "1"`, `MRN # 1`, `MRN (Epic) is 1`.
LINK: Final = rf"(?:[ _-]?{_NUMBER})?{_ASIDE}{_IS}"
# The same, where the label alone is too common a word: something must say that a value follows.
STRICT_LINK: Final = rf"(?:[ _-]?{_NUMBER}\b|\s?#|[\"']?\s?[:=]){_ASIDE}{_IS}"
# Where even a colon may be followed by anything: it must be called a number.
NUMBER_LINK: Final = rf"(?:[ _-]?{_NUMBER}\b|\s?#){_ASIDE}{_IS}"
# An identifier without a form of its own: letters and digits, at least one digit among them.
# Groups after a space are digits only, and too many of them to be a year.
CODE: Final = (
    r"(?:(?:[A-Za-z]{1,6}[-/.]?){0,2}\d(?:[-/.]?[A-Za-z0-9]){1,30}(?:[ ]\d{5,9}){0,2}"
    r"|\d{3}(?:[ ]\d{3}){1,3}|\d{4}(?:[ ]\d{4}){2,3})"
)


def at_least(count: int) -> Check:
    """Return a check that asks for so many letters and digits in all."""

    def check(value: str) -> int:
        return len(value) if sum(map(str.isalnum, value)) >= count else 0

    return check


def whole(holds: Callable[[str], bool]) -> Check:
    """Return a check that takes all of a value where `holds` says so, and nothing otherwise."""

    def check(value: str) -> int:
        return len(value) if holds(value) else 0

    return check


def longest(holds: Callable[[str], bool]) -> Check:
    """Return a check that takes the longest part of a value, cut at a space, for which `holds`."""

    def check(value: str) -> int:
        end = len(value)
        while end > 0:
            if holds(value[:end]):
                return end
            end = value.rfind(" ", 0, end)
        return 0

    return check
