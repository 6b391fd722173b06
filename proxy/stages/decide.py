"""Stage 5: may it leave, and on what terms. Nothing after this stage runs without a permit."""

from proxy.errors import PolicyRefused
from proxy.exchange import Exchange
from rules.policy.decide import Facts, Refusal


async def decide(exchange: Exchange) -> None:
    """Set `decision` and, where it is one, `permit`; raises PolicyRefused otherwise."""
    call = exchange.call
    facts = Facts(
        exchange.principal,
        call.model,
        exchange.labels,
        call.tools,
        call.wants_logprobs,
        call.models,
    )
    decision = exchange.snapshot.policy.decide(facts)
    exchange.decision = decision
    if isinstance(decision, Refusal):
        raise PolicyRefused(decision)
    exchange.permit = decision
