"""The two guards over one lane: what leaves, when, and what is found."""

import re
from collections import Counter

import pytest

from rules.chat import Cut
from rules.classify.recognizer import Finding
from rules.output.leakage import KnownValues
from rules.output.schema import Problem
from rules.output.stream_guard import (
    CONTEXT,
    LONGEST,
    RUN,
    STEP,
    WINDOW,
    LeakageGuard,
    SchemaGuard,
    Watch,
)

NUMBER = re.compile(r"\b\d{3}-\d{2}-\d{4}\b|(?<=member id )\w+|\bkey_\w+(?=!)")
PROSE = "The patient is doing well and may go home today. "


def scan(text: str) -> tuple[Finding, ...]:
    return tuple(Finding(0, *m.span(), "US_SSN", 0.9) for m in NUMBER.finditer(text))


def guard(*, withholds: bool = True, known: str = "", look=scan):
    watch = Watch(look, KnownValues([known]), frozenset({"US_SSN"}))
    return LeakageGuard(watch, withholds=withholds)


def test_a_window_stays_back_until_the_end():
    lane = guard()
    text = PROSE * 20
    left = lane.feed(text)
    assert text.startswith(left)
    assert WINDOW <= len(text) - len(left) < WINDOW + 10
    assert left + lane.finish() == text


def test_short_answers_leave_at_their_end():
    lane = guard()
    assert lane.feed("all is well") == ""
    assert lane.finish() == "all is well"
    assert lane.finish() == ""


def test_a_forbidden_identifier_cuts_before_its_first_character():
    lane = guard()
    text = PROSE * 10 + "Her number is 078-05-1120. " + PROSE * 10
    left = ""
    with pytest.raises(Cut) as cut:  # noqa: PT012 - which piece raises is not the point
        for at in range(0, len(text), 4):
            left += lane.feed(text[at : at + 4])
    assert cut.value.guard == "leakage"
    assert cut.value.code == "output_leakage"
    assert "US_SSN" in str(cut.value)
    assert "078" not in str(cut.value)
    assert "078" not in left
    assert left == text[: len(left)]
    assert lane.found == {"US_SSN": 1}


def test_one_at_the_very_end_is_seen_when_the_lane_ends():
    lane = guard()
    assert lane.feed("Her number is 078-05-1120") == ""
    with pytest.raises(Cut):
        lane.finish()


def test_an_identifier_of_the_request_may_come_back():
    text = PROSE * 10 + "Her number is 078-05-1120. " + PROSE * 10
    lane = guard(known="ssn 078051120")
    assert lane.feed(text) + lane.finish() == text
    assert not lane.found


def test_a_number_that_goes_on_is_not_judged_too_early():
    lane = guard()
    left = lane.feed(PROSE * 5 + "lot 078-05-1120")
    left += lane.feed("4-88 is in stock. " + PROSE * 10)
    assert left + lane.finish() == PROSE * 5 + "lot 078-05-11204-88 is in stock. " + PROSE * 10


@pytest.mark.parametrize("pad", range(0, STEP, 4))
def test_context_that_has_left_still_gives_meaning(pad):
    # At one of these shifts the label is released in one look and its value judged in the next.
    text = PROSE * 4 + "." * pad + " as to her member id quartz " + PROSE * 10
    lane = guard()
    left = ""
    with pytest.raises(Cut):  # noqa: PT012 - which piece raises is not the point
        for at in range(0, len(text), 4):
            left += lane.feed(text[at : at + 4])
    assert "quartz" not in left


def test_one_long_word_is_judged_whole():
    # Until its last character this might be anything.
    text = "key_" + "x" * 700 + "! " + PROSE * 10
    lane = guard()
    left = ""
    with pytest.raises(Cut):  # noqa: PT012 - which piece raises is not the point
        for at in range(0, len(text), 7):
            left += lane.feed(text[at : at + 7])
    assert left == ""


def test_a_word_without_end_is_let_go_in_the_end():
    lane = guard()
    blob = "A" * (RUN + WINDOW + STEP)
    assert len(lane.feed(blob)) >= RUN
    assert len(lane.feed(blob)) > 0
    assert len(lane.finish()) < len(blob)


def test_text_without_spaces_keeps_flowing():
    lane = guard()
    text = "患者情况良好、今天可以出院。" * 40
    left = lane.feed(text)
    assert len(text) - len(left) == WINDOW
    assert left + lane.finish() == text


def test_scans_are_few_and_short():
    seen: list[int] = []

    def look(text: str) -> tuple[Finding, ...]:
        seen.append(len(text))
        return ()

    lane = guard(look=look)
    text = PROSE * 40
    for at in range(0, len(text), 4):
        lane.feed(text[at : at + 4])
    lane.finish()
    assert len(seen) <= len(text) / STEP + 1
    assert max(seen) <= CONTEXT + WINDOW + STEP + 20


@pytest.mark.parametrize("escape", ["\\n", "\\\\n", "\\u000a", "\\t"])
def test_json_source_is_read_before_it_is_scanned(escape):
    # As it stands, the escape's letter and the number are one word.
    lane = guard()
    lane.feed(f'{{"note":"seen{escape}078-05-1120"}}')
    with pytest.raises(Cut):
        lane.finish()


@pytest.mark.parametrize("pad", [0, 60, 120, 200])
def test_json_source_leaves_as_it_was_written(pad):
    source = '{"note":"' + "a\\nb " * 100 + "x" * pad + " caf\\u00e9 \\\\" * 30 + '"}'
    lane = guard()
    left = "".join(lane.feed(source[at : at + 5]) for at in range(0, len(source), 5))
    assert left + lane.finish() == source


@pytest.mark.parametrize("pad", range(0, STEP, 4))
def test_an_escaped_identifier_never_leaves(pad):
    source = '{"a":"' + "\\n\\n\\n\\n\\n " * 40 + "." * pad
    source += "078\\u002d05\\u002d1120 " + "\\t \\n" * 90
    lane = guard()
    left = ""
    with pytest.raises(Cut):  # noqa: PT012 - which piece raises is not the point
        for at in range(0, len(source), 3):
            left += lane.feed(source[at : at + 3])
    assert "078" not in left


def test_an_escaped_number_that_goes_on_is_not_judged_too_early():
    # At one of these shifts a look falls between the number's last characters.
    for pad in range(STEP):
        source = "\\u0020" * 60 + "." * pad + " 078-05-11204 " + "\\n" * 150
        lane = guard()
        left = "".join(lane.feed(character) for character in source)
        assert left + lane.finish() == source


def test_warning_holds_nothing_back_and_counts_each_once():
    text = PROSE * 24 + "078-05-1120 and 219-09-9999. " + PROSE * 40 + "078-05-1121"
    for step in (1, 3, 50, len(text)):
        lane = guard(withholds=False)
        pieces = [text[at : at + step] for at in range(0, len(text), step)]
        assert [lane.feed(piece) for piece in pieces] == pieces
        assert lane.finish() == ""
        assert lane.found == {"US_SSN": 3}


def schema_guard(problems=(), *, withholds: bool = True):
    return SchemaGuard(lambda _text: problems, withholds=withholds)


def test_a_refusing_schema_guard_withholds_all_until_the_end():
    lane = schema_guard()
    assert [lane.feed('{"a"'), lane.feed(": 1}")] == ["", ""]
    assert lane.found is None
    assert lane.finish() == '{"a": 1}'
    assert lane.found == {}


def test_a_refusing_schema_guard_cuts_what_does_not_follow():
    lane = schema_guard([Problem("type", "/a/type"), Problem("required", "/required")])
    lane.feed("{}")
    with pytest.raises(Cut, match=r"\(type at /a/type, required at /required\)") as cut:
        lane.finish()
    assert (cut.value.guard, cut.value.code) == ("json_schema", "output_schema")
    assert lane.found == {"type": 1, "required": 1}


def test_a_warning_schema_guard_lets_all_pass_and_counts():
    lane = schema_guard([Problem("type", "/a"), Problem("type", "/b")], withholds=False)
    assert lane.feed("{}") == "{}"
    assert lane.finish() == ""
    assert lane.found == {"type": 2}


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_answers_that_say_nothing_are_not_held_to_the_schema(text):
    lane = schema_guard([Problem("not_json")])
    lane.feed(text)
    assert lane.finish() == text
    assert lane.found is None


@pytest.mark.parametrize("withholds", [True, False])
def test_the_last_piece_is_judged_at_once(withholds):
    lane = guard(withholds=withholds)
    left = lane.feed(PROSE)
    assert left + lane.last(PROSE * 20) == PROSE * 21
    known = guard(withholds=False)
    assert known.feed("078-05") + known.last("-1120") == "078-05-1120"
    assert known.found == {"US_SSN": 1}
    refused = guard()
    refused.feed("078-05")
    with pytest.raises(Cut):
        refused.last("-1120")


def test_an_answer_without_end_is_not_kept_without_end():
    lane = schema_guard()
    lane.feed("x" * LONGEST)
    with pytest.raises(Cut, match="too_long"):
        lane.feed("x")
    warned = schema_guard(withholds=False)
    warned.feed("x" * LONGEST)
    assert warned.feed("x") == "x"
    warned.finish()
    assert warned.found == Counter(too_long=1)
