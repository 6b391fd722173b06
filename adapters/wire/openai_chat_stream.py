"""Edits a Chat Completions stream on its way: bytes in, bytes that may leave now out. No sockets.

Each lane's pieces pass through an editor, every other free string has its tokens restored, and all
bytes that did not have to change stay as the provider sent them. What an editor held back is sent
as one more chunk before the event that ends its choice. An event that cannot be read in one way
only is an error where there is an editor, since nobody could say what it holds.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

import orjson

from adapters.errors import WireError
from adapters.wire.openai_chat_answer import (
    Restore,
    Strand,
    Strands,
    is_free,
    without_logprobs,
)
from adapters.wire.openai_chat_facts import Facts, number_of
from adapters.wire.openai_chat_places import DIALECT, KNOWN_KEYS, Place, fits
from adapters.wire.sse import SseDecoder, SseError, SseEvent
from rules.chat import Completion, Lane, LaneEditor
from rules.json_text import JsonText, JsonTextError

_DONE: Final = b"[DONE]"
_MOULDS: Final = 4
_HOLE: Final = b"\0"  # cannot stand in JSON
_ESCAPED: Final = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)


@dataclass(frozen=True, slots=True, repr=False)
class _Mould:
    """The bytes around one lane's text, and around padding, in an event that was read in full.

    Most events of a stream differ in those two strings only. One that fits the mould needs no
    parsing, and what is true of the event that made it is true of it.
    """

    strand: Strand
    head: bytes
    tail: bytes
    end: bytes | None  # what follows the padding, None where there is no padding

    def text(self, raw: bytes) -> tuple[bytes, int] | None:
        """Return the lane's text as it is written and where it ends, or None if it does not fit."""
        if not raw.startswith(self.head):
            return None
        start = len(self.head)
        stop = raw.find(b'"', start)
        if stop > 0 and raw.find(b"\\", start, stop) >= 0:
            match = _ESCAPED.match(raw, start)
            stop = match.end() if match is not None else -1
        if stop < 0 or not raw.startswith(self.tail, stop):
            return None
        rest = stop + len(self.tail)
        if self.end is None:
            return (raw[start:stop], stop) if rest == len(raw) else None
        padding_end = raw.find(b'"', rest)
        if padding_end < 0 or raw.find(b"\\", rest, padding_end) >= 0:
            return None
        return (raw[start:stop], stop) if raw[padding_end:] == self.end else None


class ChatStream:
    """One answer as a stream.

    With none of `editor`, `restore` and `drop_logprobs` the bytes pass and are only observed.
    `completion` grows as facts come; `complete` is set by `[DONE]`, or once all choices have
    finished. `error` is the code of an error object inside the stream, in a provider's word.
    `unsent` is set when `feed` or `finish` raises: what may still be sent of what came before.
    """

    def __init__(
        self,
        editor: LaneEditor | None = None,
        restore: Restore | None = None,
        drop_logprobs: bool = False,
    ) -> None:
        self.error: str | None = None
        self.unsent = b""
        self._editor = editor
        self._restore = restore
        self._drop_logprobs = drop_logprobs
        self._edits = editor is not None or restore is not None or drop_logprobs
        self._decoder = SseDecoder()
        self._facts = Facts()
        self.completion: Completion = self._facts.completion
        self._strands = Strands("delta")
        self._moulds: list[_Mould] = []
        self._open: dict[Lane, Strand] = {}
        self._done = False
        self._chunk: dict[str, Any] = {}
        self._line_end = b"\n"

    def feed(self, data: bytes) -> bytes:
        """Return what may be sent now that `data` has come, all its events in one piece.

        Lets the editor's Cut pass; what came before the cut within `data` is in `unsent` then.
        Raises WireError `invalid_answer` or SseError, after which the stream is of no more use.
        """
        if not self._edits:
            self._observe(data)
            return data
        out: list[bytes] = []
        try:
            out.extend(self._edit(event) for event in self._decoder.feed(data))
        except BaseException:
            self.unsent = b"".join(out)
            raise
        return b"".join(out)

    def finish(self) -> bytes:
        """The provider's stream is at its end: return the rest of what may leave."""
        rest = self._decoder.finish()
        if not self._edits:
            self._observe(rest + b"\n\n")
            return b""
        out = rest
        if rest.strip(b"\r\n"):
            # Clients read a last event that lacks its blank line, so it has to be read here too.
            try:
                events = SseDecoder().feed(rest + b"\n\n")
                out = b"".join([self._edit(event) for event in events])[:-2]
            except WireError:
                out = b""
        self.unsent = out
        held = self._flush(None)
        self.unsent = b""
        return out + self._line_end * 2 + held if out and held else out + held

    def _observe(self, data: bytes) -> None:
        try:
            events = self._decoder.feed(data)
        except SseError:
            # Nobody asked for an edit, so the stream goes on and only facts are lost.
            self._decoder.finish()
            return
        for event in events:
            if event.data is None:
                continue
            if event.data.strip() == _DONE:
                self._done = True
                self._settle()
                continue
            try:
                value = orjson.loads(event.data)
            except orjson.JSONDecodeError:
                continue
            self._note(value)

    def _note(self, value: Any) -> None:
        if not isinstance(value, dict):
            return
        error = value.get("error")
        if error:
            self.error = _error_word(error)
        self._facts.note(value)
        self._settle()

    def _settle(self) -> None:
        ended = self._done or self._facts.all_finished
        self.completion.complete = ended and self.error is None

    def _edit(self, event: SseEvent) -> bytes:
        raw = event.raw
        for mould in self._moulds:
            found = mould.text(raw)
            if found is not None:
                written, stop = found
                text = _decoded(written)
                edited = self._feed(mould.strand, text)
                if edited == text:
                    return raw
                return mould.head[:-1] + orjson.dumps(edited) + raw[stop + 1 :]
        if event.data is None:
            return raw
        self._line_end = event.line_end
        if event.data.strip() == _DONE:
            self._done = True
            self._settle()
            return self._flush(None) + raw
        return self._edit_chunk(event, event.data)

    def _edit_chunk(self, event: SseEvent, data: bytes) -> bytes:
        """Edit an event that is read in full, and learn its mould where it can have one."""
        if self._drop_logprobs:
            data = without_logprobs(data)
        try:
            document = JsonText(data)
        except JsonTextError as error:
            raise WireError(DIALECT, "invalid_answer", f"an event's data is {error}") from None
        value = document.value
        self._note(value)
        if isinstance(value, dict) and value.get("choices"):
            self._chunk = value
        spoken, edits = self._pieces(document)
        held = self._ends(value, document, spoken, edits)
        literals = document.literals
        edits = {at: text for at, text in edits.items() if text != literals[at].text}
        if len(spoken) == 1 and not held and edits.keys() <= spoken.keys():
            self._learn(event, data, document, spoken)
        changed = document.replace(edits)
        if changed == event.data:
            return held + event.raw
        return held + event.with_data(changed)

    def _pieces(self, document: JsonText) -> tuple[dict[int, Strand], dict[int, str]]:
        """Return the strands by literal, and what every lane's piece and free string becomes."""
        spoken: dict[int, Strand] = {}
        edits: dict[int, str] = {}
        restore = self._restore
        for ordinal, literal in enumerate(document.literals):
            text = literal.text
            if literal.is_key:
                if restore is not None and text not in KNOWN_KEYS:
                    edits[ordinal] = restore(text)
                continue
            strand = self._strands.find(document.value, literal.path)
            if strand is not None:
                spoken[ordinal] = strand
                edits[ordinal] = self._feed(strand, text)
            elif restore is not None and text and is_free(literal.path, text):
                edits[ordinal] = restore(text)
        return spoken, edits

    def _feed(self, strand: Strand, text: str) -> str:
        if self._editor is None:
            return text
        self._open[strand.lane] = strand
        return self._editor.feed(strand.lane, text)

    def _ends(
        self, value: Any, document: JsonText, spoken: dict[int, Strand], edits: dict[int, str]
    ) -> bytes:
        """Finish the lanes that end with this event; return what has to be sent before it.

        A lane that speaks in this very event gets its rest there, after what it says.
        """
        if self._editor is None or not isinstance(value, dict):
            return b""
        if value.get("error"):
            # The answer has failed: what was held back was not cleared, and has no one to go to.
            self._open.clear()
            return b""
        ending = _ending(value)
        last = {strand.lane: ordinal for ordinal, strand in spoken.items()}
        for lane in [lane for lane in self._open if ending is None or lane.choice in ending]:
            if lane in last:
                edits[last[lane]] += self._editor.finish(lane)
                del self._open[lane]
        return self._flush(ending)

    def _flush(self, choices: set[int] | None) -> bytes:
        """Finish the open lanes of these choices (None: of all); return chunks with the rest."""
        if self._editor is None:
            return b""
        out: list[bytes] = []
        for lane in [lane for lane in self._open if choices is None or lane.choice in choices]:
            strand = self._open.pop(lane)
            rest = self._editor.finish(lane)
            if rest:
                piece = _dump_piece(self._chunk, lane.choice, strand, rest)
                out.append(b"data: " + piece + self._line_end * 2)
        return b"".join(out)

    def _learn(
        self, event: SseEvent, data: bytes, document: JsonText, spoken: dict[int, Strand]
    ) -> None:
        value = document.value
        if data is not event.data or event.raw.count(data) != 1:
            return
        if _ending(value) != set() or value.get("error"):
            return
        (ordinal, strand), holes = next(iter(spoken.items())), {}
        for at, literal in enumerate(document.literals):
            if at == ordinal or (literal.path == ("obfuscation",) and not literal.is_key):
                holes[at] = b'"' + _HOLE + b'"'
        parts = event.raw.replace(data, document.splice(holes)).split(_HOLE)
        if min(holes) != ordinal:
            return
        mould = _Mould(strand, parts[0], parts[1], parts[2] if len(parts) == 3 else None)
        self._moulds = [mould, *self._moulds[: _MOULDS - 1]]


def _dump_piece(chunk: dict[str, Any], choice: int, strand: Strand, text: str) -> bytes:
    """Return a chunk of the same stream as `chunk` which carries one more piece of a lane."""
    head = {
        name: chunk[name]
        for name in ("id", "object", "created", "model", "system_fingerprint", "service_tier")
        if name in chunk
    }
    said = {"index": choice, **strand.piece(text), "finish_reason": None}
    if "delta" not in said:
        said["delta"] = {}
    return orjson.dumps({**head, "choices": [said]})


def _decoded(written: bytes) -> str:
    """Return what a JSON string says, given the bytes between its quotes."""
    try:
        if b"\\" not in written:
            return written.decode()
        text: str = orjson.loads(b'"' + written + b'"')
    except (UnicodeDecodeError, orjson.JSONDecodeError):
        raise WireError(DIALECT, "invalid_answer", "an event's data is not valid JSON") from None
    return text


def _ending(value: dict[str, Any]) -> set[int] | None:
    """Return the choices that end with this chunk; None where it is the chunk with the usage."""
    choices = value.get("choices")
    if not isinstance(choices, list) or not choices:
        return None if value.get("usage") else set()
    return {
        number_of(choice, position)
        for position, choice in enumerate(choices)
        if isinstance(choice, dict) and choice.get("finish_reason")
    }


def _error_word(error: Any) -> str:
    """Return the code or type of an error object if it is a plain word, else `error`."""
    if isinstance(error, dict):
        for name in ("code", "type"):
            word = error.get(name)
            if isinstance(word, str) and fits(Place.WORD, word):
                return word
    return "error"
