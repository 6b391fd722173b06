"""One spelling a value."""

import pytest

from rules.audit.base64_strict import decode, decode_url, encode, encode_url
from rules.errors import ProofError


@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", b"\xfb\xff\xfe"])
def test_both_alphabets_come_back(data: bytes) -> None:
    assert decode(encode(data), "it") == data
    assert decode_url(encode_url(data), "it") == data


@pytest.mark.parametrize("text", ["YQ", "YR==", "YQ==\n", "Y Q==", "é", "YQ=", "-w=="])
def test_every_other_standard_spelling_is_refused(text: str) -> None:
    with pytest.raises(ProofError, match="the root is not"):
        decode(text, "the root")


@pytest.mark.parametrize("text", [b"YQ==", b"YR", b"Y", b"+w", b"Y\nQ", b"\xff\xff"])
def test_every_other_url_spelling_is_refused(text: bytes) -> None:
    with pytest.raises(ProofError, match="the root is not"):
        decode_url(text, "the root")
