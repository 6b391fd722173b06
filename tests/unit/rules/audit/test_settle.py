"""Which line of a batch lies, when its checkpoint does not fit."""

from dataclasses import replace

from rules.audit.merkle import Frontier, leaf_hash
from rules.audit.settle import StatedLeaf, settle

HASHES = [leaf_hash(bytes([number])) for number in range(9)]
START = 3
OTHER = leaf_hash(b"other")


def at(size: int) -> Frontier:
    frontier = Frontier()
    for hashed in HASHES[:size]:
        frontier.append(hashed)
    return frontier


def line(index: int) -> StatedLeaf:
    return StatedLeaf(index, HASHES[index], HASHES[index])


LINES = [line(index) for index in range(START, 7)]
ROOT = at(7).root()
KNOWN = {index: HASHES[index] for index in range(START, 7)}


def test_an_honest_batch_settles_and_gives_its_nodes() -> None:
    result = settle(at(START), LINES, 7, ROOT, {})
    assert result.problems == []
    assert result.frontier is not None
    assert result.frontier.root() == ROOT
    assert [(node.level, node.place) for node in result.nodes] == [(1, 1), (2, 0), (1, 2)]


def test_the_frontier_it_starts_from_is_left_alone() -> None:
    done = at(START)
    settle(done, LINES, 7, ROOT, {})
    assert done.size == START


def test_changed_bytes_are_named() -> None:
    lines = [*LINES]
    lines[1] = replace(line(4), computed=OTHER)
    assert settle(at(START), lines, 7, ROOT, {}).problems == [(1, 4, "the entry was altered")]


def test_a_changed_hash_beside_honest_bytes_is_named() -> None:
    lines = [*LINES]
    lines[1] = replace(line(4), stated=OTHER)
    (problem,) = settle(at(START), lines, 7, ROOT, {}).problems
    assert problem[:2] == (1, 4)
    assert "hash that the entry's line states" in problem[2]


def test_a_changed_index_is_named() -> None:
    lines = [*LINES]
    lines[1] = replace(line(4), index=14)
    (problem,) = settle(at(START), lines, 7, ROOT, {}).problems
    assert problem == (1, 4, "the entry's line states index 14 instead of 4")


def test_an_entry_changed_together_with_its_hash_is_named_with_the_indexs_help() -> None:
    lines = [*LINES]
    lines[1] = StatedLeaf(4, OTHER, OTHER)
    result = settle(at(START), lines, 7, ROOT, KNOWN)
    assert result.problems == [(1, 4, "the entry was altered")]
    assert result.frontier is not None


def test_a_missing_entry_is_named_with_the_indexs_help() -> None:
    result = settle(at(START), [LINES[0], *LINES[2:]], 7, ROOT, KNOWN)
    assert result.problems == [(None, 4, "the entry is missing")]


def test_an_index_that_was_changed_too_does_not_mislead() -> None:
    lines = [*LINES]
    lines[1] = replace(line(4), computed=OTHER)
    result = settle(at(START), lines, 7, ROOT, {**KNOWN, 5: OTHER})
    assert result.problems == [(1, 4, "the entry was altered")]


def test_without_help_the_range_is_given() -> None:
    lines = [*LINES]
    lines[1] = StatedLeaf(4, OTHER, OTHER)
    result = settle(at(START), lines, 7, ROOT, {})
    assert result.frontier is None
    assert result.problems == [(None, 3, "entries 3 to 6 do not lead to the root that was signed")]


def test_where_index_and_lines_differ_the_suspects_are_given() -> None:
    lines = [*LINES]
    lines[1] = StatedLeaf(4, OTHER, OTHER)
    known = {**KNOWN, 5: OTHER}
    (problem,) = settle(at(START), lines, 8, ROOT, known).problems
    assert problem[2].endswith("; suspect: 4, 5")


def test_a_size_that_cannot_be_is_not_tried() -> None:
    assert settle(at(START), LINES, 1 << 60, ROOT, KNOWN).frontier is None
    assert settle(at(START), LINES, 1, ROOT, KNOWN).frontier is None
