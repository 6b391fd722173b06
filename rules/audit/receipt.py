"""Receipts: the entries of one call with all that is needed to check them, and the check.

A receipt is a JSON object: `v`, `call_id`, `log` (the verifier key), `checkpoint` (a signed note)
and `entries`, each with its `index`, its exact bytes as `leaf` and its inclusion `proof` (base64,
lowest first). The check needs nothing but the receipt and the log's public key; the key that a
receipt names is never trusted by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rules.audit import base64_strict
from rules.audit.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from rules.audit.examine import Entry, read_entry
from rules.audit.merkle import leaf_hash, verify_inclusion
from rules.errors import ProofError

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Proven:
    """What a receipt proves: these entries of a call stand in the log of this checkpoint."""

    call_id: str
    checkpoint: Checkpoint
    entries: tuple[Entry, ...]


def build_receipt(
    call_id: str,
    log: VerifierKey,
    checkpoint: str,
    entries: Sequence[tuple[int, bytes, Sequence[bytes]]],
) -> dict[str, object]:
    """Return the receipt of a call from its entries (index, leaf bytes, inclusion proof)."""
    return {
        "v": VERSION,
        "call_id": call_id,
        "log": str(log),
        "checkpoint": checkpoint,
        "entries": [
            {
                "index": index,
                "leaf": leaf.decode(),
                "proof": [base64_strict.encode(node) for node in proof],
            }
            for index, leaf, proof in entries
        ],
    }


def tenants_of(receipt: Mapping[str, Any]) -> set[str]:
    """Return the tenants that the entries of a receipt made by `build_receipt` name."""
    return {
        read_entry(item["index"], item["leaf"].encode(), None).tenant for item in receipt["entries"]
    }


def verify_receipt(receipt: Mapping[str, Any], log: VerifierKey) -> Proven:
    """Check a receipt against the log's public key; raises ProofError naming what fails."""
    if receipt.get("v") != VERSION:
        raise ProofError("the receipt is of an unknown version")
    note, items = receipt.get("checkpoint"), receipt.get("entries")
    call_id = receipt.get("call_id")
    if not isinstance(note, str) or not isinstance(items, list) or not isinstance(call_id, str):
        raise ProofError("the receipt lacks its checkpoint, its entries or its call id")
    if not items:
        raise ProofError("the receipt has no entries")
    checkpoint = open_checkpoint(note, log)
    entries = tuple(_verify_entry(item, checkpoint, log) for item in items)
    if any(entry.call_id != call_id for entry in entries):
        raise ProofError("an entry of the receipt belongs to another call")
    _check_links(entries)
    return Proven(call_id, checkpoint, entries)


def _verify_entry(item: Any, checkpoint: Checkpoint, log: VerifierKey) -> Entry:
    if not isinstance(item, dict):
        raise ProofError("an entry of the receipt is not an object")
    index, leaf, proof = item.get("index"), item.get("leaf"), item.get("proof")
    # A boolean is an int in Python and would pass for index 0 or 1.
    if type(index) is not int or not isinstance(leaf, str) or not isinstance(proof, list):
        raise ProofError("an entry of the receipt lacks its index, its leaf or its proof")
    path = []
    for node in proof:
        hashed = base64_strict.decode(node, "the inclusion proof") if isinstance(node, str) else b""
        if len(hashed) != 32:
            raise ProofError("the inclusion proof holds something that is not a hash")
        path.append(hashed)
    data = leaf.encode("utf-8", "surrogatepass")
    verify_inclusion(leaf_hash(data), index, checkpoint.size, path, checkpoint.root)
    return read_entry(index, data, log.public_key)


def _check_links(entries: Sequence[Entry]) -> None:
    """An outcome names its intent by index and hash: the receipt must hold that very entry."""
    intents = {entry.index: entry for entry in entries if entry.kind == "intent"}
    for entry in entries:
        if entry.intent is None:
            continue
        intent = intents.get(entry.intent.index)
        if intent is None or intent.leaf_hash != entry.intent.leaf_hash:
            raise ProofError("the outcome's intent is not the one in the receipt")
