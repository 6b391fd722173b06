"""The tree against the test vectors of the Certificate Transparency reference implementation."""

import pytest

from rules.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from rules.errors import ProofError

LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]


def nodes(level: int, place: int) -> bytes:
    if level == 0:
        return HASHES[place]
    return node_hash(nodes(level - 1, 2 * place), nodes(level - 1, 2 * place + 1))


def test_roots_are_those_of_the_published_vectors() -> None:
    frontier = Frontier()
    assert frontier.root() == EMPTY_ROOT
    for hashed, root in zip(HASHES, ROOTS, strict=True):
        frontier.append(hashed)
        assert frontier.root().hex() == root


def test_appending_tells_which_nodes_became_complete() -> None:
    frontier = Frontier()
    completed = [[(n.level, n.place) for n in frontier.append(h)] for h in HASHES[:4]]
    assert completed == [[], [(1, 0)], [], [(1, 1), (2, 0)]]


def test_a_copy_goes_its_own_way() -> None:
    frontier = Frontier()
    frontier.append(HASHES[0])
    copy = frontier.copy()
    copy.append(HASHES[1])
    assert (frontier.size, copy.size) == (1, 2)
    assert frontier.root().hex() == ROOTS[0]


def test_a_frontier_can_be_looked_up() -> None:
    for size, root in enumerate(ROOTS, 1):
        assert Frontier.of(size, nodes).root().hex() == root


def test_a_frontier_needs_as_many_hashes_as_its_size_has_bits() -> None:
    with pytest.raises(ValueError, match="one hash per bit"):
        Frontier(3, [b""])


def test_a_published_inclusion_path() -> None:
    path = inclusion_proof(5, 8, nodes)
    assert [node.hex()[:16] for node in path] == [
        "bc1a0643b12e4d2d",
        "ca854ea128ed050b",
        "d37ee418976dd957",
    ]


def test_a_published_consistency_path() -> None:
    path = consistency_proof(6, 8, nodes)
    assert [node.hex()[:16] for node in path] == [
        "0ebc5d3437fbe2db",
        "ca854ea128ed050b",
        "d37ee418976dd957",
    ]


@pytest.mark.parametrize("new", range(1, 9))
def test_every_proof_of_a_small_log_holds(new: int) -> None:
    root = bytes.fromhex(ROOTS[new - 1])
    for index in range(new):
        verify_inclusion(HASHES[index], index, new, inclusion_proof(index, new, nodes), root)
    for old in range(1, new + 1):
        path = consistency_proof(old, new, nodes)
        verify_consistency(old, new, bytes.fromhex(ROOTS[old - 1]), root, path)


def test_equal_sizes_need_equal_roots_and_no_path() -> None:
    verify_consistency(3, 3, b"a", b"a", [])
    with pytest.raises(ProofError, match="two different roots"):
        verify_consistency(3, 3, b"a", b"b", [])
    with pytest.raises(ProofError, match="two different roots"):
        verify_consistency(3, 3, b"a", b"a", [b"c"])


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_an_index_outside_the_log_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="outside the log"):
        inclusion_proof(index, size, nodes)
    with pytest.raises(ProofError, match="outside the log"):
        verify_inclusion(HASHES[0], index, size, [], b"")


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3)])
def test_sizes_that_cannot_be_have_no_proof(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="0 < old <= new"):
        consistency_proof(old, new, nodes)
    with pytest.raises(ProofError, match="sizes that cannot be"):
        verify_consistency(old, new, b"", b"", [])


def test_wrong_proofs_say_what_is_wrong() -> None:
    root = bytes.fromhex(ROOTS[7])
    path = inclusion_proof(5, 8, nodes)
    with pytest.raises(ProofError, match="inclusion proof is too short"):
        verify_inclusion(HASHES[5], 5, 8, path[:-1], root)
    with pytest.raises(ProofError, match="inclusion proof is too long"):
        verify_inclusion(HASHES[5], 5, 8, [*path, b"x" * 32], root)
    with pytest.raises(ProofError, match="inclusion proof does not lead"):
        verify_inclusion(HASHES[4], 5, 8, path, root)
    old_root = bytes.fromhex(ROOTS[5])
    path = consistency_proof(6, 8, nodes)
    with pytest.raises(ProofError, match="consistency proof is too short"):
        verify_consistency(6, 8, old_root, root, [])
    with pytest.raises(ProofError, match="not lead to the old root"):
        verify_consistency(6, 8, root, root, path)
    with pytest.raises(ProofError, match="not lead to the new root"):
        verify_consistency(6, 8, old_root, old_root, path)
