"""What is known of a Chat Completions answer: model, reasons to finish, tools called, tokens used.

A provider could put anything into these fields. What is not a plain word of its kind is kept as
`unknown`, since facts end up in logs and evidence, which must never hold text of a call.
"""

from typing import Any

from adapters.wire.openai_chat_places import Place, fits
from rules.chat import Completion, Usage


def number_of(choice: Any, position: Any) -> int:
    """Return the index that a choice gives itself, or else its position."""
    index = choice.get("index") if isinstance(choice, dict) else None
    return index if isinstance(index, int) else int(position)


class Facts:
    """Collects what is known of an answer, from a whole one or chunk by chunk."""

    __slots__ = ("_calls", "_finished", "completion")

    def __init__(self) -> None:
        self.completion = Completion()
        self._finished: dict[int, str] = {}
        self._calls: dict[tuple[int, str], str] = {}

    @property
    def all_finished(self) -> bool:
        """True if every choice seen so far has given its reason to finish."""
        return bool(self._finished) and all(self._finished.values())

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
        for position, choice in enumerate(choices if isinstance(choices, list) else ()):
            if isinstance(choice, dict):
                self._choice(number_of(choice, position), choice)

    def _choice(self, number: int, choice: dict[str, Any]) -> None:
        self._finished.setdefault(number, "")
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self._finished[number] = reason if fits(Place.WORD, reason) else "unknown"
            self.completion.finish_reasons = tuple(
                self._finished[at] for at in sorted(self._finished) if self._finished[at]
            )
        said = choice.get("delta")
        if not isinstance(said, dict):
            said = choice.get("message")
        if isinstance(said, dict) and (said.get("tool_calls") or said.get("function_call")):
            self._called(number, said)

    def _called(self, choice: int, said: dict[str, Any]) -> None:
        calls = said.get("tool_calls")
        for position, call in enumerate(calls if isinstance(calls, list) else ()):
            if isinstance(call, dict):
                index = call.get("index")
                key = f"{index}" if isinstance(index, int) else f"{position}/{call.get('id')}"
                self._call(choice, key, call.get("function") or call.get("custom"))
        self._call(choice, "function_call", said.get("function_call"))

    def _call(self, choice: int, key: str, function: Any) -> None:
        name = function.get("name") if isinstance(function, dict) else None
        if isinstance(name, str) and name and (choice, key) not in self._calls:
            self._calls[(choice, key)] = name if fits(Place.NAME, name) else "unknown"
            self.completion.tools_called = tuple(self._calls.values())


def read_usage(usage: Any) -> Usage | None:
    """Return the tokens that an answer's `usage` counts, or None where it counts none."""
    if not isinstance(usage, dict):
        return None
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not isinstance(prompt, int) and not isinstance(completion, int):
        return None
    return Usage(
        prompt if isinstance(prompt, int) else 0, completion if isinstance(completion, int) else 0
    )
