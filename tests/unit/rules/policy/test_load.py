"""From a document to a policy: what it needs, how it is named, and all that is wrong with it."""

import pytest

from rules.errors import PolicyError
from rules.policy.decide import Facts, Permit, Refusal
from rules.policy.load import FlawedPolicyError, compile_policy
from rules.principal import Assurance, Principal

NOBODY = Principal("s", "t", frozenset({"r"}), "w", Assurance.LOW, "api_key")
NOTHING_TO_LOOK_FOR = {"providers": {"baa": "never"}}


def document(obligations: dict | None = None, *more: dict) -> dict:
    rule = {"name": "all", "effect": "permit", "obligations": obligations}
    return {"policy": "test", "rules": [rule, *more]}


def test_a_compiled_policy_decides() -> None:
    forbid = {"name": "no-phi", "effect": "forbid", "match": {"labels": ["phi"]}}
    policy = compile_policy(document(None, forbid), b"")
    clean = policy.decide(Facts(NOBODY, "m", frozenset()))
    marked = policy.decide(Facts(NOBODY, "m", frozenset({"phi"})))
    assert isinstance(clean, Permit)
    assert isinstance(marked, Refusal)
    assert clean.policy_hash == marked.policy_hash == policy.policy_hash


def test_the_hash_is_of_what_is_meant_not_of_how_it_is_written() -> None:
    short = compile_policy(document({"minimize": {"*": "tokenize"}}), b"one")
    long = compile_policy(
        document({"minimize": {"*": {"operator": "tokenize"}}, "restore": True}), b"two"
    )
    other = compile_policy(document({"minimize": {"*": "redact"}}), b"one")
    assert short.policy_hash == long.policy_hash != other.policy_hash
    assert len(short.policy_hash) == 64


def test_the_order_of_rules_is_part_of_what_is_meant() -> None:
    one, two = ({"name": name, "effect": "permit"} for name in ("one", "two"))
    forth = compile_policy({"policy": "test", "rules": [one, two]}, b"")
    back = compile_policy({"policy": "test", "rules": [two, one]}, b"")
    assert forth.policy_hash != back.policy_hash


def test_the_source_is_kept_but_not_shown() -> None:
    policy = compile_policy(document(), b"policy: test # a note")
    assert policy.source == b"policy: test # a note"
    assert "a note" not in repr(policy)


@pytest.mark.parametrize(
    ("obligations", "needs"),
    [
        (NOTHING_TO_LOOK_FOR, False),
        ({**NOTHING_TO_LOOK_FOR, "guards": {"json_schema": "refuse"}}, False),
        ({**NOTHING_TO_LOOK_FOR, "guards": {"leakage": "warn"}}, True),
        ({**NOTHING_TO_LOOK_FOR, "minimize": {"US_SSN": "redact"}}, True),
        ({"providers": {"baa": "always"}}, False),
        ({"providers": {"baa": "if_phi"}}, True),
        (None, True),
    ],
)
def test_texts_are_searched_only_where_a_permit_depends_on_it(
    obligations: dict | None, needs: bool
) -> None:
    assert compile_policy(document(obligations), b"").needs_scan is needs


@pytest.mark.parametrize(
    ("label", "needs"), [("phi", True), ("secrets", True), ("unreadable", False)]
)
def test_texts_are_searched_where_a_forbid_depends_on_it(label: str, needs: bool) -> None:
    forbid = {"name": "no", "effect": "forbid", "match": {"labels": [label]}}
    assert compile_policy(document(NOTHING_TO_LOOK_FOR, forbid), b"").needs_scan is needs


def test_every_flaw_is_told_at_once_with_its_place() -> None:
    data = {
        "policy": "Bad Name",
        "verson": "2",
        "rules": [
            {"name": "a", "effect": "permitt"},
            {"name": "b", "effect": "permit", "match": {"labels": ["ph"]}},
            {"name": "c", "effect": "permit", "obligations": {"minimize": {"PERSN": "redat"}}},
            {"name": "a", "effect": "forbid", "obligations": {}},
        ],
    }
    with pytest.raises(PolicyError) as caught:
        compile_policy(data, b"")
    assert isinstance(caught.value, FlawedPolicyError)
    assert [str(flaw) for flaw in caught.value.flaws] == list(caught.value.problems)
    assert caught.value.problems == (
        "policy: holds a character that is not allowed here, or is too long",
        "rules[0].effect: should be `permit` or `forbid`; did you mean `permit`?",
        "rules[1].match.labels[0]: unknown label `ph`; did you mean `phi`?",
        "rules[2].obligations.minimize.PERSN: unknown entity `PERSN`; did you mean `PERSON`?",
        "rules[2].obligations.minimize.PERSN: unknown operator `redat`; did you mean `redact`?",
        "rules[3]: a rule that forbids cannot have obligations",
        "verson: unknown key `verson`; did you mean `version`?",
        "rules[3].name: is the same as in `rules[0]`",
    )


def test_two_rules_cannot_have_one_name() -> None:
    with pytest.raises(PolicyError, match="is the same as in"):
        compile_policy(document(None, {"name": "all", "effect": "forbid"}), b"")


@pytest.mark.parametrize("data", [None, [], "policy", 3])
def test_a_document_that_is_no_mapping(data: object) -> None:
    with pytest.raises(PolicyError, match="should be a mapping"):
        compile_policy(data, b"")
