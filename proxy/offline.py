"""What can be asked without a running sidecar: what would a call meet, and does the log hold."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from adapters.errors import WireError
from adapters.wire import openai_chat
from proxy.config import Config, gazetteer_lines, read_policy
from rules.chat import Call
from rules.classify.analyze import Analyzer
from rules.classify.gazetteer import Gazetteer
from rules.classify.recognizer import Finding
from rules.minimize.apply import Envelope, minimize
from rules.policy.decide import Facts, Permit
from rules.policy.load import CompiledPolicy
from rules.principal import Assurance, Principal
from rules.routing.select import route_for, select


class Unanswerable(Exception):
    """The question cannot be answered; the message says why and what to do."""


@dataclass(frozen=True)
class Asker:
    """As whom to ask: a caller of the config by `name`, or words of one's own that override it."""

    name: str | None = None
    tenant: str | None = None
    roles: Sequence[str] | None = None
    workflow: str | None = None


@dataclass(frozen=True)
class Explanation:
    """What a call would meet. `leaving` is the body that would be sent, None if none would."""

    permitted: bool
    rule: str
    policy: str
    words: str
    labels: tuple[str, ...]
    found: tuple[tuple[str, str, int], ...]  # entity, operator, how often
    leaving: bytes | None = field(repr=False)


def explain(body: bytes, config: Config | None, policy_name: str, asker: Asker) -> Explanation:
    """Return what would be decided about `body` and what would leave; no call is made.

    Raises Unanswerable, or ConfigError for a policy that cannot be used.
    """
    policy = read_policy(config.policy if config else policy_name, Path.cwd())
    principal = _principal(config, asker)
    try:
        call = openai_chat.read_call(body)
    except WireError as error:
        raise Unanswerable(f"not a chat completion request: {error}") from None
    findings, labels = _classify(call, policy)
    facts = Facts(principal, call.model, labels, call.tools, call.wants_logprobs, call.models)
    decision = policy.decide(facts)
    policy_words = f"{decision.policy} ({decision.policy_hash[:12]})"
    told = tuple(sorted(labels))
    if not isinstance(decision, Permit):
        refused = tuple((entity, "refused", count) for entity, count in _count(findings))
        words = f"{decision.code}: {decision.reason}"
        return Explanation(False, decision.rule, policy_words, words, told, refused, None)
    envelope = Envelope("/v1/chat/completions", "", ())
    result = minimize(call, findings, decision.obligations.minimize, envelope)
    found = tuple(
        (entity, operator, count)
        for entity, operators in sorted(result.counts.items())
        for operator, count in sorted(operators.items())
    )
    words = f"release {decision.obligations.release}, restore {decision.obligations.restore}"
    if config is not None:
        refusal, routed = _routed(config, call.model, decision, result.residual)
        words += f"; {routed}"
        if refusal:
            return Explanation(False, decision.rule, policy_words, words, told, found, None)
    body = result.minimized.body
    return Explanation(True, decision.rule, policy_words, words, told, found, body)


def _routed(
    config: Config, model: str, permit: Permit, residual: frozenset[str]
) -> tuple[bool, str]:
    """Return whether no upstream may have the call, and where it would go or why nowhere."""
    route = route_for(config.compiled_routes(), model)
    if route is None:
        return True, "no route takes this model"
    candidates = select(route, permit.obligations.providers, residual, frozenset())
    excluded = ", ".join(f"{name}: {why}" for name, why in candidates.excluded.items())
    if candidates.refusal is not None:
        return True, f"{candidates.refusal} ({excluded})"
    return False, f"goes to {', '.join(target.name for target in candidates.targets)}"


def indented(body: bytes) -> str:
    """Return a JSON body for the eye."""
    return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()


def _classify(call: Call, policy: CompiledPolicy) -> tuple[tuple[Finding, ...], frozenset[str]]:
    unreadable = frozenset({"unreadable"}) if call.unreadable else frozenset()
    if not policy.needs_scan:
        return (), unreadable
    analysis = Analyzer(Gazetteer.from_lines(*gazetteer_lines())).analyze(call.slots)
    return analysis.findings, analysis.labels | unreadable


def _count(findings: Sequence[Finding]) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.entity] = counts.get(finding.entity, 0) + 1
    return sorted(counts.items())


def _principal(config: Config | None, asker: Asker) -> Principal:
    base = Principal(
        "explain", "default", frozenset({"developer"}), "default", Assurance.LOW, "api_key"
    )
    if config is not None:
        base = _configured(config, asker) or base
    elif asker.name is not None:
        raise Unanswerable("--as names an api key of a config; give --config too")
    return Principal(
        subject=base.subject,
        tenant=asker.tenant or base.tenant,
        roles=frozenset(asker.roles) if asker.roles else base.roles,
        workflow=asker.workflow or base.workflow,
        assurance=base.assurance,
        method=base.method,
    )


def _configured(config: Config, asker: Asker) -> Principal | None:
    keys = {key.name: key.sha256 for key in config.identity.api_keys}
    principals = config.identity.principals()
    if asker.name is None:
        if len(keys) == 1:
            return principals[next(iter(keys.values()))]
        if asker.tenant or asker.roles or asker.workflow:
            return None
        raise Unanswerable(f"say as whom: --as NAME, one of {', '.join(sorted(keys)) or '(none)'}")
    if asker.name not in keys:
        raise Unanswerable(f"no api key is called `{asker.name}`; known: {', '.join(sorted(keys))}")
    return principals[keys[asker.name]]
