"""A provider behind HTTP: one session, four deadlines, foreign errors translated here.

What is sent is a `Minimized` and nothing else; the caller's credential is not part of it, and the
provider's own is put in at the last moment. Redirects are not followed, cookies are not kept.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

import aiohttp
from yarl import URL

from adapters.errors import UpstreamBroken, UpstreamRefused, UpstreamTimeout
from adapters.ports import Deadlines
from rules.audit.entry import IntentRef
from rules.minimize.apply import Minimized
from rules.policy.decide import Permit

_NO_AUTO = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class HttpAnswer:
    """An answer of an HTTP provider; its first piece is already here."""

    __slots__ = ("_deadlines", "_first", "_place", "_response", "headers", "status")

    def __init__(
        self, place: str, response: aiohttp.ClientResponse, first: bytes, deadlines: Deadlines
    ) -> None:
        self._place = place
        self._response = response
        self._first = first
        self._deadlines = deadlines
        self.status = response.status
        self.headers: Sequence[tuple[str, str]] = [
            (name.decode("latin-1").lower(), value.decode("latin-1"))
            for name, value in response.raw_headers
        ]

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives, decompressed. Raises UpstreamTimeout, UpstreamBroken."""
        piece, self._first = self._first, b""
        loop = asyncio.get_running_loop()
        while piece:
            yield piece
            idle = loop.time() + self._deadlines.idle
            phase = "idle" if idle <= self._deadlines.ends_at else "total"
            with _translated(self._place, phase):
                async with asyncio.timeout_at(min(idle, self._deadlines.ends_at)):
                    piece = await self._response.content.readany()

    async def read(self) -> bytes:
        """Return the whole body, decompressed. Raises UpstreamTimeout, UpstreamBroken."""
        return b"".join([piece async for piece in self.chunks()])

    async def close(self) -> None:
        """Give the connection back, or end it where the body was not read to its end."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


class HttpUpstream:
    """One configured provider. `url` is the base that `/chat/completions` is appended to."""

    def __init__(
        self,
        name: str,
        url: str,
        credential: Callable[[], str | None],
        models: Mapping[str, str],
        connect_timeout: float,
    ) -> None:
        self._name = name
        self._base = url.rstrip("/")
        self._credential = credential
        self._models = models
        self._connect_timeout = connect_timeout
        self._urls: dict[tuple[str, str], URL] = {}
        self._session: aiohttp.ClientSession | None = None

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
        loop = asyncio.get_running_loop()
        first_byte = loop.time() + deadlines.first_byte
        phase = "first_byte" if first_byte <= deadlines.ends_at else "total"
        with _translated(self._name, phase):
            async with asyncio.timeout_at(min(first_byte, deadlines.ends_at)):
                response = await self._open().post(
                    self._url(call.path, call.query),
                    data=call.body,
                    headers=self._headers(call),
                    skip_auto_headers=_NO_AUTO,
                    allow_redirects=False,
                )
                try:
                    first = await response.content.readany()
                except BaseException:
                    response.close()
                    raise
        return HttpAnswer(self._name, response, first, deadlines)

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=30),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_timeout),
                trust_env=False,
                max_line_size=65536,
                max_field_size=65536,
            )
        return self._session

    def _url(self, path: str, query: str) -> URL:
        url = self._urls.get((path, query))
        if url is None:
            tail = path.removeprefix("/v1")
            url = URL(self._base + tail + (f"?{query}" if query else ""), encoded=True)
            if len(self._urls) < 64:
                self._urls[path, query] = url
        return url

    def _headers(self, call: Minimized) -> list[tuple[str, str]]:
        headers = list(call.headers)
        credential = self._credential()
        if credential is not None:
            headers.append(("Authorization", f"Bearer {credential}"))
        return headers


@contextlib.contextmanager
def _translated(place: str, phase: str) -> Iterator[None]:
    """Turn what aiohttp raises into the errors of `adapters.errors`."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError:
        raise UpstreamTimeout(place, "connect") from None
    except TimeoutError:
        raise UpstreamTimeout(place, phase) from None
    except (aiohttp.ClientConnectorError, ssl.SSLError, aiohttp.InvalidURL):
        message = f"no connection to upstream `{place}`; check its `url` and the network"
        raise UpstreamRefused(place, message) from None
    except (aiohttp.ClientError, OSError, ValueError):
        message = f"upstream `{place}` broke its answer or its connection"
        raise UpstreamBroken(place, message) from None
