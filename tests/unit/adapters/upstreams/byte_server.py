"""A server that says exactly the bytes that a test gives it, and keeps what it was told."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable


def answer(body: bytes = b"{}", *fields: bytes, status: bytes = b"200 OK") -> bytes:
    """Return a whole answer with a Content-Length."""
    lines = [b"HTTP/1.1 " + status, *fields, b"Content-Length: %d" % len(body), b"", body]
    return b"\r\n".join(lines)


class Visit:
    """One connection of a client."""

    def __init__(self, server: "ByteServer", number: int, reader, writer) -> None:
        self.number = number
        self.reader = reader
        self.writer = writer
        self._server = server

    async def request(self) -> tuple[bytes, bytes]:
        """Return head and body of the next request. Raises IncompleteReadError at the end."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        (length,) = [
            line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
        ]
        body = await self.reader.readexactly(int(length.split(b":")[1]))
        self._server.requests.append((self.number, head, body))
        return head, body

    async def say(self, *parts: bytes) -> None:
        """Write the parts one by one, with a turn of the event loop between them."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def until_left(self) -> None:
        """Return when the client has closed the connection."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        self._server.left.set()


class ByteServer:
    """Calls `serve` for each connection and closes it when that returns."""

    def __init__(self, serve: Callable[[Visit], Awaitable[None]]) -> None:
        self._serve = serve
        self.connections = 0
        self.requests: list[tuple[int, bytes, bytes]] = []
        self.left = asyncio.Event()
        self.host = "127.0.0.1"
        self.port = 0

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, _, body in self.requests]

    async def _visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._serve(Visit(self, self.connections, reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.left.set()
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()


@contextlib.asynccontextmanager
async def listening(
    serve: Callable[[Visit], Awaitable[None]],
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
) -> AsyncIterator[ByteServer]:
    """A server for the time of the block; what still runs at its end is cancelled."""
    one = ByteServer(serve)
    tasks: set[asyncio.Task[None]] = set()

    async def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        with contextlib.suppress(asyncio.CancelledError):
            await one._visited(reader, writer)

    server = await asyncio.start_server(visited, host, 0, ssl=tls)
    one.host = host
    one.port = server.sockets[0].getsockname()[1]
    try:
        async with asyncio.timeout(30):
            yield one
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def answers(visit: Visit) -> None:
    """Answer every request of a connection with its own body."""
    while True:
        _, body = await visit.request()
        await visit.say(answer(body))
