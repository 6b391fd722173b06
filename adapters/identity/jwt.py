"""Callers known by a signed token of an identity provider (JWT, RFC 7519; RFC 8725 for the traps).

The signature is PyJWT's to check; what the token says is checked here, by an injected clock, so
that every refusal has a code of its own. No refusal repeats anything that a token says.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import orjson
from cachetools import TLRUCache
from jwt import PyJWS, PyJWTError
from jwt.algorithms import OKPAlgorithm

from adapters.errors import CredentialRefused
from adapters.identity.credential import PLACE, credential, looks_like_jwt
from adapters.identity.jwks import KeySource
from adapters.ports import Clock
from rules.principal import Assurance, Principal

MAX_TOKEN: Final = 8_192
MAX_ROLES: Final = 64
# How long a verified token is believed without another look, in seconds: as long may a key that
# its issuer withdrew stay in use.
CACHE_SECONDS: Final = 60.0
_CACHE_SIZE: Final = 4_096
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}")
_SUBJECT: Final = re.compile(r"[\x21-\x7e]{1,256}")
# RFC 9068 section 2.1, and the plain type; ID tokens for other uses carry others (RFC 8725 3.11).
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Which claim tells what; a dot goes one level down where no claim has the whole name."""

    subject: str = "sub"
    tenant: str = "tenant"
    roles: str = "roles"
    workflow: str = "workflow"
    assurance: str = "acr"


@dataclass(frozen=True, slots=True)
class TokenTerms:
    """Which tokens are accepted, and how they are read.

    `leeway` is in seconds. `assurance` maps values of that claim; what it does not know counts by
    its own name if that is a level, and as low otherwise. `tenant_classes` are labels for metrics.
    """

    issuer: str
    audience: tuple[str, ...]
    algorithms: tuple[str, ...]
    leeway: float = 30.0
    claims: ClaimNames = ClaimNames()
    assurance: Mapping[str, Assurance] = field(default_factory=dict)
    tenant_classes: Mapping[str, str] = field(default_factory=dict)


def _refused(code: str, message: str) -> CredentialRefused:
    return CredentialRefused(PLACE, code, message)


class JwtAuthenticator:
    """Knows callers by tokens that one issuer signed; an Authenticator."""

    def __init__(self, terms: TokenTerms, keys: KeySource, clock: Clock) -> None:
        self._terms = terms
        self._keys = keys
        self._clock = clock
        self._jws = PyJWS(options={"verify_signature": True, "enforce_minimum_key_length": True})
        self._jws.register_algorithm("Ed25519", OKPAlgorithm())
        self._known: TLRUCache[bytes, tuple[Principal, float]] = TLRUCache(
            _CACHE_SIZE, ttu=lambda _key, value, _now: value[1], timer=clock.wall
        )

    async def authenticate(self, headers: Mapping[str, str]) -> Principal | None:
        """Return whom the token in `headers` names, or None where there is no token.

        Raises CredentialRefused with one of the codes `invalid_token`, `algorithm_not_allowed`,
        `unknown_key`, `token_expired`, `token_not_yet_valid`, `wrong_issuer`, `wrong_audience`,
        `claim_missing`, `claim_invalid`; StoreUnavailable when the issuer's keys cannot be had.
        """
        token = credential(headers)
        if token is None or not looks_like_jwt(token):
            return None
        if len(token) > MAX_TOKEN:
            raise _refused("invalid_token", f"the token is longer than {MAX_TOKEN} characters")
        digest = sha256(token.encode("utf-8", "surrogateescape")).digest()
        known = self._known.get(digest)
        if known is not None:
            return known[0]
        claims = await self._verified(token)
        expires = self._check_terms(claims)
        principal = self._principal(claims)
        believed_until = min(expires, self._clock.wall() + CACHE_SECONDS)
        self._known[digest] = (principal, believed_until)
        return principal

    async def close(self) -> None:
        """Release the connection to the issuer."""
        await self._keys.close()

    async def _verified(self, token: str) -> dict[str, Any]:
        """The claims of a token whose signature holds."""
        try:
            header = self._jws.get_unverified_header(token)
        except (PyJWTError, ValueError):
            raise _refused("invalid_token", "the token cannot be read") from None
        algorithm = header.get("alg")
        if algorithm not in self._terms.algorithms:
            raise _refused("algorithm_not_allowed", "the token's algorithm is not allowed here")
        if str(header.get("typ", "jwt")).lower() not in _TYPES:
            raise _refused("invalid_token", "the token is of a type for another use")
        key = await self._keys.find(header.get("kid"), algorithm)
        if key is None:
            raise _refused("unknown_key", "no key of the issuer fits the token")
        try:
            payload = self._jws.decode(token, key, algorithms=[algorithm])
            claims = orjson.loads(payload)
        except (PyJWTError, ValueError, TypeError):
            raise _refused("invalid_token", "the token's signature does not hold") from None
        if not isinstance(claims, dict):
            raise _refused("invalid_token", "the token does not hold claims")
        return claims

    def _check_terms(self, claims: dict[str, Any]) -> float:
        """Check issuer, audience and times; return until when the token is good, with leeway."""
        terms, now = self._terms, self._clock.wall()
        if _required(claims, "iss") != terms.issuer:
            raise _refused("wrong_issuer", "the token comes from another issuer")
        audience = _required(claims, "aud")
        meant_for = [audience] if isinstance(audience, str) else audience
        if not isinstance(meant_for, list) or not any(one in terms.audience for one in meant_for):
            raise _refused("wrong_audience", "the token is meant for another service")
        expires = _time(claims, "exp")
        if expires is None:
            raise _refused("claim_missing", "the token lacks the claim `exp`")
        if expires + terms.leeway <= now:
            raise _refused("token_expired", "the token has expired")
        for name in ("nbf", "iat"):
            begins = _time(claims, name)
            if begins is not None and begins - terms.leeway > now:
                raise _refused("token_not_yet_valid", f"the token is not valid yet (`{name}`)")
        return expires + terms.leeway

    def _principal(self, claims: dict[str, Any]) -> Principal:
        names = self._terms.claims
        tenant = _text(claims, names.tenant, _WORD)
        return Principal(
            subject=_text(claims, names.subject, _SUBJECT),
            tenant=tenant,
            roles=_roles(claims, names.roles),
            workflow=_text(claims, names.workflow, _WORD),
            assurance=self._assurance(claims),
            method="jwt",
            tenant_class=self._terms.tenant_classes.get(tenant, "standard"),
        )

    def _assurance(self, claims: dict[str, Any]) -> Assurance:
        value = _claim(claims, self._terms.claims.assurance)
        if not isinstance(value, str):
            return Assurance.LOW
        own = Assurance(value) if value in set(Assurance) else Assurance.LOW
        return self._terms.assurance.get(value, own)


def _claim(claims: dict[str, Any], name: str) -> Any:
    """A claim by its whole name, which may hold dots, or else step by step."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _required(claims: dict[str, Any], name: str) -> Any:
    value = _claim(claims, name)
    if value is None or value in ("", []):
        raise _refused("claim_missing", f"the token lacks the claim `{name}`")
    return value


def _text(claims: dict[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = _required(claims, name)
    if not isinstance(value, str) or form.fullmatch(value) is None:
        raise _refused("claim_invalid", f"the claim `{name}` does not have a usable form")
    return value


def _roles(claims: dict[str, Any], name: str) -> frozenset[str]:
    """Roles as a list of words, or as one text with spaces between them (RFC 6749 section 3.3)."""
    value = _required(claims, name)
    words = value.split() if isinstance(value, str) else value
    usable = isinstance(words, list) and 0 < len(words) <= MAX_ROLES
    if not usable or not all(isinstance(one, str) and _WORD.fullmatch(one) for one in words):
        raise _refused("claim_invalid", f"the claim `{name}` does not have a usable form")
    return frozenset(words)


def _time(claims: dict[str, Any], name: str) -> float | None:
    """A NumericDate (RFC 7519 section 2), in seconds since the epoch."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _refused("claim_invalid", f"the claim `{name}` is not a time")
    return float(value)
