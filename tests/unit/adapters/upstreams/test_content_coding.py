"""Undoing content codings, whatever the pieces they come in."""

import gzip
import itertools
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.upstreams.content_coding import PIECE_LIMIT, CodingError, Inflater, inflater

TEXT = bytes(range(256)) * 20


def bare(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


CODED = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT[:2000]) + gzip.compress(b"") + gzip.compress(TEXT[2000:]),
    "deflate": zlib.compress(TEXT),
    "Deflate": bare(TEXT),
}


def chosen(coding: str) -> Inflater:
    one = inflater([("content-type", "a/b"), ("content-encoding", coding)])
    assert one is not None
    return one


@pytest.mark.parametrize("coding", CODED)
@given(cuts=st.lists(st.integers(0, 400), max_size=8))
def test_any_split_gives_the_same(coding: str, cuts: list[int]) -> None:
    data, one = CODED[coding], chosen(coding)
    edges = [0, *sorted(cuts), len(data)]
    parts = [data[start:end] for start, end in itertools.pairwise(edges)]
    assert b"".join(piece for part in parts for piece in one.pieces(part)) == TEXT
    one.finish()


@pytest.mark.parametrize("coding", CODED)
def test_content_that_ends_early_is_not_whole(coding: str) -> None:
    one = chosen(coding)
    list(one.pieces(CODED[coding][:-3]))
    with pytest.raises(CodingError):
        one.finish()


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("gzip", b"not gzip at all"),
        ("deflate", b"\x78\x9cgarbage"),
        ("deflate", CODED["deflate"] + b"x"),
        ("deflate", CODED["deflate"] * 2),
        ("gzip", CODED["gzip"] + b"behind"),
        ("gzip", CODED["gzip"][:-8] + bytes(8)),  # a wrong checksum
    ],
)
def test_content_that_is_not_in_its_coding(coding: str, data: bytes) -> None:
    one = chosen(coding)
    with pytest.raises(CodingError):
        list(one.pieces(data))


def test_a_bomb_comes_in_bounded_pieces() -> None:
    bomb = gzip.compress(bytes(32 * 1024 * 1024))
    sizes = [len(piece) for piece in chosen("gzip").pieces(bomb)]
    assert sum(sizes) == 32 * 1024 * 1024
    assert max(sizes) <= PIECE_LIMIT


def test_no_content_needs_no_coding() -> None:
    chosen("gzip").finish()


@pytest.mark.parametrize("headers", [[], [("content-encoding", " Identity")]])
def test_plain_content(headers: list[tuple[str, str]]) -> None:
    assert inflater(headers) is None


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "gzip, br", "compress"])
def test_a_coding_that_was_not_asked_for(coding: str) -> None:
    with pytest.raises(CodingError):
        inflater([("content-encoding", coding)])


def test_codings_of_several_fields_count_together() -> None:
    with pytest.raises(CodingError):
        inflater([("content-encoding", "gzip"), ("content-encoding", "deflate")])
