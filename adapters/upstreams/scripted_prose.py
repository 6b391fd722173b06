"""What the embedded provider says: plausible clinical answers made from what the prompt gave it.

Pure and deterministic. It uses the prompt's own values (tokens, or plain text where the prompt was
not minimized), so that an answer shows whether restoring works. It must never be taken for medical
advice: it repeats, it does not know.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

import orjson

# Invented; of an area and group that are issued, so that recognizers take it for real.
LEAKED_SSN: Final = "536-22-8145"

_TOKEN: Final = r"\[{stem}_\d+[A-Z]?\]"  # noqa: S105 - the shape of a token
_PERSON: Final = re.compile(
    r"(?:(?i:patient|name|member|for|of)\b[ \t]*:?[ \t]+)"
    r"((?:[A-Z][\w'\u2019-]+)(?:[ \t][A-Z][\w'\u2019.-]*){1,2})"
)
_DATE: Final = re.compile(r"\b(?:\d{1,2}/\d{1,2}/\d{2,4}|\d{4}-\d{2}-\d{2})\b")
_MEMBER: Final = re.compile(r"(?i)\bmember(?: id)?\b[ \t#:.no]*([A-Z]{0,4}\d[\w -]{3,18}\d)")
_MRN: Final = re.compile(r"(?i)\bMRN\b[ \t#:]*(\w{4,14})")
_DRUG: Final = re.compile(
    r"(?i)\b((?:metformin|insulin \w+|lisinopril|losartan|amlodipine|metoprolol|atorvastatin|"
    r"simvastatin|warfarin|apixaban|aspirin|furosemide|levothyroxine|omeprazole|albuterol|"
    r"prednisone|gabapentin|sertraline|ceftriaxone|azithromycin|amoxicillin|heparin)"
    r"(?:[ \t]\d+(?:\.\d+)?[ \t]?(?:mg|mcg|g|units?|mL))?"
    r"(?:[ \t](?:once|twice|three times)?[ \t]?(?:daily|weekly|nightly))?)"
)
_PROBLEM: Final = re.compile(
    r"(?i)\b(type [12] diabetes(?: mellitus)?|hypertension|(?:community-acquired )?pneumonia|"
    r"heart failure|atrial fibrillation|asthma|COPD|chronic kidney disease|sepsis|stroke|"
    r"hyperlipidemia|anemia|depression|osteoarthritis|cellulitis|urinary tract infection|"
    r"myocardial infarction|hypothyroidism|migraine|appendicitis|fracture)\b"
)
_LAB: Final = re.compile(
    r"(?i)\b((?:HbA1c|A1c|creatinine|potassium|sodium|hemoglobin|glucose|LDL|INR|troponin|WBC|"
    r"eGFR|TSH|BNP|lactate|CRP)\b[^.;,\n\d]{0,12}\d+(?:\.\d+)?(?:[ \t]?(?:%|[mµ]?g/d?L|mmol/L))?)"
)


@dataclass(frozen=True, slots=True, repr=False)
class Found:
    """The values of a prompt that an answer can use, each list in order of appearance."""

    people: tuple[str, ...]
    dates: tuple[str, ...]
    members: tuple[str, ...]
    records: tuple[str, ...]
    drugs: tuple[str, ...]
    problems: tuple[str, ...]
    labs: tuple[str, ...]

    @property
    def patient(self) -> str:
        """The first person who is not introduced as a doctor, or a neutral word."""
        return self.people[0] if self.people else "the patient"


def look(text: str) -> Found:
    """Find what a prompt gives an answer to work with."""
    return Found(
        people=_people(text),
        dates=_tokens("DATE", text) or _all(_DATE, text),
        members=_tokens("MEMBER", text) or _all(_MEMBER, text),
        records=_tokens("MRN", text) or _all(_MRN, text),
        drugs=_all(_DRUG, text),
        problems=_all(_PROBLEM, text),
        labs=_all(_LAB, text),
    )


def _people(text: str) -> tuple[str, ...]:
    tokens = re.compile(r"(Dr\.? )?(" + _TOKEN.format(stem="PERSON") + ")").findall(text)
    if not tokens:
        return _all(_PERSON, text)
    doctors = {person for title, person in tokens if title}
    people = dict.fromkeys(person for _, person in tokens)
    # A letter behind the ordinal marks another form of a name, such as the bare surname.
    full = [p for p in people if p[-2].isdigit() or f"{p[:-2]}]" not in people]
    return tuple(sorted(full, key=lambda person: person in doctors))


def _tokens(stem: str, text: str) -> tuple[str, ...]:
    return _all(re.compile("(" + _TOKEN.format(stem=stem) + ")"), text)


def _all(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    matches = pattern.finditer(text)
    return tuple(dict.fromkeys((m.group(1) if m.re.groups else m.group()).strip() for m in matches))


def answer(question: str, context: str) -> str:
    """Return the answer to `question`, the last thing the user said, within all of `context`."""
    found = look(question if look(question).people else context)
    asked = f"{context}\n{question}".lower()
    if re.search(r"\bclaims?\b|eligib|coverage|prior auth|denied|member id", question.lower()):
        return _claim(found)
    if "discharge" in asked and re.search(r"summar|note", asked):
        return _discharge(found)
    if re.search(r"\bletter\b|referral", asked):
        return _letter(found)
    return _paragraph(found)


def _listed(values: tuple[str, ...], otherwise: str) -> str:
    if not values:
        return otherwise
    return values[0] if len(values) == 1 else ", ".join(values[:-1]) + " and " + values[-1]


def _claim(found: Found) -> str:
    member = found.members[0] if found.members else "the member number on the card"
    visit = f" for the visit on {found.dates[0]}" if found.dates else ""
    return (
        f"I looked at the claim of {found.patient} under member number {member}{visit}. "
        "It was denied because the documentation of medical necessity was missing, not because "
        "of the coverage itself.\n\n"
        "To have it reviewed again, please send:\n"
        "1. the visit note with the diagnosis and the reason for the procedure,\n"
        f"2. a corrected claim form that shows {member},\n"
        "3. the referral, if the plan asks for one.\n\n"
        f"{found.patient} has a right to appeal; the deadline is printed on the denial letter."
    )


def _discharge(found: Found) -> str:
    record = f" (record {found.records[0]})" if found.records else ""
    stay = found.dates[1:3] if len(found.dates) > 2 else found.dates[:2]
    doctor = found.people[-1] if len(found.people) > 1 else "the family doctor"
    return (
        "## Discharge summary\n\n"
        f"**Patient:** {found.patient}{record}\n"
        f"**Dates of the stay:** {_listed(stay, 'not stated')}\n\n"
        f"### Diagnoses\n{_listed(found.problems, 'See the note of admission.')}\n\n"
        f"### Course\n{found.patient} was treated and improved steadily. "
        f"Findings that matter: {_listed(found.labs, 'none out of range')}.\n\n"
        f"### Medication\n{_listed(found.drugs, 'No change to the medication at home.')}\n\n"
        f"### Follow-up\n{found.patient} will be seen by {doctor}"
        + (f" on {found.dates[-1]}" if found.dates else " within two weeks")
        + ". Return at once for fever, chest pain or shortness of breath."
    )


def _letter(found: Found) -> str:
    doctor = found.people[-1] if len(found.people) > 1 else "Colleague"
    return (
        f"Dear {doctor},\n\nthank you for seeing {found.patient}. "
        f"Known problems: {_listed(found.problems, 'none on file')}. "
        f"Current medication: {_listed(found.drugs, 'none on file')}. "
        f"Latest results: {_listed(found.labs, 'none on file')}.\n\n"
        f"I would be grateful for your opinion on {found.patient}.\n\nWith kind regards"
    )


def _paragraph(found: Found) -> str:
    when = f" Dates that matter: {_listed(found.dates, '')}." if found.dates else ""
    return (
        f"In short, {found.patient} is under treatment for "
        f"{_listed(found.problems, 'the complaint described')}. "
        f"Medication: {_listed(found.drugs, 'as before')}. "
        f"Results: {_listed(found.labs, 'nothing new')}.{when} "
        f"The next step for {found.patient} is a follow-up visit to check progress."
    )


def from_tool(result: str) -> str:
    """Return an answer that passes on what a tool reported."""
    try:
        value: Any = orjson.loads(result)
    except orjson.JSONDecodeError:
        return f"The lookup came back with this: {result[:400]}"
    if isinstance(value, dict):
        facts = [f"{name.replace('_', ' ')}: {_plain(inner)}" for name, inner in value.items()]
        return "This is what the lookup found. " + "; ".join(facts[:12]) + "."
    return f"This is what the lookup found: {_plain(value)}."


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
