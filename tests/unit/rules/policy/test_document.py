"""What a policy document may say."""

import pytest
from pydantic import ValidationError

from rules.policy.document import Policy


def policy(**rule: object) -> Policy:
    return Policy.model_validate(
        {"policy": "test", "rules": [{"name": "a", "effect": "permit", **rule}]}
    )


def test_a_word_alone_is_an_operator_without_parameters() -> None:
    short = policy(obligations={"minimize": {"*": "tokenize"}})
    long = policy(obligations={"minimize": {"*": {"operator": "tokenize"}}})
    assert short == long


@pytest.mark.parametrize(
    "rule",
    [
        {"match": {"labels": ["phy"]}},
        {"match": {"labels": []}},
        {"match": {"models": []}},
        {"match": {"assurance": "very"}},
        {"obligations": {"guards": {"leakage_entities": ["SSN"]}}},
        {"obligations": {"minimize": {"SSN": "redact"}}},
        {"obligations": {"minimize": {"*": "erase"}}},
        {"obligations": {"minimize": "tokenize"}},
        {"obligations": {"minimize": {"*": 3}}},
        {"obligations": {"release": "review"}},
        {"effect": "forbid", "obligations": {"restore": False}},
        {"name": "Not A Name"},
        {"when": {}},
    ],
)
def test_what_nobody_could_mean_is_refused(rule: dict) -> None:
    with pytest.raises(ValidationError):
        policy(**rule)


def test_a_policy_without_rules_is_refused() -> None:
    with pytest.raises(ValidationError):
        Policy.model_validate({"policy": "test", "rules": []})


def test_a_policy_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        policy().rules[0].name = "b"
