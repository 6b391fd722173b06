"""What machines write: random ids, names of functions, encoded data.

A string of such a shape needs no look at what it says; all others do. The shapes are narrow on
purpose. They must never take in an identifier that stands in a name or an id as people write it.
"""

import re
import string
from typing import Final

# Whoever hands out ids puts one or two of these before them; other words may be a person's name.
_PREFIX: Final = (
    r"(?:(?:call|toolu|tooluse|tool|chatcmpl|cmpl|chat|pyd|ai|fc|fn|func|function|file|msg|message"
    r"|audio|rs|run|step|req|resp|gen|id|ctc|[0-9]{1,2})[_-]){0,3}"
)
_UUID: Final = re.compile(
    rf"{_PREFIX}[0-9a-f]{{8}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}",
    re.IGNORECASE,
)
_HEX: Final = re.compile(rf"{_PREFIX}(?=[0-9]*[a-f])[0-9a-f]{{24,64}}")
_COUNTED: Final = re.compile(rf"{_PREFIX}[a-z]?[0-9]{{1,4}}")
# Letters behind a digit: `Gonzalez1951` is not what chance makes of letters and digits.
_RANDOM: Final = re.compile(rf"{_PREFIX}(?=[A-Za-z]*[0-9]+[A-Za-z])[A-Za-z0-9]{{6,64}}")
_BEDROCK: Final = re.compile(r"tooluse_[A-Za-z0-9_-]{22}")
_FUNCTION_CALL: Final = re.compile(r"functions\.([A-Za-z0-9_-]+):[0-9]{1,4}")

# Of the largest vocabularies, which have some 260,000 entries.
_TOKEN_NUMBER: Final = re.compile(r"[0-9]{1,5}|[12][0-9]{5}")
_WORDS: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_LONG_NUMBER: Final = re.compile(r"[0-9]{5}|[0-9](?:[_-]?[0-9]){5}")
# `Maria_Gonzalez`, as no function is written.
_TWO_NAMES: Final = re.compile(r"(?:^|[^A-Za-z])[A-Z][a-z]+[_-][A-Z][a-z]+")

_DATA_URL: Final = re.compile(
    r"data:[a-z]{1,20}/[a-z0-9.+-]{1,100}(?:;charset=[a-z0-9-]{1,20})?;base64,", re.IGNORECASE
)
_BASE64: Final = (string.ascii_letters + string.digits + "+/-_").encode()
_LEAST_ENCODED: Final = 64


def is_random_id(text: str) -> bool:
    """True for an id that was drawn at random or counted: `call_S7tRWNiD8C`, a UUID, `call_1`."""
    if _UUID.fullmatch(text) or _HEX.fullmatch(text) or _COUNTED.fullmatch(text):
        return True
    call = _FUNCTION_CALL.fullmatch(text)
    if call is not None:
        return is_plain_name(call[1])
    if _LONG_NUMBER.search(text) is not None:
        return False
    return bool(_RANDOM.fullmatch(text) or _BEDROCK.fullmatch(text))


def is_plain_name(text: str) -> bool:
    """True for words as programs join them (`get_weather`, `getWeather`), without long numbers.

    A person's name that is written like a function's is one, too: `lookup_maria_gonzalez`.
    """
    return has_plain_numbers(text) and _TWO_NAMES.search(text) is None


def has_plain_numbers(text: str) -> bool:
    """True for what is written like a name, where no number in it is long enough to be an id."""
    return _WORDS.fullmatch(text) is not None and _LONG_NUMBER.search(text) is None


def is_token_number(text: str) -> bool:
    """True for a number of a vocabulary, as `logit_bias` has them for keys."""
    return _TOKEN_NUMBER.fullmatch(text) is not None


def is_encoded(text: str) -> bool:
    """True for base64 (RFC 4648 section 4 or 5) that is too long to be a name or a number."""
    if len(text) < _LEAST_ENCODED or not text.isascii():
        return False
    # Media are megabytes, which an expression takes thirty times as long to go through.
    return text.encode().translate(None, _BASE64) in (b"", b"=", b"==") and "=" not in text[:-2]


def is_data_url(text: str) -> bool:
    """True for a `data:` URL (RFC 2397) that is base64 to its end, and a long one."""
    head = _DATA_URL.match(text)
    return head is not None and is_encoded(text[head.end() :])
