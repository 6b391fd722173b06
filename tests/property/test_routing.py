"""Whatever upstreams do: nobody excluded is reached, and nobody gets more than their rate."""

from hypothesis import given
from hypothesis import strategies as st

from rules.policy.document import ProviderTerms
from rules.routing import breaker
from rules.routing.breaker import Breaker, Limits, State
from rules.routing.budget import take
from rules.routing.select import Route, Target, select

NAMES = ["azure", "bedrock", "openai", "spare"]
TARGETS = st.builds(
    Target, st.sampled_from(NAMES), st.booleans(), st.sampled_from([None, "us", "eu"])
)
ROUTES = st.lists(TARGETS, max_size=4, unique_by=lambda target: target.name).map(
    lambda targets: Route("default", ("*",), tuple(targets))
)
TERMS = st.builds(
    ProviderTerms,
    names=st.sampled_from([("*",), ("azure",), ("[a-o]*",)]),
    regions=st.sampled_from([("*",), ("us",), ("us", "eu")]),
    baa=st.sampled_from(["always", "if_phi", "never"]),
)
RESIDUAL = st.frozensets(st.sampled_from(["phi", "secrets", "unreadable"]))
OPEN = st.frozensets(st.sampled_from(NAMES))
LIMITS = Limits(threshold=3, cool_down=10.0)


@given(ROUTES, TERMS, RESIDUAL, OPEN)
def test_the_state_of_breakers_never_adds_a_candidate(route, terms, residual, open_upstreams):
    calm = select(route, terms, residual, frozenset())
    stormy = select(route, terms, residual, open_upstreams)
    assert [t for t in calm.targets if t.name not in open_upstreams] == list(stormy.targets)
    assert (stormy.refusal is None) == bool(stormy.targets)
    assert {t.name for t in stormy.targets} | set(stormy.excluded) == {
        t.name for t in route.targets
    }


@given(ROUTES, TERMS, RESIDUAL)
def test_more_left_in_a_call_never_adds_a_candidate(route, terms, residual):
    bare = select(route, terms, frozenset(), frozenset())
    full = select(route, terms, residual, frozenset())
    assert {t.name for t in full.targets} <= {t.name for t in bare.targets}
    if terms.baa != "never" and "phi" in residual:
        assert all(target.baa for target in full.targets)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ask", "succeed", "fail", "abandon"]),
            st.floats(0.0, 8.0, allow_nan=False),
        ),
        max_size=60,
    )
)
def test_an_open_breaker_lets_one_call_through_a_cool_down(events):
    state, now = Breaker(), 0.0
    last_probe: float | None = None
    for event, passed in events:
        now += passed
        if event == "ask":
            after = breaker.admitted(state, now, LIMITS)
            assert (after is not None) == breaker.would_admit(state, now, LIMITS)
            if after is not None and after.state is State.HALF_OPEN:
                assert last_probe is None or now - last_probe >= LIMITS.cool_down
                last_probe = now
            state = after or state
        elif event == "succeed":
            state, last_probe = breaker.succeeded(state, now), None
        elif event == "fail":
            state = breaker.failed(state, now, LIMITS)
        else:
            state, last_probe = breaker.abandoned(state), None
    # A little over: a sum of floats may fall short of its parts.
    assert breaker.would_admit(state, now + LIMITS.cool_down + 1e-6, LIMITS)


@given(
    st.lists(st.floats(0.0, 2.0, allow_nan=False), max_size=80),
    st.floats(0.5, 20.0),
    st.floats(1.0, 10.0),
)
def test_nobody_gets_more_than_burst_and_rate(pauses, rate, burst):
    bucket, now, taken = None, 0.0, 0
    for pause in pauses:
        now += pause
        bucket, wait = take(bucket, now, rate, burst)
        assert wait >= 0.0
        taken += wait == 0.0
        assert taken <= burst + rate * now + 1e-6
