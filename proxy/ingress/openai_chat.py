"""The front door: one handler for all paths, which knows OpenAI Chat Completions.

Any other method or path is carried too, as an unclassified call: it is identified, refused and put
on record, so that an endpoint that nobody has classified is never a hole.
"""

import secrets
from collections.abc import Callable
from typing import Final

from aiohttp import web

from adapters.wire import openai_chat
from proxy.exchange import Door, Exchange, Ports
from proxy.ingress.http import HttpReply, read_head
from proxy.pipeline import carry
from proxy.snapshot import Snapshot

PATHS: Final = frozenset({"/v1/chat/completions", "/chat/completions"})


class FrontDoor:
    """Makes an exchange of each request, under the snapshot that is current when it arrives."""

    def __init__(self, ports: Ports, snapshot: Callable[[], Snapshot]) -> None:
        self._clock = ports.clock
        self._chat = Door(openai_chat, classified=True, ports=ports)
        self._unclassified = Door(openai_chat, classified=False, ports=ports)
        self._snapshot = snapshot

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Carry one call. The response has been sent when this returns."""
        reply = HttpReply(request)
        head = read_head(request)
        known = head.method == "POST" and head.path in PATHS
        door = self._chat if known else self._unclassified
        await carry(Exchange(self._call_id(), head, reply, door, self._snapshot()))
        return reply.handed_back()

    def _call_id(self) -> str:
        """Ordered by time to the millisecond, then 64 random bits."""
        return f"pr-{int(self._clock.wall() * 1000):011x}-{secrets.token_hex(8)}"
