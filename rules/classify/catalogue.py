"""The kinds of identifiers that are known here, and the labels a call can carry.

Names are Presidio's where Presidio has the kind. `safe_harbor` is each kind's item in the list of
45 CFR 164.514(b)(2)(i), A to R; kinds without one are not protected health information but secrets.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind: the word that its tokens are made with, and its Safe Harbor item if it has one."""

    stem: str
    safe_harbor: str = ""


ENTITIES: Final = MappingProxyType(
    {
        "PERSON": Entity("PERSON", "A"),
        "STREET_ADDRESS": Entity("ADDRESS", "B"),
        "LOCATION": Entity("PLACE", "B"),
        "ZIP_CODE": Entity("ZIP", "B"),
        "DATE_TIME": Entity("DATE", "C"),
        "AGE_OVER_89": Entity("AGE", "C"),
        "PHONE_NUMBER": Entity("PHONE", "D"),
        "EMAIL_ADDRESS": Entity("EMAIL", "F"),
        "US_SSN": Entity("SSN", "G"),
        "US_ITIN": Entity("ITIN", "G"),
        "MEDICAL_RECORD_NUMBER": Entity("MRN", "H"),
        "MEMBER_ID": Entity("MEMBER", "I"),
        "US_MBI": Entity("MBI", "I"),
        "ACCOUNT_NUMBER": Entity("ACCOUNT", "J"),
        "CREDIT_CARD": Entity("CARD", "J"),
        "IBAN_CODE": Entity("IBAN", "J"),
        "US_NPI": Entity("NPI", "K"),
        "DEA_NUMBER": Entity("DEA", "K"),
        "US_DRIVER_LICENSE": Entity("LICENSE", "K"),
        "VEHICLE_ID": Entity("VEHICLE", "L"),
        "DEVICE_ID": Entity("DEVICE", "M"),
        "URL": Entity("URL", "N"),
        "IP_ADDRESS": Entity("IP", "O"),
        "API_KEY": Entity("SECRET"),
    }
)

# `phi`: an identifier with a Safe Harbor item; `secrets`: a credential; `unreadable`: a part that
# no recognizer can look into, such as an image.
LABELS: Final = frozenset({"phi", "secrets", "unreadable"})
