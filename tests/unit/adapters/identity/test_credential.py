"""Where a credential is found in a request."""

import pytest
from multidict import CIMultiDict

from adapters.errors import CredentialRefused
from adapters.identity.credential import MAX_CHARACTERS, credential, looks_like_jwt


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({}, None),
        ({"Authorization": "Bearer abc"}, "abc"),
        ({"authorization": "bearer   abc "}, "abc"),
        ({"Authorization": "Basic abc"}, None),
        ({"Authorization": "Bearer "}, None),
        ({"Authorization": "Bearer"}, None),
        ({"api-key": "abc"}, "abc"),
        ({"X-Api-Key": "abc"}, "abc"),
        ({"api-key": ""}, None),
        ({"api-key": "abc", "Authorization": "Bearer abc"}, "abc"),
        ({"api-key": "abc", "Authorization": "Basic xyz"}, "abc"),
    ],
)
def test_a_credential_is_found_in_each_of_its_headers(headers: dict, found: str | None) -> None:
    assert credential(CIMultiDict(headers)) == found


def test_two_credentials_that_disagree_are_refused() -> None:
    headers = CIMultiDict({"api-key": "abc-1", "Authorization": "Bearer abc-2"})
    with pytest.raises(CredentialRefused) as caught:
        credential(headers)
    assert caught.value.code == "ambiguous_credential"
    assert "abc" not in str(caught.value)


def test_an_endless_credential_is_refused() -> None:
    with pytest.raises(CredentialRefused) as caught:
        credential(CIMultiDict({"api-key": "a" * (MAX_CHARACTERS + 1)}))
    assert caught.value.code == "credential_too_long"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("eyJhbGciOiJSUzI1NiJ9.e30.c2ln", True),
        ("eyJhbGciOiJub25lIn0.e30.", True),
        ("eyJhbGciOiJSUzI1NiJ9.e30", False),
        ("a.b.c", False),
        ("e30.e30.c2ln", False),
        ("W10.e30.c2ln", False),
        ("é.é.é", False),
        ("pk_abcdefgh_0123456789", False),
    ],
)
def test_the_shape_of_a_token(text: str, is_one: bool) -> None:
    assert looks_like_jwt(text) is is_one
