"""The errors that the way of a call itself can end with; `rescue` gives each its response."""

from rules.policy.decide import Refusal


class EarlyRead(RuntimeError):
    """A field of an exchange was read before its stage set it, or was set twice."""


class PolicyRefused(Exception):
    """Policy says no; nothing has left."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


class BodyTooLarge(Exception):
    """The body is longer than the configured limit in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is longer than {limit} bytes")
        self.limit = limit


class BodyUnreadable(Exception):
    """The body did not arrive whole, or not in the encoding that its headers promise."""


class Unclassified(Exception):
    """No dialect is known for this method and path, so nothing could inspect the call."""


class FixedTextRefused(Exception):
    """An identifier stands where nothing can be replaced; `place` names the query or the header."""

    def __init__(self, place: str) -> None:
        super().__init__(f"an identifier stands in {place}, where it cannot be replaced")
        self.place = place


class KillSwitchEngaged(Exception):
    """An operator has stopped all calls."""


class NoRoute(Exception):
    """No upstream may or can take the call; `code` is stable, the message names reasons only."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class UpstreamExhausted(Exception):
    """Every candidate was tried and none gave an answer to deliver."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
