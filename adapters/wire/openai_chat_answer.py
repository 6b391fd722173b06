"""Reads a whole Chat Completions answer: its lanes of text, and the facts of how it ended.

A string of an answer is fixed by the protocol, or a piece of a lane (what the model says, which
guards and restoring see piece by piece), or free: a whole string that goes through guards and
restoring by itself, such as the title of a citation.
It must never re-serialise an answer: only strings that changed are spliced in.
"""

from adapters.errors import WireError
from adapters.wire.openai_chat_facts import Facts
from adapters.wire.openai_chat_free import FreeStrings, Restore, is_free
from adapters.wire.openai_chat_lanes import Strands, check, invalid
from adapters.wire.openai_chat_logprobs import without_logprobs
from adapters.wire.openai_chat_places import DIALECT, KNOWN_KEYS
from rules.chat import Completion, Lane, LaneEditor
from rules.json_text import JsonText, JsonTextError


class Answer:
    """A whole answer, read but not changed: its `completion` and its `lanes`, in document order."""

    __slots__ = ("_document", "_too_many", "completion")

    def __init__(self, document: JsonText, facts: Facts) -> None:
        self._document = document
        self._too_many = facts.too_many
        self.completion: Completion = facts.completion

    def __repr__(self) -> str:
        return f"Answer({len(self._document.raw)} bytes)"

    @property
    def lanes(self) -> list[tuple[Lane, str]]:
        """Each lane with all of its text. Raises WireError where there are too many."""
        pieces, _ = _sort(self._document)
        literals = self._document.literals
        return [
            (lane, "".join([literals[ordinal].text for ordinal in ordinals]))
            for lane, ordinals in pieces.items()
        ]

    def rewrite(
        self,
        editor: LaneEditor | None,
        restore: Restore | None = None,
        drop_logprobs: bool = False,
        *,
        keep_logprobs: bool = False,
    ) -> bytes:
        """Return the answer with each lane passed through `editor`, free strings through `restore`.

        All bytes but those of changed strings stay. `logprobs` become null if `drop_logprobs`, and
        wherever there is an editor, which cannot judge them, unless `keep_logprobs`.
        Lets the editor's Cut pass. Raises WireError `invalid_answer` where an editor is given and
        the answer holds something that it would not see.
        """
        document = self._document
        if editor is not None:
            if self._too_many:
                raise invalid("the answer has too many choices or tool calls")
            check(document.value)
        if drop_logprobs or (editor is not None and not keep_logprobs):
            document = without_logprobs(document)
        if editor is None and restore is None:
            return document.raw
        pieces, free = _sort(document)
        literals = document.literals
        edits = {} if editor is None else _edited(document, pieces, editor)
        if restore is not None and free:
            texts = [literals[ordinal].text for ordinal in free]
            edits.update(zip(free, FreeStrings(restore).passed(texts), strict=True))
        return document.replace(
            {ordinal: text for ordinal, text in edits.items() if text != literals[ordinal].text}
        )


def _edited(
    document: JsonText, pieces: dict[Lane, list[int]], editor: LaneEditor
) -> dict[int, str]:
    """Return what becomes of every literal of a lane."""
    literals = document.literals
    edits: dict[int, str] = {}
    for lane, ordinals in pieces.items():
        for ordinal in ordinals:
            edits[ordinal] = editor.feed(lane, literals[ordinal].text)
    # As in a stream, lanes end once all have spoken: what one holds may bear on another.
    for lane, ordinals in pieces.items():
        edits[ordinals[-1]] += editor.finish(lane)
    return edits


def _sort(document: JsonText) -> tuple[dict[Lane, list[int]], list[int]]:
    """Return the literals of each lane, and the free ones."""
    strands = Strands("message")
    pieces: dict[Lane, list[int]] = {}
    free: list[int] = []
    for ordinal, literal in enumerate(document.literals):
        if literal.is_key:
            if literal.text not in KNOWN_KEYS:
                free.append(ordinal)
            continue
        strand = strands.find(document.value, literal.path)
        if strand is not None:
            pieces.setdefault(strand.lane, []).append(ordinal)
        elif literal.text and is_free(literal.path, literal.text):
            free.append(ordinal)
    return pieces, free


def read_answer(body: bytes) -> Answer:
    """Return the view of a whole answer. Raises WireError `invalid_answer` for what is none."""
    try:
        document = JsonText(body)
    except JsonTextError as error:
        raise WireError(DIALECT, "invalid_answer", f"the answer is {error}") from None
    value = document.value
    if not isinstance(value, dict) or not isinstance(value.get("choices"), list):
        raise WireError(DIALECT, "invalid_answer", "the answer is not a chat completion")
    facts = Facts()
    facts.note(value)
    facts.completion.complete = facts.all_finished
    return Answer(document, facts)
