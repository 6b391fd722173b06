"""Connections to one origin, kept open between calls.

The one used last is used first, so that those a burst has left over grow old and are closed. What
is not clean is closed: a connection comes back only after a whole answer, with nothing behind it.
"""

import asyncio
import socket
import ssl
from collections import deque
from dataclasses import dataclass
from typing import Final

from aiohappyeyeballs import start_connection

from adapters.errors import UpstreamRefused, UpstreamTimeout
from adapters.upstreams.connection import Connection

IDLE_SECONDS: Final = 15.0
"""How long a connection may lie unused; shorter than what servers and their balancers allow."""

MAX_IDLE: Final = 256
"""How many connections may lie unused."""

_EYEBALLS_DELAY: Final = 0.25  # RFC 8305 section 8


@dataclass(frozen=True, slots=True)
class Origin:
    """Where connections lead: scheme, host (a name or an address, without brackets), port."""

    tls: bool
    host: str
    port: int


class Pool:
    """The connections to `origin`; `place` names the upstream in errors."""

    def __init__(self, place: str, origin: Origin) -> None:
        self._place = place
        self._origin = origin
        self._context = _tls_context() if origin.tls else None
        self._idle: deque[tuple[float, Connection]] = deque()
        self._open: set[Connection] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    def idle(self) -> Connection | None:
        """Return a connection that was used before and looks open, or None."""
        oldest = asyncio.get_running_loop().time() - IDLE_SECONDS
        while self._idle:
            since, connection = self._idle.pop()
            if since > oldest and connection.reusable and connection.silent:
                return connection
            self.discard(connection)
        return None

    async def connect(self, until: float, phase: str) -> Connection:
        """Return a new connection, its TLS handshake done.

        `until` is a moment of the event loop's clock. Raises UpstreamTimeout with `phase`, and
        UpstreamRefused where there is nobody, or somebody whose certificate is not good.
        """
        try:
            async with asyncio.timeout_at(until):
                connection = await self._connect()
        except TimeoutError:
            raise UpstreamTimeout(self._place, phase) from None
        except ssl.SSLCertVerificationError:
            message = f"the certificate of upstream `{self._place}` is not trusted for its `url`"
            raise UpstreamRefused(self._place, message) from None
        except ssl.SSLError:
            message = f"no TLS with upstream `{self._place}`; check the scheme of its `url`"
            raise UpstreamRefused(self._place, message) from None
        # ValueError: a host that no resolver can be asked for. RuntimeError: uvloop has been seen
        # to raise it for a socket that failed.
        except (OSError, ValueError, RuntimeError):
            message = f"no connection to upstream `{self._place}`; check its `url` and the network"
            raise UpstreamRefused(self._place, message) from None
        if self._closed:  # before, or while the connection was made
            connection.abort()
            raise UpstreamRefused(self._place, f"upstream `{self._place}` is closed")
        self._open.add(connection)
        return connection

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next call, or close it where it is not fit for one."""
        if self._closed or len(self._idle) >= MAX_IDLE or not connection.reusable:
            self.discard(connection)
            return
        loop = asyncio.get_running_loop()
        self._idle.append((loop.time(), connection))
        if self._sweeper is None:
            self._sweeper = loop.call_later(IDLE_SECONDS, self._sweep)

    def discard(self, connection: Connection) -> None:
        """Close a connection at once."""
        self._open.discard(connection)
        connection.abort()

    def close(self) -> None:
        """Close all connections, those in use too; no new one is made."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        self._idle.clear()
        for connection in tuple(self._open):
            self.discard(connection)

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        origin = self._origin
        found = await loop.getaddrinfo(
            origin.host, origin.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
        sock = await start_connection(found, happy_eyeballs_delay=_EYEBALLS_DELAY, interleave=1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _, connection = await loop.create_connection(
            lambda: Connection(self._place, loop),
            sock=sock,
            ssl=self._context,
            server_hostname=origin.host if origin.tls else None,
        )
        return connection

    def _sweep(self) -> None:
        """Close what has lain too long; come again while something lies here."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._idle and self._idle[0][0] <= now - IDLE_SECONDS:
            self.discard(self._idle.popleft()[1])
        self._sweeper = None
        if self._idle:
            self._sweeper = loop.call_at(self._idle[0][0] + IDLE_SECONDS, self._sweep)


def _tls_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
