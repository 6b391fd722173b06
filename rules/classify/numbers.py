"""Numbers that were given to a person, an account, a provider, a vehicle or a device.

Some have a form of their own, with check digits; the others are known by the label before them.
Sources stand with each form; the labels are those of US charts, claims and FHIR or JSON keys.
"""

import re
from typing import Final

from rules.classify import checksums
from rules.classify.form import CODE, LINK, NUMBER_LINK, STRICT_LINK, Form, at_least, longest, whole

# 26 U.S.C. 6109; IRS Publication 1915: an ITIN is 9XX with these groups in the middle.
_ITIN: Final = re.compile(r"9\d\d[- ]?(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])[- ]?\d{4}")
_MBI_LETTER: Final = "[AC-HJKMNP-RT-Yac-hjkmnp-rt-y]"
_MBI_EITHER: Final = "[0-9AC-HJKMNP-RT-Yac-hjkmnp-rt-y]"
_SSN: Final = re.compile(r"(?!000|666|9)\d{3}[ ](?!00)\d\d[ ](?!0000)\d{4}")


def _card(number: str) -> bool:
    digits = sum(map(str.isdigit, number))
    return (
        12 <= digits <= 19
        and (number[0] in "23456" or number.startswith("1800"))
        and checksums.luhn(number)
    )


def _vin(number: str) -> bool:
    return not number.isdigit() and not number.isalpha() and checksums.vin(number)


def _itin(number: str) -> bool:
    return not number.isdigit() and _ITIN.fullmatch(number) is not None


def _labelled(labels: str, entity: str, *, link: str = LINK, least: int = 3) -> Form:
    """Values known by the label before them, with at least so many letters and digits."""
    pattern = rf"(?i:\b(?:{labels}){link})(?P<{entity}>{CODE})\b"
    return Form(entity, pattern, 0.85, at_least(least))


NUMBERS: Final = (
    # Social Security numbers: 20 CFR 422.103; whatever has the form is taken for one.
    Form("US_ITIN", r"\b9\d\d[- ]?\d\d[- ]?\d{4}\b", 0.92, whole(_itin)),
    Form("US_SSN", r"\b\d{3}-\d\d-\d{4}\b", 0.9),
    Form("US_SSN", r"\b\d{3}[ ]\d\d[ ]\d{4}\b", 0.7, whole(lambda v: bool(_SSN.fullmatch(v)))),
    Form("US_SSN", r"(?:\b[Xx]{3}|\*{3})-(?:[Xx]{2}|\*{2})-\d{4}\b", 0.8),
    Form(
        "US_SSN",
        rf"(?i:\b(?:ssn|social security|ss#|soc sec){LINK})"
        r"(?P<US_SSN>\d{3}[- .]?\d\d[- .]?\d{4}|\d{4})\b",
        0.95,
    ),
    Form(
        "US_ITIN",
        rf"(?i:\b(?:itin|taxpayer){LINK})(?P<US_ITIN>\d{{3}}[- ]?\d\d[- ]?\d{{4}})\b",
        0.95,
    ),
    _labelled(
        r"e?mrn|mr ?#|mr[ _]n(?:o|umber)|med(?:ical)?[ ._-]{0,2}rec(?:ord)?s?|uhid"
        r"|pat(?:ient)?[ _-]?(?:id|no|num(?:ber)?|identifier)|hosp(?:ital)?[ _-](?:no|number|id)",
        "MEDICAL_RECORD_NUMBER",
    ),
    _labelled(
        r"chart|accession|encounter|visit|case|specimen|csn|episode|requisition",
        "MEDICAL_RECORD_NUMBER",
        link=STRICT_LINK,
        least=4,
    ),
    _labelled(
        r"unit|record|prescription|rx|order",
        "MEDICAL_RECORD_NUMBER",
        link=NUMBER_LINK,
        least=4,
    ),
    _labelled(
        r"(?:member|subscriber|beneficiary|enrollee|medicaid|medicare|hicn|certificate|insured"
        r"|insurance|cardholder)(?:[ _-]?(?:id|policy))?|policy[ _-]?holder|group|policy|claim"
        r"|health[ _-]?plan|pre-?auth(?:orization)?|authorization",
        "MEMBER_ID",
        link=STRICT_LINK,
    ),
    # The Medicare Beneficiary Identifier's form: CMS, "Understanding the new MBI format".
    Form(
        "US_MBI",
        rf"\b[1-9]{_MBI_LETTER}{_MBI_EITHER}\d-?{_MBI_LETTER}{_MBI_EITHER}\d-?{_MBI_LETTER}{{2}}\d\d\b",
        0.9,
    ),
    Form(
        "US_NPI",
        rf"(?i:\b(?:npi|(?:national )?provider[ _-]?(?:id|identifier|number)){LINK})"
        r"(?P<US_NPI>\d{10})\b",
        0.9,
    ),
    Form("DEA_NUMBER", r"\b[A-Za-z][A-Za-z9]\d{7}\b", 0.87, whole(checksums.dea)),
    Form("DEA_NUMBER", rf"(?i:\bdea{LINK})(?P<DEA_NUMBER>[A-Za-z]{{1,2}}9?\d{{6,7}})\b", 0.9),
    _labelled(
        r"driver'?s?[ _-]?(?:licen[cs]e|lic)|dln?|d\.l\.|licen[cs]e[ _-](?:no|num(?:ber)?|id)"
        r"|(?:medical|state|nursing|rn|md) licen[cs]e",
        "US_DRIVER_LICENSE",
        least=5,
    ),
    _labelled(r"passport", "US_DRIVER_LICENSE", least=6),
    _labelled(
        r"account|acct|a/c|guarantor|routing|invoice|har",
        "ACCOUNT_NUMBER",
        link=STRICT_LINK,
        least=4,
    ),
    _labelled(r"account|acct", "ACCOUNT_NUMBER", least=7),
    Form(
        "CREDIT_CARD",
        rf"(?i:\b(?:credit |debit |bank )?card{LINK})(?P<CREDIT_CARD>\d(?:[ -]?\d){{11,18}})\b",
        0.85,
    ),
    # ISO/IEC 7812-1, in the groupings that cards are embossed with; what follows may be swallowed.
    Form(
        "CREDIT_CARD",
        r"\b(?:\d{12,19}|\d{4}(?:[ -]\d{4}){2}[ -]\d{1,7}(?:[ -]\d{1,4})?"
        r"|\d{4}[ -]\d{6}[ -]\d{4,5})\b",
        0.9,
        longest(_card),
    ),
    Form("IBAN_CODE", r"\b[A-Za-z]{2}\d\d[A-Za-z0-9]{11,30}\b", 0.95, whole(checksums.iban)),
    Form(
        "IBAN_CODE",
        r"\b[A-Z]{2}\d\d(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?\b",
        0.95,
        longest(checksums.iban),
    ),
    Form("VEHICLE_ID", r"\b[A-HJ-NPR-Za-hj-npr-z0-9]{17}\b", 0.86, whole(_vin)),
    _labelled(
        r"vin|vehicle[ _-]?(?:id|identification)|(?:license|number|vehicle)[ _-]plate|plate",
        "VEHICLE_ID",
        link=STRICT_LINK,
        least=5,
    ),
    # Unique Device Identifier in GS1 form (21 CFR 801.40): (01) the device, (21) its serial number.
    Form("DEVICE_ID", r"\(01\)\d{14}(?:\((?:10|11|17|21)\)[A-Za-z0-9/.-]{1,20}){0,4}", 0.95),
    _labelled(
        r"udi|serial|s/n|device|implant|pacemaker|imei|lot",
        "DEVICE_ID",
        link=STRICT_LINK,
        least=4,
    ),
    Form("DEVICE_ID", r"\b[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}\b", 0.8),
)
