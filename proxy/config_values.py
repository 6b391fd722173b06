"""The kinds of values that a configuration is made of: durations, addresses, URLs, header names.

Each is a type for pydantic that says in a `FlawError` what is wrong and what to write instead.
Nothing here reads a file or the environment, and nothing quotes a value that may be a secret.
"""

import re
from ipaddress import ip_address
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from rules.policy.flaws import FlawError

EMBEDDED: Final = "embedded:"
_DURATION: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?")
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]{1,64}")
# Credentials and addresses of the caller, what belongs to one connection alone (RFC 9110 section
# 7.6.1), and what the sidecar says itself.
_NEVER_FORWARDED: Final = frozenset(
    {
        "accept-encoding", "api-key", "authorization", "connection", "content-encoding",
        "content-length", "content-type", "cookie", "expect", "forwarded", "host", "keep-alive",
        "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
        "via", "x-api-key", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
        "x-goog-api-key", "x-real-ip",
    }
)  # fmt: skip


class Address(NamedTuple):
    """Where to listen; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine and cannot be reached from another one."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _seconds(value: Any) -> float:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise FlawError("is not a duration", "write a number and a unit, as `250ms`, `2s`, `10m`")
    seconds = float(match[1]) * _SECONDS[match[2]]
    if not seconds:
        raise FlawError("should be longer than nothing")
    return seconds


def _address(value: Any) -> Address:
    if isinstance(value, Address):
        return value
    host, colon, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise FlawError("is not an address", "write host and port, as `127.0.0.1:8080`")
    if not host:
        raise FlawError("does not say on which host", f"`0.0.0.0:{port}` is every one")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise FlawError("is not an address", "an IPv6 host stands in brackets, as `[::1]:8080`")
    if ":" in host:
        try:
            ip_address(host)
        except ValueError:
            raise FlawError("does not hold a valid IPv6 address") from None
    elif _HOST.fullmatch(host) is None:
        raise FlawError("does not hold a valid host name")
    return Address(host, int(port))


def provider_url(value: str, insecure: bool) -> str:
    """Return the URL of an upstream, without a slash at its end. Raises FlawError."""
    if value in (EMBEDDED, "embedded"):
        return EMBEDDED
    url = plain_url(value, insecure).rstrip("/")
    if url.endswith(("/chat/completions", "/completions", "/responses")):
        raise FlawError("names one endpoint", "end it before that, as `https://host/v1`")
    return url


def plain_url(value: str, insecure: bool = False) -> str:
    """Return an http(s) URL of a host. Raises FlawError, also for http to another machine."""
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise FlawError("is not a URL") from None
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise FlawError("is not a URL", "write it in full, as `https://host/v1`")
    if re.search(r"[\x00-\x20\x7f]", value) is not None:
        raise FlawError("is not a URL", "take out the spaces")
    if parts.username is not None or parts.password is not None:
        raise FlawError("holds a credential", "use `api_key_env` or `api_key_file` for the key")
    if parts.query or parts.fragment:
        raise FlawError("has a part after `?` or `#`, which would not be sent")
    if parts.scheme == "http" and not insecure and not is_loopback(host):
        raise FlawError(
            "would send calls in plain text to another machine", "use https, or `insecure: true`"
        )
    return value


def _header(value: str) -> str:
    name = value.lower()
    if _HEADER.fullmatch(name) is None:
        raise FlawError("is not the name of a header")
    if name in _NEVER_FORWARDED:
        raise FlawError(f"`{name}` is never forwarded", "take it out")
    return name


def _environment_name(value: str) -> str:
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,127}", value) is None:
        raise FlawError(
            "should be the name of an environment variable, never the key itself",
            "if a key stood here, replace it at its provider",
        )
    return value


def _sha256(value: str) -> str:
    digest = value.lower()
    if re.fullmatch(r"[0-9a-f]{64}", digest) is None:
        raise FlawError(
            "should be the SHA-256 of the key as 64 hex digits, never the key itself",
            "`printf %s KEY | sha256sum` gives it",
        )
    return digest


def _one_or_many(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Seconds = Annotated[float, BeforeValidator(_seconds)]
Listen = Annotated[Address, BeforeValidator(_address), PlainSerializer(str)]
HeaderName = Annotated[str, AfterValidator(_header)]
EnvironmentName = Annotated[str, AfterValidator(_environment_name)]
Sha256Hex = Annotated[str, AfterValidator(_sha256)]
Names = Annotated[tuple[str, ...], BeforeValidator(_one_or_many), Field(min_length=1)]
# Short words that appear in logs, metrics and evidence.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,63}$")]
Subject = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,256}$")]
UpstreamName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
