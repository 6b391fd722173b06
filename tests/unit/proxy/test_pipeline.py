"""What happens when even telling of an error fails: the connection is torn, the outcome stands."""

import io
import types

from proxy import pipeline
from proxy.exchange import Door, Exchange, Request
from proxy.log import Log


class BrokenReply:
    started = False
    aborted = False

    async def whole(self, status, headers, body) -> None:
        raise ValueError("a defect")

    def abort(self) -> None:
        self.aborted = True


async def test_a_defect_while_responding_tears_the_connection():
    stream = io.StringIO()
    clock = types.SimpleNamespace(monotonic=lambda: 1.0, wall=lambda: 2.0)
    ports = types.SimpleNamespace(clock=clock, log=Log(clock, stream))
    dialect = types.SimpleNamespace(DIALECT="d", error_body=lambda *_: b"{}")
    request = Request("POST", "/x", "", {}, None, lambda _: None)
    reply = BrokenReply()
    exchange = Exchange("pr-1", request, reply, Door(dialect, True, ports), None)

    await pipeline._respond(exchange, KeyError("Maria Gonzalez"))

    assert reply.aborted
    assert (exchange.outcome, exchange.code) == ("failed", "internal_error")
    assert "response_failed" in stream.getvalue()
    assert "Gonzalez" not in stream.getvalue()
