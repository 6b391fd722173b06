"""Signatures of single entries, checked with the vector of RFC 8037 and with another library."""

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rules.audit.base64_strict import decode_url, encode_url
from rules.audit.jws import (
    protected_header,
    sign_compact,
    thumbprint,
    unverified_payload,
    verify_compact,
    verify_ed25519,
)
from rules.errors import ProofError

# RFC 8037 appendix A.
SECRET = decode_url(b"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", "d")
PUBLIC = decode_url(b"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "x")
KEY = Ed25519PrivateKey.from_private_bytes(SECRET)
JWS = sign_compact(b'{"a":1}', protected_header(PUBLIC), KEY.sign)


def test_the_thumbprint_is_that_of_rfc_8037() -> None:
    assert thumbprint(PUBLIC) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_signature_is_that_of_rfc_8037() -> None:
    signed = sign_compact(b"Example of Ed25519 signing", encode_url(b'{"alg":"EdDSA"}'), KEY.sign)
    assert signed.split(b".")[2] == (
        b"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    )


def test_another_library_verifies_what_is_signed_here() -> None:
    payload = jwt.decode(JWS, KEY.public_key(), algorithms=["EdDSA"])
    assert payload == {"a": 1}
    assert jwt.get_unverified_header(JWS)["kid"] == thumbprint(PUBLIC)


def test_the_payload_comes_back_byte_for_byte() -> None:
    assert verify_compact(JWS, PUBLIC) == b'{"a":1}' == unverified_payload(JWS)


def test_the_newer_name_of_the_algorithm_is_accepted() -> None:
    header = encode_url(orjson.dumps({"alg": "Ed25519", "kid": thumbprint(PUBLIC)}))
    assert verify_compact(sign_compact(b"x", header, KEY.sign), PUBLIC) == b"x"


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ({"alg": "none", "kid": thumbprint(PUBLIC)}, "is not EdDSA"),
        ({"alg": ["EdDSA"], "kid": thumbprint(PUBLIC)}, "is not EdDSA"),
        ([], "is not EdDSA"),
        ({"alg": "EdDSA"}, "names another key"),
        ({"alg": "EdDSA", "kid": thumbprint(PUBLIC), "crit": ["b64"]}, "unknown extension"),
    ],
)
def test_an_unfit_header_is_refused_even_when_signed(header: object, why: str) -> None:
    signed = sign_compact(b"x", encode_url(orjson.dumps(header)), KEY.sign)
    with pytest.raises(ProofError, match=why):
        verify_compact(signed, PUBLIC)


def test_a_header_that_is_not_json_is_refused() -> None:
    with pytest.raises(ProofError, match="header is not JSON"):
        verify_compact(sign_compact(b"x", encode_url(b"{"), KEY.sign), PUBLIC)


def test_anything_but_three_parts_is_refused() -> None:
    with pytest.raises(ProofError, match="three parts"):
        verify_compact(b"a.b", PUBLIC)
    with pytest.raises(ProofError, match="three parts"):
        unverified_payload(b"a.b.c.d")


def test_every_changed_character_is_noticed() -> None:
    for at in range(len(JWS)):
        changed = bytearray(JWS)
        changed[at] ^= 1
        with pytest.raises(ProofError):
            verify_compact(bytes(changed), PUBLIC)


def test_a_key_that_is_not_one_verifies_nothing() -> None:
    assert not verify_ed25519(b"short", b"", b"")
