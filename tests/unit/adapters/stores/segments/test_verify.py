"""Whatever is done to a log, its verification says so, names the place, and never fails itself."""

import os
import re
import shutil
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.errors import StoreUnavailable
from adapters.stores.segments.lines import (
    CheckpointLine,
    LeafLine,
    checkpoint_line,
    leaf_prefix,
    parse_line,
)
from adapters.stores.segments.report import MAX_PROBLEMS
from adapters.stores.segments.store import SegmentStore
from adapters.stores.segments.verify import verify_log
from rules.audit.checkpoint import sign_checkpoint
from rules.audit.merkle import leaf_hash
from rules.errors import ProofError
from tests.support.ledger_log import (
    Lines,
    LogCase,
    an_intent,
    an_outcome,
    intent_leaf,
    keys_in,
    lines_of,
    outcome_leaf,
    segments_of,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> LogCase:
    return LogCase(Path(tmp_path_factory.mktemp("verify")))


@pytest.fixture
def case(made: LogCase) -> LogCase:
    made.restore()
    return made


def forged(line: bytes, old: bytes, new: bytes) -> bytes:
    """A leaf's line with changed bytes and the hash that fits them."""
    parsed = parse_line(line[:-1])
    assert isinstance(parsed, LeafLine)
    data = parsed.data.replace(old, new)
    assert data != parsed.data
    return leaf_prefix(parsed.index, leaf_hash(data)) + data + b"\n"


def test_an_honest_log_holds(case: LogCase) -> None:
    report = case.report()
    assert report.problems == []
    assert report.ok
    assert (report.entries, report.size, report.calls) == (27, 27, 16)
    assert report.open_intents == (("call-11", 26),)
    assert report.key == case.verifier
    assert len(report.root) == 64
    assert report.checkpoints == 23
    (note,) = report.notes
    assert re.search("outside anchor.* signing key too can rewrite all of it", note)


def test_a_log_can_be_verified_without_its_key_and_says_what_that_is_worth(case: LogCase) -> None:
    report = verify_log(case.log)
    assert report.ok
    assert report.key == case.verifier
    assert any("whose it is" in note for note in report.notes)


def test_another_key_proves_nothing(case: LogCase, tmp_path: Path) -> None:
    report = verify_log(case.log, str(keys_in(tmp_path).verifier))
    said = "\n".join(map(str, report.problems))
    assert "header names another key" in said
    assert "not signed by the log's key" in said
    assert report.size == 0


def test_a_verifier_key_that_is_not_one_raises(case: LogCase) -> None:
    with pytest.raises(ProofError, match="verifier key"):
        verify_log(case.log, "nonsense")


def test_a_folder_without_a_log_does_not_hold(tmp_path: Path) -> None:
    assert [str(problem) for problem in verify_log(tmp_path).problems] == [
        "this folder holds no log"
    ]


def test_segments_without_a_key_in_them_do_not_hold(tmp_path: Path) -> None:
    (tmp_path / "segment-000000000000.seg").write_bytes(b"\x00\n")
    (problem,) = verify_log(tmp_path).problems
    assert "no verifier key" in problem.message


def test_changed_bytes_are_named_by_file_line_and_entry(case: LogCase) -> None:
    path = case.edit(0, lambda lines: lines.__setitem__(1, lines[1].replace(b"nurse", b"admin")))
    assert f"{path.name}, line 2, entry 0: the entry was altered" in case.said()


def test_changed_bytes_with_a_fitting_hash_are_named(case: LogCase) -> None:
    path = case.edit(0, lambda lines: lines.__setitem__(1, forged(lines[1], b"nurse", b"admin")))
    said = case.said()
    assert f"{path.name}, line 2, entry 0: the entry was altered" in said
    assert "entry 0: the intent is not the one that outcome 1 was signed for" in said


def test_changed_bytes_with_a_fitting_hash_are_named_without_an_index(case: LogCase) -> None:
    (case.log / "index.sqlite").unlink()
    case.edit(0, lambda lines: lines.__setitem__(1, forged(lines[1], b"nurse", b"admin")))
    said = case.said()
    assert "do not lead to the root that was signed" in said
    assert "no root can be recomputed" in said
    assert "the intent is not the one that outcome" in said


def test_after_a_forged_entry_the_rest_of_the_log_is_still_proved(case: LogCase) -> None:
    case.edit(0, lambda lines: lines.__setitem__(1, forged(lines[1], b"nurse", b"admin")))
    assert case.report().size == 27


def test_a_changed_outcome_breaks_its_own_signature(case: LogCase) -> None:
    at = next(n for n, (_, _, line) in enumerate(lines_of(case.folder)) if b" eyJ" in line)
    case.edit(0, lambda lines: lines.__setitem__(at, lines[at][:-2] + b"_\n"))
    assert "signature" in case.said()


@pytest.mark.parametrize("at", range(12))
def test_each_deleted_line_is_missed(case: LogCase, at: int) -> None:
    case.edit(1, lambda lines: lines.pop(at % len(lines)))
    assert not case.report().ok
    (case.log / "index.sqlite").unlink()
    (case.log / "checkpoint").unlink()
    assert not case.report().ok


def test_a_deleted_entry_is_named(case: LogCase) -> None:
    path = case.edit(0, lambda lines: lines.pop(1))
    said = case.said()
    assert "entry 0: the entry is missing" in said
    assert f"{path.name}, line 3, entry 0: missing before this line: entry 0" in said


@pytest.mark.parametrize("at", range(11))
def test_each_swap_of_two_lines_is_noticed(case: LogCase, at: int) -> None:
    def swap(lines: Lines) -> None:
        here = at % (len(lines) - 1)
        lines[here], lines[here + 1] = lines[here + 1], lines[here]

    case.edit(1, swap)
    assert not case.report().ok
    (case.log / "index.sqlite").unlink()
    (case.log / "checkpoint").unlink()
    assert not case.report().ok


def test_an_entry_in_the_wrong_place_is_named(case: LogCase) -> None:
    path = case.edit(0, lambda lines: lines.insert(6, lines.pop(1)))
    assert f"{path.name}, line 7, entry 0: the entry stands in the wrong place" in case.said()


def test_an_entry_behind_its_own_checkpoint_is_named(case: LogCase) -> None:
    path = case.edit(-2, lambda lines: lines.append(lines.pop(-2)))
    at = len(path.read_bytes().splitlines())
    assert re.search(rf"{path.name}, line {at}, entry \d+: .* in the wrong place", case.said())


def test_a_changed_entry_is_named_even_where_no_root_can_be_recomputed(case: LogCase) -> None:
    (case.log / "index.sqlite").unlink()

    def change(lines: Lines) -> None:
        lines[1] = forged(lines[1], b"nurse", b"admin")
        lines[6] = lines[6].replace(b"nurse", b"admin")

    path = case.edit(0, change)
    said = case.said()
    assert "no root can be recomputed" in said
    assert f"{path.name}, line 7, entry 3: the entry's bytes and the hash" in said


@pytest.mark.parametrize("bytes_cut", [1, 40, 600, 2500])
def test_a_cut_tail_is_missed_by_the_index_and_by_the_copy(case: LogCase, bytes_cut: int) -> None:
    last = segments_of(case.folder)[-1]
    os.truncate(last, max(0, last.stat().st_size - bytes_cut))
    said = case.said()
    assert "index.sqlite: the log is behind it; gone: entr" in said
    assert "checkpoint: the log is behind it; gone: entr" in said


def test_a_missing_last_segment_is_missed(case: LogCase) -> None:
    segments_of(case.folder)[-1].unlink()
    assert "the log is behind it; gone: entr" in case.said()


def test_a_missing_first_segment_is_missed(case: LogCase) -> None:
    path, after = segments_of(case.folder)[:2]
    path.unlink()
    said = case.said()
    assert f"{after.name}, entry 0: missing before this file: entries 0 to" in said


def test_a_repeated_segment_is_noticed(case: LogCase) -> None:
    first, second = segments_of(case.folder)[:2]
    shutil.copy(first, second.with_name("segment-000000000002.seg"))
    assert "overlaps the one before it" in case.said()


def test_an_emptied_segment_is_noticed(case: LogCase) -> None:
    segments_of(case.folder)[1].write_bytes(b"")
    assert "it is empty" in case.said()


def test_a_forged_checkpoint_is_named(case: LogCase, tmp_path: Path) -> None:
    other = keys_in(tmp_path)

    def forge(lines: Lines) -> None:
        parsed = parse_line(lines[2][:-1])
        assert isinstance(parsed, CheckpointLine)
        note = sign_checkpoint(1, b"r" * 32, case.keys.verifier, other.sign, since=0)
        lines[2] = b"C 0 " + orjson.dumps(note) + b"\n"

    path = case.edit(0, forge)
    assert f"{path.name}, line 3: the checkpoint's signature does not verify" in case.said()


def without_witnesses(case: LogCase) -> None:
    (case.log / "index.sqlite").unlink()
    (case.log / "checkpoint").unlink()


def checkpoint_at(lines: Lines, at: int) -> CheckpointLine:
    parsed = parse_line(lines[at][:-1])
    assert isinstance(parsed, CheckpointLine)
    return parsed


@pytest.mark.parametrize("restated", [True, False])
def test_a_checkpoint_taken_out_of_the_middle_is_missed(case: LogCase, restated: bool) -> None:
    without_witnesses(case)

    def take_out(lines: Lines) -> None:
        first, after, *_ = (at for at, line in enumerate(lines) if line.startswith(b"C "))
        if restated:
            since = checkpoint_at(lines, first).since
            lines[after] = checkpoint_line(since, checkpoint_at(lines, after).note)
        del lines[first]

    path = case.edit(0, take_out)
    said = case.said()
    assert f"{path.name}, line 5: the checkpoint before this one is missing" in said
    assert restated == ("states another size before it than was signed" in said)
    with pytest.raises(StoreUnavailable, match="not opened"):
        SegmentStore(case.log, case.keys, floor_bytes=0)


@pytest.mark.parametrize("at", [0, -1])
def test_a_signature_line_added_to_a_checkpoint_is_told(case: LogCase, at: int) -> None:
    without_witnesses(case)

    def add(lines: Lines) -> None:
        number = [n for n, line in enumerate(lines) if line.startswith(b"C ")][at]
        found = checkpoint_at(lines, number)
        note = found.note + "\N{EM DASH} evil AAAAAAAA\n"
        lines[number] = checkpoint_line(found.since, note)

    case.edit(at, add)
    assert "carries signatures that this log does not write" in case.said()
    with pytest.raises(StoreUnavailable, match="not opened"):
        SegmentStore(case.log, case.keys, floor_bytes=0)


def test_a_signed_checkpoint_over_other_entries_does_not_pass(case: LogCase) -> None:
    case.edit(0, lambda lines: lines.__setitem__(2, lines[2].replace(b"\\n1\\n", b"\\n2\\n")))
    assert "signature does not verify" in case.said()


def test_two_outcomes_of_one_call_are_told(tmp_path: Path) -> None:
    keys = keys_in(tmp_path)
    store = SegmentStore(tmp_path / "log", keys, floor_bytes=0)
    for _ in range(2):
        store.append([outcome_leaf(keys, an_outcome("c1"), None)])
    store.close()
    (problem,) = verify_log(tmp_path / "log").problems
    assert (problem.index, problem.message) == (1, "the call has a second outcome")


def test_an_unfinished_tail_is_no_problem_where_nobody_relies_on_it(case: LogCase) -> None:
    last = segments_of(case.folder)[-1]
    leaf = intent_leaf(an_intent("late"))
    line = leaf_prefix(27, leaf_hash(leaf.data)) + leaf.data + b"\n"
    with last.open("ab") as file:
        file.write(line + line[:50])
    report = case.report()
    assert report.ok
    assert any("unfinished line" in note for note in report.notes)
    assert any("have no checkpoint yet" in note for note in report.notes)


def test_garbage_does_not_fill_the_report_without_end(case: LogCase) -> None:
    segments_of(case.folder)[0].write_bytes(b"x\n" * (MAX_PROBLEMS + 50))
    assert len(case.report().problems) == MAX_PROBLEMS + 1


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, 10**6), bit=st.integers(0, 7), which=st.integers(0, 99))
def test_every_flipped_bit_is_told(made: LogCase, at: int, bit: int, which: int) -> None:
    made.restore()
    segments = segments_of(made.folder)
    path = segments[which % len(segments)]
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 1 << bit
    path.write_bytes(content)
    assert not made.report().ok


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(garbage=st.binary(max_size=300), at=st.integers(0, 10**6), which=st.integers(0, 99))
def test_no_garbage_makes_it_fail(made: LogCase, garbage: bytes, at: int, which: int) -> None:
    made.restore()
    segments = segments_of(made.folder)
    path = segments[which % len(segments)]
    content = path.read_bytes()
    at %= len(content)
    path.write_bytes(content[:at] + garbage + content[at:])
    assert made.report().ok == (not garbage)
