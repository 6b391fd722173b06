"""Entries are read back as hostile bytes, and the story of each call is followed."""

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.keys.file import FileKeys
from rules.audit.entry import Change, IntentRef, encode_change, encode_intent
from rules.audit.examine import CallLedger, Entry, StatedIntent, read_entry
from rules.audit.jws import protected_header, sign_compact
from rules.errors import ProofError
from tests.support.ledger_log import an_intent, an_outcome, intent_leaf, keys_in, outcome_leaf


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> FileKeys:
    return keys_in(Path(tmp_path_factory.mktemp("examine")))


def signed(keys: FileKeys, payload: object) -> bytes:
    return sign_compact(orjson.dumps(payload), protected_header(keys.public_key), keys.sign)


def test_an_intent_reads_back(keys: FileKeys) -> None:
    entry = read_entry(4, encode_intent(an_intent("c1")), keys.public_key)
    assert (entry.index, entry.kind, entry.call_id, entry.tenant) == (4, "intent", "c1", "north")
    assert entry.intent is None


def test_an_outcome_reads_back_with_its_intent(keys: FileKeys) -> None:
    ref = IntentRef("c1", 3, b"h" * 32)
    entry = read_entry(4, outcome_leaf(keys, an_outcome("c1"), ref).data, keys.public_key)
    assert (entry.kind, entry.status) == ("outcome", "answered")
    assert entry.intent == StatedIntent(ref.call_id, ref.index, ref.leaf_hash)


def test_a_signature_is_left_unchecked_only_on_demand(keys: FileKeys, tmp_path: Path) -> None:
    data = outcome_leaf(keys_in(tmp_path), an_outcome("c1"), None).data
    assert read_entry(0, data, None).call_id == "c1"
    with pytest.raises(ProofError, match="another key"):
        read_entry(0, data, keys.public_key)


GOOD = {"v": 1, "kind": "outcome", "call_id": "c", "tenant": "t", "time": 1.0, "status": "cut"}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"v": 2}, "unknown version"),
        ({"kind": "intent"}, "unknown kind"),
        ({"kind": ["outcome"]}, "unknown kind"),
        ({"call_id": 1}, "call id or its tenant"),
        ({"tenant": None}, "call id or its tenant"),
        ({"time": "now"}, "lacks its time"),
        ({"status": "fine"}, "unknown status"),
        ({"status": ["cut"]}, "unknown status"),
        ({"intent": 1}, "intent is unreadable"),
        ({"intent": {"index": True, "leaf": ""}}, "intent is unreadable"),
        ({"intent": {"index": 1, "leaf": 1}}, "intent is unreadable"),
        ({"intent": {"index": 1, "leaf": "?"}}, "not base64"),
    ],
)
def test_a_signed_entry_of_the_wrong_form_says_why(
    keys: FileKeys, fields: dict[str, object], why: str
) -> None:
    with pytest.raises(ProofError, match=why):
        read_entry(0, signed(keys, {**GOOD, **fields}), keys.public_key)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{", "not JSON"),
        (orjson.dumps(GOOD), "lacks the signature"),
    ],
)
def test_an_unsigned_entry_must_be_an_intent(keys: FileKeys, data: bytes, why: str) -> None:
    with pytest.raises(ProofError, match=why):
        read_entry(0, data, keys.public_key)


def test_something_signed_must_be_an_object(keys: FileKeys) -> None:
    with pytest.raises(ProofError, match="unknown version"):
        read_entry(0, signed(keys, [1]), keys.public_key)


@given(st.binary() | st.binary().map(lambda data: b"{" + data + b"}"))
def test_no_bytes_are_worse_than_a_proof_error(data: bytes) -> None:
    with pytest.raises(ProofError):
        read_entry(0, data, b"k" * 32)


def story(*entries: Entry) -> tuple[CallLedger, list[tuple[int, str]]]:
    calls = CallLedger()
    return calls, [problem for entry in entries for problem in calls.take(entry)]


def intent(index: int, call_id: str = "c1", **fields: object) -> Entry:
    return read_entry(index, intent_leaf(an_intent(call_id, **fields)).data, None)


def outcome(keys: FileKeys, index: int, ref: IntentRef | None, call_id: str = "c1") -> Entry:
    return read_entry(index, outcome_leaf(keys, an_outcome(call_id), ref).data, None)


def ref_of(entry: Entry) -> IntentRef:
    return IntentRef(entry.call_id, entry.index, entry.leaf_hash)


def test_a_call_and_a_refusal_are_two_calls_without_a_problem(keys: FileKeys) -> None:
    first = intent(0)
    calls, problems = story(
        first, outcome(keys, 1, None, "c2"), outcome(keys, 2, ref_of(first)), intent(3, "c3")
    )
    assert problems == []
    assert calls.calls == 3
    assert [ref.call_id for ref in calls.open_intents] == ["c3"]


def test_a_change_of_configuration_is_no_call(keys: FileKeys) -> None:
    change = Change(change_id="x", time=1.0, what="policy", name="clinic", digest="ab")
    data = sign_compact(encode_change(change), protected_header(keys.public_key), keys.sign)
    calls, problems = story(read_entry(0, data, keys.public_key))
    assert (calls.calls, problems) == (0, [])


def test_a_second_entry_of_a_kind_is_a_problem(keys: FileKeys) -> None:
    first = intent(0)
    _, problems = story(
        first, intent(1), outcome(keys, 2, ref_of(first)), outcome(keys, 3, None), intent(4)
    )
    assert [index for index, _ in problems] == [1, 3, 4]
    assert "second outcome" in problems[1][1]


def test_an_outcome_must_name_its_intent(keys: FileKeys) -> None:
    _, problems = story(intent(0), outcome(keys, 1, None))
    assert problems == [(1, "the outcome does not name its call's intent")]


def test_an_intent_that_is_gone_is_missed(keys: FileKeys) -> None:
    _, problems = story(outcome(keys, 5, IntentRef("c1", 4, b"h" * 32)))
    assert problems == [(5, "the outcome's intent (entry 4) is not in the log")]


def test_an_intent_that_was_changed_is_named_by_its_outcome(keys: FileKeys) -> None:
    honest, changed = intent(0), intent(0, model="gpt-5")
    _, problems = story(changed, outcome(keys, 1, ref_of(honest)))
    assert problems == [(0, "the intent is not the one that outcome 1 was signed for")]


def test_an_intent_that_moved_is_named(keys: FileKeys) -> None:
    _, problems = story(intent(1), outcome(keys, 2, ref_of(intent(0))))
    assert problems == [(2, "the outcome names another place for its call's intent")]
