"""For any text and any split: the same verdict, nothing forbidden out, everything else exact."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.chat import Cut, Lane, LaneKind
from rules.classify.recognizer import Finding
from rules.minimize.restore import TokenMap
from rules.output.leakage import KnownValues
from rules.output.passage import Passage
from rules.output.stream_guard import WINDOW, LeakageGuard, Watch
from rules.policy.document import Guards

# Forbidden things, from short ones up to WINDOW characters with spaces inside.
FORBIDDEN = re.compile(r"\b\d{3}-\d{2}-\d{4}\b|<<(?:[a-z]+ )+[a-z]+>>")
LONGEST_FORBIDDEN = "<<" + "street name " * 12 + "street names>>"
assert len(LONGEST_FORBIDDEN) == WINDOW
assert FORBIDDEN.fullmatch(LONGEST_FORBIDDEN)

INNOCENT = st.sampled_from(
    [
        "She is well. ",
        "no change ",
        "id 12-34 ",
        "词语很好、",
        "é ",
        "\n\n",
        "a" * 70 + " ",
        "\\n",
        '"x":',
    ]
)
BAD = st.sampled_from([" 078-05-1120 ", "\n219-09-9999.", " <<main street>> ", LONGEST_FORBIDDEN])


def scan(text: str) -> tuple[Finding, ...]:
    return tuple(Finding(0, *match.span(), "US_SSN", 0.9) for match in FORBIDDEN.finditer(text))


@st.composite
def pieces(draw: st.DrawFn, parts: st.SearchStrategy[str]) -> list[str]:
    text = "".join(draw(st.lists(parts, max_size=60)))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=120)))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def run(lane_pieces: list[str], *, withholds: bool) -> tuple[str, bool, int]:
    """Return what left, whether it was cut, and how many were counted."""
    watch = Watch(scan, KnownValues([]), frozenset({"US_SSN"}))
    guard = LeakageGuard(watch, withholds=withholds)
    left = ""
    try:
        for piece in lane_pieces:
            left += guard.feed(piece)
        left += guard.finish()
    except Cut:
        return left, True, guard.found["US_SSN"]
    return left, False, guard.found["US_SSN"]


@given(pieces(INNOCENT), st.booleans())
def test_without_findings_everything_leaves_exactly(lane_pieces, withholds):
    left, cut, count = run(lane_pieces, withholds=withholds)
    assert (left, cut, count) == ("".join(lane_pieces), False, 0)


@settings(max_examples=300)
@given(pieces(INNOCENT | BAD))
def test_no_part_of_anything_forbidden_leaves(lane_pieces):
    text = "".join(lane_pieces)
    first = FORBIDDEN.search(text)
    left, cut, _ = run(lane_pieces, withholds=True)
    assert cut == (first is not None)
    if first is None:
        assert left == text
    else:
        assert text[: first.start()].startswith(left)


@settings(max_examples=200)
@given(pieces(INNOCENT | BAD))
def test_a_warning_passes_all_and_counts_the_same_for_every_split(lane_pieces):
    text = "".join(lane_pieces)
    left, cut, count = run(lane_pieces, withholds=False)
    assert (left, cut) == (text, False)
    assert count == len(FORBIDDEN.findall(text))


TOKENS = TokenMap({"PERSON_1": 'Anna "Lee"', "SSN_1": "078-05-1120"})
TOKENED = st.sampled_from(
    ["Dear [PERSON_1], ", "ssn [SSN_1]. ", "[ ", "PERSON_1's ", "[PERSON", "\n"]
)


@given(
    pieces(INNOCENT | TOKENED),
    st.sampled_from(["off", "warn", "refuse"]),
    st.sampled_from(["off", "warn", "refuse"]),
    st.sampled_from([LaneKind.TEXT, LaneKind.ARGUMENTS, LaneKind.REASONING]),
)
def test_guards_do_not_change_what_restoring_gives(lane_pieces, leakage, json_schema, kind):
    passage = Passage(
        Guards(leakage=leakage, json_schema=json_schema),
        Watch(scan, KnownValues([]), frozenset({"US_SSN"})),
        restorer=TOKENS.restorer,
        json_text=True,
    )
    lane = Lane(0, kind)
    left = "".join(passage.feed(lane, piece) for piece in lane_pieces) + passage.finish(lane)
    is_json = kind is not LaneKind.REASONING
    assert left == TOKENS.restore("".join(lane_pieces), json=is_json)
