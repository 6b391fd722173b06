"""Reading entries back, and examining them in the order of the log.

Everything here treats its input as hostile: whatever the bytes are, the answer is an entry, a
problem or a ProofError, never another exception, and never a text that repeats what was read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from rules.audit import base64_strict
from rules.audit.entry import STATUSES, VERSION
from rules.audit.jws import unverified_payload, verify_compact
from rules.audit.merkle import leaf_hash
from rules.errors import ProofError

# Tuples: what is looked up in them was read from a file and may not be hashable.
UNSIGNED_KINDS: Final = ("intent",)
SIGNED_KINDS: Final = ("outcome", "config")


@dataclass(frozen=True, slots=True)
class StatedIntent:
    """An intent as a log states it, which proves nothing: only the ledger makes an `IntentRef`."""

    call_id: str
    index: int
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as read back; `payload` is its whole JSON object, `status` empty for an intent."""

    index: int
    kind: str
    call_id: str
    time: float
    tenant: str
    status: str
    leaf_hash: bytes
    intent: StatedIntent | None
    payload: Mapping[str, Any]


def read_entry(index: int, data: bytes, public_key: bytes | None) -> Entry:
    """Return the entry that these leaf bytes are; raises ProofError naming what is wrong.

    An intent is plain JSON. Everything else is a compact JWS and must verify under `public_key`;
    with None the signature is left unchecked (for rebuilding an index, not for judging).
    """
    signed = not data.startswith(b"{")
    if not signed:
        raw = data
    elif public_key is None:
        raw = unverified_payload(data)
    else:
        raw = verify_compact(data, public_key)
    try:
        payload = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ProofError("the entry is not JSON") from None
    if not isinstance(payload, dict) or payload.get("v") != VERSION:
        raise ProofError("the entry is of an unknown version")
    if payload.get("kind") not in (SIGNED_KINDS if signed else UNSIGNED_KINDS):
        raise ProofError("the entry is of an unknown kind or lacks the signature of its kind")
    return _entry(index, data, payload)


def _entry(index: int, data: bytes, payload: dict[str, Any]) -> Entry:
    call_id, tenant, time = payload.get("call_id"), payload.get("tenant"), payload.get("time")
    if not isinstance(call_id, str) or not isinstance(tenant, str):
        raise ProofError("the entry lacks its call id or its tenant")
    if not isinstance(time, int | float):
        raise ProofError("the entry lacks its time")
    status = payload.get("status", "")
    if not isinstance(status, str) or (payload["kind"] == "outcome" and status not in STATUSES):
        raise ProofError("the outcome has an unknown status")
    return Entry(
        index=index,
        kind=payload["kind"],
        call_id=call_id,
        time=float(time),
        tenant=tenant,
        status=status,
        leaf_hash=leaf_hash(data),
        intent=_intent_ref(call_id, payload.get("intent")),
        payload=payload,
    )


def _intent_ref(call_id: str, raw: Any) -> StatedIntent | None:
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise ProofError("the outcome's intent is unreadable")
    index, leaf = raw.get("index"), raw.get("leaf")
    if type(index) is not int or not isinstance(leaf, str):
        raise ProofError("the outcome's intent is unreadable")
    return StatedIntent(call_id, index, base64_strict.decode(leaf, "the outcome's intent hash"))


class CallLedger:
    """Follows the entries of a log in order and says where a call's story does not fit together.

    Each call has at most one intent and exactly one outcome; an outcome names its call's intent by
    place and leaf hash. An intent without an outcome is open, which is not a fault.
    """

    __slots__ = ("_closed", "_open", "calls")

    def __init__(self) -> None:
        self.calls = 0
        self._open: dict[str, StatedIntent] = {}
        self._closed: set[str] = set()

    @property
    def open_intents(self) -> tuple[StatedIntent, ...]:
        """The intents that no outcome has closed so far, in the order of the log."""
        return tuple(self._open.values())

    def take(self, entry: Entry) -> Iterator[tuple[int, str]]:
        """Take the next entry; yield each problem with the index of the entry it speaks of."""
        if entry.kind == "intent":
            yield from self._take_intent(entry)
        elif entry.kind == "outcome":
            yield from self._take_outcome(entry)

    def _take_intent(self, entry: Entry) -> Iterator[tuple[int, str]]:
        if entry.call_id in self._open or entry.call_id in self._closed:
            yield entry.index, "the call of this intent already has an entry"
            return
        self.calls += 1
        self._open[entry.call_id] = StatedIntent(entry.call_id, entry.index, entry.leaf_hash)

    def _take_outcome(self, entry: Entry) -> Iterator[tuple[int, str]]:
        if entry.call_id in self._closed:
            yield entry.index, "the call has a second outcome"
            return
        intent = self._open.pop(entry.call_id, None)
        self._closed.add(entry.call_id)
        if intent is None:
            self.calls += 1
        named = entry.intent
        if named is None and intent is not None:
            yield entry.index, "the outcome does not name its call's intent"
        elif named is not None and intent is None:
            yield entry.index, f"the outcome's intent (entry {named.index}) is not in the log"
        elif named is not None and intent is not None:
            yield from _compare(entry, named, intent)


def _compare(entry: Entry, named: StatedIntent, intent: StatedIntent) -> Iterator[tuple[int, str]]:
    if named.index != intent.index:
        yield entry.index, "the outcome names another place for its call's intent"
    if named.leaf_hash != intent.leaf_hash:
        # The outcome is signed, so it is the intent that must have been changed.
        yield (
            intent.index,
            f"the intent is not the one that outcome {entry.index} was signed for",
        )
