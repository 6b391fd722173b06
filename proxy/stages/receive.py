"""Stage 3: bytes become a call, in the caller's dialect."""

import asyncio
from typing import Final

from proxy.exchange import Exchange

# Above this many bytes reading takes milliseconds, and other calls must not wait for it.
OFFLOAD_BYTES: Final = 128 * 1024


async def receive(exchange: Exchange) -> None:
    """Set `call`. Raises BodyTooLarge, BodyUnreadable or WireError."""
    body = await exchange.request.read(exchange.snapshot.body_bytes)
    if len(body) > OFFLOAD_BYTES:
        exchange.call = await asyncio.to_thread(exchange.dialect.read_call, body)
    else:
        exchange.call = exchange.dialect.read_call(body)
