"""A provider over HTTP: connections between calls, deadlines, cancellation."""

import asyncio
from dataclasses import replace

import pytest

from adapters.errors import UpstreamBroken, UpstreamRefused, UpstreamTimeout
from adapters.upstreams.http import HttpUpstream
from tests.unit.adapters.upstreams.byte_server import Visit, answer, answers, listening
from tests.unit.adapters.upstreams.calls import CALL, CHUNKED, asked, saying, sent, upstream_of


async def test_a_connection_serves_one_call_after_another() -> None:
    async with listening(answers) as server:
        upstream = upstream_of(server)
        bodies = [b"a", b"b" * 300_000, b"c"]
        for body in bodies:
            assert await asked(upstream, replace(CALL, body=body)) == body
        assert server.connections == 1
        got = [sent(upstream, replace(CALL, body=b"%d" % i)) for i in range(20)]
        calls = await asyncio.gather(*got)
        assert [await one.read() for one in calls] == [b"%d" % i for i in range(20)]
        assert server.connections == 20
        await upstream.close()


async def test_an_answer_left_before_its_end_takes_its_connection_with_it() -> None:
    async with listening(answers) as server:
        upstream = upstream_of(server)
        got = await sent(upstream)
        await got.close()
        await got.close()
        with pytest.raises(UpstreamBroken):
            await got.read()
        await server.left.wait()
        assert await asked(upstream) == CALL.body
        assert server.connections == 2
        await upstream.close()


async def test_an_answer_without_a_body_gives_its_connection_back() -> None:
    async with listening(answers) as server:
        upstream = upstream_of(server)
        await (await sent(upstream, replace(CALL, body=b""))).close()
        assert await asked(upstream) == CALL.body
        assert server.connections == 1
        await upstream.close()


async def test_a_connection_that_is_closed_as_the_request_leaves_is_no_ones_error() -> None:
    async def serve(visit: Visit) -> None:
        if visit.number == 1:
            await visit.request()
            await visit.say(answer(b"first"))
            await visit.request()
            return
        await answers(visit)

    async with listening(serve) as server:
        upstream = upstream_of(server)
        assert await asked(upstream) == b"first"
        assert await asked(upstream) == CALL.body
        await upstream.close()
    assert [number for number, _, _ in server.requests] == [1, 1, 2]


async def test_it_is_tried_again_once_and_no_more() -> None:
    async def serve(visit: Visit) -> None:
        await visit.request()
        if visit.number == 1:
            await visit.say(answer(b"first"))
            await visit.request()

    async with listening(serve) as server:
        upstream = upstream_of(server)
        assert await asked(upstream) == b"first"
        with pytest.raises(UpstreamBroken):
            await sent(upstream)
        await upstream.close()
    assert [number for number, _, _ in server.requests] == [1, 1, 2]


@pytest.mark.parametrize("begun", [b"H", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", b"x"])
async def test_an_answer_that_has_begun_is_not_asked_for_again(begun: bytes) -> None:
    async def serve(visit: Visit) -> None:
        await visit.request()
        await visit.say(answer(b"first"))
        await visit.request()
        await visit.say(begun)

    async with listening(serve) as server:
        upstream = upstream_of(server)
        assert await asked(upstream) == b"first"
        with pytest.raises(UpstreamBroken):
            await asked(upstream)
        await upstream.close()
    assert len(server.requests) == 2


async def test_a_fresh_connection_that_is_closed_is_not_tried_again() -> None:
    async with listening(saying(hold=False)) as server:
        upstream = upstream_of(server)
        with pytest.raises(UpstreamBroken):
            await sent(upstream)
        await upstream.close()
    assert len(server.requests) == 1


async def test_an_answer_may_come_before_the_request_has_left() -> None:
    async def serve(visit: Visit) -> None:
        await visit.reader.readuntil(b"\r\n\r\n")
        await visit.say(answer(b"too large", status=b"413 Content Too Large"))
        await until_read.wait()

    until_read = asyncio.Event()
    async with listening(serve) as server:
        upstream = upstream_of(server)
        got = await sent(upstream, replace(CALL, body=b"x" * 32_000_000))
        assert (got.status, await got.read()) == (413, b"too large")
        until_read.set()
        assert upstream._pool.idle() is None
        await upstream.close()


# Deadlines and cancellation.


@pytest.mark.parametrize(
    ("said", "limits", "phase"),
    [
        (b"", {"first_byte": 0.2}, "first_byte"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", {"first_byte": 0.2}, "first_byte"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", {"first_byte": 0.2}, "first_byte"),
        (b"", {"total": 0.2}, "total"),
        (CHUNKED + b"\r\n1\r\na\r\n", {"idle": 0.1}, "idle"),
        (CHUNKED + b"\r\n1\r\na\r\n", {"total": 0.2}, "total"),
    ],
)
async def test_each_deadline_has_its_name(said: bytes, limits: dict, phase: str) -> None:
    async with listening(saying(said)) as server:
        upstream = upstream_of(server)
        with pytest.raises(UpstreamTimeout) as caught:
            await (await sent(upstream, **limits)).read()
        assert (caught.value.place, caught.value.phase) == ("main", phase)
        await server.left.wait()
        await upstream.close()


async def test_a_stream_that_never_pauses_ends_at_its_deadline_too() -> None:
    async def serve(visit: Visit) -> None:
        await visit.request()
        await visit.say(CHUNKED + b"\r\n")
        while True:
            await visit.say(b"1\r\na\r\n" * 100)

    async with listening(serve) as server:
        upstream = upstream_of(server)
        with pytest.raises(UpstreamTimeout) as caught:
            await (await sent(upstream, total=0.3)).read()
        assert caught.value.phase == "total"
        await upstream.close()


@pytest.mark.parametrize("phase", ["connect", "first_byte", "total"])
async def test_a_handshake_that_never_ends(phase: str) -> None:
    async def serve(visit: Visit) -> None:
        await visit.until_left()

    async with listening(serve) as server:
        url = f"https://127.0.0.1:{server.port}/v1"
        upstream = HttpUpstream("main", url, lambda: None, {})
        with pytest.raises(UpstreamTimeout) as caught:
            await sent(upstream, **{phase: 0.2})
        assert caught.value.phase == phase
        await upstream.close()


async def test_a_call_that_is_cancelled_before_its_answer() -> None:
    reached = asyncio.Event()

    async def serve(visit: Visit) -> None:
        await visit.request()
        reached.set()
        await visit.until_left()

    async with listening(serve) as server:
        upstream = upstream_of(server)
        call = asyncio.ensure_future(sent(upstream))
        await reached.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await server.left.wait()
        assert upstream._pool.idle() is None
        await upstream.close()


async def test_a_call_that_is_cancelled_inside_its_answer() -> None:
    async with listening(saying(CHUNKED + b"\r\n1\r\na\r\n")) as server:
        upstream = upstream_of(server)
        got = await sent(upstream)
        pieces = got.chunks()
        assert await anext(pieces) == b"a"
        reading = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await server.left.wait()
        await upstream.close()


async def test_closing_ends_a_call_under_way() -> None:
    async with listening(saying(CHUNKED + b"\r\n1\r\na\r\n")) as server:
        upstream = upstream_of(server)
        got = await sent(upstream)
        await upstream.close()
        with pytest.raises(UpstreamBroken):
            await got.read()
        with pytest.raises(UpstreamRefused):
            await sent(upstream)
