"""What must hold for every text, every cut and every choice of findings."""

import json
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.chat import Call, SlotKind, TextSlot
from rules.classify.catalogue import ENTITIES
from rules.classify.recognizer import Finding
from rules.json_text import JsonText
from rules.minimize.apply import Envelope, Minimization, minimize
from rules.minimize.operators import OperatorSpec
from rules.minimize.restore import TokenMap
from rules.minimize.token import lookalikes

ENVELOPE = Envelope("/", "", ())
TOKENIZE = {"*": OperatorSpec(operator="tokenize")}

# Text that is hard on the grammar: pieces of tokens, brackets, backslashes, and anything at all.
SHARDS = st.sampled_from(
    ["[", "]", "\\", "_", "-", " ", "  ", "s", "'s", "B", "1", "2", "12", "person", "PERSON", "IP",
     "Zip", "person_1", "[PERSON_1]", "[ person 2 ]", "PERSON\\_1", "\\[", "\\]", "\n", '"',
     "MRN_1", "Anna", "Smith", "Dr. ", "\u60a3", "\u00e9", "\U0001f600", "\u2019s",
     "\u017f", "\u0130"]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=40), st.lists(SHARDS, max_size=24).map("".join))
KINDS = st.sampled_from(["PERSON", "ZIP_CODE", "IP_ADDRESS", "MEDICAL_RECORD_NUMBER", "DATE_TIME"])


@st.composite
def found_in(draw: st.DrawFn, text: str, slot: int) -> list[Finding]:
    """Any findings that do not overlap."""
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=10)))
    pairs = zip(cuts[::2], cuts[1::2], strict=False)
    return [Finding(slot, a, b, draw(KINDS), 1.0) for a, b in pairs if a < b]


@st.composite
def turns(draw: st.DrawFn, kind: SlotKind = SlotKind.TEXT) -> tuple[list[str], list[Finding]]:
    texts = draw(st.lists(TEXTS, min_size=1, max_size=4))
    if kind is SlotKind.JSON:
        values = st.recursive(
            st.one_of(TEXTS, st.integers(), st.booleans(), st.none()),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
            max_leaves=6,
        )
        texts = [json.dumps(draw(values), ensure_ascii=draw(st.booleans()))]
    return texts, [f for n, text in enumerate(texts) for f in draw(found_in(text, n))]


def run(
    texts: list[str], findings: list[Finding], kind: SlotKind = SlotKind.TEXT
) -> tuple[list[str], Minimization]:
    document = JsonText(json.dumps(texts).encode())
    slots = tuple(TextSlot(n, "user", kind, text) for n, text in enumerate(texts))
    call = Call("openai", document, "m", False, slots)
    result = minimize(call, findings, TOKENIZE, ENVELOPE)
    return json.loads(result.minimized.body), result


def fed(tokens: TokenMap, text: str, cuts: list[int], *, json_lane: bool) -> str:
    restorer = tokens.restorer(json_lane)
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in pairwise(edges)]
    return "".join(map(restorer.feed, pieces)) + restorer.finish()


@given(turns(), st.sampled_from([SlotKind.TEXT, SlotKind.KEY]))
@settings(max_examples=400, deadline=None)
def test_restoring_undoes_tokenizing(case: tuple, kind: SlotKind) -> None:
    texts, findings = case
    sent, result = run(texts, findings, kind)
    assert [result.tokens.restore(text) for text in sent] == texts


@given(turns())
@settings(max_examples=200, deadline=None)
def test_restoring_undoes_tokenizing_in_names(case: tuple) -> None:
    texts, findings = case
    sent, result = run(texts, findings, SlotKind.NAME)
    assert [result.tokens.restore(text) for text in sent] == texts


@given(turns(SlotKind.JSON))
@settings(max_examples=300, deadline=None)
def test_json_stays_json_and_comes_back_with_its_strings(case: tuple) -> None:
    texts, findings = case
    sent, result = run(texts, findings, SlotKind.JSON)
    back = json.loads(result.tokens.restore(sent[0], json=True))
    assert _numbers_as_text(back) == _numbers_as_text(json.loads(texts[0]))


def _numbers_as_text(value: object) -> object:
    """A number that was replaced comes back as a string; all else must be the same."""
    if isinstance(value, dict):
        return {key: _numbers_as_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_numbers_as_text(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


@given(turns(), st.lists(st.integers(0, 200), max_size=12), st.booleans())
@settings(max_examples=400, deadline=None)
@example((["[PERSON_1] x", "Anna"], [Finding(1, 0, 4, "PERSON", 1.0)]), [3, 3, 9], True)
def test_any_cut_of_a_stream_gives_the_same(case: tuple, cuts: list[int], json_lane: bool) -> None:
    texts, findings = case
    sent, result = run(texts, findings)
    for text in sent:
        whole = result.tokens.restore(text, json_lane)
        assert fed(result.tokens, text, cuts, json_lane=json_lane) == whole


@given(
    st.lists(SHARDS, max_size=30).map("".join),
    st.lists(st.integers(0, 120), max_size=12),
    st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_any_cut_of_a_damaged_answer_gives_the_same(
    answer: str, cuts: list[int], json_lane: bool
) -> None:
    tokens = TokenMap({"PERSON_1": "A", "PERSON_1B": "[PERSON_1]", "PERSON_12": "\\", "IP_1": ""})
    whole = tokens.restore(answer, json_lane)
    assert fed(tokens, answer, cuts, json_lane=json_lane) == whole
    every = list(range(len(answer)))
    assert fed(tokens, answer, every, json_lane=json_lane) == whole


@given(turns(), st.booleans())
@settings(max_examples=200, deadline=None)
def test_lookalike_never_reads_a_value(case: tuple, json_lane: bool) -> None:
    texts, findings = case
    _, result = run(texts, findings)
    untouched = [t for n, t in enumerate(texts) if all(f.slot != n for f in findings)]
    for text in untouched:
        assert result.tokens.restore(text, json_lane) == text


@given(turns())
@settings(max_examples=200, deadline=None)
def test_numbering_of_a_prefix_is_stable(case: tuple) -> None:
    texts, findings = case
    if any(lookalikes(text) for text in texts):
        texts = [text.replace("1", "one").replace("2", "two") for text in texts]
        lengths = [len(text) for text in texts]
        findings = [f for f in findings if f.end <= lengths[f.slot]]
    whole, _ = run(texts, findings)
    for n in range(1, len(texts)):
        sent, _ = run(texts[:n], [f for f in findings if f.slot < n])
        assert sent == whole[:n]


@given(
    st.lists(st.sampled_from(["Anna", "Lee", "Dr. Lee", "A. Lee", "Anna Lee", "X"]), max_size=12)
)
@settings(max_examples=100, deadline=None)
def test_one_value_has_one_token_and_one_token_one_value(names: list[str]) -> None:
    findings = [Finding(n, 0, len(name), "PERSON", 1.0) for n, name in enumerate(names)]
    sent, _ = run(names, findings)
    assert len(set(sent)) == len(set(names)) == len(set(zip(names, sent, strict=True)))


@pytest.mark.parametrize("stem", sorted({entity.stem for entity in ENTITIES.values()}))
def test_every_stem_can_be_restored(stem: str) -> None:
    tokens = TokenMap({f"{stem}_1": "value"})
    damaged = f"[{stem}_1] {stem.lower()}_1 [ {stem.title()} 1 ] {stem}-1."
    assert fed(tokens, damaged, list(range(60)), json_lane=False) == "value value value value."
