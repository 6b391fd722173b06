"""The SSE decoder against a plain reading of the WHATWG standard, at any split."""

import re

from hypothesis import given
from hypothesis import strategies as st

from adapters.wire.sse import SseDecoder

_LINES = st.sampled_from(
    [b"data: a", b"data:b", b"data", b"event: e", b": c", b"id: 1", b"", b"", b"data: \xff",
     b"data: " + "ü".encode(), b"\xef\xbb\xbfdata: a", b" data: a"]
)  # fmt: skip
_ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])
_STREAMS = st.lists(st.tuples(_LINES, _ENDS).map(b"".join), max_size=16).map(b"".join)


def plain(stream: bytes) -> list[tuple[str | None, bytes]]:
    """Section 9.2.6, word by word, over a whole stream."""
    lines = re.split(rb"\r\n|\n|\r", stream.removeprefix(b"\xef\xbb\xbf"))[:-1]
    events, kind, data = [], None, []
    for line in lines:
        if not line:
            if data:
                events.append((kind, b"\n".join(data)))
            kind, data = None, []
            continue
        name, _, value = line.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if name == b"data":
            data.append(value)
        elif name == b"event":
            kind = value.decode("utf-8", "replace")
    return events


@given(_STREAMS, st.data())
def test_any_split_gives_what_the_standard_says(stream, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    decoder, events = SseDecoder(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        events += decoder.feed(stream[start:end])
    rest = decoder.finish()
    assert b"".join(event.raw for event in events) + rest == stream
    assert [(event.event, event.data) for event in events if event.data is not None] == plain(
        stream
    )


@given(_STREAMS)
def test_setting_the_same_data_changes_nothing(stream):
    for event in SseDecoder().feed(stream):
        if event.data:
            # A comment ahead, since a byte order mark means something at the very start only.
            written = b": c\n" + event.with_data(event.data)
            told = [other.data for other in SseDecoder().feed(written)]
            assert [data for data in told if data is not None] == [event.data]
