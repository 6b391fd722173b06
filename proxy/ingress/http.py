"""The client's side of HTTP: aiohttp's request and response as an exchange sees them.

Only what aiohttp does with a connection is translated here; what a path means is for the dialects.
"""

from collections.abc import AsyncIterator, Sequence

from aiohttp import web
from multidict import CIMultiDict

from proxy.errors import BodyUnreadable
from proxy.exchange import Request


def read_head(request: web.BaseRequest) -> Request:
    """Return the head of a request; its body is read when a stage asks for it."""
    return Request(
        method=request.method,
        path=request.raw_path.partition("?")[0],
        query=request.rel_url.raw_query_string,
        headers=request.headers,
        length=request.content_length,
        read=lambda: _body(request),
    )


async def _body(request: web.BaseRequest) -> AsyncIterator[bytes]:
    """Yield the body as it arrives, decompressed.

    `Expect: 100-continue` (RFC 9110 section 10.1.1) is answered here, so that a caller who is
    refused by then never sends its body. Raises BodyUnreadable.
    """
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    try:
        while piece := await request.content.readany():
            yield piece
    except web.RequestPayloadError:
        message = "the body is not in the encoding that `content-encoding` promises, or was cut"
        raise BodyUnreadable(message) from None


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
        await response.write_eof()

    async def start(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        """Begin a streamed response."""
        response = web.StreamResponse(status=status, headers=_named(headers))
        self._response = response
        await response.prepare(self._request)

    async def write(self, data: bytes) -> None:
        """Send a piece; waits while the client is slow."""
        await self._begun().write(data)

    async def end(self) -> None:
        """End a streamed response cleanly."""
        await self._begun().write_eof()

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
