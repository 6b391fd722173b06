"""The errors of the outside world, translated once at the edge.

Foreign exceptions do not pass beyond `adapters`. No message holds a value from a call: they name
the place (an upstream, a store, a file) and the remedy.
"""


class AdapterError(Exception):
    """Something outside failed; `place` names it as the configuration does."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message)
        self.place = place


class UpstreamTimeout(AdapterError):
    """A deadline passed: `phase` is `connect`, `first_byte`, `idle` or `total`."""

    def __init__(self, place: str, phase: str) -> None:
        super().__init__(place, f"upstream `{place}` passed its {phase} deadline")
        self.phase = phase


class UpstreamRefused(AdapterError):
    """No connection could be made, or TLS failed."""


class UpstreamBroken(AdapterError):
    """The upstream broke the protocol or its connection in the middle of an answer."""


class StoreUnavailable(AdapterError):
    """A store cannot take or give what was asked; nothing was written in part."""


class Pushback(AdapterError):
    """A limit is reached; try again after `retry_after` seconds."""

    def __init__(self, place: str, message: str, retry_after: float) -> None:
        super().__init__(place, message)
        self.retry_after = retry_after


class CredentialRefused(AdapterError):
    """A credential is missing or wrong; `code` says which, in a stable word."""

    def __init__(self, place: str, code: str, message: str) -> None:
        super().__init__(place, message)
        self.code = code


class WireError(AdapterError):
    """A body does not follow its dialect; `code` and `param` are as the dialect reports them."""

    def __init__(self, place: str, code: str, message: str, param: str | None = None) -> None:
        super().__init__(place, message)
        self.code = code
        self.param = param
