"""Dates more precise than a year, and ages over 89 (45 CFR 164.514(b)(2)(i)(C)).

A bare year and a time of day alone are no findings.
"""

import re
from typing import Final

from rules.classify.form import Form, whole

_DAY: Final = r"(?:0?[1-9]|[12]\d|3[01])"
_FULL_DAY: Final = r"(?:0[1-9]|[12]\d|3[01])"
_MONTH: Final = r"(?:0?[1-9]|1[0-2])"
_FULL_MONTH: Final = r"(?:0[1-9]|1[0-2])"
_YEAR: Final = r"(?:18|19|20)\d\d"
# A date ends with a word, or goes on with a time of day.
_TIME: Final = (
    r"(?:\b|,?(?:T|[ ]{1,2}|[ ]at[ ])\d{1,2}:\d\d(?::\d\d(?:\.\d{1,9})?)?"
    r"(?:[ ]?(?i:[ap]\.?m\b))?(?:Z|[+-]\d\d:?\d\d)?)"
)
# `may` and `march` are verbs unless a capital says otherwise.
_NAME: Final = (
    r"(?:(?i:january|february|april|june|july|august|september|october|november|december"
    r"|jan|feb|apr|jun|jul|aug|sept?|oct|nov|dec)|March|May|Mar|MARCH|MAY|MAR)\b\.?"
)
_ORDINAL: Final = r"(?:st|nd|rd|th)?"
_ON: Final = (
    r"(?i:\b(?:on|since|dated|until|before|after|from|through|date|dos|seen|visit|admitted|discharged)"
    r"[ :]{1,2})"
)
_BIRTH: Final = (
    r"(?i:\b(?:d\.?o\.?b|date[ _]?of[ _]?birth|birth[ _]?(?:date|day)|born(?: on)?|deceased"
    r"|d\.?o\.?d|date[ _]?of[ _]?death)[\s\"':=#.)-]{0,6}(?:is )?)"
)
_UNITS: Final = "one|two|three|four|five|six|seven|eight|nine"
# Ages that the Safe Harbor method does not let pass: all over 89. They end at 139.
_OLD: Final = (
    rf"(?:9\d|1[0-3]\d|ninety(?:[ -](?:{_UNITS}))?"
    rf"|(?:one|a) hundred(?:(?: and)? (?:{_UNITS}|ten))?)"
)
_YEARS_OLD: Final = r"[ -]?(?:years?|yrs?|y)\.?(?:[ -]?old|[ ]of[ ]age|[ ]?/[ ]?o|[ -]?o\b|\.o\b)"


def _calendar(value: str) -> bool:
    """Two numbers before a year can be a month and a day, in either order."""
    first, second = (int(part) for part in re.split(r"[/.-]", value)[:2])
    return min(first, second) <= 12


DATES: Final = (
    # ISO 8601, with `/` and `.` as variants.
    Form("DATE_TIME", rf"\b{_YEAR}-{_MONTH}-{_DAY}{_TIME}", 0.9),
    Form("DATE_TIME", rf"\b{_YEAR}[/.]{_MONTH}[/.]{_DAY}{_TIME}", 0.8),
    Form("DATE_TIME", rf"\b{_DAY}[/.-]{_DAY}[/.-]{_YEAR}{_TIME}", 0.9, whole(_calendar)),
    Form("DATE_TIME", rf"\b{_DAY}/{_DAY}/\d\d{_TIME}", 0.8, whole(_calendar)),
    Form("DATE_TIME", rf"\b{_FULL_DAY}-{_FULL_DAY}-\d\d{_TIME}", 0.6, whole(_calendar)),
    # HL7 v2 DTM, which FHIR and claims use too where they are compact.
    Form(
        "DATE_TIME",
        rf"\b(?:19|20)\d\d{_FULL_MONTH}{_FULL_DAY}"
        r"(?:[0-2]\d[0-5]\d(?:[0-5]\d(?:\.\d{1,4})?)?)?(?:[+-]\d{4})?\b",
        0.7,
    ),
    Form("DATE_TIME", rf"\b{_MONTH}/{_YEAR}\b", 0.6),
    Form("DATE_TIME", rf"\b{_YEAR}-{_FULL_MONTH}\b", 0.5),
    Form(
        "DATE_TIME",
        rf"{_ON}(?P<DATE_TIME>{_MONTH}/{_DAY}(?:/(?:{_YEAR}|\d\d)(?:{_TIME})?)?)\b",
        0.5,
    ),
    # Months by name: `March 4, 2026`, `4th of March 2026`, `04-Mar-2026`, `March 2026`, `March 4`.
    Form(
        "DATE_TIME",
        rf"\b{_NAME}[ ]{{0,2}}[ -]?{_DAY}{_ORDINAL}\b(?:(?:,?[ ]|,|-|[ ]of[ ])'?{_YEAR})?{_TIME}",
        0.85,
    ),
    Form(
        "DATE_TIME",
        rf"\b{_DAY}{_ORDINAL}[ -]?(?:of[ ])?{_NAME}(?:(?:,?[ ]|,|-)(?:{_YEAR}|\d\d))?{_TIME}",
        0.85,
    ),
    Form("DATE_TIME", rf"\b{_NAME}(?:,?[ ](?:of[ ])?|-){_YEAR}\b", 0.7),
    Form(
        "DATE_TIME",
        rf"{_BIRTH}(?P<DATE_TIME>\d{{1,2}}[/. -]\d{{1,2}}[/. -]\d{{2,4}}|\d{{6}}|\d{{8}})\b",
        0.95,
    ),
    Form("AGE_OVER_89", rf"(?i:\b(?P<AGE_OVER_89>{_OLD}){_YEARS_OLD})", 0.9),
    Form(
        "AGE_OVER_89",
        r"(?i:\b(?:aged?|turn(?:ed|ing|s)|age[ ](?:is|of)|at age)[\s\"':=]{1,4}"
        rf"(?P<AGE_OVER_89>{_OLD}))\b",
        0.7,
    ),
    Form(
        "AGE_OVER_89",
        r"(?i:\b(?:her|his|their|the)[ ](?:early[ -]|mid[ -]?|late[ -])?"
        r"(?P<AGE_OVER_89>(?:9|10)0'?s|nineties))\b",
        0.8,
    ),
    Form("AGE_OVER_89", r"(?i:\b(?:nonage|cente)narian\b)", 0.7),
)
