"""Reads the common event of a stream without parsing it.

Most events of a stream differ from the one before in a lane's text only, and in random padding. One
that was read in full and judged is the mould for those that follow: whatever fits it to the byte is
known but for these two. It must never take in an event whose padding could be anything else.
"""

import re
from dataclasses import dataclass
from typing import Final

import orjson

from adapters.wire.openai_chat_free import is_padding
from adapters.wire.openai_chat_lanes import Strand, invalid

HOLE: Final = b"\0"  # cannot stand in JSON
_ESCAPED: Final = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)


@dataclass(frozen=True, slots=True, repr=False)
class Mould:
    """The bytes around one lane's text, and around padding, in an event that was read in full.

    Most events of a stream differ in those two strings only. One that fits the mould needs no
    parsing, and what is true of the event that made it is true of it.
    """

    strand: Strand
    head: bytes
    tail: bytes
    end: bytes | None  # what follows the padding, None where there is no padding

    def text(self, raw: bytes) -> tuple[bytes, int] | None:
        """Return the lane's text as it is written and where it ends, or None if it does not fit."""
        if not raw.startswith(self.head):
            return None
        start = len(self.head)
        stop = raw.find(b'"', start)
        if stop > 0 and raw.find(b"\\", start, stop) >= 0:
            match = _ESCAPED.match(raw, start)
            stop = match.end() if match is not None else -1
        if stop < 0 or not raw.startswith(self.tail, stop):
            return None
        rest = stop + len(self.tail)
        if self.end is None:
            return (raw[start:stop], stop) if rest == len(raw) else None
        padding_end = raw.find(b'"', rest)
        if padding_end < 0 or not is_padding(raw[rest:padding_end]):
            return None
        return (raw[start:stop], stop) if raw[padding_end:] == self.end else None


def decoded(written: bytes) -> str:
    """Return what a JSON string says, given the bytes between its quotes."""
    try:
        if b"\\" not in written:
            return written.decode()
        text: str = orjson.loads(b'"' + written + b'"')
    except (UnicodeDecodeError, orjson.JSONDecodeError):
        raise invalid("an event's data is not valid JSON") from None
    return text
