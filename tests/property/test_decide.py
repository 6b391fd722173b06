"""What holds for every policy: a forbid takes away, and the order of forbids does not matter."""

from hypothesis import given
from hypothesis import strategies as st

from rules.policy.decide import Facts, Permit, decide
from rules.policy.document import Policy
from rules.principal import Assurance, Principal

WORDS = st.sampled_from(["a", "b", "ab", "A"])
GLOBS = st.lists(st.sampled_from(["a", "b", "a*", "*", "?b", "A"]), min_size=1, max_size=2)
LABELS = st.sampled_from(["phi", "secrets", "unreadable"])

CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "tenants": GLOBS,
        "roles": st.lists(WORDS, min_size=1, max_size=2),
        "workflows": GLOBS,
        "models": GLOBS,
        "tools": GLOBS,
        "labels": st.lists(LABELS, min_size=1, max_size=2),
        "assurance": st.sampled_from(list(Assurance)),
    },
)
PERMITS = st.fixed_dictionaries(
    {"effect": st.just("permit"), "match": CONDITIONS},
    optional={
        "obligations": st.fixed_dictionaries(
            {}, optional={"tools": GLOBS, "logprobs": st.sampled_from(["pass", "drop", "refuse"])}
        )
    },
)
FORBIDS = st.fixed_dictionaries({"effect": st.just("forbid"), "match": CONDITIONS})
FACTS = st.builds(
    Facts,
    principal=st.builds(
        Principal,
        subject=st.just("s"),
        tenant=WORDS,
        roles=st.frozensets(WORDS, min_size=1),
        workflow=WORDS,
        assurance=st.sampled_from(list(Assurance)),
        method=st.just("api_key"),
    ),
    model=WORDS,
    labels=st.frozensets(LABELS),
    tools=st.lists(WORDS, max_size=2).map(tuple),
    wants_logprobs=st.booleans(),
)


def policy(rules: list[dict]) -> Policy:
    named = [{"name": f"r{number}", **rule} for number, rule in enumerate(rules)]
    return Policy.model_validate({"policy": "p", "rules": named})


def permitted(rules: list[dict], facts: Facts) -> bool:
    return isinstance(decide(policy(rules), "", facts), Permit)


@given(st.lists(PERMITS | FORBIDS, min_size=1, max_size=5), FORBIDS, st.integers(0, 5), FACTS)
def test_adding_a_forbid_never_permits(
    rules: list[dict], forbid: dict, at: int, facts: Facts
) -> None:
    if not permitted(rules, facts):
        assert not permitted([*rules[:at], forbid, *rules[at:]], facts)


@given(
    st.lists(PERMITS, min_size=1, max_size=3),
    st.lists(FORBIDS, min_size=1, max_size=4),
    st.randoms(use_true_random=False),
    FACTS,
)
def test_the_place_and_order_of_forbids_change_no_effect(
    permits: list[dict], forbids: list[dict], random: object, facts: Facts
) -> None:
    mixed = list(permits)
    for forbid in forbids:
        mixed.insert(random.randint(0, len(mixed)), forbid)
    # Permits keep their order among each other: which of them wins does depend on it.
    assert permitted(mixed, facts) == permitted([*forbids, *permits], facts)


@given(st.lists(FORBIDS, min_size=1, max_size=4), FACTS)
def test_without_a_permit_nothing_is_permitted(forbids: list[dict], facts: Facts) -> None:
    assert not permitted(forbids, facts)


@given(st.lists(PERMITS | FORBIDS, min_size=1, max_size=5), FACTS)
def test_an_answer_names_a_rule_of_the_policy_or_the_default(
    rules: list[dict], facts: Facts
) -> None:
    document = policy(rules)
    answer = decide(document, "hash", facts)
    assert answer.rule in {rule.name for rule in document.rules} | {"(default)"}
    assert (answer.policy, answer.policy_hash) == ("p", "hash")
