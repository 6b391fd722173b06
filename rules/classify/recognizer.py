"""What a recognizer finds, and what it is.

A finding says where and what kind, never the value, so it can be logged and counted.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Finding(NamedTuple):
    """Characters `start` to `end` of the text with number `slot` are an `entity`.

    `entity` is a type of `rules.classify.catalogue`, named as in Presidio where Presidio has it;
    `score` is between 0 and 1. A tuple, since a frozen dataclass takes four times as long to make.
    """

    slot: int
    start: int
    end: int
    entity: str
    score: float


class Recognizer(Protocol):
    """Finds identifiers in the texts of one call, all at once."""

    def recognize(self, texts: Sequence[str]) -> list[Finding]:
        """Return findings in any order; they may overlap."""
        ...
