"""Who may have a call, and who never."""

import pytest

from rules.policy.document import ProviderTerms
from rules.routing.select import Route, Target, route_for, select

EU = Target("eu", baa=True, region="eu-west-1")
US = Target("us", baa=True, region="us", models={"gpt-4o": "gpt-4o-us"})
FREE = Target("free", baa=False, region="us")
NOWHERE = Target("nowhere", baa=True, region=None)
ROUTE = Route("default", ("*",), (EU, FREE, US, NOWHERE))
NONE: frozenset[str] = frozenset()


def names(terms: ProviderTerms, residual=NONE, open_upstreams=NONE) -> list[str]:
    chosen = select(ROUTE, terms, frozenset(residual), open_upstreams)
    return [target.name for target in chosen.targets]


def test_all_targets_of_a_route_in_its_order():
    assert names(ProviderTerms()) == ["eu", "free", "us", "nowhere"]


def test_names_and_regions_are_globs_and_an_unnamed_region_matches_only_the_star():
    assert names(ProviderTerms(names=("e*", "us"))) == ["eu", "us"]
    assert names(ProviderTerms(regions=("us", "eu-*"))) == ["eu", "free", "us"]
    assert names(ProviderTerms(regions=("?*",))) == ["eu", "free", "us"]


@pytest.mark.parametrize(
    ("baa", "residual", "has_free"),
    [
        ("always", (), False),
        ("never", ("phi", "unreadable"), True),
        ("if_phi", (), True),
        ("if_phi", ("secrets",), True),
        ("if_phi", ("phi",), False),
        ("if_phi", ("unreadable",), False),
    ],
)
def test_an_agreement_is_asked_for_where_identifiers_may_leave(baa, residual, has_free):
    assert ("free" in names(ProviderTerms(baa=baa), residual)) is has_free


def test_each_exclusion_has_its_reason():
    chosen = select(
        ROUTE,
        ProviderTerms(names=("eu", "free", "us"), regions=("us",), baa="always"),
        NONE,
        {"us"},
    )
    assert chosen.targets == ()
    assert chosen.excluded == {
        "eu": "region_not_permitted",
        "free": "baa_required",
        "us": "circuit_open",
        "nowhere": "name_not_permitted",
    }
    assert chosen.refusal == "all_circuits_open"


def test_an_open_circuit_does_not_hide_that_policy_permits_nobody():
    chosen = select(ROUTE, ProviderTerms(names=("other",)), NONE, {"eu", "us", "free", "nowhere"})
    assert chosen.refusal == "no_permitted_upstream"
    assert set(chosen.excluded.values()) == {"name_not_permitted"}


def test_with_a_candidate_there_is_no_refusal():
    assert select(ROUTE, ProviderTerms(), NONE, {"eu"}).refusal is None


def test_the_first_route_that_takes_the_model_wins():
    first = Route("embeddings", ("text-embedding-*", "ada"), (EU,))
    routes = (first, ROUTE)
    assert route_for(routes, "ada") is first
    assert route_for(routes, "text-embedding-3-small") is first
    assert route_for(routes, "gpt-4o") is ROUTE
    assert route_for((first,), "gpt-4o") is None


def test_a_target_may_call_a_model_otherwise():
    assert US.model("gpt-4o") == "gpt-4o-us"
    assert US.model("o3") == "o3"
