"""Every proof verifies, and no proof survives a change of anything it speaks of."""

from hypothesis import given
from hypothesis import strategies as st

from rules.audit.merkle import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from rules.errors import ProofError

HASHES = [leaf_hash(bytes([number])) for number in range(130)]


def nodes(level: int, place: int) -> bytes:
    if level == 0:
        return HASHES[place]
    return node_hash(nodes(level - 1, 2 * place), nodes(level - 1, 2 * place + 1))


def root_of(size: int) -> bytes:
    """MTH of RFC 6962 as it is written there, by recursion."""

    def hashed(low: int, high: int) -> bytes:
        if high - low == 1:
            return HASHES[low]
        split = 1
        while split * 2 < high - low:
            split *= 2
        return node_hash(hashed(low, low + split), hashed(low + split, high))

    return hashed(0, size)


def holds(check: object, *arguments: object) -> bool:
    try:
        check(*arguments)  # type: ignore[operator]
    except ProofError:
        return False
    return True


sizes = st.integers(1, len(HASHES))


@given(sizes)
def test_the_frontier_has_the_root_of_the_definition(size: int) -> None:
    frontier = Frontier()
    for hashed in HASHES[:size]:
        frontier.append(hashed)
    assert frontier.root() == root_of(size) == Frontier.of(size, nodes).root()


@given(sizes, st.data())
def test_an_inclusion_proof_holds_for_its_leaf_alone(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path, root = inclusion_proof(index, size, nodes), root_of(size)
    verify_inclusion(HASHES[index], index, size, path, root)
    other = data.draw(st.integers(0, size - 1))
    if other != index:
        assert not holds(verify_inclusion, HASHES[index], other, size, path, root)
        assert not holds(verify_inclusion, HASHES[other], index, size, path, root)


@given(sizes, st.data())
def test_any_flipped_bit_breaks_an_inclusion_proof(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path, root = inclusion_proof(index, size, nodes), root_of(size)
    parts = [HASHES[index], *path, root]
    which = data.draw(st.integers(0, len(parts) - 1))
    bit = data.draw(st.integers(0, 255))
    changed = bytearray(parts[which])
    changed[bit // 8] ^= 1 << bit % 8
    parts[which] = bytes(changed)
    assert not holds(verify_inclusion, parts[0], index, size, parts[1:-1], parts[-1])


@given(sizes, st.data())
def test_a_consistency_proof_holds_and_any_flipped_bit_breaks_it(
    new: int, data: st.DataObject
) -> None:
    old = data.draw(st.integers(1, new))
    path = consistency_proof(old, new, nodes)
    parts = [root_of(old), root_of(new), *path]
    verify_consistency(old, new, parts[0], parts[1], path)
    which = data.draw(st.integers(0, len(parts) - 1))
    bit = data.draw(st.integers(0, 255))
    changed = bytearray(parts[which])
    changed[bit // 8] ^= 1 << bit % 8
    parts[which] = bytes(changed)
    assert not holds(verify_consistency, old, new, parts[0], parts[1], parts[2:])


@given(sizes, sizes, st.lists(st.binary(min_size=32, max_size=32), max_size=9))
def test_no_made_up_path_proves_anything(size: int, index: int, path: list[bytes]) -> None:
    honest = inclusion_proof(index - 1, size, nodes) if index <= size else None
    if path != honest:
        assert not holds(verify_inclusion, HASHES[index - 1], index - 1, size, path, root_of(size))
