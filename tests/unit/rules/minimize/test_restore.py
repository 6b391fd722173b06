import pytest

from rules.minimize.restore import TokenMap

TOKENS = TokenMap(
    {
        "PERSON_1": "Anna",
        "PERSON_1B": 'Mrs. "O"',
        "PERSON_12": "Zed",
        "MRN_1": "[PERSON_1]",
        "NPI_1": "77",
    }
)

RESTORED = [
    ("[PERSON_1]", "Anna"),
    ("[person_1] and [Person_1]", "Anna and Anna"),
    ("[ PERSON 1 ]", "Anna"),
    ("[PERSON1]", "Anna"),
    ("see PERSON_1.", "see Anna."),
    ("person-1", "Anna"),
    ("[PERSON_1]'s", "Anna's"),
    ("[PERSON_1's] [PERSON_1s]", "Anna's Annas"),
    ("PERSON_1s and PERSON_1's", "Annas and Anna's"),
    ("**[PERSON_1]** _PERSON_1_", "**Anna** _Anna_"),
    (r"[PERSON\_1] \[PERSON_1\] \[PERSON\_1\]", "Anna Anna Anna"),
    ("[PERSON_12] PERSON_12", "Zed Zed"),
    ("[PERSON_1B] person_1b", 'Mrs. "O" Mrs. "O"'),
    ("x[PERSON_1]2", "xAnna2"),
    ("get_PERSON_1_record", "get_Anna_record"),
    ("\u60a3\u8005PERSON_1\u3002", "\u60a3\u8005Anna\u3002"),
    ("[[PERSON_1]]", "[Anna]"),
    ("\\[PERSON_1]", "\\Anna"),
    ("[MRN_1]", "[PERSON_1]"),
]

UNTOUCHED = [
    "person 1",
    "XPERSON_1",
    "PERSON_12x",
    "PERSON_1x",
    "PERSON_1a",
    "PERSON_1bx",
    "PERSON_13",
    "[PERSON_2]",
    "[PERSON_1C]",
    "[PERSON_01]",
    "[DATE_1]",
    "[PERSON_1234567]",
    "[PERSON   1]",
    "[PERSON_]",
    "plain [prose] with_underscores - and \\ more",
    "",
]


@pytest.mark.parametrize(("text", "restored"), RESTORED)
def test_small_damage_is_undone(text: str, restored: str) -> None:
    assert TOKENS.restore(text) == restored


@pytest.mark.parametrize("text", UNTOUCHED)
@pytest.mark.parametrize("json", [False, True])
def test_what_is_no_token_stays(text: str, json: bool) -> None:
    assert TOKENS.restore(text, json) == text


@pytest.mark.parametrize(
    ("text", "restored"),
    [
        ('{"who": "[PERSON_1B]"}', '{"who": "Mrs. \\"O\\""}'),
        ('"\\nPERSON_1 \\u00e9PERSON_1"', '"\\nAnna \\u00e9Anna"'),
        ('"\\\\[PERSON\\\\_1\\\\]"', '"Anna"'),
        # The escape `\n` in front of other letters is not the `N` of `NPI_1`.
        ('"\\nPI_1"', '"\\nPI_1"'),
    ],
)
def test_json_lane_stays_json(text: str, restored: str) -> None:
    assert TOKENS.restore(text, json=True) == restored


@pytest.mark.parametrize("json", [False, True])
@pytest.mark.parametrize("text", [*(text for text, _ in RESTORED), *UNTOUCHED, '"\\u00e9PERSON_1"'])
def test_any_two_cuts_give_the_same(text: str, json: bool) -> None:
    whole = TOKENS.restore(text, json)
    for first in range(len(text) + 1):
        for second in range(first, len(text) + 1):
            restorer = TOKENS.restorer(json)
            pieces = [text[:first], text[first:second], text[second:]]
            assert "".join(map(restorer.feed, pieces)) + restorer.finish() == whole


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("The quick brown fox", "The quick brown fox"),
        ("a [note that", "a [note that"),
        ("it happened per", "it happened "),
        ("it happened pers.", "it happened pers."),
        ("see date_1", "see date_1"),
        ("see [PERSON_1", "see "),
        ("see pers_", "see pers_"),
        ("see [pers ", "see [pers "),
        ("see [PERSON_1]", "see Anna"),
        ("see PERSON_1", "see "),
        ("see PERSON_1 ", "see Anna "),
        ("[PERSON_1234567", "[PERSON_1234567"),
        ("ends in a list [", "ends in a list "),
        ("ends in a list [x", "ends in a list [x"),
        ("[DATE_1\\", "[DATE_1"),
    ],
)
def test_only_the_beginning_of_a_token_that_exists_is_held_back(text: str, left: str) -> None:
    restorer = TOKENS.restorer(json=False)
    assert restorer.feed(text) == left


def test_empty_map_gives_back_what_came() -> None:
    tokens = TokenMap({})
    restorer = tokens.restorer(json=False)
    piece = "see [PERSON_1"
    assert restorer.feed(piece) is piece
    assert restorer.finish() == ""
    assert tokens.restore(piece) is piece
    assert len(tokens) == 0


def test_counts_and_reprs_show_no_value() -> None:
    restorer = TOKENS.restorer(json=False)
    restorer.feed("see [PERSON_1")
    assert TOKENS.counts() == {"PERSON": 3, "MRN": 1, "NPI": 1}
    assert len(TOKENS) == 5
    assert repr(TOKENS) == "TokenMap(5 tokens)"
    assert repr(restorer) == "Restorer(9 characters held)"
