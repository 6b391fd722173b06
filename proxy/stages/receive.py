"""Stage 3: bytes become a call, in the caller's dialect; the body is bounded in size and time."""

import asyncio

from proxy.errors import BodyTooLarge, BodyUnreadable
from proxy.exchange import Exchange

BODY_SECONDS = 60.0  # a client that needs longer to send its prompt holds a place for nothing


async def receive(exchange: Exchange) -> None:
    """Set `call`. Raises BodyTooLarge, BodyUnreadable or WireError."""
    limit = exchange.snapshot.body_bytes
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in exchange.request.read():
                size += len(piece)
                if size > limit:
                    raise BodyTooLarge(limit)
                pieces.append(piece)
    except TimeoutError:
        raise BodyUnreadable(f"the body did not arrive within {BODY_SECONDS:.0f} s") from None
    exchange.call = exchange.dialect.read_call(b"".join(pieces))
