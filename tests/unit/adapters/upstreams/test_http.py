"""A provider over HTTP: what it is sent, and what is made of its answers."""

import asyncio
import gzip
import zlib
from dataclasses import replace

import pytest

from adapters.errors import UpstreamBroken, UpstreamRefused
from adapters.upstreams import http as module
from tests.unit.adapters.upstreams.byte_server import Visit, answer, answers, listening
from tests.unit.adapters.upstreams.calls import CALL, CHUNKED, asked, saying, sent, upstream_of


async def test_what_the_provider_is_sent() -> None:
    async with listening(answers) as server:
        upstream = upstream_of(server)
        call = replace(CALL, query="a=%2F&b=c", body=b"x" * 200_000)
        assert await asked(upstream, call) == call.body
        assert await asked(upstream) == CALL.body
        await upstream.close()
    (_, large, _), (number, small, body) = server.requests
    assert small == (
        b"POST /v1/chat/completions HTTP/1.1\r\n"
        b"Host: 127.0.0.1:%d\r\n"
        b"Content-Type: application/json\r\n"
        b"Accept-Encoding: gzip, deflate\r\n"
        b"Authorization: Bearer sk-own\r\n"
        b"Content-Length: 18\r\n\r\n" % server.port
    )
    assert (number, body) == (1, CALL.body)
    assert large.startswith(b"POST /v1/chat/completions?a=%2F&b=c HTTP/1.1\r\n")


async def test_a_call_without_a_body_or_a_credential() -> None:
    async with listening(answers) as server:
        upstream = upstream_of(server, base="/", credential=lambda: None)
        assert await asked(upstream, replace(CALL, body=b"")) == b""
        await upstream.close()
    ((_, head, _),) = server.requests
    assert head.startswith(b"POST /chat/completions HTTP/1.1\r\n")
    assert b"\r\nContent-Length: 0\r\n" in head
    assert b"uthorization" not in head


async def test_a_target_cannot_hold_a_second_request() -> None:
    async with listening(answers) as server:
        upstream = upstream_of(server)
        await asked(upstream, replace(CALL, query="a=b HTTP/1.1\r\nX: \u00fc#"))
        await upstream.close()
    ((_, head, _),) = server.requests
    target = b"/v1/chat/completions?a=b%20HTTP/1.1%0D%0AX:%20%C3%BC%23"
    assert head.startswith(b"POST " + target + b" HTTP/1.1\r\n")


async def test_a_model_goes_by_the_providers_name() -> None:
    async with listening(answers) as server:
        upstream = upstream_of(server, models={"gpt-4o": "gpt-4o-eu"})
        await asked(upstream)
        await upstream.close()
    assert server.bodies == [b'{"model":"gpt-4o-eu"}']


@pytest.mark.parametrize(
    "header",
    [
        ("X-A", "b\r\nX-C: d"),
        ("X-A", "b\nX-C: d"),
        ("X-A", "b\r"),
        ("X-A", "b\0"),
        ("X-A: b\r\nX-C", "d"),
        ("X A", "b"),
        ("", "b"),
        ("X-A", "\ud800"),
        ("Content-Length", "5"),
        ("transfer-encoding", "chunked"),
        ("host", "elsewhere"),
        ("Connection", "close"),
    ],
)
async def test_a_header_that_could_be_more_than_one(header: tuple[str, str]) -> None:
    async with listening(answers) as server:
        upstream = upstream_of(server)
        with pytest.raises(UpstreamRefused) as caught:
            await sent(upstream, replace(CALL, headers=(*CALL.headers, header)))
        assert "nothing left" in str(caught.value)
        await upstream.close()
    assert server.connections == 0


async def test_a_credential_with_a_line_break() -> None:
    async with listening(answers) as server:
        upstream = upstream_of(server, credential=lambda: "sk-own\r\nX: y")
        with pytest.raises(UpstreamRefused) as caught:
            await sent(upstream)
        assert "sk-own" not in str(caught.value)
    assert server.connections == 0


async def test_headers_leave_as_the_bytes_that_came() -> None:
    async with listening(answers) as server:
        upstream = upstream_of(server)
        await asked(upstream, replace(CALL, headers=(("X-A", "\u00e9\udcff\tb"),)))
        await upstream.close()
    assert b"X-A: \xc3\xa9\xff\tb\r\n" in server.requests[0][1]


async def test_status_and_headers_come_as_they_are() -> None:
    fields = (b"Location: /elsewhere", b"Set-Cookie: a=b", b"X-Name: \xe9  ", b"X-NAME: two")
    async with listening(saying(answer(b"moved", *fields, status=b"307 Elsewhere"))) as server:
        upstream = upstream_of(server)
        got = await sent(upstream)
        assert got.status == 307
        assert got.headers == [
            ("location", "/elsewhere"),
            ("set-cookie", "a=b"),
            ("x-name", "\xe9"),
            ("x-name", "two"),
            ("content-length", "5"),
        ]
        assert await got.read() == b"moved"
        await upstream.close()
    assert len(server.requests) == 1


async def test_neither_proxies_of_the_environment_nor_cookies_are_used(monkeypatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async def serve(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.say(answer(b"{}", b"Set-Cookie: a=b"))

    async with listening(serve) as server:
        upstream = upstream_of(server)
        assert [await asked(upstream), await asked(upstream)] == [b"{}", b"{}"]
        await upstream.close()
    assert server.connections == 1
    assert all(b"ookie" not in head for _, head, _ in server.requests)


@pytest.mark.parametrize(
    "parts",
    [
        (answer(b"hello"),),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n", answer(b"hello")),
        (CHUNKED + b"\r\n", b"3\r\nhel\r\n", b"2\r\nlo\r\n0\r\n", b"X: y\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"Connection: close\r\n\r\n", b"hel", b"lo"),
        (answer(gzip.compress(b"hello"), b"Content-Encoding: gzip"),),
        (answer(zlib.compress(b"hello"), b"Content-Encoding: deflate"),),
        (answer(b"", status=b"204 No Content"),),
    ],
)
@pytest.mark.parametrize("way", ["read", "chunks"])
async def test_a_body_however_it_is_framed(parts: tuple[bytes, ...], way: str) -> None:
    async with listening(saying(*parts, hold=False)) as server:
        upstream = upstream_of(server)
        got = await sent(upstream)
        if way == "read":
            body = await got.read()
        else:
            pieces = [piece async for piece in got.chunks()]
            assert all(pieces)
            body = b"".join(pieces)
        assert body == (b"" if got.status == 204 else b"hello")
        await got.close()
        await upstream.close()


async def test_a_coded_stream_gives_what_has_come() -> None:
    stream = zlib.compressobj(wbits=31)
    first = stream.compress(b"data: one\n\n") + stream.flush(zlib.Z_SYNC_FLUSH)
    rest = stream.compress(b"data: two\n\n") + stream.flush()
    seen = asyncio.Event()

    async def serve(visit: Visit) -> None:
        await visit.request()
        await visit.say(
            CHUNKED + b"Content-Encoding: gzip\r\n\r\n%x\r\n%b\r\n" % (len(first), first)
        )
        await seen.wait()
        await visit.say(b"%x\r\n%b\r\n0\r\n\r\n" % (len(rest), rest))
        await visit.until_left()

    async with listening(serve) as server:
        upstream = upstream_of(server)
        pieces = (await sent(upstream)).chunks()
        assert await anext(pieces) == b"data: one\n\n"
        seen.set()
        assert [piece async for piece in pieces] == [b"data: two\n\n"]
        await upstream.close()


async def test_a_whole_body_that_is_here_is_read_at_once() -> None:
    async with listening(answers) as server:
        upstream = upstream_of(server)
        got = await sent(upstream)
        with pytest.raises(StopIteration) as done:
            got.read().send(None)
        assert done.value.value == CALL.body
        await upstream.close()


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ((b"Content-Encoding: br",), b"x"),
        ((b"Content-Encoding: gzip",), b"not gzip"),
        ((b"Content-Encoding: gzip",), gzip.compress(b"hello")[:-4]),
        ((b"Content-Encoding: deflate",), zlib.compress(b"hello") + b"x"),
    ],
)
async def test_content_that_cannot_be_decoded(fields: tuple[bytes, ...], body: bytes) -> None:
    async with listening(saying(answer(body, *fields))) as server:
        upstream = upstream_of(server)
        with pytest.raises(UpstreamBroken):
            await asked(upstream)
        await upstream.close()


async def test_a_bomb_is_not_read_as_a_whole(monkeypatch) -> None:
    monkeypatch.setattr(module, "WHOLE_LIMIT", 1_000_000)
    bomb = gzip.compress(bytes(4_000_000))
    async with listening(saying(answer(bomb, b"Content-Encoding: gzip"))) as server:
        upstream = upstream_of(server)
        with pytest.raises(UpstreamBroken, match="too large"):
            await asked(upstream)
        await upstream.close()


async def test_a_stream_cut_short_is_not_taken_for_whole() -> None:
    async with listening(saying(CHUNKED + b"\r\n5\r\nhello\r\n", hold=False)) as server:
        upstream = upstream_of(server)
        pieces = (await sent(upstream)).chunks()
        assert await anext(pieces) == b"hello"
        with pytest.raises(UpstreamBroken):
            await anext(pieces)
        await upstream.close()
