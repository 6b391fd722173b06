"""Edits a Chat Completions stream on its way: bytes in, bytes that may leave now out. No sockets.

Each lane's pieces pass through an editor, every other free string through `restore`, and all bytes
that did not have to change stay as the provider sent them. What an editor held back is sent as one
more chunk before the event that ends its choice. Where there is an editor, an event that cannot be
read in one way only is an error, since nobody could say what it holds, and so is text for a lane
that has ended, since what it said before can no longer be judged with it.
"""

from typing import Any, Final

import orjson

from adapters.errors import WireError
from adapters.wire.openai_chat_facts import Facts, number_of
from adapters.wire.openai_chat_free import FreeStrings, Restore, is_free
from adapters.wire.openai_chat_lanes import Strand, Strands, check, invalid
from adapters.wire.openai_chat_logprobs import without_logprobs
from adapters.wire.openai_chat_mould import HOLE, Mould, decoded
from adapters.wire.openai_chat_places import DIALECT, KNOWN_KEYS, Place, fits
from adapters.wire.sse import SseDecoder, SseError, SseEvent
from rules.chat import Completion, Lane, LaneEditor
from rules.json_text import JsonText, JsonTextError

_DONE: Final = b"[DONE]"
_MOULDS: Final = 4
_HEAD: Final = ("id", "object", "created", "model", "system_fingerprint", "service_tier")


class ChatStream:
    """One answer as a stream.

    With none of `editor`, `restore` and `drop_logprobs` the bytes pass and are only observed.
    `logprobs` are dropped where there is an editor too, unless `keep_logprobs`.
    `completion` grows as facts come; `complete` is set by `[DONE]` after anything was said, or once
    all choices have finished. `error` is the code of an error object inside the stream, in a
    provider's word.
    `unsent` is set when `feed` or `finish` raises: what may still be sent of what came before.
    """

    def __init__(
        self,
        editor: LaneEditor | None = None,
        restore: Restore | None = None,
        drop_logprobs: bool = False,
        *,
        keep_logprobs: bool = False,
    ) -> None:
        self.error: str | None = None
        self.unsent = b""
        self._editor = editor
        self._free = None if restore is None else FreeStrings(restore)
        self._drop_logprobs = drop_logprobs or (editor is not None and not keep_logprobs)
        self._edits = editor is not None or restore is not None or drop_logprobs
        self._decoder = SseDecoder()
        self._facts = Facts()
        self.completion: Completion = self._facts.completion
        self._strands = Strands("delta")
        self._moulds: list[Mould] = []
        self._open: dict[Lane, Strand] = {}
        self._ended: set[Lane] = set()
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
        facts = self._facts
        ended = (self._done and facts.may_be_done) or facts.all_finished
        self.completion.complete = ended and self.error is None

    def _edit(self, event: SseEvent) -> bytes:
        if self._editor is not None:
            event = event.understood()
        raw = event.raw
        for mould in self._moulds:
            found = mould.text(raw)
            if found is not None:
                written, stop = found
                text = decoded(written)
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
        try:
            document = JsonText(data)
        except JsonTextError as error:
            raise WireError(DIALECT, "invalid_answer", f"an event's data is {error}") from None
        if self._drop_logprobs:
            document = without_logprobs(document)
        value = document.value
        self._note(value)
        if self._editor is not None:
            check(value)
            if self._facts.too_many:
                raise invalid("the answer has too many choices or tool calls")
        if isinstance(value, dict) and value.get("choices"):
            self._chunk = value
        spoken, edits = self._pieces(document)
        held = self._ends(value, spoken, edits)
        literals = document.literals
        edits = {at: text for at, text in edits.items() if text != literals[at].text}
        if len(spoken) == 1 and not held and edits.keys() <= spoken.keys():
            self._learn(event, document, spoken)
        changed = document.replace(edits)
        if changed == event.data:
            return held + event.raw
        return held + event.with_data(changed)

    def _pieces(self, document: JsonText) -> tuple[dict[int, Strand], dict[int, str]]:
        """Return the strands by literal, and what every lane's piece and free string becomes."""
        spoken: dict[int, Strand] = {}
        edits: dict[int, str] = {}
        free: list[int] = []
        for ordinal, literal in enumerate(document.literals):
            text = literal.text
            if literal.is_key:
                if text not in KNOWN_KEYS:
                    free.append(ordinal)
                continue
            strand = self._strands.find(document.value, literal.path)
            if strand is not None:
                spoken[ordinal] = strand
                edits[ordinal] = self._feed(strand, text)
            elif text and is_free(literal.path, text):
                free.append(ordinal)
        if free and self._free is not None:
            texts = [document.literals[ordinal].text for ordinal in free]
            edits.update(zip(free, self._free.passed(texts), strict=True))
        return spoken, edits

    def _feed(self, strand: Strand, text: str) -> str:
        if text:
            self._facts.spoken = True
        if self._editor is None:
            return text
        lane = strand.lane
        if lane in self._ended:
            if text:
                raise invalid("a part of the answer goes on after its end")
            return ""
        self._open[lane] = strand
        return self._editor.feed(lane, text)

    def _ends(self, value: Any, spoken: dict[int, Strand], edits: dict[int, str]) -> bytes:
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
        if not ending:
            return b""
        for lane in [lane for lane in self._open if lane.choice in ending and lane in last]:
            edits[last[lane]] += self._end(lane, self._editor)
        return self._flush(ending)

    def _end(self, lane: Lane, editor: LaneEditor) -> str:
        del self._open[lane]
        self._ended.add(lane)
        return editor.finish(lane)

    def _flush(self, choices: set[int] | None) -> bytes:
        """Finish the open lanes of these choices (None: of all); return chunks with the rest."""
        if self._editor is None:
            return b""
        out: list[bytes] = []
        for lane in [lane for lane in self._open if choices is None or lane.choice in choices]:
            strand = self._open[lane]
            rest = self._end(lane, self._editor)
            if rest:
                piece = _dump_piece(self._head(), lane.choice, strand, rest)
                out.append(b"data: " + piece + self._line_end * 2)
        return b"".join(out)

    def _head(self) -> dict[str, Any]:
        """Return what chunks of this stream begin with, as it has reached the client."""
        head: dict[str, Any] = {name: self._chunk[name] for name in _HEAD if name in self._chunk}
        if self._free is not None:
            free = [n for n, said in head.items() if isinstance(said, str) and is_free((n,), said)]
            texts = [head[name] for name in free]
            head.update(zip(free, self._free.passed(texts), strict=True))
        return head

    def _learn(self, event: SseEvent, document: JsonText, spoken: dict[int, Strand]) -> None:
        value, data = document.value, document.raw
        (ordinal, strand), holes = next(iter(spoken.items())), {}
        if data is not event.data or event.raw.count(data) != 1 or strand.depends_on_order:
            return
        if _ending(value) != set() or value.get("error"):
            return
        for at, literal in enumerate(document.literals):
            if at == ordinal or (literal.path == ("obfuscation",) and not literal.is_key):
                holes[at] = b'"' + HOLE + b'"'
        parts = event.raw.replace(data, document.splice(holes)).split(HOLE)
        if min(holes) != ordinal:
            return
        mould = Mould(strand, parts[0], parts[1], parts[2] if len(parts) == 3 else None)
        self._moulds = [mould, *self._moulds[: _MOULDS - 1]]


def _dump_piece(head: dict[str, Any], choice: int, strand: Strand, text: str) -> bytes:
    """Return a chunk that begins with `head` and carries one more piece of a lane."""
    said = {"index": choice, **strand.piece(text), "finish_reason": None}
    if "delta" not in said:
        said["delta"] = {}
    return orjson.dumps({**head, "choices": [said]})


def _ending(value: dict[str, Any]) -> set[int]:
    """Return the choices that end with this chunk; that with the usage may come early, so none."""
    choices = value.get("choices")
    return {
        number_of(choice, position)
        for position, choice in enumerate(choices if isinstance(choices, list) else ())
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
