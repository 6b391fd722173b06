"""One connection to an upstream: HTTP/1.1 requests, one after another, and their answers.

It keeps what has come until it is taken, and stops reading from the socket where too much waits. A
byte that no request asked for makes it unfit for another one: answers are told apart by their order
alone, so a wrong one would reach the next caller. It never retries and never decodes content.
"""

import asyncio
import select
from typing import Final, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from adapters.errors import UpstreamBroken, UpstreamTimeout

HIGH_WATER: Final = 256 * 1024
"""Bytes of a body that may wait to be taken before the socket is no longer read."""

HEAD_LIMIT: Final = 64 * 1024
"""Bytes that the header section, interim answers, trailers and chunk extensions may have."""

_JOIN_LIMIT: Final = 64 * 1024
_BODYLESS: Final = frozenset({204, 304})


class Connection(asyncio.Protocol):
    """A connection of an event loop's transport; `place` names the upstream in errors.

    Use: `send`, `wait`, then read `status` and `headers`; `take` and `wait` in turn until
    `at_end`. After that, where `reusable`, the next `send`.
    """

    def __init__(self, place: str, loop: asyncio.AbstractEventLoop) -> None:
        self._place = place
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._poll = select.poll()
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._waiter: asyncio.Future[None] | None = None
        self._pieces: list[bytes] = []
        self._waiting_bytes = 0
        self._paused = False
        self._spoiled = False
        self._complete = True
        self._failure: str | None = None
        self._clear()

    def _clear(self) -> None:
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self._seen = False
        self._interim = False
        self._head_done = False
        self._until_close = False
        self._keep_alive = False
        self._head_bytes = 0
        self._overhead = 0

    @property
    def at_end(self) -> bool:
        """True when the whole answer has come and has been taken."""
        return self._complete and not self._pieces

    @property
    def reusable(self) -> bool:
        """True when another request may be sent: the last exchange left nothing behind.

        A request that is still being written is left behind too: the answer came early.
        """
        transport = self._transport
        return (
            transport is not None
            and not self._spoiled
            and self.at_end
            and self._keep_alive
            and not transport.is_closing()
            and transport.get_write_buffer_size() == 0
        )

    @property
    def silent(self) -> bool:
        """True when nothing waits in the socket: neither an end nor bytes nobody asked for.

        The event loop may not have seen them yet, so the kernel is asked.
        """
        return not self._poll.poll(0)

    @property
    def unanswered(self) -> bool:
        """True when it was closed before a single byte of the last request's answer came."""
        return self._spoiled and not self._seen

    def send(self, head: bytes, body: bytes) -> None:
        """Write a request, at once where it is small; a large one leaves while its answer comes."""
        self._clear()
        self._complete = False
        if self._transport is None or self._transport.is_closing():
            self._end()
        elif len(body) > _JOIN_LIMIT:
            self._transport.write(head)
            self._transport.write(body)
        else:
            self._transport.write(head + body)

    async def wait(self, until: float, phase: str) -> None:
        """Return when `take` has something to give, or the answer is at its end.

        `until` is a moment of the event loop's clock. Raises UpstreamTimeout with `phase`, and
        UpstreamBroken where the answer is broken and what came before that is taken.
        """
        if not self._ready():
            waiter = self._waiter = self._loop.create_future()
            timer = self._loop.call_at(until, self._wake)
            try:
                await waiter
            finally:
                timer.cancel()
                self._waiter = None
            if not self._ready():
                raise UpstreamTimeout(self._place, phase)
        if self._failure is not None and not self._pieces:
            raise UpstreamBroken(self._place, f"upstream `{self._place}` {self._failure}")

    def take(self) -> bytes:
        """Return all of the body that has come, as it was on the wire but for its framing."""
        pieces = self._pieces
        if not pieces:
            return b""
        self._pieces = []
        self._waiting_bytes = 0
        if self._paused and self._transport is not None:
            self._paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def abort(self) -> None:
        """Close at once, whatever is under way. What has come can still be taken."""
        self._spoiled = True
        if self._transport is not None:
            self._transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: the transport is open."""
        self._transport = cast("asyncio.Transport", transport)
        self._keep_alive = True
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Parse what came. Bytes outside of an answer end the connection."""
        if self._complete or self._spoiled or self._parser is None:
            self.abort()
            return
        self._seen = True
        before = self._waiting_bytes
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):  # the latter: a 101 that nobody asked for
            self._fail("broke the rules of HTTP in its answer")
            return
        if self._waiting_bytes == before and not self._complete:
            self._overhead += len(data)
            if self._overhead > HEAD_LIMIT:
                self._fail("sent a header section that is too large")
                return
        if self._waiting_bytes > HIGH_WATER and not self._paused:
            self._pause()
        if self._waiter is not None and self._ready():
            self._wake()

    def eof_received(self) -> None:
        """End what is under way; the transport closes itself."""
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        """End what is under way. The error is not shown: its text may hold anything."""
        self._end(torn=exc is not None)
        self._parser = None  # it holds this object's methods, and so this object

    # What the parser calls, from inside `data_received`.

    def on_message_begin(self) -> None:
        """Stop where a second answer begins behind a whole one, unasked for."""
        if self._complete:
            raise ValueError

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; a trailer is dropped (RFC 9110 section 6.5.1 allows it)."""
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > HEAD_LIMIT:
            raise ValueError
        if not self._head_done:
            self.headers.append((name.decode("latin-1").lower(), value.decode("latin-1").strip()))

    def on_headers_complete(self) -> None:
        """Settle how the body will end (RFC 9112 section 6.3). Interim answers are skipped."""
        parser = cast("HttpResponseParser", self._parser)
        self.status = parser.get_status_code()
        if self.status < 200:
            if self.status < 100:
                raise ValueError
            self._interim = True
            return
        self._head_done = True
        coding, length = None, None
        for name, value in self.headers:
            if name == "transfer-encoding":
                coding = value if coding is None else f"{coding}, {value}"
            elif name == "content-length":
                length = value
        if coding is not None and coding.lower() != "chunked":
            raise ValueError
        self._until_close = coding is None and length is None and self.status not in _BODYLESS
        # RFC 9112 section 6.1: chunks of HTTP/1.0 are faulty framing.
        old = coding is not None and parser.get_http_version() != "1.1"
        self._keep_alive = parser.should_keep_alive() and not old

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        if self._interim:
            raise ValueError
        self._pieces.append(body)
        self._waiting_bytes += len(body)

    def on_message_complete(self) -> None:
        """Note the end of the answer, or of an interim one (RFC 9110 section 15.2)."""
        if self._interim:
            self._interim = False
            self.headers.clear()
        elif self._head_done:
            self._complete = True

    def _ready(self) -> bool:
        return bool(self._pieces) or self._complete or self._failure is not None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _pause(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def _fail(self, failure: str) -> None:
        """Close; where the answer is whole already, the fault is behind it and it stays good."""
        self.abort()
        if not self._complete:
            self._failure = failure
        self._wake()

    def _end(self, *, torn: bool = False) -> None:
        """Take the end of the connection as the end of the answer, if that is how it ends."""
        self._spoiled = True
        if self._complete or self._failure is not None:
            return
        if self._head_done and self._until_close and not torn:
            self._complete = True
            self._wake()
        else:
            self._fail("closed its connection before the end of its answer")
