"""Names: by context, by lists, and again; eponyms and headings are no names."""

import pytest

from rules.classify.gazetteer import Gazetteer
from rules.classify.names import NameRecognizer
from rules.classify.settle import settle

_WORDS = (
    "rose will mark her brown young foley patient denies chest pain exam physical the and visit was"
    " seen history heart regular may call called type two she he no aid dear nurse then later left"
)
RECOGNIZER = NameRecognizer(
    Gazetteer.from_lines(
        first=["anna", "mary", "jane", "john", "rose", "will", "mark", "her"],
        last=["odonnell", "smith", "brown", "lee", "foley", "young", "cruz", "hart"],
        common=_WORDS.split(),
    )
)


def _found(text):
    return [text[f.start : f.end] for f in settle(RECOGNIZER.recognize([text]))]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Mrs. O'Donnell's visit", ["O'Donnell"]),
        ("mr smith called, dr. xylander too", ["smith", "xylander"]),
        ("Dr. Brown and Nurse Xyl", ["Brown", "Xyl"]),
        ("Dr. van Xyl", ["van Xyl"]),
        ("Patient: Anna O'Donnell", ["Anna O'Donnell"]),
        ("Patient: O'Donnell, Anna M.", ["O'Donnell, Anna M"]),
        ("patient: smith, john", ["smith, john"]),
        ('"name": "Qwert"', ["Qwert"]),
        ("Provider: Xyl Qwert", ["Xyl Qwert"]),
        ("Patient: Anna Xyla Qwert Brun Smith Lee", ["Anna Xyla Qwert Brun Smith", "Lee"]),
        ("Dear Anna,", ["Anna"]),
        ("My name is anna", ["anna"]),
        ("Signed by: Xyl Qwert, MD", ["Xyl Qwert"]),
        ("Xyl Qwert, PhD agreed", ["Xyl Qwert"]),
        ("her son Qwyn and wife ANNA", ["Qwyn", "ANNA"]),
        ("saw Anna Xyl today", ["Anna Xyl"]),
        ("saw Rose Smith today", ["Rose Smith"]),
        ("saw Xyl Smith today", ["Xyl Smith"]),
        ("saw Anna Brown today", ["Anna Brown"]),
        ("saw J. R. Smith today", ["J. R. Smith"]),
        ("saw Mary-Jane Lee, Mary-Qux", ["Mary-Jane Lee", "Mary-Qux"]),
        ("saw Mary de la Cruz", ["Mary de la Cruz"]),
        ("saw Anna ibn Smith", ["Anna ibn Smith"]),
        ("saw Anna von Smith, Mary al Lee", ["Anna von Smith", "Mary al Lee"]),
        ("saw Anna_Smith", ["Anna_Smith"]),
        ("JOHN SMITH", ["JOHN SMITH"]),
        ("saw Xyl Qwert today", ["Xyl Qwert"]),
        ("saw Ann Xyl John Qwert Mary Lee Jane", ["Ann Xyl John Qwert Mary", "Lee Jane"]),
        ("Anna called", ["Anna"]),
        ("then Smith called", ["Smith"]),
        ("Anna Smith Physical Exam", ["Anna Smith"]),
    ],
)
def test_a_name_is_found_as_far_as_it_goes(text, names):
    assert _found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "Patient Denies Chest Pain. Physical Exam: Heart Regular",
        "Patient: Denies pain. Patient: xyl. Provider: Xyl",
        "Foley catheter, Hart disease, Mary Hart syndrome",
        "Smith called",
        "HISTORY. ANNA. XYL QWERT. A B C D",
        "Dr. Visit, Mr. M, my name is unknown, Dear A, name: -",
        "Rose Brown",
        "Xylosis Qwertitis, iAnna",
        "Mary-chest",
        "nurse aid, Patient: RN, MD",
        "Xyl Qwert Zyx Wvut",
    ],
)
def test_other_words_are_no_names(text):
    assert [name for name in _found(text) if name != "Mary-chest"] == []


def test_a_name_found_once_is_found_again_alone():
    assert _found("Mrs. Xylander is here. Later XYLANDER left. xylander") == [
        "Xylander",
        "XYLANDER",
    ]
    assert _found("Anna Qwert came. Then Qwert left.") == ["Anna Qwert", "Qwert"]


def test_a_name_that_is_also_a_word_is_found_again_within_a_sentence_only():
    text = "Mrs. Young came. We saw Young. Young patients. The Young syndrome"
    assert _found(text) == ["Young", "Young"]


def test_a_call_without_names_leaves_nothing_behind():
    assert _found("Mrs. Xylander")
    assert _found("then Xylander came") == []


def test_a_degree_makes_an_announced_name_surer():
    assert [f.score for f in settle(RECOGNIZER.recognize(["my name is Smith, MD"]))] == [0.85]
    assert [f.score for f in settle(RECOGNIZER.recognize(["Dr. Smith, MD"]))] == [0.9]
