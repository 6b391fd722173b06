"""Which headers cross, by direction: an allow-list outward, a drop-list inward.

Outward, a header that nobody thought of may hold anything, so only those that providers act on
pass (and what the configuration adds). Inward, SDKs act on many headers of a provider, so all pass
but hop-by-hop ones (RFC 9110 section 7.6.1), those that describe the bytes as they were on the
wire, and those that would tie the client to the provider's site.
"""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import unquote_plus

# Content fixed by the protocol or the SDK itself.
_VETTED: Final = frozenset(
    {
        "accept", "content-type", "user-agent", "openai-beta", "anthropic-version",
        "anthropic-beta", "x-stainless-arch", "x-stainless-async", "x-stainless-lang",
        "x-stainless-os", "x-stainless-package-version", "x-stainless-raw-response",
        "x-stainless-read-timeout", "x-stainless-retry-count", "x-stainless-runtime",
        "x-stainless-runtime-version", "x-stainless-timeout", "x-stainless-helper-method",
        "x-stainless-poll-helper", "x-stainless-custom-poll-interval", "x-goog-api-client",
    }
)  # fmt: skip
# Content chosen by the caller: looked into before it leaves.
_UNVETTED: Final = frozenset({"idempotency-key", "x-client-request-id"})
# Never, not even where the configuration asks for it.
NEVER_FORWARDED: Final = frozenset(
    {
        "authorization", "proxy-authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie",
        "host", "content-length", "content-encoding", "transfer-encoding", "connection",
        "keep-alive", "te", "trailer", "upgrade", "expect", "accept-encoding", "forwarded", "via",
        "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip",
        "openai-organization", "openai-project",
    }
)  # fmt: skip
_NOT_RETURNED: Final = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade", "content-length", "content-encoding", "set-cookie",
        "alt-svc", "strict-transport-security", "date", "server",
    }
)  # fmt: skip
# What the client of the upstream can decode; the answer is read here, whatever the caller accepts.
_ACCEPT_ENCODING: Final = ("Accept-Encoding", "gzip, deflate")


def outbound_headers(
    headers: Mapping[str, str], extra: frozenset[str]
) -> tuple[tuple[str, str], ...]:
    """Return the headers that go to the provider, without any credential."""
    kept = [
        (name, value)
        for name, value in headers.items()
        if (lower := name.lower()) in _VETTED or lower in _UNVETTED or lower in extra
    ]
    return (*kept, _ACCEPT_ENCODING)


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
        (name, value) for name, value in headers if name not in _NOT_RETURNED and name not in listed
    ]
