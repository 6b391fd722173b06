"""From a parsed document to a policy that can decide; every flaw is told at once.

What decisions need is found out here, once, so that a call pays only for what its policy uses.
Nothing is read from disk: the document comes parsed, its bytes come along.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import orjson
from pydantic import ValidationError

from rules.errors import PolicyError
from rules.policy.decide import Decision, Facts, decide
from rules.policy.document import Action, Effect, Obligation, Policy, Rule
from rules.policy.flaws import Flaw, flaws, repeated

# The labels that only looking into the texts can give; `unreadable` is seen from the call's shape.
SCANNED_LABELS: Final = frozenset({"phi", "secrets"})


class FlawedPolicyError(PolicyError):
    """A policy document cannot be used; `flaws` says where and why, for each reason."""

    def __init__(self, found: tuple[Flaw, ...]) -> None:
        super().__init__([str(flaw) for flaw in found])
        self.flaws = found


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """A policy ready to decide.

    `policy_hash` is the SHA-256, in hex, of what the document means (so that comments and layout do
    not count); `needs_scan` says whether any call's texts have to be searched for identifiers;
    `source` is the document as it was written, for whoever asks what is in force.
    """

    policy: Policy
    policy_hash: str
    needs_scan: bool
    source: bytes = field(repr=False)

    def decide(self, facts: Facts) -> Decision:
        """Return the permit or the refusal for a call with these facts."""
        return decide(self.policy, self.policy_hash, facts)


def compile_policy(data: object, source_bytes: bytes) -> CompiledPolicy:
    """Return the policy that `data`, the parsed `source_bytes`, describes.

    Raises FlawedPolicyError, a PolicyError, that lists every flaw with its place.
    """
    found = repeated(data, ("rules",), "name")
    try:
        policy = Policy.model_validate(data)
    except ValidationError as error:
        raise FlawedPolicyError((*flaws(error, Policy), *found)) from None
    if found:
        raise FlawedPolicyError(found)
    return CompiledPolicy(policy, _hash(policy), _needs_scan(policy), source_bytes)


def _hash(policy: Policy) -> str:
    content = orjson.dumps(policy.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    return sha256(content).hexdigest()


def _needs_scan(policy: Policy) -> bool:
    return any(_rule_needs_scan(rule) for rule in policy.rules)


def _rule_needs_scan(rule: Rule) -> bool:
    if not SCANNED_LABELS.isdisjoint(rule.match.labels or ()):
        return True
    if rule.effect is Effect.FORBID:
        return False
    obligations = rule.obligations or Obligation()
    return (
        bool(obligations.minimize)
        or obligations.guards.leakage is not Action.OFF
        # Whether identifiers leave, on which this depends, is not known without looking.
        or obligations.providers.baa == "if_phi"
    )
