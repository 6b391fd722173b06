"""Stage 11: what was buffered is released now, after all of it has been seen.

A streamed answer has left already, which `decide` settled; there is nothing to hold then.
"""

from proxy.exchange import Exchange


async def hold(exchange: Exchange) -> None:
    """Set `released`; send what `relay` kept back."""
    held = exchange.get("held")
    if held is not None:
        exchange.status = held.status
        await exchange.reply.whole(held.status, held.headers, held.body)
    exchange.released = True
