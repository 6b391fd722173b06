"""Reading a body must not keep other calls waiting."""

import threading
from types import SimpleNamespace

import pytest

from proxy.stages.receive import OFFLOAD_BYTES, receive


@pytest.mark.parametrize(("size", "offloaded"), [(OFFLOAD_BYTES, False), (OFFLOAD_BYTES + 1, True)])
async def test_a_large_body_is_read_beside_the_event_loop(size: int, offloaded: bool) -> None:
    readers: list[int] = []

    async def read(limit: int) -> bytes:
        assert limit == 7
        return b"x" * size

    def read_call(body: bytes) -> str:
        readers.append(threading.get_ident())
        return f"a call of {len(body)} bytes"

    exchange = SimpleNamespace(
        request=SimpleNamespace(read=read),
        snapshot=SimpleNamespace(body_bytes=7),
        dialect=SimpleNamespace(read_call=read_call),
    )
    await receive(exchange)
    assert exchange.call == f"a call of {size} bytes"
    assert (readers != [threading.get_ident()]) is offloaded
