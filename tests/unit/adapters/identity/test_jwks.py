"""Key sets: which keys are used for what, and when they are fetched."""

import asyncio
import os
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from jwt.algorithms import RSAAlgorithm

from adapters.errors import StoreUnavailable
from adapters.identity.jwks import MAX_BYTES, FileKeys, UrlKeys, read_key_set
from tests.unit.adapters.identity.issuer import (
    ED,
    OTHER_RSA,
    P256,
    P384,
    RSA,
    SECRET,
    StoppedClock,
    jwk,
    key_set,
)

ALL = ("RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519", "HS256")


@pytest.mark.parametrize(
    ("entry", "fitting"),
    [
        (jwk(RSA), {"RS256", "PS256"}),
        (jwk(RSA, alg="RS256"), {"RS256"}),
        (jwk(P256), {"ES256"}),
        (jwk(P384), {"ES384"}),
        (jwk(ED), {"EdDSA", "Ed25519"}),
        (jwk(ED, alg="EdDSA"), {"EdDSA", "Ed25519"}),
        (jwk(ED, alg="Ed25519"), {"EdDSA", "Ed25519"}),
        (jwk(SECRET), {"HS256"}),
        (jwk(RSA, alg="HS256"), set()),
        (jwk(P256, alg="ES384"), set()),
        (jwk(RSA, use="enc"), set()),
        (jwk(RSA, key_ops=["encrypt"]), set()),
        (jwk(RSA, key_ops=["verify"]), {"RS256", "PS256"}),
        (RSAAlgorithm.to_jwk(RSA, as_dict=True) | {"kid": "k1", "key_ops": ["verify"]}, set()),
        (jwk(b"short"), set()),
        (jwk(RSA, n="AQAB"), set()),
        (jwk(RSA, n=3), set()),
        (jwk(RSA, kty="EC"), set()),
        (jwk(RSA, kid=None) | {"kid": 7}, set()),
        ("no key", set()),
    ],
)
def test_a_key_is_found_only_for_algorithms_that_it_fits(entry: object, fitting: set) -> None:
    keys = read_key_set(key_set(entry, jwk(OTHER_RSA, "other")), ALL, symmetric=True)
    assert {algorithm for algorithm in ALL if keys.find("k1", algorithm) is not None} == fitting


def test_a_secret_does_not_come_from_everywhere() -> None:
    with pytest.raises(ValueError, match="no usable key"):
        read_key_set(key_set(jwk(SECRET)), ALL, symmetric=False)


def test_a_token_without_a_key_id_is_matched_only_where_there_is_no_choice() -> None:
    one = read_key_set(key_set(jwk(RSA), jwk(P256)), ALL, symmetric=False)
    two = read_key_set(key_set(jwk(RSA), jwk(OTHER_RSA, "k2")), ALL, symmetric=False)
    assert one.find(None, "RS256") is not None
    assert two.find(None, "RS256") is None


def test_two_keys_with_one_id_are_no_key() -> None:
    keys = read_key_set(key_set(jwk(RSA), jwk(OTHER_RSA)), ALL, symmetric=False)
    assert keys.find("k1", "RS256") is None


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"keys": 3}', b'{"keys": []}', key_set(*["x"] * 65)]
)
def test_what_is_no_key_set_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"key|JSON|Input|unexpected|expected"):
        read_key_set(content, ALL, symmetric=True)


async def test_a_file_is_read_again_once_it_has_changed(tmp_path: Path) -> None:
    path, clock = tmp_path / "jwks.json", StoppedClock()
    path.write_bytes(key_set(jwk(RSA, "old")))
    keys = FileKeys(path, ALL, clock)
    assert await keys.find("old", "RS256") is not None
    path.write_bytes(key_set(jwk(RSA, "newer")))
    assert await keys.find("newer", "RS256") is None
    clock.now += FileKeys.CHECK_SECONDS
    assert await keys.find("newer", "RS256") is not None
    assert await keys.find("old", "RS256") is None
    await keys.close()


async def test_a_file_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    path, clock = tmp_path / "jwks.json", StoppedClock()
    path.write_bytes(key_set(jwk(RSA)))
    keys = FileKeys(path, ALL, clock)
    first = await keys.find("k1", "RS256")
    clock.now += 60
    assert await keys.find("k1", "RS256") is first


@pytest.mark.parametrize("damage", ["gone", "half written"])
async def test_a_damaged_file_leaves_the_last_good_keys_in_use(tmp_path: Path, damage: str) -> None:
    path, clock = tmp_path / "jwks.json", StoppedClock()
    path.write_bytes(key_set(jwk(RSA)))
    keys = FileKeys(path, ALL, clock)
    assert await keys.find("k1", "RS256") is not None
    if damage == "gone":
        os.unlink(path)
    else:
        path.write_bytes(b'{"keys": [')
    clock.now += 60
    assert await keys.find("k1", "RS256") is not None
    path.write_bytes(key_set(jwk(RSA, "mended")))
    clock.now += 60
    assert await keys.find("mended", "RS256") is not None


async def test_a_file_that_was_never_good_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        await FileKeys(tmp_path / "none.json", ALL, StoppedClock()).find("k1", "RS256")


class Issuer:
    """Serves a key set; counts how often it is asked, and can be made to fail or to wait."""

    def __init__(self) -> None:
        self.body = key_set(jwk(RSA))
        self.status = 200
        self.asked = 0
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        self.reached.set()
        await self.go_on.wait()
        if self.status == 302 and request.path == "/jwks":
            return web.Response(status=302, headers={"Location": "/elsewhere"})
        status = 200 if request.path == "/elsewhere" else self.status
        return web.Response(body=self.body, status=status)


@pytest.fixture
async def issuer():
    issuer = Issuer()
    application = web.Application()
    application.router.add_get("/{name}", issuer.answer)
    server = TestServer(application)
    await server.start_server()
    issuer.url = str(server.make_url("/jwks"))
    yield issuer
    issuer.go_on.set()
    await server.close()


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
async def keys(issuer: Issuer, clock: StoppedClock):
    keys = UrlKeys(issuer.url, ALL, clock)
    yield keys
    await keys.close()


async def test_a_set_is_fetched_once_and_kept(issuer: Issuer, keys: UrlKeys) -> None:
    for _ in range(3):
        assert await keys.find("k1", "RS256") is not None
    assert issuer.asked == 1


async def test_an_unknown_key_is_looked_for_once_and_not_again_for_a_while(
    issuer: Issuer, keys: UrlKeys, clock: StoppedClock
) -> None:
    await keys.find("k1", "RS256")
    clock.now += UrlKeys.PAUSE
    issuer.body = key_set(jwk(RSA), jwk(OTHER_RSA, "k2"))
    assert await keys.find("k2", "RS256") is not None
    assert issuer.asked == 2
    for number in range(5):
        assert await keys.find(f"made up {number}", "RS256") is None
    assert issuer.asked == 2


async def test_many_calls_at_once_make_one_fetch(issuer: Issuer, keys: UrlKeys) -> None:
    found = await asyncio.gather(*(keys.find("k1", "RS256") for _ in range(10)))
    assert None not in found
    assert issuer.asked == 1


async def test_an_old_set_is_replaced(issuer: Issuer, keys: UrlKeys, clock: StoppedClock) -> None:
    await keys.find("k1", "RS256")
    issuer.body = key_set(jwk(RSA, "k2"))
    clock.now += UrlKeys.FRESH
    assert await keys.find("k1", "RS256") is None
    assert await keys.find("k2", "RS256") is not None


async def test_others_do_not_wait_while_an_old_set_is_fetched_again(
    issuer: Issuer, keys: UrlKeys, clock: StoppedClock
) -> None:
    await keys.find("k1", "RS256")
    clock.now += UrlKeys.FRESH
    issuer.reached.clear()
    issuer.go_on.clear()
    first = asyncio.ensure_future(keys.find("k1", "RS256"))
    await issuer.reached.wait()
    assert await keys.find("k1", "RS256") is not None
    assert not first.done()
    issuer.go_on.set()
    assert await first is not None


@pytest.mark.parametrize("failure", [500, 302, "not JSON", "too long", "no connection"])
async def test_an_old_set_stays_in_use_while_the_issuer_fails_but_not_for_ever(
    issuer: Issuer, keys: UrlKeys, clock: StoppedClock, failure: object
) -> None:
    await keys.find("k1", "RS256")
    if isinstance(failure, int):
        issuer.status = failure
    elif failure == "no connection":
        keys._url = "http://127.0.0.1:1/jwks"
    else:
        issuer.body = b"<html>" if failure == "not JSON" else b" " * (MAX_BYTES + 1) + issuer.body
    clock.now += UrlKeys.FRESH
    assert await keys.find("k1", "RS256") is not None
    clock.now += UrlKeys.STALE
    with pytest.raises(StoreUnavailable):
        await keys.find("k1", "RS256")


async def test_a_first_failure_is_tried_again_soon_but_not_at_once(
    issuer: Issuer, keys: UrlKeys, clock: StoppedClock
) -> None:
    issuer.status = 503
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await keys.find("k1", "RS256")
    assert issuer.asked == 1
    issuer.status = 200
    clock.now += UrlKeys.FIRST_PAUSE
    assert await keys.find("k1", "RS256") is not None
