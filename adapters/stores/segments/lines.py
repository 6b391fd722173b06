"""The lines of a segment file: a header, leaves, and the checkpoint that closes each batch.

    S 1 <index of its first entry> <verifier key>
    L <index> <leaf hash, base64> <the exact bytes of the leaf>
    C <size before the batch> <signed checkpoint as a JSON string>

Each value has one spelling only, so that no byte of a file can change unseen.
"""

import re
from dataclasses import dataclass
from typing import Final

import orjson

from rules.audit import base64_strict
from rules.errors import ProofError

_HEADER: Final = re.compile(rb"S 1 (0|[1-9][0-9]{0,17}) ([!-~]{1,256})")
_LEAF: Final = re.compile(rb"L (0|[1-9][0-9]{0,17}) ([A-Za-z0-9+/]{43}=) (.+)", re.DOTALL)
_CHECKPOINT: Final = re.compile(rb"C (0|[1-9][0-9]{0,17}) (\".+\")", re.DOTALL)


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """The first line of a segment: the index of its first entry, and the log's key."""

    first: int
    verifier: str


@dataclass(frozen=True, slots=True)
class LeafLine:
    """One entry; `leaf_hash` is what the line states, which may differ from what `data` gives."""

    index: int
    leaf_hash: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class CheckpointLine:
    """The end of a batch; `since` is the size of the log before it."""

    since: int
    note: str


Line = HeaderLine | LeafLine | CheckpointLine


def header_line(first: int, verifier: str) -> bytes:
    """Return the line that opens a segment."""
    return b"S 1 %d %s\n" % (first, verifier.encode("ascii"))


def leaf_prefix(index: int, leaf_hash: bytes) -> bytes:
    """Return what stands before the bytes of a leaf; the line ends with a newline after them."""
    return b"L %d %s " % (index, base64_strict.encode(leaf_hash).encode("ascii"))


def checkpoint_line(since: int, note: str) -> bytes:
    """Return the line that closes a batch."""
    return b"C %d %s\n" % (since, orjson.dumps(note))


def parse_line(line: bytes) -> Line:
    """Return what a line (without its newline) says; raises ProofError when it is damaged."""
    if match := _LEAF.fullmatch(line):
        stated = base64_strict.decode(match[2].decode("ascii"), "the line's leaf hash")
        return LeafLine(int(match[1]), stated, match[3])
    if match := _CHECKPOINT.fullmatch(line):
        return CheckpointLine(int(match[1]), _note(match[2]))
    if match := _HEADER.fullmatch(line):
        return HeaderLine(int(match[1]), match[2].decode("ascii"))
    raise ProofError("the line is damaged")


def _note(raw: bytes) -> str:
    try:
        note = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ProofError("the checkpoint's line is damaged") from None
    if not isinstance(note, str) or orjson.dumps(note) != raw:
        raise ProofError("the checkpoint's line is damaged")
    return note
