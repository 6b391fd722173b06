"""Where a person can be reached: telephone and fax numbers, email, web and network addresses."""

import ipaddress
import re
from typing import Final

from rules.classify.form import Form, whole

# A number ends with a word, or goes on with an extension.
_EXTENSION: Final = r"(?:\b|,?[ ]?(?i:x|ext\.?|extension)[ ]?\d{1,6}\b)"
_CALL: Final = (
    r"(?i:\b(?:(?:tele)?phone|tel|mobile|cell(?:phone|ular)?|fax|pager|beeper|ph|sms|whatsapp"
    r"|call(?:ed|back)?|dial(?:ed)?|reach(?:ed|able)?|contact|voicemail|desk|office|work|home))"
    r"(?i:[ _-]?(?:numbers?|no|nr|me|him|her|us|them|back|at|on|is|was|home|work|patient|phone"
    r"|cell|mobile|line)){0,4}[\s\"':=#.-]{1,6}"
)
# Addresses of code systems and specifications are no one's web pages; they recur in FHIR and JSON.
_VOCABULARIES: Final = re.compile(
    r"(?:https?://)?(?:[a-z0-9-]+\.)*(?:hl7\.org|fhir\.org|loinc\.org|snomed\.info|unitsofmeasure\.org"
    r"|ihe\.net|dicomstandard\.org|json-schema\.org|w3\.org|schema\.org|ama-assn\.org|nih\.gov|cdc\.gov"
    r"|cms\.gov|who\.int|ietf\.org|iana\.org|purl\.org|whocc\.no)(?:[/#][\w./#%-]*)?",
    re.IGNORECASE,
)


def _phone(number: str) -> bool:
    """Tell a number that can be dialled (ITU-T E.164: 7 to 15 digits) from three counts."""
    digits = re.sub(r"\D", "", re.split(r"[xeXE]", number, maxsplit=1)[0])
    if not 7 <= len(digits) <= 15:
        return False
    if re.fullmatch(r"\d{3} \d{3} \d{4}", number):
        return digits[0] in "23456789" and digits[3] in "23456789"
    return True


def _ipv4(address: str) -> bool:
    parts = address.split(".")
    return len(parts) == 4 and all(int(part) <= 255 for part in parts)


def _ipv6(address: str) -> bool:
    # `std::add` and `1::2` are no addresses.
    if not any(map(str.isdigit, address)) or max(map(len, address.split(":"))) < 3:
        return False
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return True


def _personal(url: str) -> bool:
    return _VOCABULARIES.fullmatch(url) is None


CONTACTS: Final = (
    # North American Numbering Plan; an area code in brackets, or three groups.
    Form(
        "PHONE_NUMBER",
        r"(?:\+1[ .-]?|\b1[ .-])?(?:\(\d{3}\)[ .-]{0,2}|\b\d{3}[ ./-]{1,2})\d{3}[ .-]{1,2}\d{4}"
        + _EXTENSION,
        0.8,
        whole(_phone),
    ),
    # ITU-T E.123: international notation, and national notation with its trunk prefix 0.
    Form(
        "PHONE_NUMBER",
        r"\+\d{1,3}(?:[ .()/-]{0,2}\d{1,5}){2,6}" + _EXTENSION,
        0.8,
        whole(_phone),
    ),
    Form(
        "PHONE_NUMBER",
        r"(?:\(0\d{1,4}\)|\b0\d{1,4})[ -]\d{2,4}[ -]\d{2,4}(?:[ -]\d{2,4}){0,2}\b",
        0.6,
        whole(_phone),
    ),
    Form("PHONE_NUMBER", r"\(\+?\d{1,3}\)[ ]?\d{3,5}[ -]\d{3,5}\b", 0.6, whole(_phone)),
    Form(
        "PHONE_NUMBER",
        _CALL + r"(?P<PHONE_NUMBER>[+(]?\d(?:[ ().-]{0,2}\d){6,14}" + _EXTENSION + ")",
        0.85,
    ),
    # RFC 5322 addr-spec without comments and quoting; RFC 5321 allows 64 characters before the `@`.
    Form(
        "EMAIL_ADDRESS",
        r"\b[A-Za-z0-9][A-Za-z0-9._%+'-]{0,63}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\b",
        0.95,
    ),
    # RFC 3986, as it stands in running text: punctuation at the end is the sentence's.
    Form(
        "URL",
        r"(?i:\b(?:https?|ftp|sftp)://|\bwww\.)[^\s\"'<>(){}\[\]|\\^`\x1e\x7f]*[A-Za-z0-9/_=&#-]",
        0.8,
        whole(_personal),
    ),
    Form("IP_ADDRESS", r"\b\d{1,6}(?:\.\d{1,6}){3,}\b", 0.8, whole(_ipv4), atomic=True),
    Form(
        "IP_ADDRESS",
        r"\b(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}\b"
        r"|(?:\b[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?::[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6}\b",
        0.8,
        whole(_ipv6),
        atomic=True,
    ),
)
