"""Stage 8: which upstreams may have the call, in order. Every attempt comes from this list."""

from proxy.errors import NoRoute
from proxy.exchange import Exchange
from rules.routing.select import BAA_REQUIRED, NO_PERMITTED_UPSTREAM, route_for, select

_WORDS = {
    NO_PERMITTED_UPSTREAM: "policy lets none of this route's upstreams have the call",
    "all_circuits_open": "all upstreams that may have the call are failing",
}


async def route(exchange: Exchange) -> None:
    """Set `route` and `candidates`, or raise NoRoute."""
    found = route_for(exchange.snapshot.routes, exchange.call.model)
    if found is None:
        raise NoRoute("no_route", "no route of the configuration takes this model")
    exchange.route = found
    candidates = select(
        found,
        exchange.permit.obligations.providers,
        exchange.minimization.residual,
        exchange.ports.health.open_upstreams(exchange.call.model),
    )
    if candidates.refusal is not None:
        reasons = ", ".join(f"`{name}`: {why}" for name, why in candidates.excluded.items())
        words = f"{_WORDS[candidates.refusal]} ({reasons})"
        if BAA_REQUIRED in candidates.excluded.values():
            words += "; `baa: true` belongs to an upstream with whom an agreement is in force"
        raise NoRoute(candidates.refusal, words)
    exchange.candidates = candidates
