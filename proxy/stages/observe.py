"""Stage 13: numbers for the people who run it. Always runs; never holds a value of a call."""

from proxy.exchange import Exchange
from rules.policy.decide import Permit


async def observe(exchange: Exchange) -> None:
    """Count and time the call, stage by stage."""
    metrics = exchange.ports.metrics
    principal = exchange.get("principal")
    route = exchange.get("route")
    route_name = route.name if route else "(none)"
    decision = exchange.get("decision")
    verdict = "none" if decision is None else _verdict(decision)
    tenant_class = principal.tenant_class if principal else "(none)"
    status = exchange.get("status") or 0
    metrics.call_ended(route_name, tenant_class, verdict, exchange.outcome, status)
    for stage, seconds in exchange.seconds.items():
        metrics.stage(stage, seconds)
    total = exchange.ended - exchange.started
    if exchange.has("upstream"):
        metrics.added(route_name, max(0.0, total - exchange.upstream_seconds))
        metrics.upstream(exchange.upstream, exchange.upstream_seconds)
    for attempt in exchange.attempts:
        result = f"{attempt.status // 100}xx" if attempt.status else attempt.error or "error"
        metrics.attempt(attempt.upstream, result)
    _observe_content(exchange)
    exchange.ports.log.info(
        "call", call=exchange.call_id, status=status, decision=exchange.outcome,
        code=exchange.get("code"), route=route_name, seconds=round(total, 6),
    )  # fmt: skip


def _observe_content(exchange: Exchange) -> None:
    metrics = exchange.ports.metrics
    minimization = exchange.get("minimization")
    if minimization is not None:
        for entity, operators in minimization.counts.items():
            for operator, count in operators.items():
                metrics.entities(entity, operator, count)
    passage = exchange.get("passage")
    for run in passage.report() if passage else ():
        metrics.findings(run.guard, run.verdict, sum(run.findings.values()))
    completion = exchange.get("completion")
    if completion is not None and completion.usage and exchange.has("upstream"):
        metrics.usage(exchange.upstream, completion.usage.prompt, completion.usage.completion)


def _verdict(decision: object) -> str:
    return "permit" if isinstance(decision, Permit) else "refuse"
