"""Does a batch of lines lead to the root that its checkpoint signs; and if not, which line lies?

A line states its index and its leaf hash and carries its bytes. All three can have been changed,
and lines can be gone or moved. Whichever reading of the batch gives the signed root is the true
one, since no other can be found; what differs from it is named.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rules.audit.merkle import Frontier, Node


@dataclass(frozen=True, slots=True)
class StatedLeaf:
    """A leaf's line: the index and hash it states, and the hash that its bytes really have."""

    index: int
    stated: bytes
    computed: bytes

    @property
    def intact(self) -> bool:
        """Whether the line agrees with itself."""
        return self.stated == self.computed


class Settlement(NamedTuple):
    """What came of a batch.

    `frontier` is that of the log after it, or None when no reading gives the signed root; `nodes`
    are the tree nodes it completed; `problems` pair the position of a line in the batch (None
    where there is no line) and an entry's index with what is wrong.
    """

    frontier: Frontier | None
    nodes: list[Node]
    problems: list[tuple[int | None, int, str]]


def settle(
    done: Frontier, lines: Sequence[StatedLeaf], size: int, root: bytes, known: Mapping[int, bytes]
) -> Settlement:
    """Match the lines after `done` with a checkpoint of this size and root.

    `known` are leaf hashes by index from elsewhere (the log's index), trusted no more than others.
    """
    for reading in _readings(done.size, lines, size, known):
        frontier, nodes = done.copy(), []
        for hashed in reading:
            nodes.extend(frontier.append(hashed))
        if frontier.root() == root:
            return Settlement(frontier, nodes, list(_differences(done.size, lines, reading)))
    return Settlement(None, [], [_unexplained(done.size, lines, size, known)])


def _readings(
    start: int, lines: Sequence[StatedLeaf], size: int, known: Mapping[int, bytes]
) -> Iterator[list[bytes]]:
    """The leaf hashes that may have been signed, the likeliest first."""
    count = size - start
    if count == len(lines):
        yield [line.computed for line in lines]
    if not 0 <= count <= len(lines) + len(known):
        return
    stated = {line.index: line.stated for line in lines}
    for first, second in ((stated, known), (known, stated)):
        reading = [first.get(index, second.get(index, b"")) for index in range(start, size)]
        if all(reading):
            yield reading


def _differences(
    start: int, lines: Sequence[StatedLeaf], truth: Sequence[bytes]
) -> Iterator[tuple[int | None, int, str]]:
    by_content = {line.computed: at for at, line in enumerate(lines)}
    by_index = {line.index: at for at, line in enumerate(lines)}
    for index, hashed in enumerate(truth, start):
        at = by_content.get(hashed)
        if at is None:
            at = by_index.get(index)
            told = "the entry is missing" if at is None else "the entry was altered"
            yield at, index, told
        elif not lines[at].intact:
            yield at, index, "the hash that the entry's line states was altered"
        elif lines[at].index != index:
            yield at, index, f"the entry's line states index {lines[at].index} instead of {index}"


def _unexplained(
    start: int, lines: Sequence[StatedLeaf], size: int, known: Mapping[int, bytes]
) -> tuple[int | None, int, str]:
    suspects = sorted(
        {
            line.index
            for line in lines
            if not line.intact or known.get(line.index, line.computed) != line.computed
        }
    )
    told = f"entries {start} to {max(start, size - 1)} do not lead to the root that was signed"
    if suspects:
        told += f"; suspect: {', '.join(map(str, suspects[:20]))}"
    return None, start, told
