"""The embedded provider: OpenAI Chat Completions without a model, for demos, tests and dry runs.

A real HTTP server that answers from a script: deterministic, on request slow, broken or leaking.
What a call asks to go wrong is the end of its model's name (`scripted-hang`, `x-fail-429`).
It must never be taken for a model, nor keep what it is sent unless it is told to.
"""

import asyncio
import re
import zlib
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final

import orjson
from aiohttp import web

from adapters.errors import WireError
from adapters.upstreams.scripted_reply import Reply, compose
from adapters.wire.openai_chat import error_body, error_event, read_call
from adapters.wire.sse import encode_data

MODELS: Final = ("scripted-clinical",)
CAPTURED: Final = 256
MAX_BODY: Final = 32 * 1024 * 1024
_CREATED: Final = 1_700_000_000
_FAIL: Final = re.compile(r"-fail-([45][0-9]{2})$")
# Uneven on purpose: a piece may end within a token, a word or an escape.
_SIZES: Final = (3, 11, 5, 7, 2, 13)
_TROUBLE: Final = ("The server had a problem.", "server_error", None)
_WORDS: Final[Mapping[int, tuple[str, str, str | None]]] = {
    401: ("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
    404: ("No such model here.", "invalid_request_error", "model_not_found"),
    429: ("Too many requests, slow down.", "requests", "rate_limit_exceeded"),
}


class ScriptedProvider:
    """One provider with its own port, script and counters.

    `api_key`: the bearer it asks for. `capture`: keep the newest 256 requests in `received` as
    (headers with lower-case names, body). `first_byte_delay` (for `-slow-first-byte`) and
    `delta_delay` (between pieces) are seconds. `hold`: waited for before a stream's end; `reached`
    is set when a call starts to wait there or hangs. `cancelled` counts the clients that left
    before their answer was whole, and `left` is set when one has.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        capture: bool = False,
        first_byte_delay: float = 2.0,
        delta_delay: float = 0.0,
        hold: asyncio.Event | None = None,
    ) -> None:
        self.url = ""
        self.received: deque[tuple[dict[str, str], bytes]] = deque(maxlen=CAPTURED)
        self.calls = 0
        self.cancelled = 0
        self.hold = hold
        self.reached = asyncio.Event()
        self.left = asyncio.Event()
        self._api_key = api_key
        self._capture = capture
        self._first_byte_delay = first_byte_delay
        self._delta_delay = delta_delay
        self._failing: deque[int] = deque()
        self._runner: web.AppRunner | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; `url` is the base URL for SDKs then. Raises OSError."""
        self._runner = web.AppRunner(
            application(self), handler_cancellation=True, shutdown_timeout=0.1, access_log=None
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        bound = self._runner.addresses[0]
        self.url = f"http://{host}:{bound[1]}/v1"

    async def stop(self) -> None:
        """Stop listening and end what is under way."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def fail_next(self, count: int, status: int) -> None:
        """Answer the next `count` calls with this HTTP error."""
        self._failing.extend([status] * count)

    async def models(self, request: web.Request) -> web.StreamResponse:
        """Serve `GET /v1/models`."""
        if (refused := self._refused(request)) is not None:
            return refused
        listed = [
            {"id": name, "object": "model", "created": _CREATED, "owned_by": "scripted"}
            for name in MODELS
        ]
        return self._json({"object": "list", "data": listed})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Serve `POST /v1/chat/completions`."""
        body = await request.read()
        self.calls += 1
        if self._capture:
            headers = {name.lower(): value for name, value in request.headers.items()}
            self.received.append((headers, body))
        if (refused := self._refused(request)) is not None:
            return refused
        if self._failing:
            return self._error(self._failing.popleft())
        try:
            call = read_call(body)
        except WireError as error:
            words = error_body(None, str(error), "invalid_request_error", error.param)
            return self._answer(400, words)
        try:
            return await self._play(request, call.document.value)
        except (asyncio.CancelledError, ConnectionError):
            self.cancelled += 1
            self.left.set()
            raise

    async def _play(self, request: web.Request, call: dict[str, Any]) -> web.StreamResponse:
        model: str = call["model"]
        if (failing := _FAIL.search(model)) is not None:
            return self._error(int(failing.group(1)))
        if model.endswith("-hang"):
            self.reached.set()
            await asyncio.Event().wait()
        if model.endswith("-slow-first-byte"):
            await asyncio.sleep(self._first_byte_delay)
        reply = compose(call)
        if call.get("stream"):
            return await self._stream(request, call, reply)
        if model.endswith("-error-event"):
            return self._error(500)
        answer = self._head(call, "chat.completion") | {
            "choices": [
                {"index": index, "message": reply.message(), "logprobs": None,
                 "finish_reason": reply.finish_reason}
                for index in range(_choices(call))
            ],
            "usage": reply.usage(),
        }  # fmt: skip
        if model.endswith("-cut"):
            return await self._cut(request, orjson.dumps(answer))
        response = self._json(answer)
        if "gzip" in request.headers.get("accept-encoding", ""):
            response.enable_compression(web.ContentCoding.gzip)
        return response

    async def _cut(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """Send half of an answer and drop the connection."""
        response = web.StreamResponse(headers=self._headers())
        response.content_type = "application/json"
        response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        _drop(request)
        return response

    async def _stream(
        self, request: web.Request, call: dict[str, Any], reply: Reply
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers=self._headers())
        response.content_type = "text/event-stream"
        squeeze = None
        if "gzip" in request.headers.get("accept-encoding", ""):
            response.headers["content-encoding"] = "gzip"
            squeeze = zlib.compressobj(wbits=31)
        await response.prepare(request)
        async for event in self._events(call, reply):
            if event is None:
                _drop(request)
                return response
            if squeeze is not None:
                # Flushed event by event, or the client would see nothing until the end.
                event = squeeze.compress(event) + squeeze.flush(zlib.Z_SYNC_FLUSH)
            await response.write(event)
        if squeeze is not None:
            await response.write(squeeze.flush())
        await response.write_eof()
        return response

    async def _events(self, call: dict[str, Any], reply: Reply) -> AsyncIterator[bytes | None]:
        """Yield the events of a stream; None where the connection is to be dropped."""
        model: str = call["model"]
        head = self._head(call, "chat.completion.chunk")
        choices = range(_choices(call))
        pieces = list(_deltas(reply))
        halfway = len(pieces) // 2
        for position, delta in enumerate(pieces):
            if position == halfway and model.endswith("-cut"):
                yield None
                return
            if position == halfway and model.endswith("-error-event"):
                yield error_event(None, "The answer broke off on the server.", "server_error")
                return
            for index in choices:
                yield _chunk(head, index, delta, None)
            if self._delta_delay:
                await asyncio.sleep(self._delta_delay)
        if self.hold is not None:
            self.reached.set()
            await self.hold.wait()
        for index in choices:
            yield _chunk(head, index, {}, reply.finish_reason)
        if (call.get("stream_options") or {}).get("include_usage"):
            yield encode_data(orjson.dumps(head | {"choices": [], "usage": reply.usage()}))
        yield encode_data(b"[DONE]")

    def _refused(self, request: web.Request) -> web.Response | None:
        if self._api_key is None:
            return None
        if request.headers.get("authorization") == f"Bearer {self._api_key}":
            return None
        return self._error(401)

    def _error(self, status: int) -> web.Response:
        message, kind, code = _WORDS.get(
            status, ("The server had a problem.", "server_error", None)
        )
        response = self._answer(status, error_body(code, message, kind))
        if status in (429, 503):
            response.headers["retry-after"] = "1"
        return response

    def _json(self, value: Mapping[str, Any]) -> web.Response:
        return self._answer(200, orjson.dumps(value))

    def _answer(self, status: int, body: bytes) -> web.Response:
        return web.Response(
            status=status, body=body, headers=self._headers(), content_type="application/json"
        )

    def _headers(self) -> dict[str, str]:
        return {
            "x-request-id": f"req_scripted_{self.calls:06d}",
            "openai-processing-ms": "7",
            "openai-version": "2020-10-01",
            "x-ratelimit-limit-requests": "10000",
            "x-ratelimit-remaining-requests": str(max(0, 10000 - self.calls)),
            "x-ratelimit-reset-requests": "6ms",
            "x-ratelimit-limit-tokens": "2000000",
            "x-ratelimit-remaining-tokens": "1999000",
            "x-ratelimit-reset-tokens": "30ms",
        }

    def _head(self, call: Mapping[str, Any], kind: str) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-scripted-{self.calls:06d}",
            "object": kind,
            "created": _CREATED + self.calls,
            "model": call["model"],
            "service_tier": "default",
            "system_fingerprint": "fp_scripted",
        }


def application(provider: ScriptedProvider | None = None) -> web.Application:
    """Return the web application that plays `provider`, or a plain one of its own."""
    provider = provider if provider is not None else ScriptedProvider()
    app = web.Application(client_max_size=MAX_BODY)
    app.router.add_post("/v1/chat/completions", provider.chat)
    app.router.add_get("/v1/models", provider.models)
    return app


def _choices(call: Mapping[str, Any]) -> int:
    wanted = call.get("n")
    return min(max(wanted, 1), 8) if isinstance(wanted, int) else 1


def _drop(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _chunk(head: Mapping[str, Any], index: int, delta: Any, finish_reason: str | None) -> bytes:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return encode_data(orjson.dumps({**head, "choices": [choice]}))


def _deltas(reply: Reply) -> Iterator[dict[str, Any]]:
    """Yield the reply as the deltas of a stream: the role, then text or a call in pieces."""
    if reply.tool is None:
        yield {"role": "assistant", "content": "", "refusal": None}
        for piece in _pieces(reply.text):
            yield {"content": piece}
        return
    call = {"index": 0, "id": reply.tool_id, "type": "function"}
    called = {**call, "function": {"name": reply.tool, "arguments": ""}}
    yield {"role": "assistant", "content": None, "tool_calls": [called]}
    for piece in _pieces(reply.text):
        yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}


def _pieces(text: str) -> Iterator[str]:
    at = turn = 0
    while at < len(text):
        size = _SIZES[turn % len(_SIZES)]
        yield text[at : at + size]
        at += size
        turn += 1
