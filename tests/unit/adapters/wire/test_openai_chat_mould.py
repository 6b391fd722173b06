import pytest

from adapters.errors import WireError
from adapters.wire.openai_chat_lanes import Strand
from adapters.wire.openai_chat_mould import Mould, decoded
from rules.chat import Lane, LaneKind

STRAND = Strand(Lane(0, LaneKind.TEXT), ("delta", "content"))
BARE = Mould(STRAND, b'data: {"a":"', b'"}\n\n', None)
PADDED = Mould(STRAND, b'data: {"a":"', b'","b":"', b'"}\n\n')


@pytest.mark.parametrize("text", [b"", b"plain", b'a \\"quote\\"', b"\\\\", b"\\u0041"])
def test_an_event_that_fits_gives_its_text(text):
    at = len(BARE.head) + len(text)
    assert BARE.text(BARE.head + text + BARE.tail) == (text, at)
    assert PADDED.text(PADDED.head + text + PADDED.tail + b"aB3" + b'"}\n\n') == (text, at)


@pytest.mark.parametrize(
    "raw",
    [
        b'data: {"c":"x"}\n\n', b'data: {"a":"x', b'data: {"a":"x\\', b'data: {"a":"x"}\n\n\n',
        b'data: {"a":"x","c":"y"}\n\n', b'data: {"a":"x","b":"y', b'data: {"a":"x","b":"y"}\n',
        b'data: {"a":"x","b":"078-05-1120"}\n\n', b'data: {"a":"x","b":"78051120"}\n\n',
        b'data: {"a":"x","b":"a\\u0062"}\n\n', b'data: {"a":"x","b":"y","a":"z"}\n\n',
    ],
)  # fmt: skip
def test_any_other_event_has_to_be_read_in_full(raw):
    assert PADDED.text(raw) is None
    assert BARE.text(raw) is None


def test_a_string_is_read_as_a_parser_reads_it():
    assert decoded(b"a\\u00e9\\n") == "aé\n"
    assert decoded("é".encode()) == "é"
    for broken in (b"\xff", b"\\x", b"\\ud800"):
        with pytest.raises(WireError, match="not valid JSON"):
            decoded(broken)
