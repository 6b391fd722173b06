"""RE2 as the recognizers call it: spans, anchors, groups."""

from rules.classify.linear import ANYWHERE, HERE, WHOLE, group_names, matcher, which


def test_a_match_is_told_by_its_span():
    match = matcher(r"a+|ab")
    assert match(ANYWHERE, b"xxaab", 0, 5)[0] == (2, 4)
    assert match(HERE, b"xxaab", 0, 5)[0] == (-1, -1)
    assert match(HERE, b"xxaab", 3, 5)[0] == (3, 4)
    assert match(WHOLE, b"xxaab", 3, 5)[0] == (3, 5)


def test_the_longest_match_is_told_where_it_is_asked_for():
    assert matcher(r"a|ab", longest=True)(HERE, b"ab", 0, 2)[0] == (0, 2)


def test_groups_are_told_by_number():
    pattern = r"(?P<A>x)|(?P<B>y)"
    spans = matcher(pattern, groups=True)(WHOLE, b"y", 0, 1)
    assert {name: spans[number] for name, number in group_names(pattern)} == {
        "A": (-1, -1),
        "B": (0, 1),
    }


def test_all_patterns_that_match_a_whole_text_are_told():
    assert sorted(which([r"\d+", r"\w+", r"x"])(b"12")) == [0, 1]
    assert which([r"\d+"])(b"12 ") == []
