"""Folding: what the eye takes for plain text becomes plain, and offsets lead back to it."""

import pytest

from rules.chat import SlotKind
from rules.classify.folding import OTHER, SEPARATOR, fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("plain", "plain"),
        ("José Ångström Łukasz", "Jose Angstrom Lukasz"),
        ("O\u2019Donnell \u201cx\u201d", 'O\'Donnell "x"'),
        ("\uff11\uff12\uff13\uff0d\uff14\uff15", "123-45"),
        ("٠٩", "09"),
        ("a\u00a0b\u2003c\u2028d", "a b c\nd"),
        ("1\u20112\u20133\u22124", "1-2-3-4"),
        ("\uff21nna\uff20x\uff0eorg", "Anna@x.org"),
        ("\u0410nna", "Anna"),
        ("Ωμ", "Qq"),
        ("张x½©", OTHER + "x" + OTHER + OTHER),
        ("\U0001d7cf\U0001f600", "1" + OTHER),
        (f"a{SEPARATOR}b", "a b"),
    ],
)
def test_text_is_folded_character_by_character(text, folded):
    result = fold(text)
    assert result.text == folded
    assert result.span(0, len(folded)) == (0, len(text))


def test_characters_without_width_are_left_out_and_counted():
    text = "a1\u200b2\u00ad3\ufeff e\u0301b"
    result = fold(text)
    assert result.text == "a123 eb"
    assert text[slice(*result.span(1, 4))] == "1\u200b2\u00ad3\ufeff"
    assert text[slice(*result.span(5, 6))] == "e\u0301"


def test_separators_never_survive_beside_characters_without_width():
    assert SEPARATOR not in fold(f"a\u200b{SEPARATOR}").text


def test_escapes_of_json_part_words_and_keep_their_place():
    text = r'{"a":"x\nMRN\t1\/2\"\\"}'
    result = fold(text, SlotKind.JSON)
    assert result.text == '{"a":"x\n MRN  1/ 2    "}'
    assert result.offsets is None


def test_unicode_escapes_are_read_and_lead_back():
    text = r'"Jos\u00e9 \n\u0031\u200b2é"'
    result = fold(text, SlotKind.JSON)
    assert result.text == '"Jose \n12e"'
    assert text[slice(*result.span(1, 5))] == r"Jos\u00e9"
    assert text[slice(*result.span(7, 9))] == r"\u0031\u200b2"


def test_a_backslash_outside_json_is_a_character():
    assert fold("a\\n\u200b").text == "a\\n"


@pytest.mark.parametrize("kind", [SlotKind.NAME, SlotKind.KEY])
def test_names_and_keys_are_parted_into_words(kind):
    assert fold("anna_ODonnell-lee_1-2", kind).text == "Anna ODonnell Lee 1-2"
