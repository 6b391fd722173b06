"""The client's side of HTTP: aiohttp's request and response as an exchange sees them.

Only what aiohttp does with a connection is translated here; what a path means is for the dialects.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Sequence
from typing import Final

from aiohttp import web
from multidict import CIMultiDict

from adapters.wire import openai_chat
from proxy.errors import BodyTooLarge, BodyUnreadable
from proxy.exchange import Request

# A client that needs longer to send its prompt holds a place for nothing.
BODY_SECONDS: Final = 60.0
# A client that takes nothing for this long is taken for gone.
WRITE_SECONDS: Final = 30.0
# From a new connection to the end of its first request's head.
HEAD_SECONDS: Final = 20.0


def read_head(request: web.BaseRequest) -> Request:
    """Return the head of a request; its body is read when a stage asks for it."""
    return Request(
        method=request.method,
        path=request.raw_path.partition("?")[0],
        query=request.rel_url.raw_query_string,
        headers=request.headers,
        length=request.content_length,
        read=lambda limit: _body(request, limit),
    )


async def _body(request: web.BaseRequest, limit: int) -> bytes:
    """Return the body, decompressed, of at most `limit` bytes whatever it announced.

    `Expect: 100-continue` (RFC 9110 section 10.1.1) is answered here, so that a caller who is
    refused by then never sends its body. Raises BodyTooLarge, BodyUnreadable.
    """
    content = request.content
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    pieces: list[bytes] = []
    size = 0
    try:
        # A body that came along with its head, as most do, needs no clock.
        async with contextlib.nullcontext() if content.is_eof() else asyncio.timeout(BODY_SECONDS):
            while piece := await content.readany():
                size += len(piece)
                if size > limit:
                    raise BodyTooLarge(limit)
                pieces.append(piece)
    except web.RequestPayloadError:
        message = "the body is not in the encoding that `content-encoding` promises, or was cut"
        raise BodyUnreadable(message) from None
    except TimeoutError:
        raise BodyUnreadable(f"the body did not arrive within {BODY_SECONDS:.0f} s") from None
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class CarefulHandler(web.RequestHandler):
    """aiohttp's connection, but for what it says of requests that it cannot read.

    Its own words quote the request: they would put credentials into logs and answers.
    """

    __slots__ = ("_impatience",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give the first request's head a moment to arrive."""
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        self._impatience = loop.call_later(HEAD_SECONDS, self._give_up, transport)

    def _give_up(self, transport: asyncio.BaseTransport) -> None:
        if not self._request_count and isinstance(transport, asyncio.Transport):
            transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the clock."""
        self._impatience.cancel()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer in fixed words; nothing of the request is repeated or logged."""
        if request.writer.output_size > 0:
            raise ConnectionError("the response has begun already")
        malformed = status < 500
        code = "malformed_request" if malformed else "internal_error"
        words = "this is not a request that HTTP allows" if malformed else "an internal error"
        kind = "invalid_request_error" if malformed else "server_error"
        body = openai_chat.error_body(code, words, kind)
        response = web.Response(
            status=400 if malformed else 500,
            body=body,
            headers=_named([("content-type", "application/json"), ("x-pratique-error", code)]),
        )
        response.force_close()
        return response


class FrontServer(web.Server):
    """Makes a careful handler of each connection."""

    def __call__(self) -> CarefulHandler:
        """Return the protocol of a new connection."""
        return CarefulHandler(self, loop=self._loop, **self._kwargs)


class HttpReply:
    """Implements `proxy.exchange.Reply` on an aiohttp connection."""

    __slots__ = ("_request", "_response")

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self._response: web.StreamResponse | None = None

    @property
    def started(self) -> bool:
        """True once the status line may have left."""
        return self._response is not None

    async def whole(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        """Send a complete response."""
        response = web.Response(status=status, headers=_named(headers), body=body)
        self._response = response
        await response.prepare(self._request)
        await self._patiently(response.write_eof())

    async def start(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        """Begin a streamed response."""
        response = web.StreamResponse(status=status, headers=_named(headers))
        self._response = response
        await response.prepare(self._request)

    async def write(self, data: bytes) -> None:
        """Send a piece; waits while the client is slow."""
        await self._patiently(self._begun().write(data))

    async def end(self) -> None:
        """End a streamed response cleanly."""
        await self._patiently(self._begun().write_eof())

    async def _patiently(self, sending: Awaitable[None]) -> None:
        """Give up a client that reads nothing for too long: it holds a place and an upstream.

        Raises ConnectionResetError, as for any client that is gone.
        """
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await sending
        except TimeoutError:
            self.abort()
            raise ConnectionResetError("the client reads nothing") from None

    async def tear(self) -> None:
        """Let what was written arrive, then break the connection without a clean end.

        A chunked body that stops without its last chunk is incomplete (RFC 9112 section 8).
        """
        self._begun().force_close()
        if self._request.transport is not None:
            self._request.transport.close()

    def abort(self) -> None:
        """Break the connection at once."""
        if self._request.transport is not None:
            self._request.transport.abort()

    def handed_back(self) -> web.StreamResponse:
        """Return the response for aiohttp to close the request with."""
        return self._response if self._response is not None else web.Response(status=500)

    def _begun(self) -> web.StreamResponse:
        if self._response is None:
            raise RuntimeError("nothing was started")
        return self._response


def _named(headers: Sequence[tuple[str, str]]) -> CIMultiDict[str]:
    named = CIMultiDict(headers)
    named.setdefault("Server", "pratique")
    return named
