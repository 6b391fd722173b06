"""An identity provider for tests: keys, tokens, and a clock that stands still."""

import base64
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt import algorithms

RSA = rsa.generate_private_key(65537, 2048)
OTHER_RSA = rsa.generate_private_key(65537, 2048)
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
ED = ed25519.Ed25519PrivateKey.generate()
SECRET = b"s" * 64
NOW = 1_800_000_000.0

JWS = jwt.PyJWS()
JWS.register_algorithm("Ed25519", algorithms.OKPAlgorithm())


class StoppedClock:
    """A clock that only a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now - NOW


def jwk(key: Any, kid: str | None = "k1", **more: object) -> dict[str, Any]:
    """The public half of a key as a JWK, or a secret."""
    if isinstance(key, bytes):
        made = {"kty": "oct", "k": base64.urlsafe_b64encode(key).decode().rstrip("=")}
    else:
        kinds = {
            rsa.RSAPrivateKey: algorithms.RSAAlgorithm,
            ec.EllipticCurvePrivateKey: algorithms.ECAlgorithm,
            ed25519.Ed25519PrivateKey: algorithms.OKPAlgorithm,
        }
        kind = next(codec for base, codec in kinds.items() if isinstance(key, base))
        made = kind.to_jwk(key.public_key(), as_dict=True)
    made.pop("key_ops", None)
    return {**made, **({"kid": kid} if kid else {}), **more}


def key_set(*entries: object) -> bytes:
    return json.dumps({"keys": entries}).encode()


def token(
    claims: dict[str, Any] | None = None,
    key: Any = RSA,
    algorithm: str = "RS256",
    headers: dict[str, Any] | None = None,
) -> str:
    """A token that is good in every way but those that the arguments change."""
    said = {
        "iss": "https://idp.example",
        "aud": "pratique",
        "sub": "anna",
        "exp": NOW + 300,
        "iat": NOW - 10,
        "tenant": "north",
        "roles": ["nurse", "coder"],
        "workflow": "discharge",
        "acr": "aal2",
        **(claims or {}),
    }
    body = json.dumps({name: value for name, value in said.items() if value is not None}).encode()
    return JWS.encode(body, key, algorithm, headers={"kid": "k1", **(headers or {})})
