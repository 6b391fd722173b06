"""Lists are read line by line."""

from rules.classify.gazetteer import Gazetteer


def test_comments_and_blank_lines_are_left_out_and_case_is_folded():
    lists = Gazetteer.from_lines(["# source\n", "Anna\n", "\n"], [" SMITH "], ["rose"])
    assert lists == Gazetteer(frozenset({"anna"}), frozenset({"smith"}), frozenset({"rose"}))
    assert "anna" not in repr(lists)
