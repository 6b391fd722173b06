"""Durations, addresses, URLs: what is accepted, and what is said where it is not."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from proxy.config_values import (
    Address,
    EnvironmentName,
    HeaderName,
    Listen,
    Name,
    Names,
    Seconds,
    Sha256Hex,
    Subject,
    is_loopback,
    plain_url,
    provider_url,
)
from rules.policy.flaws import FlawError


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (Seconds, "250ms", 0.25),
        (Seconds, "2s", 2.0),
        (Seconds, "1.5m", 90.0),
        (Seconds, "1h", 3600.0),
        (Listen, "127.0.0.1:8080", Address("127.0.0.1", 8080)),
        (Listen, Address("127.0.0.1", 8080), Address("127.0.0.1", 8080)),
        (Listen, "localhost:0", Address("localhost", 0)),
        (Listen, "[::1]:80", Address("::1", 80)),
        (HeaderName, "OpenAI-Organization", "openai-organization"),
        (EnvironmentName, "OPENAI_API_KEY", "OPENAI_API_KEY"),
        (Sha256Hex, "AB" * 32, "ab" * 32),
        (Names, "one", ("one",)),
        (Names, ["one", "two"], ("one", "two")),
        (Name, "svc-billing@north", "svc-billing@north"),
        (Subject, "user|123", "user|123"),
    ],
)
def test_what_is_accepted(kind: Any, given: object, value: object) -> None:
    assert TypeAdapter(kind).validate_python(given) == value


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (Seconds, 2),
        (Seconds, "2"),
        (Seconds, "0s"),
        (Seconds, "-1s"),
        (Seconds, "2 s"),
        (Seconds, "2d"),
        (Seconds, "\u0661s"),
        (Listen, 8080),
        (Listen, "8080"),
        (Listen, ":8080"),
        (Listen, "127.0.0.1:99999"),
        (Listen, "127.0.0.1:http"),
        (Listen, "::1:80"),
        (Listen, "[::x]:80"),
        (Listen, "a b:80"),
        (Listen, "http://127.0.0.1:80"),
        (HeaderName, "Authorization"),
        (HeaderName, "Cookie"),
        (HeaderName, "a b"),
        (HeaderName, "a\r\nb"),
        (EnvironmentName, "sk-proj-1234"),
        (Sha256Hex, "pk_abcdefgh_0123"),
        (Names, []),
        (Name, "a b"),
        (Name, ""),
        (Subject, "a\nb"),
    ],
)
def test_what_is_refused_without_being_repeated(kind: Any, given: object) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(given)
    said = " ".join(error["msg"] for error in caught.value.errors())
    assert "sk-proj" not in said
    assert "pk_abc" not in said


def test_an_address_reads_as_it_is_written() -> None:
    assert str(Address("127.0.0.1", 80)) == "127.0.0.1:80"
    assert str(Address("::1", 80)) == "[::1]:80"


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://localhost/v1", "http://localhost/v1"),
        ("embedded:", "embedded:"),
        ("embedded", "embedded:"),
    ],
)
def test_urls_of_providers(url: str, read: str) -> None:
    assert provider_url(url, insecure=False) == read


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("api.openai.com/v1", "is not a URL"),
        ("ftp://host/v1", "is not a URL"),
        ("https://", "is not a URL"),
        ("https://host:0/", "is not a URL"),
        ("https://host:port/", "is not a URL"),
        ("https://[::1", "is not a URL"),
        ("https://ho st/", "is not a URL"),
        ("https://user:secret@host/v1", "holds a credential"),
        ("https://host/v1?key=secret", r"after `\?`"),
        ("https://host/v1#x", r"after `\?`"),
        ("http://10.0.0.1/v1", "plain text to another machine"),
        ("http://localhost.example.org/v1", "plain text to another machine"),
        ("https://host/v1/chat/completions", "names one endpoint"),
    ],
)
def test_urls_that_are_refused(url: str, said: str) -> None:
    with pytest.raises(FlawError, match=said) as caught:
        provider_url(url, insecure=False)
    assert "secret" not in str(caught.value)


def test_plain_http_to_another_machine_has_to_be_asked_for() -> None:
    assert plain_url("http://10.0.0.1/v1", insecure=True) == "http://10.0.0.1/v1"


def test_what_is_this_machine() -> None:
    assert all(map(is_loopback, ("localhost", "LOCALHOST", "127.0.0.9", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "10.0.0.1", "example.org", "")))  # noqa: S104 - not bound
