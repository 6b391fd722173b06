"""Connections kept between calls: which one is used, and which is not used again."""

import asyncio
import contextlib
import socket
import threading

import pytest

from adapters.errors import UpstreamBroken, UpstreamRefused, UpstreamTimeout
from adapters.upstreams import pool as module
from adapters.upstreams.connection import Connection
from adapters.upstreams.pool import Origin, Pool
from tests.unit.adapters.upstreams.byte_server import ByteServer, Visit, answers, listening

HEAD = b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"


def pool_of(server: ByteServer) -> Pool:
    return Pool("main", Origin(False, server.host, server.port))


def soon() -> float:
    return asyncio.get_running_loop().time() + 10


async def used(pool: Pool) -> Connection:
    """A new connection over which one exchange has gone."""
    one = await pool.connect(soon(), "connect")
    one.send(HEAD, b"")
    await one.wait(soon(), "first_byte")
    assert one.at_end
    return one


async def silent(visit: Visit) -> None:
    await visit.until_left()


async def test_the_one_used_last_is_used_first() -> None:
    async with listening(answers) as server:
        pool = pool_of(server)
        first, second = await used(pool), await used(pool)
        pool.give_back(first)
        pool.give_back(second)
        assert pool.idle() is second
        assert pool.idle() is first
        assert pool.idle() is None
        pool.close()


async def test_only_so_many_are_kept(monkeypatch) -> None:
    monkeypatch.setattr(module, "MAX_IDLE", 1)
    async with listening(answers) as server:
        pool = pool_of(server)
        first, second = await used(pool), await used(pool)
        pool.give_back(first)
        pool.give_back(second)
        await server.left.wait()
        assert not second.reusable
        assert pool.idle() is first
        pool.close()


async def test_an_old_one_is_not_used_again(monkeypatch) -> None:
    async with listening(answers) as server:
        pool = pool_of(server)
        pool.give_back(await used(pool))
        monkeypatch.setattr(module, "IDLE_SECONDS", 0.0)
        assert pool.idle() is None
        await server.left.wait()
        pool.close()


async def test_old_ones_are_closed_though_nobody_asks(monkeypatch) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.01)
    left: asyncio.Queue[int] = asyncio.Queue()

    async def serve(visit: Visit) -> None:
        try:
            await answers(visit)
        finally:
            left.put_nowait(visit.number)

    async with listening(serve) as server:
        pool = pool_of(server)
        one, two = await used(pool), await used(pool)
        pool.give_back(one)
        await asyncio.sleep(0)
        pool.give_back(two)
        assert {await left.get(), await left.get()} == {1, 2}
        assert pool.idle() is None
        pool.give_back(await used(pool))
        assert pool._sweeper is not None
        pool._sweeper.cancel()
        pool._sweep()  # as it comes for one that is older
        assert await left.get() == 3
        pool.close()


async def test_one_with_an_answer_under_way_is_closed() -> None:
    async with listening(silent) as server:
        pool = pool_of(server)
        one = await pool.connect(soon(), "connect")
        one.send(HEAD, b"")
        pool.give_back(one)
        with pytest.raises(UpstreamBroken):
            await one.wait(soon(), "first_byte")
        await server.left.wait()
        assert pool.idle() is None
        pool.close()


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
async def test_what_the_event_loop_has_not_seen_yet_counts(data: bytes) -> None:
    """The other end closes, or speaks unasked, while this thread does not look."""
    speak, spoken = threading.Event(), threading.Event()

    def serve(listener: socket.socket) -> None:
        one, _ = listener.accept()
        with one:
            assert one.recv(65536) == HEAD
            one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            speak.wait(10)
            one.sendall(data)
            if not data:
                one.shutdown(socket.SHUT_WR)
            spoken.set()
            with contextlib.suppress(ConnectionError):
                one.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        pool = Pool("main", Origin(False, *listener.getsockname()))
        one = await used(pool)
        pool.give_back(one)
        speak.set()
        assert spoken.wait(10)
        assert one.reusable  # as far as the event loop knows
        assert pool.idle() is None
        pool.close()
        await asyncio.to_thread(thread.join)


async def test_closing_closes_those_in_use_too() -> None:
    async with listening(silent) as server:
        pool = pool_of(server)
        one = await pool.connect(soon(), "connect")
        one.send(HEAD, b"")
        waiting = asyncio.ensure_future(one.wait(soon(), "first_byte"))
        await asyncio.sleep(0)
        pool.close()
        with pytest.raises(UpstreamBroken):
            await waiting
        await server.left.wait()
        with pytest.raises(UpstreamRefused):
            await pool.connect(soon(), "connect")


async def test_closing_closes_those_that_lie_unused_and_those_that_come_back() -> None:
    async with listening(answers) as server:
        pool = pool_of(server)
        one, two = await used(pool), await used(pool)
        pool.give_back(one)
        pool.close()
        pool.give_back(two)
        assert pool.idle() is None
        assert not one.reusable
        assert not two.reusable
        await server.left.wait()


async def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    pool = Pool("main", Origin(False, "127.0.0.1", port))
    with pytest.raises(UpstreamRefused) as caught:
        await pool.connect(soon(), "connect")
    expected = "no connection to upstream `main`; check its `url` and the network"
    assert str(caught.value) == expected
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("host", ["a..b", "x" * 70])
async def test_a_host_that_is_none(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UpstreamRefused):
        await Pool("main", Origin(False, host, port)).connect(soon(), "connect")


async def test_a_handshake_that_never_ends_is_part_of_connecting() -> None:
    async with listening(silent) as server:
        pool = Pool("main", Origin(True, server.host, server.port))
        with pytest.raises(UpstreamTimeout) as caught:
            await pool.connect(asyncio.get_running_loop().time() + 0.05, "connect")
        assert caught.value.phase == "connect"
        await server.left.wait()
        pool.close()


async def test_a_call_that_is_cancelled_while_connecting_leaves_nothing_open() -> None:
    reached = asyncio.Event()

    async def serve(visit: Visit) -> None:
        await visit.reader.read(1)  # the first byte of a handshake
        reached.set()
        await visit.until_left()

    async with listening(serve) as server:
        pool = Pool("main", Origin(True, server.host, server.port))
        connecting = asyncio.ensure_future(pool.connect(soon(), "connect"))
        await reached.wait()
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        await server.left.wait()


async def test_no_tls_where_it_is_expected() -> None:
    async def serve(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await visit.until_left()

    async with listening(serve) as server:
        pool = Pool("main", Origin(True, server.host, server.port))
        with pytest.raises(UpstreamRefused, match="no TLS with upstream `main`"):
            await pool.connect(soon(), "connect")
