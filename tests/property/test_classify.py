"""Whatever the text: findings are in order, apart, within it, and where the value was put."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.chat import SlotKind, TextSlot
from rules.classify.analyze import Analyzer
from rules.classify.folding import fold
from rules.classify.gazetteer import Gazetteer

ANALYZER = Analyzer(
    Gazetteer(frozenset({"anna", "mark"}), frozenset({"smith"}), frozenset({"mark", "the"}))
)
PIECES = st.sampled_from(
    (
        *("123-45-6789", "Mrs. ", "Anna Smith", "MRN: 0012", " ", "é", "\u200b", "\\n", "\\u00e9"),
        *("[PERSON_1]", "4111 1111 1111 1111", "12 Main St", "a@b.org", "3/4/2026", "张", "\\"),
        "\x1e",
    )
)
TEXTS = st.lists(PIECES | st.text(max_size=8), max_size=12).map("".join)
SLOTS = st.lists(
    st.builds(
        TextSlot,
        st.just(0),
        st.just("user"),
        st.sampled_from(SlotKind),
        TEXTS,
        st.sampled_from(["", "mrn", "patientName", "é"]),
    ),
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(SLOTS)
def test_findings_are_in_order_apart_and_inside_their_texts(slots):
    findings = ANALYZER.analyze(slots).findings
    assert list(findings) == sorted(findings, key=lambda f: (f.slot, f.start))
    end = (-1, 0)
    for finding in findings:
        assert 0 <= finding.start < finding.end <= len(slots[finding.slot].text)
        assert finding.slot > end[0] or finding.start >= end[1]
        end = (finding.slot, finding.end)


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS, st.sampled_from(["", "\u200b", "\u00ad"]))
def test_an_identifier_apart_from_other_words_is_always_covered(before, after, hidden):
    value = f"123{hidden}-45-6789"
    text = f"{before} ; {value} ; {after}"
    start = len(before) + 3
    covered = {i for f in ANALYZER.scan(text) for i in range(f.start, f.end)}
    assert covered >= set(range(start, start + len(value)))


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.sampled_from(SlotKind))
def test_folding_gives_ascii_and_offsets_that_cover_the_text(text, kind):
    folded = fold(text, kind)
    assert folded.text.isascii()
    assert "\x1e" not in folded.text
    spans = [folded.span(i, i + 1) for i in range(len(folded.text))]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(left[1] == right[0] for left, right in pairwise(spans))
