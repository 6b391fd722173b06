"""Overlaps: every character that was found stays covered, by one kind only."""

from rules.classify.recognizer import Finding
from rules.classify.settle import settle


def _spans(*findings):
    return [(f.slot, f.start, f.end, f.entity) for f in settle(Finding(*f) for f in findings)]


def test_findings_come_out_by_slot_and_start():
    assert _spans((1, 0, 2, "A", 0.5), (0, 5, 6, "A", 0.5), (0, 1, 2, "A", 0.5)) == [
        (0, 1, 2, "A"),
        (0, 5, 6, "A"),
        (1, 0, 2, "A"),
    ]


def test_one_kind_that_touches_becomes_one_and_two_kinds_stay_two():
    assert _spans((0, 0, 3, "A", 0.5), (0, 3, 6, "A", 0.9)) == [(0, 0, 6, "A")]
    assert _spans((0, 0, 3, "A", 0.5), (0, 3, 6, "B", 0.9)) == [(0, 0, 3, "A"), (0, 3, 6, "B")]


def test_the_higher_score_wins_and_covers_both():
    assert _spans((0, 0, 5, "A", 0.5), (0, 3, 8, "B", 0.9)) == [(0, 0, 8, "B")]
    assert _spans((0, 0, 5, "A", 0.9), (0, 3, 8, "B", 0.5)) == [(0, 0, 8, "A")]
    assert _spans((0, 0, 9, "A", 0.5), (0, 3, 5, "B", 0.9)) == [(0, 0, 9, "B")]
    assert _spans((0, 0, 9, "A", 0.9), (0, 3, 5, "B", 0.5)) == [(0, 0, 9, "A")]


def test_among_equal_scores_the_longer_wins_by_its_own_length():
    assert _spans((0, 0, 4, "A", 0.5), (0, 2, 8, "B", 0.5)) == [(0, 0, 8, "B")]
    # B grew over A to 8 characters, but C is longer than B was.
    assert _spans((0, 0, 2, "A", 0.1), (0, 1, 4, "B", 0.5), (0, 3, 9, "C", 0.5)) == [(0, 0, 9, "C")]
