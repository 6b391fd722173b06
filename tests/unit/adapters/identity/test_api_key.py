"""Callers known by a key."""

import re

import pytest
from multidict import CIMultiDict

from adapters.errors import CredentialRefused
from adapters.identity.api_key import KEY_BYTES, ApiKeyAuthenticator, digest, new_key
from rules.principal import Assurance, Principal

BILLING = Principal("svc", "north", frozenset({"billing"}), "claims", Assurance.LOW, "api_key")
KEY = new_key(bytes(range(KEY_BYTES)))


def bearer(key: str) -> CIMultiDict[str]:
    return CIMultiDict({"Authorization": f"Bearer {key}"})


def test_a_new_key_has_its_form_and_depends_on_every_byte() -> None:
    assert re.fullmatch(r"pk_[0-9A-Za-z]{8}_[0-9A-Za-z]{32}", KEY)
    keys = {new_key(bytes([*[0] * at, 1, *[0] * (KEY_BYTES - at - 1)])) for at in range(KEY_BYTES)}
    assert len(keys) == KEY_BYTES


@pytest.mark.parametrize("length", [0, KEY_BYTES - 1])
def test_a_key_is_not_made_of_too_little(length: int) -> None:
    with pytest.raises(ValueError, match="random bytes"):
        new_key(bytes(length))


def test_the_digest_is_a_plain_sha_256() -> None:
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("key", [KEY, "any string works", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"])
async def test_a_known_key_tells_who_asks(key: str) -> None:
    authenticator = ApiKeyAuthenticator({digest(key): BILLING})
    assert await authenticator.authenticate(bearer(key)) is BILLING
    assert await authenticator.authenticate(CIMultiDict({"x-api-key": key})) is BILLING
    await authenticator.close()


@pytest.mark.parametrize("key", [KEY[:-1], KEY + "x", KEY.swapcase(), "0" * 64, "\udcff"])
async def test_another_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(CredentialRefused) as caught:
        await ApiKeyAuthenticator({digest(KEY): BILLING}).authenticate(bearer(key))
    assert caught.value.code == "invalid_api_key"
    assert key not in str(caught.value)


async def test_the_digest_itself_is_no_key() -> None:
    with pytest.raises(CredentialRefused):
        await ApiKeyAuthenticator({digest(KEY): BILLING}).authenticate(bearer(digest(KEY)))


async def test_no_credential_and_tokens_are_left_to_others() -> None:
    authenticator = ApiKeyAuthenticator({digest(KEY): BILLING})
    assert await authenticator.authenticate(CIMultiDict()) is None
    assert await authenticator.authenticate(bearer("eyJhbGciOiJSUzI1NiJ9.e30.c2ln")) is None
