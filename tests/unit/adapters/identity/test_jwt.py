"""Callers known by a token: what is believed, and the code of every refusal."""

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from multidict import CIMultiDict

from adapters.errors import CredentialRefused, StoreUnavailable
from adapters.identity.jwks import read_key_set
from adapters.identity.jwt import (
    CACHE_SECONDS,
    MAX_TOKEN,
    ClaimNames,
    JwtAuthenticator,
    TokenTerms,
)
from rules.principal import Assurance
from tests.unit.adapters.identity.issuer import (
    ED,
    NOW,
    OTHER_RSA,
    P256,
    P384,
    RSA,
    SECRET,
    StoppedClock,
    jwk,
    key_set,
    token,
)

ALGORITHMS = ("RS256", "RS384", "PS256", "ES256", "ES384", "EdDSA", "Ed25519", "HS256", "HS512")
PUBLIC_PEM = RSA.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


class Keys:
    """A key source in memory that counts how often it is asked."""

    def __init__(self, *entries: object) -> None:
        self.entries = entries
        self.asked = 0
        self.down = False
        self.closed = False

    async def find(self, kid: str | None, algorithm: str) -> Any | None:
        self.asked += 1
        if self.down:
            raise StoreUnavailable("identity", "down")
        return read_key_set(key_set(*self.entries), ALGORITHMS, symmetric=True).find(kid, algorithm)

    async def close(self) -> None:
        self.closed = True


class Setup:
    """An authenticator, with its keys and its clock at hand."""

    def __init__(self, keys: Keys | None = None, **terms: Any) -> None:
        self.clock = StoppedClock()
        self.keys = keys or Keys(jwk(RSA))
        wanted = {
            "issuer": "https://idp.example",
            "audience": ("pratique",),
            "algorithms": ALGORITHMS,
            "assurance": {"aal2": Assurance.SUBSTANTIAL},
            "tenant_classes": {"north": "gold"},
            **terms,
        }
        self.authenticator = JwtAuthenticator(TokenTerms(**wanted), self.keys, self.clock)

    async def ask(self, credential: str) -> Any:
        headers = CIMultiDict({"Authorization": f"Bearer {credential}"})
        return await self.authenticator.authenticate(headers)

    async def refusal(self, credential: str) -> str:
        with pytest.raises(CredentialRefused) as caught:
            await self.ask(credential)
        assert credential not in str(caught.value)
        return caught.value.code


async def test_a_token_tells_who_asks() -> None:
    principal = await Setup().ask(token())
    assert principal.subject == "anna"
    assert principal.tenant == "north"
    assert principal.roles == {"nurse", "coder"}
    assert principal.workflow == "discharge"
    assert principal.assurance is Assurance.SUBSTANTIAL
    assert principal.method == "jwt"
    assert principal.tenant_class == "gold"
    assert "anna" not in repr(principal)


@pytest.mark.parametrize("credential", ["", "pk_abcdefgh_0123", "a.b.c"])
async def test_other_credentials_are_left_to_others(credential: str) -> None:
    assert await Setup().ask(credential) is None


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (RSA, "RS256"),
        (RSA, "RS384"),
        (RSA, "PS256"),
        (P256, "ES256"),
        (P384, "ES384"),
        (ED, "EdDSA"),
        (ED, "Ed25519"),
        (SECRET, "HS256"),
        (SECRET, "HS512"),
    ],
)
async def test_every_algorithm(key: Any, algorithm: str) -> None:
    setup = Setup(Keys(jwk(key)))
    good = token(key=key, algorithm=algorithm)
    assert (await setup.ask(good)).subject == "anna"
    head, body, signature = good.split(".")
    swapped = "A" if signature[9] != "A" else "B"
    forged = f"{head}.{body}.{signature[:9]}{swapped}{signature[10:]}"
    assert await setup.refusal(forged) == "invalid_token"


def unsigned(header: dict[str, Any], signature: str = "") -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    body = {"iss": "https://idp.example", "aud": "pratique", "sub": "x", "exp": NOW + 60}
    return f"{part(header)}.{part(body)}.{signature}"


@pytest.mark.parametrize("name", ["none", "None", "NONE", "", "ES256K", 3, ["RS256"], None])
async def test_an_algorithm_that_is_not_allowed(name: object) -> None:
    assert await Setup().refusal(unsigned({"alg": name})) == "algorithm_not_allowed"


async def test_an_allowed_algorithm_is_only_one_that_was_configured() -> None:
    setup = Setup(algorithms=("ES256",))
    assert await setup.refusal(token()) == "algorithm_not_allowed"


@pytest.mark.parametrize("secret", [PUBLIC_PEM, json.dumps(jwk(RSA)).encode()])
async def test_a_public_key_is_never_taken_for_a_secret(secret: bytes) -> None:
    hmac = jwt.get_algorithm_by_name("HS256")
    text = unsigned({"alg": "HS256", "kid": "k1"}).removesuffix(".")
    signature = base64.urlsafe_b64encode(hmac.sign(text.encode(), secret)).decode().rstrip("=")
    assert await Setup().refusal(f"{text}.{signature}") == "unknown_key"


async def test_a_key_sent_along_is_not_used() -> None:
    headers = {"jwk": jwk(OTHER_RSA), "jku": "https://evil.example", "kid": "k2"}
    assert await Setup().refusal(token(key=OTHER_RSA, headers=headers)) == "unknown_key"
    headers["kid"] = "k1"
    assert await Setup().refusal(token(key=OTHER_RSA, headers=headers)) == "invalid_token"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"iss": "https://other.example"}, "wrong_issuer"),
        ({"iss": None}, "claim_missing"),
        ({"aud": "other"}, "wrong_audience"),
        ({"aud": ["other", 3]}, "wrong_audience"),
        ({"aud": {"pratique": 1}}, "wrong_audience"),
        ({"aud": None}, "claim_missing"),
        ({"aud": []}, "claim_missing"),
        ({"exp": NOW - 30}, "token_expired"),
        ({"exp": None}, "claim_missing"),
        ({"exp": "soon"}, "claim_invalid"),
        ({"exp": True}, "claim_invalid"),
        ({"nbf": NOW + 31}, "token_not_yet_valid"),
        ({"iat": NOW + 31}, "token_not_yet_valid"),
        ({"nbf": []}, "claim_invalid"),
        ({"sub": None}, "claim_missing"),
        ({"sub": ""}, "claim_missing"),
        ({"sub": "a\nb"}, "claim_invalid"),
        ({"sub": 7}, "claim_invalid"),
        ({"tenant": None}, "claim_missing"),
        ({"tenant": 'north"} 1\n'}, "claim_invalid"),
        ({"tenant": "x" * 200}, "claim_invalid"),
        ({"workflow": None}, "claim_missing"),
        ({"roles": None}, "claim_missing"),
        ({"roles": []}, "claim_missing"),
        ({"roles": " "}, "claim_invalid"),
        ({"roles": {"nurse": True}}, "claim_invalid"),
        ({"roles": ["nurse", 3]}, "claim_invalid"),
        ({"roles": ["a role"]}, "claim_invalid"),
        ({"roles": ["r"] * 65}, "claim_invalid"),
    ],
)
async def test_a_token_whose_claims_are_not_good(changed: dict, code: str) -> None:
    assert await Setup().refusal(token(changed)) == code


async def test_a_missing_claim_is_named() -> None:
    with pytest.raises(CredentialRefused, match="`workflow`"):
        await Setup().ask(token({"workflow": None}))


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": NOW - 29},
        {"nbf": NOW + 29},
        {"iat": NOW + 29},
        {"iat": None},
        {"aud": ["other", "pratique"]},
        {"roles": "nurse coder"},
    ],
)
async def test_a_token_that_is_just_good_enough(changed: dict) -> None:
    assert (await Setup().ask(token(changed))).roles == {"nurse", "coder"}


@pytest.mark.parametrize(
    ("value", "assurance"),
    [
        ("aal2", Assurance.SUBSTANTIAL),
        ("high", Assurance.HIGH),
        ("unheard of", Assurance.LOW),
        (2, Assurance.LOW),
        (None, Assurance.LOW),
    ],
)
async def test_assurance(value: object, assurance: Assurance) -> None:
    assert (await Setup().ask(token({"acr": value}))).assurance is assurance


async def test_claims_under_other_names() -> None:
    names = ClaimNames(tenant="https://example.org/tenant", roles="realm_access.roles")
    said = {"https://example.org/tenant": "south", "realm_access": {"roles": ["admin"]}}
    principal = await Setup(claims=names).ask(token(said))
    assert (principal.tenant, principal.roles) == ("south", {"admin"})
    assert principal.tenant_class == "standard"
    flat = {"https://example.org/tenant": "south", "realm_access": "admin"}
    assert await Setup(claims=names).refusal(token(flat)) == "claim_missing"


@pytest.mark.parametrize(
    "credential",
    [
        unsigned({"alg": "RS256", "kid": 3}),
        unsigned({"alg": "RS256", "crit": ["x"], "x": 1}),
        unsigned({"alg": "RS256", "typ": "logout+jwt"}),
        unsigned({"alg": "RS256", "kid": "k1"}, "!!"),
        unsigned({"alg": "RS256", "kid": "k1", "b64": False, "crit": ["b64"]}),
        unsigned({"alg": "RS256", "kid": "k1"}),
        unsigned({"alg": "RS256", "kid": "k" * MAX_TOKEN}),
    ],
)
async def test_a_token_that_is_badly_made(credential: str) -> None:
    assert await Setup().refusal(credential) == "invalid_token"


@pytest.mark.parametrize("body", [b"[]", b"not JSON", b"\xff"])
async def test_a_signed_token_that_holds_no_claims(body: bytes) -> None:
    credential = jwt.PyJWS().encode(body, RSA, "RS256", headers={"kid": "k1"})
    assert await Setup().refusal(credential) == "invalid_token"


async def test_a_verified_token_is_believed_for_a_while() -> None:
    setup, credential = Setup(), token()
    first = await setup.ask(credential)
    setup.keys.down = True
    setup.clock.now += CACHE_SECONDS - 1
    assert await setup.ask(credential) is first
    setup.clock.now += 1
    with pytest.raises(StoreUnavailable):
        await setup.ask(credential)
    assert setup.keys.asked == 2


async def test_a_token_is_never_believed_beyond_its_end() -> None:
    setup, credential = Setup(leeway=0.5), token({"exp": NOW + 10})
    await setup.ask(credential)
    setup.clock.now += 10.5
    assert await setup.refusal(credential) == "token_expired"


async def test_a_refused_token_is_looked_at_each_time() -> None:
    setup, credential = Setup(Keys(jwk(RSA, "k2"))), token()
    assert await setup.refusal(credential) == "unknown_key"
    setup.keys.entries = (jwk(RSA),)
    assert (await setup.ask(credential)).subject == "anna"


async def test_closing_reaches_the_keys() -> None:
    setup = Setup()
    await setup.authenticator.close()
    assert setup.keys.closed
