"""Stages 7 and 12: the intent before anything leaves, the outcome after all of it has ended."""

from adapters.errors import StoreUnavailable
from proxy.exchange import Exchange
from rules.audit.commit import commit
from rules.audit.entry import GuardRun, Intent, Outcome
from rules.output.passage import Passage


async def record_intent(exchange: Exchange) -> None:
    """Set `intent` once it is durable; raises StoreUnavailable, and then nothing may leave.

    A client that hangs up meanwhile does not take the entry with it: the outcome finds it.
    """
    minimization = exchange.minimization
    received, sent = exchange.call.document.raw, minimization.minimized.body
    exchange.record_key = key = exchange.ports.record_key(exchange.call_id)
    commitment = commit(key, received)
    exchange.commitments = {
        "received": commitment,
        "sent": commitment if sent is received else commit(key, sent),
    }
    permit, call = exchange.permit, exchange.call
    entry = Intent(
        call_id=exchange.call_id,
        time=exchange.started_wall,
        principal=exchange.principal,
        dialect=call.dialect,
        model=call.model,
        stream=call.stream,
        policy=permit.policy,
        policy_hash=permit.policy_hash,
        rule=permit.rule,
        entities=minimization.counts,
        labels=exchange.labels,
        residual=minimization.residual,
        tools=call.tools,
        commitments=exchange.commitments,
    )
    exchange.intent = await exchange.ports.ledger.intent(entry)


async def record_outcome(exchange: Exchange) -> None:
    """Put on record how the call ended, whatever happened. Logs and counts where it cannot."""
    ports = exchange.ports
    try:
        await ports.ledger.outcome(_outcome(exchange), exchange.get("intent"))
    except StoreUnavailable as error:
        ports.metrics.evidence_failures.inc()
        ports.log.error(
            "outcome_not_recorded", call=exchange.call_id, place=error.place, error=str(error)
        )


def _outcome(exchange: Exchange) -> Outcome:
    decision = exchange.get("decision")
    call = exchange.get("call")
    completion = exchange.get("completion")
    passage: Passage | None = exchange.get("passage")
    policy = exchange.snapshot.policy
    return Outcome(
        call_id=exchange.call_id,
        time=exchange.ports.clock.wall(),
        status=exchange.outcome,
        http_status=exchange.get("status") or 0,
        code=exchange.get("code"),
        principal=exchange.get("principal"),
        dialect=exchange.dialect.DIALECT if exchange.classified else "unclassified",
        model=call.model if call else "",
        policy=decision.policy if decision else policy.policy.policy,
        policy_hash=decision.policy_hash if decision else policy.policy_hash,
        rule=decision.rule if decision else "",
        attempts=tuple(exchange.attempts),
        guards=_guards(passage),
        upstream=exchange.get("upstream"),
        usage=completion.usage if completion else None,
        finish_reasons=completion.finish_reasons if completion else (),
        tools_called=completion.tools_called if completion else (),
        seconds=exchange.ended - exchange.started,
        upstream_seconds=exchange.upstream_seconds,
        released=exchange.get("released"),
        complete=completion.complete if completion else False,
        warnings=tuple(exchange.warnings),
        commitments=exchange.get("answer_commitments") or {},
    )


def _guards(passage: Passage | None) -> tuple[GuardRun, ...]:
    if passage is None:
        return ()
    return tuple(
        GuardRun(run.guard, run.action, run.findings, run.verdict) for run in passage.report()
    )
