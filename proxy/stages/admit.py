"""Stage 2: is there room. Kill switch, endpoint, announced size, rate and places, in this order."""

from proxy.errors import BodyTooLarge, KillSwitchEngaged, Unclassified
from proxy.exchange import Exchange


async def admit(exchange: Exchange) -> None:
    """Set `reservation`, or raise KillSwitchEngaged, Unclassified, BodyTooLarge or Pushback."""
    if exchange.ports.killed():
        raise KillSwitchEngaged
    if not exchange.classified:
        raise Unclassified
    limit = exchange.snapshot.body_bytes
    if exchange.request.length is not None and exchange.request.length > limit:
        raise BodyTooLarge(limit)
    exchange.reservation = exchange.ports.limiter.admit(exchange.principal)
    exchange.ports.metrics.in_flight.inc()
