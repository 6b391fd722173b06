"""Calls to an upstream in front of a server of bytes."""

import asyncio

from adapters.ports import Deadlines
from adapters.upstreams.http import HttpAnswer, HttpUpstream
from rules.audit.entry import IntentRef
from rules.minimize.apply import Minimized
from rules.policy.decide import Permit
from rules.policy.document import Obligation
from tests.unit.adapters.upstreams.byte_server import ByteServer, Visit

CALL = Minimized(
    dialect="openai_chat",
    path="/v1/chat/completions",
    query="",
    headers=(("Content-Type", "application/json"), ("Accept-Encoding", "gzip, deflate")),
    model="gpt-4o",
    stream=False,
    body=b'{"model":"gpt-4o"}',
)
PERMIT = Permit("p", "h", "r", Obligation())
INTENT = IntentRef("c", 0, bytes(32))
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"


def upstream_of(server: ByteServer, base: str = "/v1", **more) -> HttpUpstream:
    options = {"credential": lambda: "sk-own", "models": {}, **more}
    host = f"[{server.host}]" if ":" in server.host else server.host
    return HttpUpstream("main", f"http://{host}:{server.port}{base}", **options)


async def sent(upstream: HttpUpstream, call: Minimized = CALL, **limits: float) -> HttpAnswer:
    total = limits.pop("total", 20.0)
    settings = {"connect": 10.0, "first_byte": 10.0, "idle": 10.0, **limits}
    ends_at = asyncio.get_running_loop().time() + total
    return await upstream.send(call, PERMIT, INTENT, Deadlines(**settings, ends_at=ends_at))


async def asked(upstream: HttpUpstream, call: Minimized = CALL) -> bytes:
    return await (await sent(upstream, call)).read()


def saying(*parts: bytes, hold: bool = True):
    """A server that answers each connection's first request with the parts."""

    async def serve(visit: Visit) -> None:
        await visit.request()
        await visit.say(*parts)
        if hold:
            await visit.until_left()

    return serve
