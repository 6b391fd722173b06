"""Where a person lives or is treated: streets, cities, ZIP codes and named facilities.

States and countries alone are no identifiers (45 CFR 164.514(b)(2)(i)(B)): they are context only.
"""

import re
from typing import Final

from rules.classify.form import Form, whole

_STATE_NAMES: Final = (
    "Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii"
    "|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan"
    "|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New Hampshire|New Jersey|New Mexico"
    "|New York|North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island"
    "|South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|Virginia|Washington|West Virginia"
    "|Wisconsin|Wyoming|Puerto Rico"
)
_CODES: Final = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|DC|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM"
    "|NY|NC|ND|OH|OK|OR|PA|PR|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|AA|AE|AP"
)
# Without those that are also degrees, studies or words: they need a ZIP code behind them.
_CLEAR_CODES: Final = (
    "AK|AZ|AR|CA|DC|FL|GA|IL|IA|KS|KY|MI|MN|NE|NV|NH|NJ|NM|NY|NC|ND|RI|SD|TN|TX|UT|VT|VA|WA|WV|WI"
    "|WY"
)
_ZIP: Final = r"\d{5}(?:-\d{4})?"
_CITY: Final = r"(?:(?:St|Ft|Mt)\.[ ])?[A-Z][A-Za-z'-]{1,20}(?:[ ][A-Z][A-Za-z'-]{1,20}){0,2}"
_COMMA: Final = r",?\s{1,3}"
_COMPASS: Final = r"(?:N|S|E|W|NE|NW|SE|SW|North|South|East|West)\.?"
_SUFFIX: Final = (
    "Street|St|Avenue|Ave|Av|Road|Rd|Boulevard|Blvd|Drive|Dr|Lane|Ln|Court|Ct|Circle|Cir|Place|Pl|Way"
    "|Terrace|Ter|Parkway|Pkwy|Highway|Hwy|Square|Sq|Trail|Trl|Loop|Alley|Aly|Plaza|Plz|Crescent|Cres"
    "|Close|Row|Pike|Turnpike|Route|Rte|Path|Walk|Run|Crossing|Xing|Point|Pt|Cove|Cv|Manor|Mews|Ridge"
    "|Rdg|Expressway|Expy|STREET|ST|AVENUE|AVE|ROAD|RD|BOULEVARD|BLVD|DRIVE|LANE|LN|PLACE|WAY|PKWY|HWY"
)  # USPS Publication 28, appendix C1
_UNIT: Final = (
    r"(?:,?\s{1,6}(?i:apt|apartment|suite|ste|unit|floor|fl|room|rm|bldg|building|#)\.?\s?#?\s?"
    r"[A-Za-z]?-?\d{1,5}[A-Za-z]?|,?\s(?i:apt|apartment|suite|unit)\.?\s[A-Za-z]\b)?"
)
_WORD: Final = r"(?:[A-Z][A-Za-z.'-]{0,20}|\d{1,3}(?:st|nd|rd|th))"
_STREET: Final = (
    rf"\d{{1,6}}[A-Za-z]?(?:-\d{{1,5}})?\s(?:{_COMPASS}\s)?{_WORD}(?:\s{_WORD}){{0,3}}"
    rf"\s(?:{_SUFFIX})\b\.?(?:\s{_COMPASS})?"
)
_LOWER: Final = (
    r"\d{1,6}\s(?:[a-z0-9'-]{2,20}\s){1,3}(?:street|avenue|boulevard|ave\b\.?|blvd\b\.?)"
)
_TAIL: Final = (
    rf"(?:{_COMMA}(?P<LOCATION>{_CITY}){_COMMA}(?:{_CODES}|{_STATE_NAMES})\b\.?"
    rf"(?:{_COMMA}(?P<ZIP_CODE>{_ZIP}))?)?"
)
# Street words of other languages: before the name, or grown together with it.
_FOREIGN: Final = (
    r"(?:\b\d{1,5},?\s)?\b(?i:rua|via|viale|calle|rue|avenida|avda|plaza|piazza|strada|ulica|ul\.)\s"
    r"(?:[A-Z][A-Za-z.'-]{1,20}|\d{1,3}|de|da|do|del|della|la|du|des)"
    r"(?:\s(?:[A-Z][A-Za-z.'-]{1,20}|de|da|do|del|della|la|du|des)){0,4},?\s\d{1,5}[A-Za-z]?\b"
    r"|\b[A-Z][A-Za-z-]{2,20}(?:stras?se|str\.|gasse|weg|platz|gata|gatan|vagen|vej|veien|gade|straat|laan)"
    r"\s\d{1,5}[A-Za-z]?\b"
)
_US_STREET: Final = re.compile(_STREET)
# What any facility may be called; a name has at least one other word.
_GENERIC: Final = re.compile(
    r"an?|the|this|that|our|your|their|his|her|my|local|general|community|outpatient|inpatient|pain"
    r"|primary|care|urgent|emergency|surgical|medical|regional|county|state|city|public|private|dental"
    r"|eye|foot|wom[ea]n'?s|children'?s|cancer|heart|sleep|wound|walk-in|free|weight|loss|psychiatric"
    r"|rehab|rehabilitation|teaching|rural|mental|behavioral|health|home|hospice|day|skilled|nursing"
    r"|orthopedic|cardiology|diabetes|allergy|clinic|hospital|center|ambulatory|assisted|fertility"
    r"|infusion|memory|veterans|va|family|internal|medicine",
    re.IGNORECASE,
)


def _free_address(value: str) -> bool:
    """Take a labelled address that has a number and a word, unless a closer form will find it."""
    has_both = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return has_both and " " in value and "@" not in value and _US_STREET.search(value) is None


def _named_facility(value: str) -> bool:
    """A facility is named where a word of its name says more than what kind of place it is."""
    return any(_GENERIC.fullmatch(word) is None for word in value.split())


def _below_state(value: str) -> bool:
    return value not in _STATE_NAMES.split("|")


PLACES: Final = (
    Form("STREET_ADDRESS", rf"\b(?P<STREET_ADDRESS>{_STREET}{_UNIT}){_TAIL}", 0.85),
    Form("STREET_ADDRESS", rf"\b(?P<STREET_ADDRESS>{_LOWER}{_UNIT}){_TAIL}", 0.7),
    Form("STREET_ADDRESS", rf"(?:{_FOREIGN}){_UNIT}", 0.7),
    Form(
        "STREET_ADDRESS",
        rf"\b(?P<STREET_ADDRESS>(?i:p\.?\s?o\.?\s?box|psc|cmr|unit)\s\d{{1,6}}(?:,?\s(?i:box)\s\d{{1,6}})?"
        rf"(?:{_COMMA}[ADF]PO\s(?:A[AEP])\s\d{{5}})?)"
        rf"{_TAIL}",
        0.85,
    ),
    Form(
        "STREET_ADDRESS",
        r"(?i:\b(?:(?:home|mailing|street|billing|new|current)[ _]?)?(?:address|addr)[\s\"']{0,2}"
        r"(?::|=|is)[\s\"'\[]{0,4})(?P<STREET_ADDRESS>[A-Za-z0-9#][A-Za-z0-9#.,' /-]{5,80})",
        0.6,
        whole(_free_address),
    ),
    Form(
        "STREET_ADDRESS",
        r"\"line\"\s?:\s{0,2}\[\s{0,9}\"(?P<STREET_ADDRESS>[A-Za-z0-9#.,' /-]{3,80})",
        0.8,
    ),
    Form(
        "LOCATION",
        rf"\b(?P<LOCATION>{_CITY}),\s?(?:(?:{_CODES})\b\.?{_COMMA}(?P<ZIP_CODE>{_ZIP})"
        rf"|(?:{_CLEAR_CODES})\b|(?:{_STATE_NAMES})\b(?:{_COMMA}(?P<ZIP_CODE_2>{_ZIP}))?)",
        0.75,
    ),
    Form(
        "LOCATION",
        rf"(?i:\b(?:city|town|county|district)[\"']?\s?[:=][\s\"']{{0,4}})(?P<LOCATION>{_CITY})",
        0.75,
    ),
    Form(
        "LOCATION",
        r"(?i:\b(?:liv(?:es?|ed|ing) in|resid(?:es?|ed|ing) in|(?:moved|travell?ed|flew) "
        r"(?:to|from)|raised in|visiting from|transferred from|native of|hometown(?: is|:)?) )"
        rf"(?P<LOCATION>{_CITY})",
        0.6,
        whole(_below_state),
    ),
    Form(
        "LOCATION",
        r"\b(?P<LOCATION>[A-Z][A-Za-z.'-]{1,20}(?:[ ](?:of[ ])?[A-Z][A-Za-z.'-]{1,20}){0,3})[ ]"
        r"(?:Hospital|Medical Center|Clinic|Health Center|Nursing Home|Hospice|Infirmary|Sanatorium"
        r"|Medical Group|Health System|Rehabilitation Center|Cancer Center|Surgery Center)\b",
        0.6,
        whole(_named_facility),
    ),
    Form("ZIP_CODE", rf"\b(?:{_CODES}|{_STATE_NAMES})[ ]{{1,2}}(?P<ZIP_CODE>{_ZIP})\b", 0.8),
    Form(
        "ZIP_CODE",
        r"(?i:\b(?:zip|postal|post)[ _-]?(?:code)?[\s\"':=#]{0,6}(?:is )?)"
        r"(?P<ZIP_CODE>\d{3,6}(?:-\d{4})?|[A-Za-z]\d[A-Za-z] ?\d[A-Za-z]\d"
        r"|[A-Za-z]{1,2}\d[A-Za-z\d]? ?\d[A-Za-z]{2})\b",
        0.85,
    ),
)
