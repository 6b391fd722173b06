"""Callers with tokens: keys fetched from the issuer's URL, each algorithm, and what is refused."""

import json
import time
from collections.abc import AsyncIterator

import jwt
import openai
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.support.evidence import outcome_of, stopped_log

ISSUER = "https://idp.example"
KEYS = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def jwk(algorithm: str) -> dict:
    public = KEYS[algorithm].public_key()
    made = jwt.get_algorithm_by_name(algorithm).to_jwk(public)
    return {**json.loads(made), "kid": algorithm, "alg": algorithm, "use": "sig"}


def token(algorithm: str = "ES256", key=None, kid: str | None = None, **claims) -> str:
    now = int(time.time())
    body = {
        "iss": ISSUER, "aud": "pratique", "sub": "dr-who", "tenant": "north",
        "roles": ["clinician"], "workflow": "summarization", "iat": now, "exp": now + 600, **claims,
    }  # fmt: skip
    signing = key if key is not None else KEYS[algorithm]
    return jwt.encode(body, signing, algorithm=algorithm, headers={"kid": kid or algorithm})


@pytest.fixture
async def issuer() -> AsyncIterator[str]:
    async def keys(_: web.Request) -> web.Response:
        return web.json_response({"keys": [jwk(algorithm) for algorithm in KEYS]})

    app = web.Application()
    app.router.add_get("/jwks", keys)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/jwks"
    await runner.cleanup()


@pytest.fixture
def sidecar(start, provider, issuer):
    def rewritten(text: str) -> str:
        head, _, tail = text.partition("identity:\n")
        upstreams = tail[tail.index("upstreams:") :]
        return (
            f"{head}identity:\n  jwt:\n    issuer: {ISSUER}\n    audience: [pratique]\n"
            f"    algorithms: [RS256, ES256, EdDSA]\n    jwks_url: {issuer}\n{upstreams}"
        )

    return start({"main": provider.url}, edit=rewritten)


def ask() -> dict:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}


@pytest.mark.parametrize("algorithm", list(KEYS))
async def test_a_token_of_the_issuer_makes_a_principal(sidecar, connect, tmp_path, algorithm):
    async with connect(sidecar, key=token(algorithm)) as client:
        raw = await client.chat.completions.with_raw_response.create(**ask())
    outcome = outcome_of(stopped_log(sidecar, tmp_path), raw.headers["x-pratique-receipt"])
    assert outcome["tenant"] == "north"
    assert outcome["principal"] == {
        "subject": "dr-who", "roles": ["clinician"], "workflow": "summarization",
        "assurance": "low", "method": "jwt",
    }  # fmt: skip


async def test_what_is_refused_and_how(sidecar, connect, provider):
    other = ec.generate_private_key(ec.SECP256R1())
    public = KEYS["RS256"].public_key()
    confused = public.public_numbers().n.to_bytes(256, "big")
    now = int(time.time())
    refused = {
        "token_expired": token(exp=now - 3600),
        "token_not_yet_valid": token(nbf=now + 3600),
        "wrong_audience": token(aud="somebody-else"),
        "wrong_issuer": token(iss="https://evil.example"),
        "invalid_token": token(key=other),
        "unknown_key": token(kid="nobody"),
        "claim_missing": token(tenant=None),
    }
    confusion = token("HS256", key=confused, kid="RS256")
    unsigned = jwt.encode({"iss": ISSUER, "sub": "x"}, None, algorithm="none")
    cases = [*refused.items(), ("algorithm_not_allowed", confusion)]
    cases.append(("algorithm_not_allowed", unsigned))
    for code, credential in cases:
        async with connect(sidecar, key=credential) as client:
            with pytest.raises(openai.AuthenticationError) as caught:
                await client.chat.completions.create(**ask())
        assert caught.value.code == code
        assert credential not in caught.value.message
    assert not provider.received
