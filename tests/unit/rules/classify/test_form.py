"""Checks that a form can ask for."""

from rules.classify.form import at_least, longest, whole


def test_at_least_counts_letters_and_digits():
    assert at_least(3)("a-12") == 4
    assert at_least(4)("a-12") == 0


def test_whole_takes_all_or_nothing():
    assert whole(str.isdigit)("12") == 2
    assert whole(str.isdigit)("1x") == 0


def test_longest_gives_up_words_at_the_end():
    assert longest(lambda v: v.endswith("b"))("a b c d") == 3
    assert longest(lambda _: False)("a b") == 0
