"""Several authenticators, one answer."""

from collections.abc import Mapping

import pytest
from multidict import CIMultiDict

from adapters.errors import CredentialRefused
from adapters.identity.chain import Chain
from rules.principal import Assurance, Principal

SOMEBODY = Principal("svc", "north", frozenset({"billing"}), "claims", Assurance.LOW, "api_key")


class Takes:
    """Takes one credential, refuses another, leaves the rest."""

    def __init__(self, known: str, refused: str = "") -> None:
        self.known, self.refused = known, refused
        self.asked = 0
        self.closed = False

    async def authenticate(self, headers: Mapping[str, str]) -> Principal | None:
        self.asked += 1
        if headers.get("api-key") == self.refused:
            raise CredentialRefused("identity", "invalid_api_key", "no")
        return SOMEBODY if headers.get("api-key") == self.known else None

    async def close(self) -> None:
        self.closed = True


async def test_the_first_that_takes_the_credential_answers() -> None:
    first, second, third = Takes("a"), Takes("b"), Takes("b")
    assert await Chain([first, second, third]).authenticate({"api-key": "b"}) is SOMEBODY
    assert (first.asked, second.asked, third.asked) == (1, 1, 0)


async def test_a_refusal_is_final() -> None:
    second = Takes("a")
    with pytest.raises(CredentialRefused) as caught:
        await Chain([Takes("b", refused="a"), second]).authenticate({"api-key": "a"})
    assert caught.value.code == "invalid_api_key"
    assert second.asked == 0


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing_credential"),
        ({"Authorization": "Basic abc"}, "missing_credential"),
        ({"api-key": "z"}, "credential_not_accepted"),
    ],
)
async def test_nobody_knows_the_caller(headers: dict, code: str) -> None:
    with pytest.raises(CredentialRefused) as caught:
        await Chain([Takes("a"), Takes("b")]).authenticate(CIMultiDict(headers))
    assert caught.value.code == code


async def test_all_are_closed() -> None:
    both = [Takes("a"), Takes("b")]
    await Chain(both).close()
    assert [one.closed for one in both] == [True, True]
