"""One JSON line an event on standard error, from a closed list of fields.

Fields are allowed rather than values redacted: what is not in `FIELDS` cannot be logged, and no
field of the list can hold text of a call.
"""

import logging
import sys
from typing import Final, TextIO

import orjson

from adapters.ports import Clock

FIELDS: Final = frozenset(
    {
        "call", "code", "status", "decision", "rule", "route", "upstream", "tenant", "error",
        "place", "remedy", "stage", "task", "address", "policy", "policy_hash", "key", "count",
        "seconds", "folder", "signal",
    }
)  # fmt: skip


class Log:
    """Writes events of level `info` or `error`; an unknown field raises at once."""

    def __init__(self, clock: Clock, stream: TextIO | None = None) -> None:
        self._clock = clock
        self._stream = stream

    def info(self, event: str, **fields: object) -> None:
        """Write that something happened."""
        self._write("info", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Write that something went wrong and somebody should look."""
        self._write("error", event, fields)

    def adopt_library_logging(self) -> None:
        """Put what libraries log on the same stream: who and what kind of error, never the words.

        Our own modules' warnings hold names of ours alone, so their words are kept.
        """
        root = logging.getLogger()
        root.handlers = [_LibraryHandler(self)]
        root.setLevel(logging.WARNING)

    def _write(self, level: str, event: str, fields: dict[str, object]) -> None:
        unknown = fields.keys() - FIELDS
        if unknown:
            raise ValueError(f"not a field of the log: {', '.join(sorted(unknown))}")
        line = {"time": round(self._clock.wall(), 3), "level": level, "event": event, **fields}
        stream = self._stream or sys.stderr
        stream.write(orjson.dumps(line, default=str).decode() + "\n")
        stream.flush()


class _LibraryHandler(logging.Handler):
    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        ours = record.name.startswith(("proxy.", "adapters."))
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        said = record.getMessage() if ours else kind or record.levelname.lower()
        self._log.error("library", place=record.name, error=said)
