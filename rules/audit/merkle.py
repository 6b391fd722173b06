"""The Merkle tree of RFC 6962 section 2.1: hashes, an append-only frontier, proofs and checks.

A node is named by its level (0 for leaves) and its place in that level. Only complete nodes, whose
leaves are all there, have a lasting hash; every root and proof is folded from those. Nothing here
keeps the tree: proofs take a function that looks complete nodes up.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from rules.errors import ProofError

EMPTY_ROOT: Final = sha256().digest()

NodeSource = Callable[[int, int], bytes]
"""Takes (level, place) of a complete node and returns its hash."""


class Node(NamedTuple):
    """A complete subtree: 2**level leaves, starting at place * 2**level."""

    level: int
    place: int
    hash: bytes


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf (prefix 0x00)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node (prefix 0x01)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The complete subtrees at the right edge of a log: all that appending needs, in O(log n)."""

    __slots__ = ("_hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """Start from a log of `size` leaves whose complete subtrees, largest first, are given."""
        self.size = size
        self._hashes = list(hashes)
        if len(self._hashes) != size.bit_count():
            raise ValueError("a frontier needs one hash per bit of its size")

    @classmethod
    def of(cls, size: int, nodes: NodeSource) -> "Frontier":
        """Return the frontier of the first `size` leaves of a tree whose nodes can be looked up."""
        hashes = []
        start = 0
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                hashes.append(nodes(level, start >> level))
                start += 1 << level
        return cls(size, hashes)

    def copy(self) -> "Frontier":
        """Return an independent frontier of the same log."""
        return Frontier(self.size, self._hashes)

    def append(self, leaf: bytes) -> list[Node]:
        """Add a leaf hash; return the inner nodes that it completed, lowest first."""
        completed = []
        place, level, top = self.size, 0, leaf
        while place & 1:
            top = node_hash(self._hashes.pop(), top)
            place >>= 1
            level += 1
            completed.append(Node(level, place, top))
        self._hashes.append(top)
        self.size += 1
        return completed

    def root(self) -> bytes:
        """Return the root hash of the log as it stands."""
        return _fold(self._hashes) if self._hashes else EMPTY_ROOT


def inclusion_proof(index: int, size: int, nodes: NodeSource) -> list[bytes]:
    """Return PATH(index, D[size]), lowest first. Raises ValueError for an index outside the log."""
    if not 0 <= index < size:
        raise ValueError("the index is outside the log")
    path = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range_hash(middle, high, nodes))
            high = middle
        else:
            path.append(_range_hash(low, middle, nodes))
            low = middle
    return path[::-1]


def consistency_proof(old: int, new: int, nodes: NodeSource) -> list[bytes]:
    """Return PROOF(old, D[new]). Raises ValueError unless 0 < old <= new."""
    if not 0 < old <= new:
        raise ValueError("a consistency proof needs 0 < old <= new")
    path = []
    low, high, whole = 0, new, True
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_range_hash(middle, high, nodes))
            high = middle
        else:
            path.append(_range_hash(low, middle, nodes))
            low, whole = middle, False
    if not whole:
        path.append(_range_hash(low, high, nodes))
    return path[::-1]


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """Check that `leaf` (a leaf hash) stands at `index` under `root`; raises ProofError.

    The algorithm of RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size:
        raise ProofError("the inclusion proof is for an index outside the log")
    if _climb("inclusion", index, size - 1, leaf, path)[1] != root:
        raise ProofError("the inclusion proof does not lead to the root")


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Check that the log of `old` leaves is a prefix of that of `new`; raises ProofError.

    The algorithm of RFC 9162 section 2.1.4.2.
    """
    if not 0 < old <= new:
        raise ProofError("the consistency proof is for sizes that cannot be")
    if old == new:
        if path or old_root != new_root:
            raise ProofError("two different roots are given for the same size")
        return
    hashes = list(path)
    if old & (old - 1) == 0:
        hashes.insert(0, old_root)
    if not hashes:
        raise ProofError("the consistency proof is too short")
    place, last = old - 1, new - 1
    while place & 1:
        place >>= 1
        last >>= 1
    first, second = _climb("consistency", place, last, hashes[0], hashes[1:])
    if first != old_root:
        raise ProofError("the consistency proof does not lead to the old root")
    if second != new_root:
        raise ProofError("the consistency proof does not lead to the new root")


def _climb(
    proof: str, place: int, last: int, start: bytes, path: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """Fold `path` from the node at `place` up to the root of a tree whose last node is `last`.

    Returns the hash of everything up to the node (siblings on the left only) and of everything.
    """
    left = whole = start
    for sibling in path:
        if last == 0:
            raise ProofError(f"the {proof} proof is too long")
        if place & 1 or place == last:
            left = node_hash(sibling, left)
            whole = node_hash(sibling, whole)
            while place and not place & 1:
                place >>= 1
                last >>= 1
        else:
            whole = node_hash(whole, sibling)
        place >>= 1
        last >>= 1
    if last:
        raise ProofError(f"the {proof} proof is too short")
    return left, whole


def _split(size: int) -> int:
    """The largest power of two smaller than `size` (which is at least 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def _range_hash(low: int, high: int, nodes: NodeSource) -> bytes:
    """MTH(D[low:high]) for a range as the splits above make them: complete nodes, largest first."""
    pieces = []
    while low < high:
        level = (high - low).bit_length() - 1
        pieces.append(nodes(level, low >> level))
        low += 1 << level
    return _fold(pieces)


def _fold(pieces: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, largest first."""
    top = pieces[-1]
    for left in reversed(pieces[:-1]):
        top = node_hash(left, top)
    return top
