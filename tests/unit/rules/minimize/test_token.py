import re

import pytest

from rules.minimize import token
from rules.minimize.token import Numbering, NumberingError, lookalikes


def test_ordinals_count_per_stem_in_order_of_appearance() -> None:
    numbering = Numbering()
    asked = [
        ("PERSON", "Anna O'Donnell"),
        ("DATE_TIME", "2020-01-02"),
        ("PERSON", "John Smith"),
        ("PERSON", "Anna O'Donnell"),
        ("DATE_TIME", "2020-01-03"),
    ]
    tokens = [numbering.token(*each) for each in asked]
    assert tokens == ["[PERSON_1]", "[DATE_1]", "[PERSON_2]", "[PERSON_1]", "[DATE_2]"]


def test_other_forms_get_a_letter_and_keep_their_own_value() -> None:
    numbering = Numbering()
    forms = ["Anna O'Donnell", "Mrs. O'Donnell", "O'Donnell"]
    assert [numbering.token("PERSON", form) for form in forms] == [
        "[PERSON_1]", "[PERSON_1B]", "[PERSON_1C]",
    ]  # fmt: skip
    assert list(numbering.values().values()) == forms
    assert numbering.key("PHONE_NUMBER", "555-123-4567") == "PHONE_1"
    assert numbering.key("PHONE_NUMBER", "(555) 123 4567") == "PHONE_1B"


def test_two_entities_with_one_stem_never_share_a_token_for_two_values() -> None:
    numbering = Numbering()
    values = {numbering.key(e, f"{e}-{n}") for e in ("US_SSN", "PERSON") for n in range(30)}
    assert len(values) == len(numbering.values()) == 60


def test_letters_run_out_into_a_new_ordinal() -> None:
    numbering = Numbering()
    keys = [numbering.key("PERSON", "Anna" + " " * n) for n in range(30)]
    assert len(set(keys)) == 30
    assert keys[24:27] == ["PERSON_1Z", "PERSON_2", "PERSON_2B"]
    assert not any(key.endswith(("A", "S")) for key in keys)


def test_lookalike_keeps_its_ordinal_and_moves_only_what_it_collides_with() -> None:
    numbering = Numbering(lookalikes("as in [person 2] or DATE-1"))
    names = ["Anna Lee", "John Smith", "Mary Jones"]
    assert [numbering.key("PERSON", n) for n in names] == ["PERSON_1", "PERSON_1002", "PERSON_3"]
    assert numbering.key("DATE_TIME", "2020") == "DATE_1001"


@pytest.mark.parametrize("pattern", [token.IN_TEXT, token.IN_JSON])
@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[person_1b's]", ("PERSON_1B", "'s")),
        ("mrn-12s", ("MRN_12", "s")),
        (r"\\[PERSON\_1\]", ("PERSON_1", "")),
    ],
)
def test_damaged_token_names_what_it_was(
    pattern: re.Pattern[str], text: str, named: tuple[str, str]
) -> None:
    match = pattern.fullmatch(text)
    assert match is not None
    assert token.key_of(match) == named


def test_every_form_that_would_be_restored_is_a_lookalike() -> None:
    text = r"[PERSON_1] [ person 2 ] [Person3] \[PERSON\_4\] person-5"
    text += r" xPERSON_6y PERSON\\_7 [PERSON_8's]"
    assert lookalikes(text) == {"PERSON": {1, 2, 3, 4, 5, 6, 7, 8}}
    assert lookalikes("person 1, PERSON_1234567, [note 3], age 45, [1]") == {}
    assert lookalikes("on 2026-10-02 [by phone], follow-up of COVID-19 in x_2") == {}


def test_ordinals_are_never_used_twice_and_end_with_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(token, "_TOO_HIGH", 10)
    monkeypatch.setattr(token, "_JUMP", 3)
    numbering = Numbering({"MRN": {1, 4, 7, 2}})
    keys = [numbering.key("MEDICAL_RECORD_NUMBER", f"{n}") for n in range(5)]
    assert keys == ["MRN_5", "MRN_3", "MRN_8", "MRN_6", "MRN_9"]
    with pytest.raises(NumberingError, match=r"^too many values of one kind in a call$"):
        numbering.key("MEDICAL_RECORD_NUMBER", "77")


def test_unknown_entity_is_refused() -> None:
    with pytest.raises(KeyError, match="COLOUR"):
        Numbering().key("COLOUR", "red")


def test_repr_shows_no_value() -> None:
    numbering = Numbering()
    numbering.key("PERSON", "Anna")
    assert repr(numbering) == "Numbering(1 stems)"
