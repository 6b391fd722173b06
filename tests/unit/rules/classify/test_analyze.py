"""A whole call: context from keys, offsets in the caller's text, evasions, labels."""

from importlib import resources

import pytest

from rules.chat import SlotKind, TextSlot
from rules.classify.analyze import Analyzer
from rules.classify.gazetteer import Gazetteer
from rules.classify.recognizer import Finding

LISTS = resources.files("rules.classify") / "lists"


def _lines(name):
    return (LISTS / name).read_text("utf-8").splitlines()


ANALYZER = Analyzer(
    Gazetteer.from_lines(
        _lines("first_names.txt"), _lines("last_names.txt"), _lines("common_words.txt")
    )
)


def _slot(text, kind=SlotKind.TEXT, hint=""):
    return TextSlot(0, "user", kind, text, hint)


def _found(*slots):
    findings = ANALYZER.analyze(slots).findings
    return [(f.slot, f.entity, slots[f.slot].text[f.start : f.end]) for f in findings]


@pytest.mark.parametrize(
    ("hint", "text", "entity"),
    [
        ("mrn", "12345678", "MEDICAL_RECORD_NUMBER"),
        ("medicalRecordNumber", "12345678", "MEDICAL_RECORD_NUMBER"),
        ("memberId", "12345678", "MEMBER_ID"),
        ("patient_name", "Qwertin", "PERSON"),
        ("family", "Qwert", "PERSON"),
        ("birthDate", "1980-01-02", "DATE_TIME"),
        ("postalCode", "02139", "ZIP_CODE"),
        ("phone", "5551234567", "PHONE_NUMBER"),
    ],
)
def test_the_key_gives_a_value_its_meaning(hint, text, entity):
    assert _found(_slot("see"), _slot(text, hint=hint)) == [(1, entity, text)]
    if entity != "DATE_TIME":
        assert _found(_slot(text, hint="other")) == []


def test_what_stands_in_a_key_is_not_found_in_its_text():
    assert _found(_slot("ok", hint="123-45-6789")) == []


def test_no_pattern_crosses_from_one_text_to_the_next():
    assert _found(_slot("MRN:"), _slot("12345678")) == []
    assert _found(_slot("Mrs."), _slot("Qwert")) == []


def test_identifiers_in_json_are_found_in_its_source():
    text = r'{"n": "Mrs. Jos\u00e9 Smith\nMRN: 123456", "in": "{\"mrn\": \"777777\"}"}'
    assert _found(_slot(text, SlotKind.JSON)) == [
        (0, "PERSON", r"Jos\u00e9 Smith"),
        (0, "MEDICAL_RECORD_NUMBER", "123456"),
        (0, "MEDICAL_RECORD_NUMBER", "777777"),
    ]


@pytest.mark.parametrize("kind", [SlotKind.NAME, SlotKind.KEY])
def test_names_in_names_are_found_and_tools_are_not(kind):
    assert _found(_slot("anna_ODonnell", kind, "name")) == [(0, "PERSON", "anna_ODonnell")]
    assert _found(_slot("search_records", kind, "name"), _slot("Zyxlo", kind, "name")) == []


@pytest.mark.parametrize(
    "ssn",
    [
        "123\u200b-45-\u00ad6789",
        "\uff11\uff12\uff13-\uff14\uff15-\uff16\uff17\uff18\uff19",
        "123\u201145\u20116789",
        "123\u00a045\u00a06789",
        "1\u206023-45-67\ufeff89",
    ],
)
def test_typography_does_not_hide_an_identifier(ssn):
    assert _found(_slot(f"Ünïcödé: {ssn} ende")) == [(0, "US_SSN", ssn)]


def test_tokens_are_never_findings():
    text = "Name: [PERSON_1]. Dear [PERSON_1B], seen [DATE_2], MRN: [MRN_13], [not a token]"
    assert _found(_slot(text)) == []
    assert _found(_slot("[SSN_123-45-6789]")) == [(0, "US_SSN", "123-45-6789")]


def test_a_name_is_found_again_in_the_other_texts_of_the_call():
    assert _found(_slot("Mrs. Qwertin came."), _slot("then Qwertin left")) == [
        (0, "PERSON", "Qwertin"),
        (1, "PERSON", "Qwertin"),
    ]


def test_a_place_that_is_also_a_last_name_stays_a_place():
    assert _found(_slot("He lives in Coolidge now")) == [(0, "LOCATION", "Coolidge")]


def test_an_underscore_does_not_hide_an_identifier():
    text = (
        "export_123-45-6789_2024-01-02_Anna_Smith.txt, but ghp_abcdefghijklmnopqrstuvwxyz0123456789"
    )
    assert _found(_slot(text)) == [
        (0, "US_SSN", "123-45-6789"),
        (0, "DATE_TIME", "2024-01-02"),
        (0, "PERSON", "Anna_Smith"),
        (0, "API_KEY", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
    ]


def test_labels_say_what_kinds_there_are():
    assert ANALYZER.analyze([_slot("SSN 123-45-6789")]).labels == {"phi"}
    assert ANALYZER.analyze([_slot("AKIAIOSFODNN7EXAMPLE")]).labels == {"secrets"}
    assert ANALYZER.analyze([_slot("hello there")]).labels == frozenset()
    assert ANALYZER.analyze([]).findings == ()


def test_scan_reads_one_plain_text():
    assert ANALYZER.scan("SSN 123-45-6789") == (Finding(0, 4, 15, "US_SSN", 0.95),)


def test_another_recognizer_joins_in():
    class Places:
        def recognize(self, texts):
            return [
                Finding(
                    0, texts[0].index("Lutetia"), texts[0].index("Lutetia") + 7, "LOCATION", 0.9
                )
            ]

    analyzer = Analyzer(Gazetteer(frozenset(), frozenset(), frozenset()), [Places()])
    found = analyzer.analyze([_slot("x"), _slot("é in Lutetia")]).findings
    assert found == (Finding(1, 5, 12, "LOCATION", 0.9),)


def test_a_finding_beyond_its_text_is_cut_to_it():
    class Greedy:
        def recognize(self, texts):
            return [Finding(0, 0, len(texts[0]), "LOCATION", 0.9)]

    analyzer = Analyzer(Gazetteer(frozenset(), frozenset(), frozenset()), [Greedy()])
    assert analyzer.analyze([_slot("ab", hint="key"), _slot("cd")]).findings == (
        Finding(0, 0, 2, "LOCATION", 0.9),
    )


@pytest.mark.parametrize(
    "text",
    [
        "Parkinson disease, Foley catheter, Hodgkin lymphoma, Apgar score 9, Paget disease of bone",
        "CHIEF COMPLAINT: Chest Pain. HISTORY OF PRESENT ILLNESS. Review Of Systems. May improve.",
        "Past Medical History: Type 2 Diabetes Mellitus. Lisinopril, Metformin and Tylenol.",
        "Bell's palsy, Crohn's disease, Babinski negative, Jackson Pratt drain, Swan Ganz catheter",
    ],
)
def test_clinical_words_are_no_names(text):
    assert _found(_slot(text)) == []
