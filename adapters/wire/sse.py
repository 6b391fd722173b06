"""Server-sent events, incremental: bytes in at any split, whole events out, each with its raw form.

Follows the WHATWG HTML standard, section 9.2.6: lines end with CR, LF or CRLF; comments, a byte
order mark and fields nobody knows are read over. What is read over is still part of an event's
`raw`: the raws of all events, joined, are the stream, so what is not edited passes byte for byte.
It must never hold an event back once its blank line is there, nor grow beyond its bound.
"""

import re
from typing import Final, NamedTuple

from adapters.errors import WireError

MAX_EVENT: Final = 4 * 1024 * 1024
PLACE: Final = "sse"
_BOM: Final = b"\xef\xbb\xbf"
# Atomic groups: without them a CRLF could be taken apart into two line ends.
_BLANK_LINE: Final = re.compile(rb"(?>\r\n?|\n)(?>\r\n?|\n)")
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_LINES: Final = re.compile(rb"([^\r\n]*)(\r\n|\n|\r|$)")
# What a line besides data may say and still be understood. The comments are those that providers
# are known to send while they wait.
_KEEP_ALIVE: Final = frozenset({b": OPENROUTER PROCESSING", b": keep-alive", b": ping", b":"})
_UNDERSTOOD: Final = re.compile(
    rb"|data(?::.*)?|(?:event|id): ?[A-Za-z][A-Za-z_.-]{0,39}|id: ?[0-9]{0,6}|retry: ?[0-9]{1,6}",
    re.DOTALL,
)


class SseError(WireError):
    """An event passed the bound on its size (code `event_too_large`)."""

    def __init__(self, limit: int) -> None:
        super().__init__(PLACE, "event_too_large", f"an event is larger than {limit} bytes")


class SseEvent(NamedTuple):
    """One block of a stream up to and with its blank line.

    `event` is its type where it names one; `data` its data lines joined with LF, None where it has
    none (comments, `retry`, extra blank lines). `is_plain`: it is one data line and nothing else.
    """

    raw: bytes
    event: str | None
    data: bytes | None
    is_plain: bool = False

    def __repr__(self) -> str:
        return f"SseEvent({len(self.raw)} bytes)"

    @property
    def line_end(self) -> bytes:
        """How this event ends its lines."""
        return line_end(self.raw)

    def understood(self) -> "SseEvent":
        """Return the event with those lines only whose meaning is known.

        Data and blank lines stay, `event`, `id` and `retry` while they are plain words or short
        numbers. A comment becomes an empty one, which keeps a connection alive just as well.
        """
        if self.is_plain or self.raw == _BOM:
            return self
        pieces: list[bytes] = []
        for line in _LINES.finditer(self.raw):
            content, end = line.group(1), line.group(2)
            if content[:1] == b":":
                pieces.append((content if content in _KEEP_ALIVE else b":") + end)
            elif _UNDERSTOOD.fullmatch(content) is not None:
                pieces.append(content + end)
        return self._replace(raw=b"".join(pieces))

    def with_data(self, data: bytes) -> bytes:
        """Return the raw event with other data; everything around the data stays as it is.

        `data` must have as many lines as the event's own, which holds for edited JSON, since JSON
        strings hold no line ends.
        """
        if self.data and b"\n" not in self.data and self.raw.count(self.data) == 1:
            return self.raw.replace(self.data, data)
        lines = iter(data.split(b"\n"))
        pieces: list[bytes] = []
        for line in _LINES.finditer(self.raw):
            content, end = line.group(1), line.group(2)
            name, colon, value = content.partition(b":")
            if name == b"data":
                lead = content[: len(content) - len(value)] if colon else content + b":"
                space = b" " if value[:1] == b" " or not colon else b""
                content = lead + space + next(lines, b"")
            pieces.append(content + end)
        return b"".join(pieces)


class SseDecoder:
    """Takes a stream apart. `max_event` bounds one event, in bytes, complete or not."""

    __slots__ = ("_after_cr", "_begun", "_buffer", "_max_event", "_scanned")

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        self._buffer = bytearray()
        self._max_event = max_event
        self._scanned = 0
        self._after_cr = False
        self._begun = False

    def feed(self, data: bytes) -> list[SseEvent]:
        """Return the events that end within `data`. Raises SseError."""
        if not data:
            return []
        if self._begun and not self._buffer and _is_one_plain_event(data):
            # How nearly every event of nearly every provider arrives.
            self._after_cr = False
            self._check(len(data))
            return [_plain(data, len(data) - 2)]
        events: list[SseEvent] = []
        if self._after_cr and data[:1] == b"\n":
            # The second half of a CRLF whose first half has already ended an event.
            events.append(SseEvent(b"\n", None, None))
            data = data[1:]
        buffer = self._buffer
        buffer += data
        if not self._begun and not self._begin(events):
            return events
        start, scan = 0, self._scanned
        while (blank := _BLANK_LINE.search(buffer, scan)) is not None:
            end = blank.end()
            self._check(end - start)
            events.append(_read(bytes(buffer[start:end]), blank.start() - start))
            start = scan = end
        self._after_cr = start > 0 and start == len(buffer) and buffer.endswith(b"\r")
        del buffer[:start]
        self._check(len(buffer))
        # A blank line is at most four bytes, of which three may be here already.
        self._scanned = max(0, len(buffer) - 3)
        return events

    def finish(self) -> bytes:
        """Return what is left of an event without a blank line; the decoder starts afresh."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._scanned = 0
        self._after_cr = self._begun = False
        return rest

    def _begin(self, events: list[SseEvent]) -> bool:
        """Read over a byte order mark at the very start; False while it may still be coming."""
        if self._buffer.startswith(_BOM):
            events.append(SseEvent(_BOM, None, None))
            del self._buffer[: len(_BOM)]
        elif _BOM.startswith(self._buffer):
            return False
        self._begun = True
        return True

    def _check(self, size: int) -> None:
        if size > self._max_event:
            raise SseError(self._max_event)


def encode_data(json: bytes) -> bytes:
    """Return an event that carries one line of data, as OpenAI writes it."""
    return b"data: " + json + b"\n\n"


def line_end(raw: bytes) -> bytes:
    """How a piece of a stream ends its lines: CRLF, CR, or else LF."""
    if raw.endswith(b"\r\n"):
        return b"\r\n"
    return b"\r" if raw.endswith(b"\r") else b"\n"


def _is_one_plain_event(data: bytes) -> bool:
    return (
        data.startswith(b"data:")
        and data.endswith(b"\n\n")
        and data.find(b"\n") == len(data) - 2
        and b"\r" not in data
    )


def _plain(raw: bytes, body: int) -> SseEvent:
    return SseEvent(raw, None, raw[6 if raw[5:6] == b" " else 5 : body], True)


def _read(raw: bytes, body: int) -> SseEvent:
    """Read one block; `body` is its length without the blank line."""
    if raw.startswith(b"data:") and _LINE_END.search(raw, 0, body) is None:
        return _plain(raw, body)
    event: str | None = None
    data: list[bytes] = []
    for line in _LINE_END.split(raw):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value.decode("utf-8", "replace")
    return SseEvent(raw, event, b"\n".join(data) if data else None)
