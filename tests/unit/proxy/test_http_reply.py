"""A client that takes nothing is given up, and gives its place back."""

import asyncio

import pytest
from aiohttp import web

from proxy.ingress import http
from proxy.ingress.http import FrontServer, HttpReply


@pytest.fixture
async def listen():
    runners = []

    async def begin(handler) -> tuple[str, int]:
        runner = web.ServerRunner(FrontServer(handler, handler_cancellation=True))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners.append(runner)
        return runner.addresses[0]

    yield begin
    for runner in runners:
        await runner.cleanup()


async def test_a_client_that_reads_nothing(listen, monkeypatch):
    monkeypatch.setattr(http, "WRITE_SECONDS", 0.05)
    ended: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        reply = HttpReply(request)
        try:
            await reply.start(200, [("content-type", "text/plain")])
            while True:
                await reply.write(b"x" * 1_000_000)
        except ConnectionError as error:
            ended.set_result(error)
        return reply.handed_back()

    host, port = await listen(handler)
    _, writer = await asyncio.open_connection(host, port, limit=1024)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    assert isinstance(await asyncio.wait_for(ended, 20), ConnectionResetError)
    writer.close()


async def test_a_head_that_never_ends(listen, monkeypatch):
    monkeypatch.setattr(http, "HEAD_SECONDS", 0.05)

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        raise AssertionError("no request was complete")

    host, port = await listen(handler)
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"GET / HTTP/1.1\r\nhost:")
    try:
        left = await asyncio.wait_for(reader.read(), 20)
    except ConnectionError:
        left = b""
    assert left == b""
    writer.close()
