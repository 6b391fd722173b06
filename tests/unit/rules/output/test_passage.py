"""An answer on its way through guards and restoring, lane by lane."""

import re

import pytest

from rules.chat import Cut, Lane, LaneKind
from rules.classify.recognizer import Finding
from rules.output.leakage import KnownValues
from rules.output.passage import GuardReport, Passage, needed
from rules.output.schema import SchemaError
from rules.output.stream_guard import Watch
from rules.policy.document import Guards, Obligation

TEXT = Lane(0, LaneKind.TEXT)
ARGUMENTS = Lane(0, LaneKind.ARGUMENTS)
REFUSAL = Lane(0, LaneKind.REFUSAL)
REASONING = Lane(0, LaneKind.REASONING)
NAMED = {
    "type": "object",
    "properties": {"name": {"pattern": "^[A-Z][a-z]+"}},
    "required": ["name"],
}
PROSE = "The patient is doing well and may go home today. " * 10


def scan(text: str) -> tuple[Finding, ...]:
    numbers = re.finditer(r"\b\d{3}-\d{2}-\d{4}\b", text)
    return tuple(Finding(0, *number.span(), "US_SSN", 0.9) for number in numbers)


class Upper:
    """Restores `[a]` to a value, JSON-escaped where it has to be; holds back half a token."""

    def __init__(self, is_json: bool) -> None:
        self.value = 'Anna \\"Lee\\"' if is_json else 'Anna "Lee"'
        self.held = ""

    def feed(self, text: str) -> str:
        text = (self.held + text).replace("[a]", self.value)
        cut = text.rfind("[")
        self.held = "" if cut < 0 else text[cut:]
        return text if cut < 0 else text[:cut]

    def finish(self) -> str:
        return self.held


def passage(
    leakage="off",
    json_schema="off",
    *,
    restorer=Upper,
    schema=None,
    json_text=False,
    look=scan,
):
    watch = Watch(look, KnownValues([]), frozenset({"US_SSN"}))
    guards = Guards(leakage=leakage, json_schema=json_schema)
    return Passage(guards, watch, restorer=restorer, schema=schema, json_text=json_text)


def through(editor: Passage, lane: Lane, text: str, step: int = 3) -> str:
    left = "".join(editor.feed(lane, text[at : at + step]) for at in range(0, len(text), step))
    return left + editor.finish(lane)


@pytest.mark.parametrize("leakage", ["off", "warn", "refuse"])
def test_tokens_become_values_in_every_lane(leakage):
    editor = passage(leakage)
    assert through(editor, TEXT, f"Dear [a], {PROSE}") == f'Dear Anna "Lee", {PROSE}'
    assert through(editor, REASONING, "so [a] is") == 'so Anna "Lee" is'
    assert through(editor, ARGUMENTS, '{"n": "[a]"}') == '{"n": "Anna \\"Lee\\""}'


def test_text_is_json_where_the_caller_asked_for_json():
    assert through(passage(json_text=True), TEXT, '{"n": "[a]"}') == '{"n": "Anna \\"Lee\\""}'
    assert through(passage(schema={}), TEXT, '{"n": "[a]"}') == '{"n": "Anna \\"Lee\\""}'


def test_without_restoring_tokens_stay():
    assert through(passage("warn", restorer=None), TEXT, "Dear [a]") == "Dear [a]"


def test_half_a_token_at_the_end_is_not_lost():
    assert through(passage("refuse"), TEXT, "see [a") == "see [a"


def test_lanes_do_not_mix():
    editor = passage()
    other = Lane(1, LaneKind.TEXT)
    assert editor.feed(TEXT, "[") + editor.feed(other, "a]") + editor.finish(TEXT) == "a]["


def test_a_lane_that_never_began_ends_with_nothing():
    assert passage("refuse", "refuse", schema=NAMED).finish(TEXT) == ""


def test_a_cut_is_final_for_all_lanes():
    editor = passage("refuse")
    editor.feed(TEXT, "it is 078-05-1120")
    with pytest.raises(Cut, match="US_SSN") as first:
        editor.finish(TEXT)
    for again in (lambda: editor.feed(REASONING, "x"), lambda: editor.finish(TEXT)):
        with pytest.raises(Cut) as later:
            again()
        assert (later.value.guard, later.value.code) == (first.value.guard, first.value.code)
    assert editor.report() == (GuardReport("leakage", "refuse", {"US_SSN": 1}, "cut"),)
    assert editor.warnings() == ()


def test_a_cut_in_the_middle_of_a_lane_is_final_too():
    editor = passage("refuse")
    with pytest.raises(Cut, match="US_SSN"):
        editor.feed(TEXT, f"it is 078-05-1120 {PROSE}")
    with pytest.raises(Cut, match="US_SSN"):
        editor.feed(TEXT, PROSE)
    assert editor.report() == (GuardReport("leakage", "refuse", {"US_SSN": 1}, "cut"),)


def test_what_stands_behind_an_escape_is_seen_in_json_lanes():
    for lane in (ARGUMENTS, TEXT):
        editor = passage("refuse", json_text=True)
        editor.feed(lane, '{"note": "so:\\n078-05-1120"}')
        with pytest.raises(Cut):
            editor.finish(lane)


def test_values_that_were_restored_do_not_leak():
    class Number(Upper):
        def __init__(self, is_json: bool) -> None:
            super().__init__(is_json)
            self.value = "078-05-1120"

    editor = passage("refuse", restorer=Number)
    assert through(editor, TEXT, "it is [a]") == "it is 078-05-1120"
    assert editor.report() == (GuardReport("leakage", "refuse", {}, "emitted"),)


def test_a_guard_that_fails_forbids():
    def broken(_text: str) -> tuple[Finding, ...]:
        raise RuntimeError("scan")

    editor = passage("refuse", look=broken)
    assert editor.feed(TEXT, "held") == ""
    with pytest.raises(RuntimeError):
        editor.finish(TEXT)
    with pytest.raises(Cut) as cut:
        editor.feed(REASONING, "x")
    assert cut.value.code == "guard_failed"


def test_a_guard_that_fails_at_the_report_is_in_the_report():
    def broken(_text: str) -> tuple[Finding, ...]:
        raise RuntimeError("scan")

    editor = passage("warn", look=broken)
    editor.feed(TEXT, "gone")
    assert editor.report() == (GuardReport("leakage", "warn", {"guard_failed": 1}, "warned"),)


def test_warnings_name_the_guard_and_the_kind():
    editor = passage("warn", "warn", schema=NAMED)
    text = '{"nom": "078-05-1120"}'
    assert through(editor, TEXT, text) == text
    assert editor.warnings() == ("leakage:US_SSN", "json_schema")
    assert editor.report() == (
        GuardReport("leakage", "warn", {"US_SSN": 1}, "warned"),
        GuardReport("json_schema", "warn", {"required": 1}, "warned"),
    )
    assert editor.report() == editor.report()


def test_a_report_names_only_guards_that_ran():
    assert passage("refuse", "refuse", schema=NAMED).report() == ()
    interrupted = passage("refuse", "refuse", schema=NAMED)
    interrupted.feed(TEXT, '{"name"')
    assert interrupted.report() == (GuardReport("leakage", "refuse", {}, "emitted"),)


def test_what_left_of_a_lane_that_never_ended_is_judged_for_the_report():
    editor = passage("warn")
    editor.feed(TEXT, "it is 078-05-1120")
    assert editor.warnings() == ()
    for _ in range(2):
        assert editor.report() == (GuardReport("leakage", "warn", {"US_SSN": 1}, "warned"),)


def test_what_was_withheld_when_the_call_broke_is_not_a_finding():
    editor = passage("refuse")
    editor.feed(TEXT, "it is 078-05-1120")
    assert editor.report() == (GuardReport("leakage", "refuse", {}, "emitted"),)


def test_the_schema_speaks_of_values_not_of_tokens():
    editor = passage(json_schema="refuse", schema=NAMED)
    assert editor.feed(TEXT, '{"name": "[a]') == ""
    assert editor.feed(TEXT, '"}') == ""
    assert editor.finish(TEXT) == '{"name": "Anna \\"Lee\\""}'
    assert editor.report() == (GuardReport("json_schema", "refuse", {}, "emitted"),)
    with pytest.raises(Cut, match="pattern"):
        through(passage(json_schema="refuse", schema=NAMED, restorer=None), TEXT, '{"name": "[a]"}')


def test_nothing_of_an_answer_that_breaks_its_schema_leaves():
    editor = passage("refuse", "refuse", schema=NAMED)
    assert editor.feed(TEXT, "Sure! " + PROSE) == ""
    with pytest.raises(Cut) as cut:
        editor.finish(TEXT)
    assert cut.value.code == "output_schema"
    assert editor.report() == (
        GuardReport("leakage", "refuse", {}, "emitted"),
        GuardReport("json_schema", "refuse", {"not_json": 1}, "cut"),
    )


@pytest.mark.parametrize("lane", [ARGUMENTS, REFUSAL])
@pytest.mark.parametrize("text", ["", "\n "])
def test_a_tool_call_or_refusal_without_text_is_not_held_to_the_schema(lane, text):
    editor = passage(json_schema="refuse", schema=NAMED)
    assert editor.feed(TEXT, text) == ""
    assert editor.feed(lane, "{}") == "{}"
    assert editor.finish(TEXT) == text
    assert editor.finish(lane) == ""
    assert editor.report() == (GuardReport("json_schema", "refuse", {}, "exempt"),)


@pytest.mark.parametrize("lane", [ARGUMENTS, REFUSAL])
@pytest.mark.parametrize("words", ["", "{}"])
def test_text_beside_a_tool_call_or_refusal_is_held_to_the_schema(lane, words):
    editor = passage(json_schema="refuse", schema=NAMED)
    editor.feed(lane, words)
    editor.feed(TEXT, "Let me see.")
    editor.finish(lane)
    with pytest.raises(Cut) as cut:
        editor.finish(TEXT)
    assert cut.value.code == "output_schema"


def test_an_answer_without_a_word_is_exempt_and_one_cut_off_is_not():
    silent = passage(json_schema="warn", schema=NAMED)
    assert silent.feed(TEXT, "") + silent.finish(TEXT) == ""
    assert silent.report() == (GuardReport("json_schema", "warn", {}, "exempt"),)
    assert silent.warnings() == ()
    broken = passage(json_schema="refuse", schema=NAMED)
    broken.feed(REASONING, "so")
    broken.feed(TEXT, '{"name"')
    broken.finish(REASONING)
    assert broken.report() == ()
    stopped = passage("refuse", "refuse", schema=NAMED)
    stopped.feed(REASONING, "078-05-1120")
    with pytest.raises(Cut):
        stopped.finish(REASONING)
    assert stopped.report() == (GuardReport("leakage", "refuse", {"US_SSN": 1}, "cut"),)


def test_a_lane_that_has_ended_cannot_go_on():
    editor = passage("refuse")
    assert editor.feed(TEXT, "078-05") + editor.finish(TEXT) == "078-05"
    assert editor.feed(TEXT, "") == ""
    for lane in (TEXT, REASONING):
        with pytest.raises(Cut) as cut:
            editor.feed(lane, "-1120")
        assert cut.value.code == "lane_reopened"


def test_strings_outside_of_lanes_are_judged_and_restored():
    assert passage("refuse").whole(f"[a] {PROSE}") == f'Anna "Lee" {PROSE}'
    assert passage(restorer=None).whole("[a]") == "[a]"
    warned = passage("warn")
    assert warned.whole("is 078-05-1120 of [a]") == 'is 078-05-1120 of Anna "Lee"'
    assert warned.warnings() == ("leakage:US_SSN",)
    editor = passage("refuse")
    for _ in range(2):
        with pytest.raises(Cut, match="US_SSN"):
            editor.whole(f"{PROSE} 078-05-1120 {PROSE}")
    assert editor.report() == (GuardReport("leakage", "refuse", {"US_SSN": 1}, "cut"),)


def test_a_string_outside_of_lanes_is_looked_at_once_however_long():
    looks = []

    def look(text: str) -> tuple[Finding, ...]:
        looks.append(len(text))
        return ()

    passage("refuse", look=look).whole(PROSE * 100)
    assert looks == [len(PROSE) * 100]


def test_one_choice_that_calls_a_tool_does_not_excuse_another():
    editor = passage(json_schema="refuse", schema=NAMED)
    editor.feed(ARGUMENTS, "{}")
    editor.feed(Lane(1, LaneKind.TEXT), "Let me see.")
    with pytest.raises(Cut):
        editor.finish(Lane(1, LaneKind.TEXT))


def test_an_unusable_schema_is_an_error_only_where_it_would_refuse():
    broken = {"type": "nonsense"}
    with pytest.raises(SchemaError):
        passage(json_schema="refuse", schema=broken)
    assert through(passage(schema=broken), TEXT, "x") == "x"
    warned = passage(json_schema="warn", schema=broken)
    assert through(warned, TEXT, "x") == "x"
    assert warned.report() == (
        GuardReport("json_schema", "warn", {"unusable_schema": 1}, "warned"),
    )


@pytest.mark.parametrize(
    ("obligation", "tokens", "schema", "wanted"),
    [
        ({}, False, True, False),
        ({}, True, False, True),
        ({"restore": False}, True, False, False),
        ({"guards": {"leakage": "warn"}}, False, False, True),
        ({"guards": {"json_schema": "refuse"}}, False, False, False),
        ({"guards": {"json_schema": "warn"}}, False, True, True),
    ],
)
def test_an_answer_is_read_only_where_something_is_asked_of_it(obligation, tokens, schema, wanted):
    assert needed(Obligation(**obligation), tokens=tokens, schema=schema) is wanted


def test_a_passage_shows_no_text():
    editor = passage("refuse")
    editor.feed(TEXT, "Anna")
    assert repr(editor) == "Passage(1 lanes open)"
