"""What is known of a Chat Completions answer: model, reasons to finish, tools called, tokens used.

A provider could put anything into these fields. What is not a plain word of its kind is kept as
`unknown`, since facts end up in logs and evidence, which must never hold text of a call.
"""

from typing import Any, Final

from adapters.wire.openai_chat_places import Place, fits
from rules.chat import Completion, Usage

# More than any provider gives; beyond them nothing more is noted.
MAX_CHOICES: Final = 256
MAX_CALLS: Final = 1024
_MAX_TOKENS: Final = 10**9


def number_of(choice: Any, position: Any) -> int:
    """Return the index that a choice gives itself, or else its position."""
    index = choice.get("index") if isinstance(choice, dict) else None
    return index if isinstance(index, int) else int(position)


class Facts:
    """Collects what is known of an answer, from a whole one or chunk by chunk.

    `too_many` is set when there are more choices or tool calls than are noted; `spoken` once
    anything was said, and whoever reads text without `note` sets it too.
    """

    __slots__ = ("_calls", "_finished", "_unfinished", "completion", "spoken", "too_many")

    def __init__(self) -> None:
        self.completion = Completion()
        self.too_many = False
        self.spoken = False
        self._finished: dict[int, str] = {}
        self._unfinished = 0
        self._calls: dict[tuple[int, str], str] = {}

    @property
    def all_finished(self) -> bool:
        """True if every choice seen so far has given its reason to finish."""
        return bool(self._finished) and self._unfinished == 0 and not self.too_many

    @property
    def may_be_done(self) -> bool:
        """True if a mark of the end can be believed: not where choices began and said nothing."""
        return self.spoken or not self._finished or self._unfinished < len(self._finished)

    def note(self, value: dict[str, Any]) -> None:
        """Take in one answer or chunk; what does not look like the protocol is left out."""
        completion = self.completion
        model = value.get("model")
        if isinstance(model, str) and fits(Place.MODEL, model):
            completion.model = model
        usage = read_usage(value.get("usage"))
        if usage is not None:
            completion.usage = usage
        choices = value.get("choices")
        if not isinstance(choices, list) or not choices:
            return
        if len(choices) > MAX_CHOICES:
            self.too_many = True
        calls, ended = len(self._calls), False
        for position, choice in enumerate(choices[:MAX_CHOICES]):
            if isinstance(choice, dict):
                ended |= self._choice(number_of(choice, position), choice)
        if ended:
            completion.finish_reasons = tuple(
                [reason for _, reason in sorted(self._finished.items()) if reason]
            )
        if len(self._calls) > calls:
            completion.tools_called = tuple(self._calls.values())

    def _choice(self, number: int, choice: dict[str, Any]) -> bool:
        """Note one choice; return whether its reason to finish is news."""
        before = self._finished.get(number)
        if before is None:
            if len(self._finished) == MAX_CHOICES:
                self.too_many = True
                return False
            self._finished[number] = before = ""
            self._unfinished += 1
        said = choice.get("delta")
        if not isinstance(said, dict):
            said = choice.get("message")
        if isinstance(said, dict):
            self._said(number, said)
        reason = choice.get("finish_reason")
        if not isinstance(reason, str) or not reason:
            return False
        reason = reason if fits(Place.WORD, reason) else "unknown"
        self._unfinished -= not before
        self._finished[number] = reason
        return reason != before

    def _said(self, number: int, said: dict[str, Any]) -> None:
        if not self.spoken:
            self.spoken = any(words for name, words in said.items() if name != "role")
        calls = said.get("tool_calls")
        if isinstance(calls, list) and calls:
            if len(calls) > MAX_CALLS:
                self.too_many = True
            for position, call in enumerate(calls[:MAX_CALLS]):
                if isinstance(call, dict):
                    index = call.get("index")
                    key = f"{index}" if isinstance(index, int) else f"{position}/{call.get('id')}"
                    self._call(number, key, call.get("function") or call.get("custom"))
        function = said.get("function_call")
        if function:
            self._call(number, "function_call", function)

    def _call(self, choice: int, key: str, function: Any) -> None:
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(name, str) or not name or (choice, key) in self._calls:
            return
        if len(self._calls) == MAX_CALLS:
            self.too_many = True
            return
        self._calls[(choice, key)] = name if fits(Place.NAME, name) else "unknown"


def read_usage(usage: Any) -> Usage | None:
    """Return the tokens that an answer's `usage` counts, or None where it counts none.

    Numbers that no answer can have are not believed, nor is what stands beside them.
    """
    if not isinstance(usage, dict):
        return None
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    counts = [count for count in (prompt, completion) if type(count) is int]
    if not counts or not all(0 <= count <= _MAX_TOKENS for count in counts):
        return None
    return Usage(prompt if type(prompt) is int else 0, completion if type(completion) is int else 0)
