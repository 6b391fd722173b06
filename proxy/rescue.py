"""One table from error to response: status, stable code, and words that hold no value of a call.

This is the only place where an error becomes a response; the dialect turns the words into its own
shape. Anything that is not in the table is a plain 500 whose details go to the log by type alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adapters.errors import (
    CredentialRefused,
    Pushback,
    StoreUnavailable,
    UpstreamBroken,
    UpstreamRefused,
    UpstreamTimeout,
    WireError,
)
from proxy.errors import (
    BodyTooLarge,
    BodyUnreadable,
    FixedTextRefused,
    KillSwitchEngaged,
    NoRoute,
    PolicyRefused,
    Unclassified,
    UpstreamExhausted,
)
from rules.chat import Cut
from rules.output.schema import SchemaError

# How each outcome is called in the log of evidence.
REFUSED, FAILED, CUT = "refused", "failed", "cut"


@dataclass(frozen=True, slots=True)
class Rescue:
    """What the caller is told.

    `outcome` is how it stands on record; `retry_after` is in seconds.
    """

    status: int
    code: str
    error_type: str
    message: str
    outcome: str
    param: str | None = None
    retry_after: float | None = None


def rescue(error: BaseException) -> Rescue:
    """Return the response for `error`; an error nobody thought of is a 500 `internal_error`."""
    for kind, make in _TABLE:
        if isinstance(error, kind):
            return make(error)
    return Rescue(500, "internal_error", "server_error", "an internal error occurred", FAILED)


def _credential(error: CredentialRefused) -> Rescue:
    # Clients such as litellm recognise a 401 by these first words.
    message = f"Incorrect API key provided: {error}."
    return Rescue(401, error.code, "invalid_request_error", message, REFUSED)


def _pushback(error: Pushback) -> Rescue:
    if error.place == "in_flight":
        code, status, kind = "overloaded", 503, "server_error"
    else:
        code, status, kind = "rate_limited", 429, "rate_limit_error"
    return Rescue(status, code, kind, f"{error}", REFUSED, retry_after=error.retry_after)


def _store(error: StoreUnavailable) -> Rescue:
    if error.place != "ledger":
        message = "credentials cannot be checked now, so the call was not made"
        return Rescue(503, "identity_unavailable", "server_error", message, FAILED, retry_after=5.0)
    message = "evidence cannot be written, so the call was not made; see the log of the proxy"
    return Rescue(503, "evidence_unavailable", "server_error", message, FAILED, retry_after=5.0)


def _policy(error: PolicyRefused) -> Rescue:
    refusal = error.refusal
    message = f"{refusal.reason} (policy `{refusal.policy}`, rule `{refusal.rule}`)"
    return Rescue(403, refusal.code, "permission_error", message, REFUSED)


def _fixed(error: FixedTextRefused) -> Rescue:
    message = f"{error}; send it in the body, or leave it out"
    return Rescue(400, "identifier_outside_body", "invalid_request_error", message, REFUSED)


def _cut(error: Cut) -> Rescue:
    return Rescue(422, error.code, "answer_refused", f"the answer was refused: {error}", CUT)


def _wire(error: WireError) -> Rescue:
    message = str(error)
    if error.code in ("invalid_answer", "event_too_large"):
        return Rescue(502, error.code, "server_error", message, FAILED)
    return Rescue(400, error.code, "invalid_request_error", message, REFUSED, param=error.param)


def _schema(_: SchemaError) -> Rescue:
    message = "the JSON Schema asked for cannot be used to check an answer; remote `$ref` is off"
    param = "response_format.json_schema.schema"
    return Rescue(400, "invalid_schema", "invalid_request_error", message, REFUSED, param=param)


def _too_large(error: BodyTooLarge) -> Rescue:
    message = f"{error}; `limits.body_bytes` sets this limit"
    return Rescue(413, "body_too_large", "invalid_request_error", message, REFUSED)


def _unreadable(error: BodyUnreadable) -> Rescue:
    return Rescue(400, "body_unreadable", "invalid_request_error", str(error), REFUSED)


def _unclassified(_: Unclassified) -> Rescue:
    message = (
        "this endpoint is not known here, so a call to it cannot be inspected;"
        " only POST /v1/chat/completions is"
    )
    return Rescue(403, "unclassified_endpoint", "permission_error", message, REFUSED)


def _killed(_: KillSwitchEngaged) -> Rescue:
    message = "an operator has stopped all calls"
    return Rescue(503, "kill_switch", "server_error", message, REFUSED, retry_after=30.0)


def _no_route(error: NoRoute) -> Rescue:
    status = 403 if error.code == "no_permitted_upstream" else 503
    kind = "permission_error" if status == 403 else "server_error"
    retry_after = None if status == 403 else 5.0
    return Rescue(status, error.code, kind, str(error), REFUSED, retry_after=retry_after)


def _exhausted(error: UpstreamExhausted) -> Rescue:
    status = 504 if error.code == "upstream_timeout" else 502
    return Rescue(status, error.code, "server_error", str(error), FAILED)


def _timeout(error: UpstreamTimeout) -> Rescue:
    return Rescue(504, "upstream_timeout", "server_error", str(error), FAILED)


def _unreachable(error: UpstreamRefused) -> Rescue:
    return Rescue(502, "upstream_unreachable", "server_error", str(error), FAILED)


def _broken(error: UpstreamBroken) -> Rescue:
    return Rescue(502, "upstream_broken", "server_error", str(error), FAILED)


_TABLE: tuple[tuple[type[BaseException], Callable[[Any], Rescue]], ...] = (
    (CredentialRefused, _credential),
    (Pushback, _pushback),
    (StoreUnavailable, _store),
    (PolicyRefused, _policy),
    (FixedTextRefused, _fixed),
    (Cut, _cut),
    (WireError, _wire),
    (SchemaError, _schema),
    (BodyTooLarge, _too_large),
    (BodyUnreadable, _unreadable),
    (Unclassified, _unclassified),
    (KillSwitchEngaged, _killed),
    (NoRoute, _no_route),
    (UpstreamExhausted, _exhausted),
    (UpstreamTimeout, _timeout),
    (UpstreamRefused, _unreachable),
    (UpstreamBroken, _broken),
)
