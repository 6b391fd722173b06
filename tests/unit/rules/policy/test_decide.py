"""Which calls a policy permits, which it refuses, and with which words."""

from dataclasses import replace

import pytest

from rules.policy.decide import NO_RULE, Facts, Permit, Refusal, decide
from rules.policy.document import Policy
from rules.principal import Assurance, Principal

ANNA = Principal(
    subject="anna",
    tenant="north",
    roles=frozenset({"billing", "coder"}),
    workflow="claims",
    assurance=Assurance.SUBSTANTIAL,
    method="api_key",
)
CALL = Facts(principal=ANNA, model="gpt-4o-mini", labels=frozenset({"phi"}), tools=("look_up",))


def policy(*rules: dict) -> Policy:
    return Policy.model_validate({"policy": "test", "rules": rules})


def permit(match: dict | None = None, name: str = "yes", **obligations: object) -> dict:
    return {
        "name": name,
        "effect": "permit",
        "match": match or {},
        "obligations": obligations or None,
    }


def forbid(match: dict | None = None, name: str = "no", reason: str = "") -> dict:
    return {"name": name, "effect": "forbid", "match": match or {}, "reason": reason}


def test_what_no_rule_permits_is_refused() -> None:
    answer = decide(policy(permit({"tenants": ["south"]})), "hash", CALL)
    assert answer == Refusal(
        "test", "hash", NO_RULE, "not_permitted", "no rule of the policy permits this call"
    )


def test_a_permit_names_its_policy_and_rule_and_carries_its_obligations() -> None:
    answer = decide(policy(permit(release="buffer")), "hash", CALL)
    assert isinstance(answer, Permit)
    assert (answer.policy, answer.policy_hash, answer.rule) == ("test", "hash", "yes")
    assert answer.obligations.release == "buffer"


def test_a_permit_without_obligations_asks_for_the_defaults() -> None:
    answer = decide(policy(permit()), "hash", CALL)
    assert isinstance(answer, Permit)
    assert answer.obligations.logprobs == "drop"
    assert answer.obligations.providers.baa == "if_phi"


@pytest.mark.parametrize("order", [0, 1])
def test_a_forbid_overrides_a_permit_wherever_it_stands(order: int) -> None:
    rules = [permit(), forbid(reason="closed today")]
    answer = decide(policy(*(rules if order else reversed(rules))), "hash", CALL)
    assert answer == Refusal("test", "hash", "no", "forbidden_by_policy", "closed today")


def test_a_forbid_without_a_reason_still_says_which_rule_it_was() -> None:
    answer = decide(policy(permit(), forbid()), "hash", CALL)
    assert isinstance(answer, Refusal)
    assert answer.reason == "rule `no` forbids this call"


def test_the_first_permit_that_matches_wins() -> None:
    rules = [permit({"tenants": ["south"]}, "a"), permit(None, "b"), permit(None, "c")]
    answer = decide(policy(*rules), "hash", CALL)
    assert answer.rule == "b"


@pytest.mark.parametrize(
    ("match", "matches"),
    [
        ({"tenants": ["north"]}, True),
        ({"tenants": ["n*h", "south"]}, True),
        ({"tenants": ["south"]}, False),
        ({"tenants": ["North"]}, False),
        ({"roles": ["coder"]}, True),
        ({"roles": ["nurse", "billing"]}, True),
        ({"roles": ["nurse"]}, False),
        ({"roles": ["*"]}, False),
        ({"workflows": ["claims"]}, True),
        ({"workflows": ["intake*"]}, False),
        ({"models": ["gpt-4*"]}, True),
        ({"models": ["*"]}, True),
        ({"models": ["GPT-4*"]}, False),
        ({"models": ["gpt-5*"]}, False),
        ({"tools": ["look_*"]}, True),
        ({"tools": ["write_*"]}, False),
        ({"labels": ["phi"]}, True),
        ({"labels": ["secrets", "unreadable"]}, False),
        ({"assurance": "low"}, True),
        ({"assurance": "substantial"}, True),
        ({"assurance": "high"}, False),
        ({"tenants": ["north"], "models": ["gpt-5"]}, False),
    ],
)
def test_a_condition(match: dict, matches: bool) -> None:
    answer = decide(policy(permit(match)), "hash", CALL)
    assert isinstance(answer, Permit) is matches


def test_a_condition_on_tools_does_not_match_a_call_without_tools() -> None:
    answer = decide(policy(permit({"tools": ["*"]})), "hash", replace(CALL, tools=()))
    assert isinstance(answer, Refusal)


@pytest.mark.parametrize(
    "match", [{"models": ["gpt-4*"]}, {"models": ["GPT-4*"]}, {"tools": ["Look_Up"]}]
)
@pytest.mark.parametrize("model", ["gpt-4o", "GPT-4o", "Gpt-4O"])
def test_another_case_does_not_evade_a_forbid(match: dict, model: str) -> None:
    facts = replace(CALL, model=model, tools=("LOOK_UP",))
    answer = decide(policy(permit(), forbid(match)), "hash", facts)
    assert isinstance(answer, Refusal)


def test_a_tool_beyond_the_permit_is_refused_without_being_named() -> None:
    facts = replace(CALL, tools=("look_up", "anna_odonnell"))
    answer = decide(policy(permit(tools=["look_*"])), "hash", facts)
    assert isinstance(answer, Refusal)
    assert (answer.rule, answer.code) == ("yes", "tool_not_permitted")
    assert "anna" not in answer.reason


@pytest.mark.parametrize(("choice", "permitted"), [("pass", 1), ("drop", 1), ("refuse", 0)])
def test_logprobs(choice: str, permitted: int) -> None:
    facts = replace(CALL, wants_logprobs=True)
    answer = decide(policy(permit(logprobs=choice)), "hash", facts)
    assert isinstance(answer, Permit) is bool(permitted)
    assert permitted or answer.code == "logprobs_not_permitted"


def test_a_call_that_does_not_ask_for_logprobs_is_not_refused_for_them() -> None:
    assert isinstance(decide(policy(permit(logprobs="refuse")), "hash", CALL), Permit)


@pytest.mark.parametrize(
    ("models", "permitted"),
    [
        (["gpt-4*"], False),
        (["gpt-4*", "x-ai/*"], True),
        (["*"], True),
        (["grok-4", "gpt-4*"], False),
    ],
)
def test_a_permit_has_to_cover_every_model_that_may_answer(
    models: list[str], permitted: bool
) -> None:
    facts = replace(CALL, models=("gpt-4o-mini", "x-ai/grok-4"))
    answer = decide(policy(permit({"models": models})), "hash", facts)
    assert isinstance(answer, Permit) is permitted


@pytest.mark.parametrize(
    "model", ["gpt-4", "openai/gpt-4", "OpenAI/GPT-4", "gpt-4:online", "openai/gpt-4:free"]
)
def test_a_forbidden_model_is_forbidden_by_every_name_and_as_a_fallback(model: str) -> None:
    rules = policy(permit(), forbid({"models": ["gpt-4"]}))
    assert isinstance(decide(rules, "hash", replace(CALL, model=model)), Refusal)
    assert isinstance(decide(rules, "hash", replace(CALL, models=("m", model))), Refusal)


def test_a_permit_takes_a_model_by_its_full_name_only() -> None:
    answer = decide(policy(permit({"models": ["gpt-4"]})), "hash", replace(CALL, model="x/gpt-4"))
    assert isinstance(answer, Refusal)
