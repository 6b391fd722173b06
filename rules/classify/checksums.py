"""Check digits of identifiers: they tell a card or a provider number from any other run of digits.

Each function takes the identifier as text, with or without spaces and hyphens, and says whether its
check digits hold. They never raise: what does not have the right form does not hold.
"""

from typing import Final

_SEPARATORS: Final = str.maketrans("", "", " -")
# ISO 3779 transliteration: I, O and Q do not occur in a VIN.
_VIN_VALUES: Final = {
    **{str(digit): digit for digit in range(10)},
    **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
    **dict(zip("JKLMN", range(1, 6), strict=True)),
    "P": 7,
    "R": 9,
    **dict(zip("STUVWXYZ", range(2, 10), strict=True)),
}
_VIN_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def luhn(number: str) -> bool:
    """Check a number by the Luhn formula (ISO/IEC 7812-1, annex B)."""
    digits = number.translate(_SEPARATORS)
    if not _is_digits(digits):
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = ord(digit) - 48
        if place % 2:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return total % 10 == 0


def npi(number: str) -> bool:
    """Check a National Provider Identifier: ten digits, Luhn with prefix 80840 (45 CFR 162.406)."""
    digits = number.translate(_SEPARATORS)
    return len(digits) == 10 and digits[0] in "12" and luhn("80840" + digits)


def dea(number: str) -> bool:
    """Check a DEA registration number: a letter, a letter or 9, six digits, a check digit."""
    digits = number[2:]
    if len(number) != 9 or not number[0].isalpha() or not _is_digits(digits):
        return False
    values = [ord(digit) - 48 for digit in digits]
    return (sum(values[0:6:2]) + 2 * sum(values[1:6:2])) % 10 == values[6]


def vin(number: str) -> bool:
    """Check a vehicle identification number by its ninth character (49 CFR 565.15(c))."""
    text = number.upper()
    if len(text) != 17 or not all(char in _VIN_VALUES for char in text):
        return False
    pairs = zip(text, _VIN_WEIGHTS, strict=True)
    remainder = sum(_VIN_VALUES[char] * weight for char, weight in pairs) % 11
    return text[8] == ("X" if remainder == 10 else str(remainder))


def iban(number: str) -> bool:
    """Check an International Bank Account Number by its remainder modulo 97 (ISO 13616-1)."""
    text = number.translate(_SEPARATORS).upper()
    if not 15 <= len(text) <= 34 or not (text.isascii() and text.isalnum()):
        return False
    if not (text[:2].isalpha() and _is_digits(text[2:4])):
        return False
    return int("".join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 == 1


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
