"""Which upstreams may have a call, and in which order.

Every attempt and every fallback goes through the candidates named here, so an upstream that the
permit excludes by name, region or missing agreement is never reached, however the others fare.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from rules.policy.document import EVERY, ProviderTerms

# Why a target is not a candidate.
NAME_NOT_PERMITTED: Final = "name_not_permitted"
REGION_NOT_PERMITTED: Final = "region_not_permitted"
BAA_REQUIRED: Final = "baa_required"
CIRCUIT_OPEN: Final = "circuit_open"
# Why there is no candidate at all.
NO_PERMITTED_UPSTREAM: Final = "no_permitted_upstream"
ALL_CIRCUITS_OPEN: Final = "all_circuits_open"

# What a call may only carry to a business associate: identifiers, and parts that may hide some.
_PROTECTED: Final = frozenset({"phi", "unreadable"})


@dataclass(frozen=True, slots=True)
class Target:
    """An upstream as a route sees it.

    `baa`: a business associate agreement (45 CFR 164.504(e)) is in force; `region`: where it
    processes, None where nobody has said; `models` maps a model as asked to its name there.
    """

    name: str
    baa: bool
    region: str | None
    models: Mapping[str, str] = field(default_factory=dict)

    def model(self, asked: str) -> str:
        """Return what this upstream calls the model `asked`."""
        return self.models.get(asked, asked)


@dataclass(frozen=True, slots=True)
class Route:
    """Where calls to certain `models` (globs) go: `targets` in order of preference."""

    name: str
    models: tuple[str, ...]
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The targets that may have a call now, in order, and why the `excluded` ones may not.

    `refusal` is None, or why there is no target: `no_permitted_upstream` where policy leaves none,
    `all_circuits_open` where only those are left that are failing.
    """

    targets: tuple[Target, ...]
    excluded: Mapping[str, str]
    refusal: str | None


def route_for(routes: Collection[Route], model: str) -> Route | None:
    """Return the first route that takes `model`, or None."""
    return next((route for route in routes if _matches(route.models, model)), None)


def select(
    route: Route, terms: ProviderTerms, residual: frozenset[str], open_upstreams: Collection[str]
) -> Candidates:
    """Return who may have a call on these `terms`.

    `residual` are the labels (see `rules.classify.catalogue.LABELS`) still true of what leaves;
    `open_upstreams` names those that are to be left alone for now.
    """
    targets: list[Target] = []
    excluded: dict[str, str] = {}
    for target in route.targets:
        reason = _exclusion(target, terms, residual)
        if reason is None and target.name in open_upstreams:
            reason = CIRCUIT_OPEN
        if reason is None:
            targets.append(target)
        else:
            excluded[target.name] = reason
    refusal = None
    if not targets:
        waiting = CIRCUIT_OPEN in excluded.values()
        refusal = ALL_CIRCUITS_OPEN if waiting else NO_PERMITTED_UPSTREAM
    return Candidates(tuple(targets), excluded, refusal)


def _exclusion(target: Target, terms: ProviderTerms, residual: frozenset[str]) -> str | None:
    if not _matches(terms.names, target.name):
        return NAME_NOT_PERMITTED
    # A region that nobody has named is matched only by what matches anything.
    if not _matches(terms.regions, target.region or ""):
        return REGION_NOT_PERMITTED
    if not target.baa and _needs_baa(terms, residual):
        return BAA_REQUIRED
    return None


def _needs_baa(terms: ProviderTerms, residual: frozenset[str]) -> bool:
    if terms.baa == "if_phi":
        return not residual.isdisjoint(_PROTECTED)
    return terms.baa == "always"


def _matches(globs: Collection[str], value: str) -> bool:
    return any(glob == EVERY or fnmatchcase(value, glob) for glob in globs)
