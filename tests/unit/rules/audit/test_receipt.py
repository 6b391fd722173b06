"""A receipt proves a call's entries offline, and nothing that was changed."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rules.audit.base64_strict import encode
from rules.audit.checkpoint import VerifierKey, sign_checkpoint
from rules.audit.entry import IntentRef
from rules.audit.merkle import Frontier, inclusion_proof, leaf_hash, node_hash
from rules.audit.receipt import build_receipt, tenants_of, verify_receipt
from rules.errors import ProofError
from tests.support.ledger_log import an_intent, an_outcome, intent_leaf, keys_in, outcome_leaf

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], VerifierKey]:
    keys = keys_in(Path(tmp_path_factory.mktemp("receipt")))
    first = intent_leaf(an_intent("c1")).data
    other = intent_leaf(an_intent("c2")).data
    ref = IntentRef("c1", 0, leaf_hash(first))
    last = outcome_leaf(keys, an_outcome("c1"), ref).data
    hashes = [leaf_hash(data) for data in (first, other, last)]

    def nodes(level: int, place: int) -> bytes:
        return hashes[place] if level == 0 else node_hash(hashes[2 * place], hashes[2 * place + 1])

    frontier = Frontier()
    for hashed in hashes:
        frontier.append(hashed)
    note = sign_checkpoint(3, frontier.root(), keys.verifier, keys.sign)
    entries = [(at, data, inclusion_proof(at, 3, nodes)) for at, data in ((0, first), (2, last))]
    return build_receipt("c1", keys.verifier, note, entries), keys.verifier


def test_an_honest_receipt_proves_its_entries(made: tuple[dict[str, Any], VerifierKey]) -> None:
    proven = verify_receipt(*made)
    assert proven.call_id == "c1"
    assert proven.checkpoint.size == 3
    assert [entry.kind for entry in proven.entries] == ["intent", "outcome"]
    assert proven.entries[1].payload["status"] == "answered"


def test_a_refusal_is_proved_by_its_outcome_alone(tmp_path: Path) -> None:
    keys = keys_in(tmp_path)
    data = outcome_leaf(keys, an_outcome("c9", status="refused", http_status=403), None).data
    note = sign_checkpoint(1, leaf_hash(data), keys.verifier, keys.sign)
    receipt = build_receipt("c9", keys.verifier, note, [(0, data, [])])
    assert verify_receipt(receipt, keys.verifier).entries[0].status == "refused"


def test_the_tenants_can_be_asked_for(made: tuple[dict[str, Any], VerifierKey]) -> None:
    assert tenants_of(made[0]) == {"north"}


def entry(at: int, **fields: object) -> Change:
    return lambda receipt: receipt["entries"][at].update(fields)


def only(at: int) -> Change:
    return lambda receipt: receipt.update(entries=[receipt["entries"][at]])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda r: r.update(v=2), "unknown version"),
        (lambda r: r.pop("checkpoint"), "lacks its checkpoint"),
        (lambda r: r.update(entries={}), "lacks its checkpoint"),
        (lambda r: r.update(call_id=1), "lacks its checkpoint"),
        (lambda r: r.update(entries=[]), "no entries"),
        (lambda r: r.update(entries=["x"]), "not an object"),
        (lambda r: r.update(call_id="c2"), "another call"),
        (lambda r: r.update(checkpoint=r["checkpoint"].replace("\n3\n", "\n4\n")), "verify"),
        (entry(0, index=True), "lacks its index"),
        (entry(0, leaf=None), "lacks its index"),
        (entry(0, proof="x"), "lacks its index"),
        (entry(0, proof=[1]), "not a hash"),
        (entry(0, proof=["AAAA"]), "not a hash"),
        (entry(0, proof=["AAA"]), "not base64"),
        (entry(0, proof=[encode(b"x" * 32)] * 2), "does not lead"),
        (entry(0, index=1), "inclusion proof"),
        (entry(0, leaf="\ud800"), "does not lead"),
        (only(1), "not the one in the receipt"),
    ],
)
def test_a_changed_receipt_says_which_part_fails(
    made: tuple[dict[str, Any], VerifierKey], change: Change, why: str
) -> None:
    receipt = copy.deepcopy(made[0])
    change(receipt)
    with pytest.raises(ProofError, match=why):
        verify_receipt(receipt, made[1])


def test_the_key_that_a_receipt_names_is_not_believed(
    made: tuple[dict[str, Any], VerifierKey], tmp_path: Path
) -> None:
    with pytest.raises(ProofError):
        verify_receipt(made[0], keys_in(tmp_path).verifier)
