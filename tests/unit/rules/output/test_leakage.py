"""What counts as known, and what as a leak."""

import pytest

from rules.classify.recognizer import Finding
from rules.output.leakage import KnownValues, leaks, unescaped

SSN = "US_SSN"


def found(text: str, value: str, entity: str = SSN) -> tuple[Finding, ...]:
    start = text.index(value)
    return (Finding(0, start, start + len(value), entity, 0.9),)


@pytest.mark.parametrize(
    ("request_text", "entity", "value"),
    [
        ("ssn 219-09-9999", SSN, "219-09-9999"),
        ("ssn 219-09-9999", SSN, "219 09 9999"),
        ("ssn 219099999", SSN, "219\u201109\u20119999"),
        ("ssn \uff12\uff11\uff19-09-9999", SSN, "219-09-9999"),
        ("call (617) 555-0123", "PHONE_NUMBER", "+1 617.555.0123"),
        ("call 1-617-555-0123", "PHONE_NUMBER", "(617) 555-0123"),
        ("write to Anna.Lee@Example.org", "EMAIL_ADDRESS", "anna.lee@example.org"),
        ("MBI 1EG4-TE5-MK73", "US_MBI", "1eg4te5mk73"),
        ("record 4471 of today", "MEDICAL_RECORD_NUMBER", "4471"),
        ("Anna   O'Donnell\ncame in", "PERSON", "Anna O'Donnell"),
        ("Anna Lee's chart", "PERSON", "Anna Lee"),
        (r'{"name": "Ren\u00e9e", "n": "a\nAnna Lee"}', "PERSON", "Ren\u00e9e"),
        (r'{"note": "seen by\nAnna Lee"}', "PERSON", "Anna Lee"),
        ("id AB\u200b123456", "MEMBER_ID", "AB123456"),
    ],
)
def test_a_value_of_the_request_is_known_however_it_is_written(request_text, entity, value):
    assert KnownValues([request_text]).holds(entity, value)


@pytest.mark.parametrize(
    ("request_text", "entity", "value"),
    [
        ("ssn 219-09-9999", SSN, "219-09-9998"),
        ("call 617-555-0123", "PHONE_NUMBER", "617-555-0124"),
        ("Joanna came in, Annabel too", "PERSON", "Anna"),
        ("record 44712", "MEDICAL_RECORD_NUMBER", "4471"),
        ("first 12345", "ACCOUNT_NUMBER", "123456"),
        ("", SSN, "219-09-9999"),
        ("anything", "PERSON", " "),
    ],
)
def test_a_value_that_the_request_did_not_hold_is_not_known(request_text, entity, value):
    assert not KnownValues([request_text]).holds(entity, value)


def test_a_value_is_not_pieced_together_from_two_texts():
    assert not KnownValues(["room 219-09", "9999 beds"]).holds(SSN, "219-09-9999")
    assert not KnownValues(["Anna L", "ee"]).holds("PERSON", "Anna Lee")


def test_only_foreign_values_of_watched_kinds_leak():
    text = "SSN 219-09-9999 and 078-05-1120, call 617-555-0123"
    known = KnownValues(["the ssn is 219099999"])
    findings = (
        *found(text, "219-09-9999"),
        *found(text, "078-05-1120"),
        *found(text, "617-555-0123", "PHONE_NUMBER"),
    )
    assert leaks(text, findings, known, {SSN}) == (findings[1],)


@pytest.mark.parametrize("token", ["[SSN_1]", "SSN_1", "[ssn_12]", "[PERSON_1B]"])
def test_a_token_never_leaks(token):
    text = f"number {token} is on file"
    assert leaks(text, found(text, token), KnownValues([]), {SSN}) == ()


def test_the_request_is_not_looked_at_without_a_watched_finding():
    class Trap(KnownValues):
        __slots__ = ()

        def holds(self, entity: str, value: str) -> bool:
            raise AssertionError("looked")

    text = "call 617-555-0123"
    assert leaks(text, found(text, "617-555-0123", "PHONE_NUMBER"), Trap([]), {SSN}) == ()
    with pytest.raises(AssertionError, match="looked"):
        leaks(text, found(text, "617-555-0123"), Trap([]), {SSN})


def test_known_values_show_nothing_of_themselves():
    assert "219" not in repr(KnownValues(["219-09-9999"]))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"a\nb\tc", "a\nb\tc"),
        (r"\"x\" \/", '"x" /'),
        (r"one\\ntwo", "one\ntwo"),
        (r"C:\files\078", "C:\files078"),
        (r"219\u002d09", "219-09"),
        (r"\ud83d\ude00", "\ufffd\ufffd"),
        ("cut \\", "cut \\"),
        (r"cut \u00", "cut u00"),
    ],
)
def test_json_source_is_read_wherever_it_is_cut(source, text):
    assert unescaped(source) == text
