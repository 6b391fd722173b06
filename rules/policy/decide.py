"""May this call be made, and on what terms.

Default forbid; a forbid overrides every permit; among permits the first in the document wins. The
answer depends on the facts and the document alone, and always names the rule that made it. A forbid
takes models and tools in any case (`GPT-4` is `gpt-4`), since some providers do: a permit does not.
Where a call names several models, any of them may answer: a forbid asks about any, a permit all.
This is the only place where a `Permit` is made.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from rules.policy.document import EVERY, Condition, Effect, Obligation, Policy, Rule
from rules.principal import Assurance, Principal

_RANK = {Assurance.LOW: 0, Assurance.SUBSTANTIAL: 1, Assurance.HIGH: 2}
NO_RULE = "(default)"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a decision may depend on: the asker, and the call as seen from outside.

    `models` are all models that the call names; `model` is one of them, whether listed or not.
    """

    principal: Principal
    model: str
    labels: frozenset[str]
    tools: tuple[str, ...] = ()
    wants_logprobs: bool = False
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to send one call under `obligations`; made by `decide`, asked for by every upstream."""

    policy: str
    policy_hash: str
    rule: str
    obligations: Obligation


@dataclass(frozen=True, slots=True)
class Refusal:
    """No leave: which rule said so, with a stable `code` and words fit for the caller."""

    policy: str
    policy_hash: str
    rule: str
    code: str
    reason: str


Decision = Permit | Refusal


def decide(policy: Policy, policy_hash: str, facts: Facts) -> Decision:
    """Return the permit or the refusal that `policy` has for a call with these facts."""
    chosen: Rule | None = None
    for rule in policy.rules:
        if rule.effect is Effect.PERMIT and chosen is not None:
            continue
        if not _matches(rule.match, facts, any_case=rule.effect is Effect.FORBID):
            continue
        if rule.effect is Effect.FORBID:
            reason = rule.reason or f"rule `{rule.name}` forbids this call"
            return Refusal(policy.policy, policy_hash, rule.name, "forbidden_by_policy", reason)
        chosen = rule
    if chosen is None:
        reason = "no rule of the policy permits this call"
        return Refusal(policy.policy, policy_hash, NO_RULE, "not_permitted", reason)
    obligations = chosen.obligations or Obligation()
    refused = _out_of_scope(obligations, facts)
    if refused is not None:
        return Refusal(policy.policy, policy_hash, chosen.name, *refused)
    return Permit(policy.policy, policy_hash, chosen.name, obligations)


def _out_of_scope(obligations: Obligation, facts: Facts) -> tuple[str, str] | None:
    """A permit's own limits on what the call brings along: (code, reason) where it exceeds them."""
    for tool in facts.tools:
        if not _glob(obligations.tools, tool):
            return "tool_not_permitted", "a tool offered in this call is not permitted here"
    if facts.wants_logprobs and obligations.logprobs == "refuse":
        return "logprobs_not_permitted", "`logprobs` is not permitted here; leave it out"
    return None


def _matches(condition: Condition, facts: Facts, *, any_case: bool) -> bool:
    principal = facts.principal
    return (
        _glob(condition.tenants, principal.tenant)
        and _any(condition.roles, principal.roles)
        and _glob(condition.workflows, principal.workflow)
        and _models(condition.models, facts, forbids=any_case)
        and _any(condition.labels, facts.labels)
        and (
            condition.tools is None
            or any(_glob(condition.tools, tool, any_case=any_case) for tool in facts.tools)
        )
        and (
            condition.assurance is None or _RANK[principal.assurance] >= _RANK[condition.assurance]
        )
    )


def _models(patterns: tuple[str, ...] | None, facts: Facts, *, forbids: bool) -> bool:
    """A permit has to cover every model; a forbid one, by any of the names that it goes by."""
    named = (facts.model, *facts.models)
    if not forbids:
        return all(_glob(patterns, model) for model in named)
    names = {name for model in named for name in _names(model)}
    return any(_glob(patterns, name, any_case=True) for name in names)


def _names(model: str) -> tuple[str, ...]:
    """`openai/gpt-4:online` is also `openai/gpt-4`, `gpt-4:online` and `gpt-4`."""
    bare = model.rpartition("/")[2]
    return model, model.partition(":")[0], bare, bare.partition(":")[0]


def _glob(patterns: tuple[str, ...] | None, value: str, *, any_case: bool = False) -> bool:
    if patterns is None:
        return True
    if any_case:
        return any(fnmatchcase(value.casefold(), p.casefold()) for p in patterns)
    return any(p == EVERY or fnmatchcase(value, p) for p in patterns)


def _any(wanted: tuple[str, ...] | None, held: frozenset[str]) -> bool:
    return wanted is None or not held.isdisjoint(wanted)
