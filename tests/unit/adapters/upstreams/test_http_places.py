"""A provider over HTTP: names, addresses, TLS."""

import socket
from dataclasses import replace

import pytest

from adapters.errors import UpstreamRefused
from adapters.upstreams.http import HttpUpstream
from tests.unit.adapters.upstreams.byte_server import Visit, answers, listening
from tests.unit.adapters.upstreams.calls import CALL, asked, sent, upstream_of
from tests.unit.adapters.upstreams.certificates import server_tls


async def test_nobody_there_is_named_by_its_configured_name_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    upstream = HttpUpstream("main", f"http://127.0.0.1:{port}/v1", lambda: None, {})
    with pytest.raises(UpstreamRefused) as caught:
        await sent(upstream)
    assert "main" in str(caught.value)
    assert str(port) not in str(caught.value)
    await upstream.close()


async def test_a_url_whose_host_is_no_name() -> None:
    upstream = HttpUpstream("main", "http://a..b/v1", lambda: None, {})
    with pytest.raises(UpstreamRefused, match="names no host"):
        await sent(upstream)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://api.example.com/v1", "api.example.com"),
        ("https://api.example.com:443/v1", "api.example.com"),
        ("http://api.example.com:443/v1", "api.example.com:443"),
        ("http://[::1]/v1", "[::1]"),
        ("http://[::1]:8080/v1", "[::1]:8080"),
        ("http://b\u00fccher.example:8080/v1", "xn--bcher-kva.example:8080"),
    ],
)
async def test_the_host_as_the_provider_reads_it(url: str, host: str) -> None:
    upstream = HttpUpstream("main", url, lambda: None, {})
    assert f"\r\nHost: {host}\r\n".encode() in upstream._head(CALL)


@pytest.fixture
def has_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")


@pytest.mark.usefixtures("has_ipv6")
async def test_an_address_of_ipv6() -> None:
    async with listening(answers, host="::1") as server:
        upstream = upstream_of(server)
        assert await asked(upstream) == CALL.body
        await upstream.close()
    assert b"Host: [::1]:%d\r\n" % server.port in server.requests[0][1]


async def test_over_tls(tmp_path, monkeypatch) -> None:
    tls, authority = server_tls(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    spoken = []

    async def serve(visit: Visit) -> None:
        spoken.append(visit.writer.get_extra_info("ssl_object").selected_alpn_protocol())
        await answers(visit)

    async with listening(serve, tls) as server:
        upstream = HttpUpstream("main", f"https://localhost:{server.port}", lambda: "k", {})
        for body in (b"one", b"x" * 500_000, b"three"):
            assert await asked(upstream, replace(CALL, body=body)) == body
        assert server.connections == 1
        await upstream.close()
    assert spoken == ["http/1.1"]


@pytest.mark.parametrize("fault", ["unknown authority", "another name"])
async def test_a_certificate_that_is_not_good(tmp_path, monkeypatch, fault: str) -> None:
    name = "localhost" if fault == "unknown authority" else "secret.internal"
    tls, authority = server_tls(tmp_path, name)
    if fault == "another name":
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    async with listening(answers, tls) as server:
        upstream = HttpUpstream("main", f"https://localhost:{server.port}", lambda: "k", {})
        with pytest.raises(UpstreamRefused) as caught:
            await sent(upstream)
        expected = "the certificate of upstream `main` is not trusted for its `url`"
        assert str(caught.value) == expected
        await upstream.close()
    assert server.requests == []
