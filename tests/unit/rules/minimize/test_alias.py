import pytest

from rules.minimize.alias import People, Written


def groups(*forms: str) -> list[int]:
    people = People()
    return [people.group(form) for form in forms]


@pytest.mark.parametrize(
    "forms",
    [
        ("Anna O'Donnell", "Mrs. O'Donnell", "O'Donnell", "Anna", "ANNA O\u2019DONNELL"),
        ("Mrs. O'Donnell", "Anna O'Donnell", "Anna"),
        ("O'Donnell, Anna", "Anna O'Donnell", "Ms O'Donnell", "A. O'Donnell", "O'Donnell's"),
        ("John Q. Smith", "John Smith", "Smith, John Quincy", "Smith"),
        ("Dr. Sarah Wilson", "Dr. Wilson", "Wilson"),
        ("Sarah Wilson, MD", "Dr. Wilson"),
        ("J. Smith", "John Smith"),
        ("Maria do Carmo", "Ms Carmo", "Carmo Carmo"),
        ("Smith", "J. Smith"),
    ],
)
def test_forms_of_one_person(forms: tuple[str, ...]) -> None:
    assert set(groups(*forms)) == {0}


@pytest.mark.parametrize(
    "forms",
    [
        ("John Smith", "Mary Smith"),
        ("Mr. Smith", "Mrs. Smith"),
        ("John Smith Jr", "John Smith Sr"),
        ("John Smith", "Dr. Smith"),
        ("Dr. Lee", "John Lee"),
        ("James Wilson", "Mr. James"),
        ("Anna Smith", "B. Smith"),
        ("J. Smith", "K. Smith"),
        ("Dr.", "J."),
        ("王小明", "李小明"),
    ],
)
def test_different_people(forms: tuple[str, ...]) -> None:
    assert groups(*forms) == [0, 1]


def test_form_that_suits_two_people_is_neither_and_nobody_joins_it() -> None:
    forms = ("John Smith", "Mary Smith", "Smith", "Dr. Smith", "Peter Smith")
    assert groups(*forms) == [0, 1, 2, 3, 4]


def test_later_names_do_not_regroup_earlier_ones() -> None:
    forms = ["Mr. Smith", "Anna Jones", "John Smith", "Jones", "Mary Smith", "Smith", "P. Jones"]
    whole = groups(*forms)
    assert all(groups(*forms[:n]) == whole[:n] for n in range(len(forms)))


def test_word_that_many_names_share_no_longer_joins_them() -> None:
    crowd = [f"{chr(97 + i)}{chr(97 + j)}x Smith" for i in range(10) for j in range(10)]
    assert groups(*crowd, "Mr. Smith") == list(range(101))


def test_written_forms() -> None:
    strict, loose = Written(loose=False), Written(loose=True)
    assert [strict.group(f) for f in ("1/12/2020", "11/2/2020", "1/12/2020 ")] == [0, 1, 0]
    assert [strict.group(f) for f in ("A@B.org", "a@b.ORG")] == [2, 2]
    assert [loose.group(f) for f in ("(555) 123-4567", "555.123.4567", "555")] == [0, 0, 1]
    assert [loose.group(f) for f in ("--", "-")] == [2, 3]
