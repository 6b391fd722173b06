"""The lists of names that support the finding of persons, as one value.

Reading files is not done here: whoever starts the program hands the lines in.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Gazetteer:
    """First names, last names, and words that are no name by themselves; all in lower case.

    A word may be in `common` and in a list of names (`brown`, `rose`, `will`): then it is a name
    only where its surroundings say so.
    """

    first: frozenset[str]
    last: frozenset[str]
    common: frozenset[str]

    @classmethod
    def from_lines(
        cls, first: Iterable[str], last: Iterable[str], common: Iterable[str]
    ) -> "Gazetteer":
        """Read three lists, one entry a line; blank lines and lines with `#` are left out."""
        return cls(_entries(first), _entries(last), _entries(common))


def _entries(lines: Iterable[str]) -> frozenset[str]:
    stripped = (line.strip() for line in lines)
    return frozenset(line.lower() for line in stripped if line and not line.startswith("#"))
