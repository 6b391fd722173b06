"""Which headers cross, by direction: an allow-list outward, a drop-list inward.

Outward, a header that nobody thought of may hold anything, so only those that providers act on
pass, each only in the form that SDKs give it (and what the configuration adds, looked into first).
Inward, SDKs act on many headers of a provider, so all pass but hop-by-hop ones (RFC 9110 section
7.6.1), those that describe the bytes as they were on the wire, and those that are ours to say.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import unquote_plus

_VERSION: Final = r"[0-9]{1,4}(?:\.[0-9]{1,4}){1,3}(?:-?[a-z]{1,5}\.?[0-9]{0,3})?"
_BETA: Final = (
    r"[a-z]{2,24}(?:[_-][a-z]{1,24}){0,6}(?:=v[0-9]{1,2})?(?:-20[0-9]{2}-[01][0-9]-[0-3][0-9])?"
)
_SETTING: Final = re.compile(
    rf"[A-Za-z][A-Za-z ._:()/-]{{0,30}}[0-9]{{0,3}}|[0-9]{{1,4}}|{_VERSION}"
)
_DATE: Final = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]")
_PRODUCT: Final = rf"[a-z-]{{2,20}}/{_VERSION}"
_BETAS: Final = re.compile(rf"{_BETA}(?:, ?{_BETA}){{0,9}}")
# Headers whose content the protocol or the SDK fixes, and what they may look like to pass.
_FORMS: Final = {
    "accept": re.compile(r"[a-z*]+/[a-z*+.-]+(?:, ?[a-z*]+/[a-z*+.-]+){0,4}"),
    "user-agent": re.compile(rf"[A-Za-z]{{2,20}}/(?:[A-Za-z]{{1,10}} )?{_VERSION}"),
    "openai-beta": _BETAS,
    "anthropic-beta": _BETAS,
    "anthropic-version": _DATE,
    "x-goog-api-client": re.compile(rf"{_PRODUCT}(?: {_PRODUCT}){{0,4}}"),
    **{
        f"x-stainless-{name}": _SETTING
        for name in (
            "arch", "async", "lang", "os", "package-version", "raw-response", "read-timeout",
            "retry-count", "runtime", "runtime-version", "timeout", "helper-method", "poll-helper",
            "custom-poll-interval",
        )
    },
}  # fmt: skip
# Content chosen by the caller: looked into before it leaves.
_UNVETTED: Final = frozenset({"idempotency-key", "x-client-request-id"})
_NOT_RETURNED: Final = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade", "content-length", "content-encoding", "set-cookie",
        "alt-svc", "strict-transport-security", "date", "server", "server-timing",
    }
)  # fmt: skip
# What the client of the upstream can decode; the answer is read here, whatever the caller accepts.
_ACCEPT_ENCODING: Final = ("Accept-Encoding", "gzip, deflate")
_CONTENT_TYPE: Final = ("Content-Type", "application/json")


def outbound_headers(
    headers: Mapping[str, str], extra: frozenset[str]
) -> tuple[tuple[str, str], ...]:
    """Return the headers that go to the provider, without any credential."""
    kept = [_CONTENT_TYPE]
    for name, value in headers.items():
        lower = name.lower()
        form = _FORMS.get(lower)
        if form is not None:
            if form.fullmatch(value):
                kept.append((name, value))
        elif lower in _UNVETTED or lower in extra:
            kept.append((name, value))
    kept.append(_ACCEPT_ENCODING)
    return tuple(kept)


def unvetted_headers(headers: Mapping[str, str], extra: frozenset[str]) -> list[tuple[str, str]]:
    """Return (place, decoded text) of each outgoing header whose content the caller chose."""
    return [
        (f"the header `{name.lower()}`", unquote_plus(value))
        for name, value in headers.items()
        if (lower := name.lower()) in _UNVETTED or lower in extra
    ]


def returned_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the provider's headers that the caller gets; names are in lower case already.

    Headers that `connection` names are hop-by-hop too.
    """
    listed: set[str] = set()
    for name, value in headers:
        if name == "connection":
            listed.update(word.strip().lower() for word in value.split(","))
    return [
        (name, value)
        for name, value in headers
        if name not in _NOT_RETURNED
        and name not in listed
        # What is said in our name is said by us alone.
        and not name.startswith("x-pratique-")
    ]
