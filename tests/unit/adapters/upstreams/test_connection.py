"""One connection: where an answer ends, what breaks it, and what makes it unfit for the next."""

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import UpstreamBroken, UpstreamTimeout
from adapters.upstreams.connection import HEAD_LIMIT, HIGH_WATER, Connection
from tests.unit.adapters.upstreams.byte_server import Visit, answer, listening

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
HEAD = b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"


class Wire(asyncio.Transport):
    """A transport that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.calls: list[str] = []
        self.closed = False
        self.unsent = 0

    def get_extra_info(self, name, default=None):
        return self

    def fileno(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closed

    def write(self, data) -> None:
        self.writes.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")

    def abort(self) -> None:
        self.closed = True


def asked(body: bytes = b"") -> tuple[Connection, Wire]:
    """A connection over which a request has been sent."""
    one, wire = Connection("main", asyncio.get_running_loop()), Wire()
    one.connection_made(wire)
    one.send(HEAD, body)
    return one, wire


async def all_of(one: Connection) -> bytes:
    soon = asyncio.get_running_loop().time() + 5
    body = b""
    while not one.at_end:
        await one.wait(soon, "idle")
        body += one.take()
    return body


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges) if a != b]


CUTS = st.lists(st.integers(0, 1000), max_size=12)
WHOLE = {
    "length": answer(b"hello world"),
    "lower": OK + b"content-length:11\r\n\r\nhello world",
    "chunks": CHUNKED + b"6\r\nhello \r\n5;a=b\r\nworld\r\n0\r\n\r\n",
    "trailers": CHUNKED + b"b\r\nhello world\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\n"
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer(b"hello world"),
}


@pytest.mark.parametrize("form", WHOLE)
@given(cuts=CUTS)
async def test_any_split_of_an_answer_gives_the_same(form: str, cuts: list[int]) -> None:
    one, wire = asked()
    for piece in split(WHOLE[form], cuts):
        one.data_received(piece)
    assert one.status == 200
    assert not {"link", "x-sum"} & {name for name, _ in one.headers}
    assert await all_of(one) == b"hello world"
    assert one.reusable
    wire.abort()


@pytest.mark.parametrize("form", WHOLE)
@given(at=st.integers(0, 1000))
async def test_an_answer_that_ends_early_is_never_whole(form: str, at: int) -> None:
    one, _ = asked()
    data = WHOLE[form][: at % len(WHOLE[form])]
    if data:
        one.data_received(data)
    one.eof_received()
    one.connection_lost(None)
    assert not one.reusable
    assert one.unanswered == (not data)
    with pytest.raises(UpstreamBroken) as caught:
        await all_of(one)
    assert str(caught.value) == "upstream `main` closed its connection before the end of its answer"


async def test_what_came_before_a_break_can_still_be_taken() -> None:
    one, _ = asked()
    one.data_received(CHUNKED + b"5\r\nhello\r\n")
    one.data_received(b"garbage")
    await one.wait(0, "idle")
    assert one.take() == b"hello"
    with pytest.raises(UpstreamBroken):
        await one.wait(0, "idle")


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n",
        b"\x16\x03\x01\x02",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + answer(b"ab"),
        b"HTTP/1.1 104 Odd\r\nContent-Length: 2\r\n\r\nab",
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        OK + b"Transfer-Encoding: identity\r\n\r\nabc",
        OK + b"X-Fold: a\r\n b: c\r\nContent-Length: 0\r\n\r\n",
        OK + b"X-Nul: a\0b\r\nContent-Length: 0\r\n\r\n",
        OK + b"X Space: a\r\nContent-Length: 0\r\n\r\n",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"ffffffffffffffffff\r\n",
    ],
)
async def test_an_answer_that_breaks_the_rules(data: bytes) -> None:
    one, wire = asked()
    one.data_received(data)
    with pytest.raises(UpstreamBroken) as caught:
        await all_of(one)
    assert str(caught.value) == "upstream `main` broke the rules of HTTP in its answer"
    assert wire.closed
    assert not one.unanswered


@pytest.mark.parametrize(
    ("head", "part", "times"),
    [
        (OK + b"X-Long: ", b"a" * 1024, HEAD_LIMIT // 1024 + 2),
        (OK, b"X-One: two\r\n" * 100, HEAD_LIMIT // 1200 + 2),
        (OK + b"X-Long: " + b"a" * (2 * HEAD_LIMIT) + b"\r\nContent-Length: 0\r\n\r\n", b"", 0),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 40, HEAD_LIMIT // 1000 + 2),
        (CHUNKED + b"1\r\na\r\n0\r\n", b"X-Trailer: value\r\n" * 60, HEAD_LIMIT // 1000 + 2),
        (CHUNKED + b"1;", b"e" * 1024, HEAD_LIMIT // 1024 + 2),
    ],
    ids=["one value", "many", "at once", "interim", "trailers", "extension"],
)
async def test_what_is_no_body_is_limited(head: bytes, part: bytes, times: int) -> None:
    one, wire = asked()
    for piece in (head, *[part] * times):
        if piece:
            one.data_received(piece)
    assert wire.closed
    with pytest.raises(UpstreamBroken):
        await all_of(one)


async def test_a_large_header_section_within_the_limit() -> None:
    one, wire = asked()
    one.data_received(answer(b"ab", b"X-Long: " + b"v" * (HEAD_LIMIT - 100)))
    assert await all_of(one) == b"ab"
    wire.abort()


async def test_a_body_that_ends_with_the_connection() -> None:
    one, _ = asked()
    one.data_received(OK + b"\r\nhello")
    one.data_received(b" world")
    assert one.take() == b"hello world"
    assert not one.at_end
    one.eof_received()
    assert one.at_end
    assert not one.reusable


async def test_a_body_to_the_end_of_a_torn_connection_is_not_whole() -> None:
    one, _ = asked()
    one.data_received(OK + b"\r\nhello")
    one.connection_lost(ConnectionResetError())
    with pytest.raises(UpstreamBroken):
        await all_of(one)


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_a_status_without_a_body(status: bytes) -> None:
    one, wire = asked()
    one.data_received(b"HTTP/1.1 " + status + b"\r\nETag: x\r\n\r\n")
    assert one.at_end
    assert one.reusable
    one.send(HEAD, b"")
    one.data_received(answer(b"next"))
    assert await all_of(one) == b"next"
    wire.abort()


@pytest.mark.parametrize(
    "data",
    [
        answer(b"ab", b"Connection: close"),
        answer(b"ab").replace(b"HTTP/1.1", b"HTTP/1.0"),
        (CHUNKED + b"2\r\nab\r\n0\r\n\r\n").replace(
            b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK\r\nConnection: keep-alive"
        ),
        answer(b"ab") + b"garbage",
        answer(b"ab") + answer(b"somebody else's"),
        answer(b"ab", b"Connection: close") + b"more",
    ],
)
async def test_an_answer_that_is_the_last_of_its_connection(data: bytes) -> None:
    one, wire = asked()
    one.data_received(data)
    assert one.status == 200
    assert await all_of(one) == b"ab"
    assert not one.reusable
    wire.abort()


async def test_bytes_that_nobody_asked_for_end_the_connection() -> None:
    one, wire = asked()
    one.data_received(answer(b"ab"))
    assert one.take() == b"ab"
    one.data_received(answer(b"somebody else's"))
    assert wire.closed
    assert one.take() == b""
    one.send(HEAD, b"")
    one.data_received(answer(b"late"))
    assert one.take() == b""


async def test_much_that_waits_stops_the_reading() -> None:
    one, wire = asked()
    one.data_received(OK + b"Content-Length: %d\r\n\r\n" % (4 * HIGH_WATER))
    one.data_received(b"x" * HIGH_WATER)
    assert wire.calls == []
    one.data_received(b"x" * HIGH_WATER)
    assert wire.calls == ["pause"]
    assert len(one.take()) == 2 * HIGH_WATER
    assert wire.calls == ["pause", "resume"]
    one.data_received(b"x" * 2 * HIGH_WATER)
    assert len(one.take()) == 2 * HIGH_WATER
    assert wire.calls == ["pause", "resume", "pause", "resume"]
    assert one.reusable
    wire.abort()


async def test_a_small_request_is_one_write_and_a_large_one_two() -> None:
    _, wire = asked(b"x" * 4096)
    assert wire.writes == [HEAD + b"x" * 4096]
    _, other = asked(b"x" * 70_000)
    assert other.writes == [HEAD, b"x" * 70_000]
    wire.abort()
    other.abort()


async def test_an_answer_before_the_request_has_left_is_the_last() -> None:
    one, wire = asked()
    wire.unsent = 1
    one.data_received(answer(b"too large", status=b"413 Content Too Large"))
    assert await all_of(one) == b"too large"
    assert not one.reusable
    wire.abort()


async def test_a_request_to_a_closed_connection_is_unanswered() -> None:
    one, wire = asked()
    wire.abort()
    one.send(HEAD, b"")
    with pytest.raises(UpstreamBroken):
        await one.wait(0, "first_byte")
    assert one.unanswered


async def test_a_wait_ends_with_its_phase() -> None:
    one, wire = asked()
    one.data_received(OK + b"Content-Length: 2\r\n\r\n")
    with pytest.raises(UpstreamTimeout) as caught:
        await one.wait(asyncio.get_running_loop().time(), "idle")
    assert caught.value.phase == "idle"
    wire.abort()


async def test_over_a_socket_byte_by_byte() -> None:
    async def serve(visit: Visit) -> None:
        for data in WHOLE.values():
            await visit.request()
            await visit.say(*[data[i : i + 1] for i in range(len(data))])
        await visit.until_left()

    loop = asyncio.get_running_loop()
    async with listening(serve) as server:
        _, one = await loop.create_connection(
            lambda: Connection("main", loop), server.host, server.port
        )
        for _ in WHOLE:
            one.send(HEAD, b"")
            assert await all_of(one) == b"hello world"
            assert one.reusable
            assert one.silent
        one.abort()
        await server.left.wait()


async def test_more_than_fits_comes_through_at_the_readers_pace() -> None:
    size = 8 * 1024 * 1024

    async def serve(visit: Visit) -> None:
        await visit.request()
        await visit.say(OK + b"Content-Length: %d\r\n\r\n" % size, b"x" * size)
        await visit.until_left()

    loop = asyncio.get_running_loop()
    async with listening(serve) as server:
        _, one = await loop.create_connection(
            lambda: Connection("main", loop), server.host, server.port
        )
        one.send(HEAD, b"")
        got, largest = 0, 0
        while not one.at_end:
            await one.wait(loop.time() + 10, "idle")
            await asyncio.sleep(0)
            piece = one.take()
            got, largest = got + len(piece), max(largest, len(piece))
        assert got == size
        assert largest <= 3 * HIGH_WATER
        one.abort()
        await server.left.wait()
