"""Content codings of an answer (RFC 9110 section 8.4), undone piece by piece.

No input, however small, makes more than one bounded piece at a time. Errors carry no data.
"""

import zlib
from collections.abc import Iterator
from typing import Final

PIECE_LIMIT: Final = 256 * 1024
"""Bytes of the largest piece that is given out."""

# Small slices bound what is copied again and again where a slice gives many pieces.
_SLICE: Final = 16 * 1024
_GZIP: Final = 16 + zlib.MAX_WBITS
_ZLIB: Final = zlib.MAX_WBITS
_RAW: Final = -zlib.MAX_WBITS


class CodingError(Exception):
    """The content is not in the coding it claims, ends early, or its coding is not known."""


class Inflater:
    """Undoes `gzip` (`gzip=True`) or `deflate`."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._stream: zlib._Decompress | None = None
        self._begun = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` gives, in bounded pieces. Raises CodingError."""
        for start in range(0, len(data), _SLICE):
            rest = data[start : start + _SLICE]
            while rest:
                stream = self._stream or self._next_stream(rest[0])
                try:
                    piece = stream.decompress(rest, PIECE_LIMIT)
                except zlib.error:
                    raise CodingError from None
                if stream.eof:
                    self._stream, rest = None, stream.unused_data
                else:
                    self._stream, rest = stream, stream.unconsumed_tail
                if piece:
                    yield piece

    def finish(self) -> None:
        """Check that the content is whole; no content at all is. Raises CodingError."""
        if self._stream is not None:
            raise CodingError

    def _next_stream(self, first: int) -> "zlib._Decompress":
        """Begin a stream; only gzip may have several one after another (RFC 1952 section 2.2)."""
        if self._begun and not self._gzip:
            raise CodingError
        self._begun = True
        if self._gzip:
            return zlib.decompressobj(_GZIP)
        # `deflate` means the zlib format, yet some servers send the bare one. The low half of a
        # zlib stream's first byte is always 8 (RFC 1950 section 2.2), of a bare one never in use.
        return zlib.decompressobj(_ZLIB if first & 0x0F == 8 else _RAW)


def inflater(headers: list[tuple[str, str]]) -> Inflater | None:
    """Return what undoes the coding that an answer's headers name, or None where there is none.

    Raises CodingError for a coding that was not asked for.
    """
    named = [value for name, value in headers if name == "content-encoding"]
    codings = [one.strip().lower() for value in named for one in value.split(",")]
    match [one for one in codings if one not in ("", "identity")]:
        case []:
            return None
        case ["gzip" | "x-gzip"]:
            return Inflater(gzip=True)
        case ["deflate"]:
            return Inflater(gzip=False)
        case _:
            raise CodingError
