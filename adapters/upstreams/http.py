"""A provider behind HTTP/1.1: kept connections, four deadlines, foreign errors translated here.

What is sent is a `Minimized` and nothing else; the caller's credential is not part of it, and the
provider's own is put in at the last moment. Redirects are not followed, cookies are not kept, no
proxy is taken from the environment.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlsplit

from adapters.errors import UpstreamBroken, UpstreamRefused, UpstreamTimeout
from adapters.ports import Deadlines
from adapters.upstreams.connection import Connection
from adapters.upstreams.content_coding import CodingError, inflater
from adapters.upstreams.pool import Origin, Pool
from rules.audit.entry import IntentRef
from rules.minimize.apply import Minimized
from rules.policy.decide import Permit

WHOLE_LIMIT: Final = 64 * 1024 * 1024
"""Bytes that an answer may have, decoded, where it is read as a whole."""

# RFC 9110 sections 5.1 and 5.5; the fields that frame the message are written here alone. A line
# break inside a value could look like a field of its own, so the lines are counted too.
_FIELDS: Final = re.compile(
    r"(?:(?!(?i:host|content-length|transfer-encoding|connection):)"
    r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\x00-\x08\x0a-\x1f\x7f]*\r\n)*"
)
_TARGET_SAFE: Final = "%/:=&?~+!$,;'@()*[]"
_KEPT_STARTS: Final = 64
_HIDDEN: Final = b"(credential)"


class HttpAnswer:
    """An answer of an HTTP provider; its first piece is already here."""

    __slots__ = (
        "_connection", "_deadlines", "_hidden", "_inflater", "_place", "_pool", "_torn", "headers",
        "status",
    )  # fmt: skip

    def __init__(
        self, place: str, pool: Pool, connection: Connection, deadlines: Deadlines
    ) -> None:
        self._place = place
        self._pool = pool
        self._connection: Connection | None = connection
        self._deadlines = deadlines
        self._torn = False
        self._hidden = b""
        self.status = connection.status
        self.headers: Sequence[tuple[str, str]] = connection.headers
        try:
            self._inflater = inflater(connection.headers)
        except CodingError:
            raise self._broken("used a content coding that was not asked for") from None

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives, decompressed. Raises UpstreamTimeout, UpstreamBroken."""
        while (connection := self._connection) is not None:
            data, last = await self._arrived(connection)
            if self._inflater is None:
                if data:
                    yield data
                continue
            try:
                for piece in self._inflater.pieces(data):
                    yield piece
                if last:
                    self._inflater.finish()
            except CodingError:
                raise self._broken("sent content that is not in its coding") from None
        if self._torn:
            raise self._broken("was left before the end of its answer")

    async def read(self) -> bytes:
        """Return the whole body, decompressed. Raises UpstreamTimeout, UpstreamBroken."""
        pieces = []
        size = 0
        async for piece in self.chunks():
            pieces.append(piece)
            size += len(piece)
            if size > WHOLE_LIMIT:
                raise self._broken("sent an answer that is too large")
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return body.replace(self._hidden, _HIDDEN) if self._hidden else body

    def hide(self, credential: str) -> None:
        """Take the provider's credential out of an error that repeats what it was sent."""
        self._hidden = credential.encode("utf-8", "surrogateescape")
        self.headers = [(name, value) for name, value in self.headers if credential not in value]

    async def close(self) -> None:
        """Give the connection back, or end it where the body was not read to its end."""
        if self._connection is not None and self._connection.at_end:
            self._pool.give_back(self._connection)
            self._connection = None
        self._tear()

    async def _arrived(self, connection: Connection) -> tuple[bytes, bool]:
        """Return what has come, and whether it is the last; the connection is given back then."""
        data = connection.take()
        if not connection.at_end:
            now = asyncio.get_running_loop().time()
            until, phase = _sooner(now + self._deadlines.idle, "idle", self._deadlines.ends_at)
            try:
                if until <= now:  # an upstream that is never waited for has its end too
                    raise UpstreamTimeout(self._place, phase)
                if not data:
                    await connection.wait(until, phase)
                    data = connection.take()
            except BaseException:
                self._tear()
                raise
        last = connection.at_end
        if last:
            self._connection = None
            self._pool.give_back(connection)
        return data, last

    def _broken(self, fault: str) -> UpstreamBroken:
        self._tear()
        return UpstreamBroken(self._place, f"upstream `{self._place}` {fault}")

    def _tear(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._torn = True
            self._pool.discard(connection)


class HttpUpstream:
    """One configured provider. `url` is the base that `/chat/completions` is appended to."""

    def __init__(
        self,
        name: str,
        url: str,
        credential: Callable[[], str | None],
        models: Mapping[str, str],
    ) -> None:
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        host = parts.hostname or ""
        default = 443 if tls else 80
        port = parts.port or default
        self._name = name
        self._credential = credential
        self._models = models
        self._base = parts.path.rstrip("/")
        self._host = f"[{host}]" if ":" in host else host
        if port != default:
            self._host += f":{port}"
        self._pool = Pool(name, Origin(tls, host, port))
        self._starts: dict[tuple[str, str], str] = {}

    @property
    def name(self) -> str:
        """The name it has in the configuration."""
        return self._name

    async def send(
        self, call: Minimized, permit: Permit, intent: IntentRef, deadlines: Deadlines
    ) -> HttpAnswer:
        """Send the call; return when the first byte of the body (or its end) is there.

        `permit` and `intent` are not read: that they exist is the point (see `adapters.ports`).
        Raises UpstreamTimeout, UpstreamRefused or UpstreamBroken.
        """
        model = self._models.get(call.model)
        if model is not None:
            call = call.with_model(model)
        head = self._head(call)
        clock = asyncio.get_running_loop().time
        limit = _sooner(clock() + deadlines.first_byte, "first_byte", deadlines.ends_at)
        connection = self._pool.idle()
        if connection is not None:
            try:
                return await self._ask(connection, head, call.body, limit, deadlines)
            except UpstreamBroken:
                # The server had closed what it kept open, at the moment the request left. RFC 9112
                # section 9.3.1 lets a client try again only what it knows to be harmless twice. A
                # completion is: it changes nothing but the bill, no byte of a first answer reached
                # anybody, and the intent on record covers these bytes to this provider. A server
                # that fails while at work closes a fresh connection too, and that is not retried.
                if not connection.unanswered:
                    raise
        until = clock() + deadlines.connect
        connect = (until, "connect") if until <= limit[0] else limit
        connection = await self._pool.connect(*connect)
        return await self._ask(connection, head, call.body, limit, deadlines)

    async def close(self) -> None:
        """Close all connections."""
        self._pool.close()
        await asyncio.sleep(0)  # transports finish in the next turn of the event loop

    async def _ask(
        self,
        connection: Connection,
        head: bytes,
        body: bytes,
        limit: tuple[float, str],
        deadlines: Deadlines,
    ) -> HttpAnswer:
        try:
            connection.send(head, body)
            await connection.wait(*limit)
            answer = HttpAnswer(self._name, self._pool, connection, deadlines)
            if answer.status >= 400 and (credential := self._credential()):
                answer.hide(credential)
            return answer
        except BaseException:
            self._pool.discard(connection)
            raise

    def _head(self, call: Minimized) -> bytes:
        """Return the request line and all fields. Raises UpstreamRefused for one that is unfit."""
        fields = "".join([f"{name}: {value}\r\n" for name, value in call.headers])
        count = len(call.headers)
        credential = self._credential()
        if credential is not None:
            fields += f"Authorization: Bearer {credential}\r\n"
            count += 1
        if fields.count("\n") != count or _FIELDS.fullmatch(fields) is None:
            raise self._unfit()
        head = f"{self._start(call)}{fields}Content-Length: {len(call.body)}\r\n\r\n"
        try:
            return head.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise self._unfit() from None

    def _start(self, call: Minimized) -> str:
        start = self._starts.get((call.path, call.query))
        if start is None:
            target = self._base + call.path.removeprefix("/v1")
            target += f"?{call.query}" if call.query else ""
            target = quote(target, safe=_TARGET_SAFE, errors="surrogatepass")
            try:
                host = self._host.encode("idna").decode("ascii")
            except UnicodeError:
                message = f"the `url` of upstream `{self._name}` names no host"
                raise UpstreamRefused(self._name, message) from None
            start = f"POST {target} HTTP/1.1\r\nHost: {host}\r\n"
            if not call.query and len(self._starts) < _KEPT_STARTS:
                self._starts[call.path, call.query] = start
        return start

    def _unfit(self) -> UpstreamRefused:
        message = f"a header for upstream `{self._name}` is not one that HTTP allows; nothing left"
        return UpstreamRefused(self._name, message)


def _sooner(moment: float, phase: str, ends_at: float) -> tuple[float, str]:
    return (moment, phase) if moment <= ends_at else (ends_at, "total")
