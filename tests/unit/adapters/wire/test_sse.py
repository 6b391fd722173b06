import pytest

from adapters.wire.sse import SseDecoder, SseError, SseEvent, encode_data


def read(data: bytes) -> list[tuple[str | None, bytes | None]]:
    return [(event.event, event.data) for event in SseDecoder().feed(data)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\n", [(None, b"a")]),
        (b"data:a\n\n", [(None, b"a")]),
        (b"data:  a\n\n", [(None, b" a")]),
        (b"data\n\n", [(None, b"")]),
        (b"data:\n\n", [(None, b"")]),
        (b"data: \n\n", [(None, b"")]),
        (b"data: a\r\n\r\n", [(None, b"a")]),
        (b"data: a\r\r", [(None, b"a")]),
        (b"data: a\ndata: b\n\n", [(None, b"a\nb")]),
        (b"event: e\r\ndata: a\r\ndata: b\r\n\r\n", [("e", b"a\nb")]),
        (b"event: e\rdata: a\rdata: b\r\r", [("e", b"a\nb")]),
        (b"event: ping\ndata: {}\n\n", [("ping", b"{}")]),
        (b": keep-alive\n\n", [(None, None)]),
        (b"retry: 10\nid: 4\n\n", [(None, None)]),
        (b": note\ndata: a\n\n", [(None, b"a")]),
        (b"data: a: b\n\n", [(None, b"a: b")]),
        (b"\ndata: a\n\n", [(None, b"a")]),
        (b"\xef\xbb\xbfdata: a\n\n", [(None, None), (None, b"a")]),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [(None, b"a"), (None, None)]),
        (b"data: a", []),
        (b"data: a\n", []),
    ],
)
def test_lines_are_read_as_the_standard_says(stream, expected):
    assert read(stream) == expected


def test_a_crlf_is_one_line_end_wherever_it_is_cut():
    decoder, stream = SseDecoder(), b"data: a\r\n\r\ndata: b\r\n\r\n"
    events = [event for byte in stream for event in decoder.feed(bytes([byte]))]
    assert [event.data for event in events if event.data is not None] == [b"a", b"b"]
    assert b"".join(event.raw for event in events) == stream


def test_an_event_is_given_out_as_soon_as_its_blank_line_is_there():
    assert [event.data for event in SseDecoder().feed(b"data: a\r\n\r")] == [b"a"]


def test_what_is_left_at_the_end_is_given_back_raw():
    decoder = SseDecoder()
    decoder.feed(b"data: a\n\ndata: b\n")
    assert decoder.finish() == b"data: b\n"
    assert decoder.finish() == b""


@pytest.mark.parametrize("data", [b"data: 123456789\n\n", b"data: 12345678901234567890"])
def test_an_event_beyond_the_bound_is_refused(data):
    with pytest.raises(SseError, match="larger than 16 bytes") as refused:
        SseDecoder(max_event=16).feed(data)
    assert refused.value.code == "event_too_large"


def test_many_events_beyond_the_bound_together_pass():
    assert len(SseDecoder(max_event=16).feed(b"data: a\n\n" * 100)) == 100


@pytest.mark.parametrize(
    ("raw", "data", "expected"),
    [
        (b"data: a\n\n", b"xy", b"data: xy\n\n"),
        (b"data:a\r\n\r\n", b"xy", b"data:xy\r\n\r\n"),
        (b": a\nid: 7\ndata: a\n\n", b"xy", b": a\nid: 7\ndata: xy\n\n"),
        (b"data: {\ndata: 1}\n\n", b"{\n2}", b"data: {\ndata: 2}\n\n"),
        (b"data:a\nb\ndata:b\n\n", b"x\ny", b"data:x\nb\ndata:y\n\n"),
        (b"data\n\n", b"x", b"data: x\n\n"),
    ],
)
def test_other_data_leaves_the_rest_of_an_event_alone(raw, data, expected):
    (event,) = SseDecoder().feed(raw)
    assert event.with_data(data) == expected


def test_an_event_does_not_show_its_content():
    assert "secret" not in repr(SseEvent(b"data: secret\n\n", None, b"secret"))


def test_data_is_written_as_one_event():
    assert encode_data(b"{}") == b"data: {}\n\n"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_an_event_knows_its_line_ends(end):
    (event,) = SseDecoder().feed(b"data: a" + end * 2)
    assert event.line_end == end
