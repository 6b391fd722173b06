"""Verifies a log offline: every line, hash, signature, checkpoint, link and index row.

It reads in one pass and changes nothing; the log may be in use meanwhile. Whatever stands in the
files, the answer is a report that names every problem by file, line and entry.
"""

from pathlib import Path
from typing import Final

from adapters.stores.segments.compare import Witnesses
from adapters.stores.segments.files import RawLine, list_segments, read_lines, segment_path
from adapters.stores.segments.index import FILE_NAME, Head, row_of
from adapters.stores.segments.lines import (
    CheckpointLine,
    HeaderLine,
    LeafLine,
    leaf_prefix,
    parse_line,
)
from adapters.stores.segments.report import OWN_KEY_NOTE, TAIL_NOTE, LogReport, span
from rules.audit.checkpoint import Checkpoint, VerifierKey, open_own_checkpoint
from rules.audit.examine import CallLedger, read_entry
from rules.audit.jws import thumbprint
from rules.audit.merkle import Frontier, leaf_hash
from rules.audit.settle import StatedLeaf, settle
from rules.errors import ProofError

_NO_KEY: Final = "no verifier key was given and no segment states a usable one"


def verify_log(folder: Path, verifier: str | None = None) -> LogReport:
    """Verify the log in `folder` under a verifier key (text, C2SP signed-note).

    Without one, the key is taken from the log, and the report says so. Raises ProofError for a
    verifier key that is not one, and OSError when the folder cannot be read; everything else is
    in the report.
    """
    report = LogReport()
    segments = list_segments(folder)
    if not segments and not (folder / FILE_NAME).exists():
        report.tell("this folder holds no log", None, None, None)
    if verifier is not None:
        key: VerifierKey | None = VerifierKey.parse(verifier)
    else:
        report.notes.append(OWN_KEY_NOTE)
        key = _stated_key(folder, segments)
    if key is None:
        if segments:
            report.tell(_NO_KEY, None, None, None)
        return report
    report.key, report.fingerprint = str(key), thumbprint(key.public_key)
    witnesses = Witnesses(folder, key, report)
    try:
        walk = _Walk(folder, key, report, witnesses)
        for first in segments:
            walk.take_segment(first, last=first == segments[-1])
        walk.finish()
    finally:
        witnesses.close()
    report.notes.append(TAIL_NOTE)
    return report


class _Walk:
    """One pass over the segments: what is proved so far, and the lines since."""

    def __init__(
        self, folder: Path, key: VerifierKey, report: LogReport, witnesses: Witnesses
    ) -> None:
        self._folder = folder
        self._key = key
        self._report = report
        self._witnesses = witnesses
        self._calls = CallLedger()
        self._done = Frontier()
        self._reached = 0  # the size of the newest checkpoint with a valid signature
        self._proved = True  # False from a batch on whose root cannot be recomputed
        self._batch: list[tuple[str, int, StatedLeaf]] = []
        self._since = 0  # what the next checkpoint line should call the size before it
        self._next = 0  # the index that the next leaf line should state
        self._file = ""
        self._line = 0

    def take_segment(self, first: int, *, last: bool) -> None:
        """Read one segment from its first line to its last."""
        path = segment_path(self._folder, first)
        self._file, self._line = path.name, 0
        if first > self._next:
            self._tell(f"missing before this file: {span(self._next, first)}", self._next)
            self._next = first
        elif first < self._next:
            self._tell(f"the segment overlaps the one before it from entry {first} on", first)
        try:
            for raw in read_lines(path):
                self._line += 1
                self._take_line(raw, first, last=last)
        except OSError as error:
            self._tell(f"it cannot be read: {error.strerror}", None)
        if self._line == 0 and not last:
            self._tell("it is empty", first)

    def finish(self) -> None:
        """Say what only the end of the log can tell."""
        report = self._report
        if self._batch:
            count = len(self._batch)
            report.notes.append(
                f"the last {count} entries have no checkpoint yet: nobody was told that they are"
                " durable, and they are cut off when the log is opened"
            )
        self._witnesses.finish(self._reached)
        report.calls = self._calls.calls
        report.open_intents = tuple((ref.call_id, ref.index) for ref in self._calls.open_intents)

    def _take_line(self, raw: RawLine, first: int, *, last: bool) -> None:
        if not raw.ended:
            if last:
                self._report.notes.append(
                    f"{self._file} ends in an unfinished line, which is cut off when it is opened"
                )
            else:
                self._tell("the line has no end", None)
            return
        try:
            line = parse_line(raw.data)
        except ProofError as error:
            self._tell(str(error), None)
            return
        if isinstance(line, HeaderLine) != (self._line == 1):
            self._tell("the segment's header is missing or in the wrong place", None)
        if isinstance(line, HeaderLine):
            self._take_header(line, first)
        elif isinstance(line, LeafLine):
            self._take_leaf(line, first, raw.offset)
        else:
            head = Head(0, first, raw.offset + len(raw.data) + 1, line.note)
            self._take_checkpoint(line, head)

    def _take_header(self, line: HeaderLine, first: int) -> None:
        if line.first != first:
            self._tell("the segment's header is of another segment than its name", None)
        if line.verifier != str(self._key):
            self._tell("the segment's header names another key", None)

    def _take_leaf(self, line: LeafLine, segment: int, offset: int) -> None:
        self._report.entries += 1
        leaf = StatedLeaf(line.index, line.leaf_hash, leaf_hash(line.data))
        in_order = line.index == self._next
        if line.index > self._next:
            lost = span(self._next, line.index)
            self._tell(f"missing before this line: {lost}", self._next)
        elif not in_order or line.index < self._reached:
            self._tell("the entry stands in the wrong place", line.index)
        self._next = line.index + 1
        if not leaf.intact:
            self._tell("the entry's bytes and the hash that its line states differ", line.index)
        self._batch.append((self._file, self._line, leaf))
        try:
            entry = read_entry(line.index, line.data, self._key.public_key)
        except ProofError as error:
            self._tell(str(error), line.index)
            return
        for index, message in self._calls.take(entry):
            own = index == line.index
            self._report.tell(
                message, self._file if own else None, self._line if own else None, index
            )
        if leaf.intact and in_order:
            start = offset + len(leaf_prefix(line.index, line.leaf_hash))
            self._witnesses.take_row(row_of(entry, segment, start, len(line.data)))

    def _take_checkpoint(self, line: CheckpointLine, head: Head) -> None:
        self._report.checkpoints += 1
        since, self._since = self._since, self._next
        try:
            stated = open_own_checkpoint(line.note, self._key)
        except ProofError as error:
            # The next checkpoint covers this batch too, so its entries can still be proved.
            self._tell(str(error), None)
            return
        self._since = stated.size
        if stated.since != line.since:
            self._tell("the checkpoint's line states another size before it than was signed", None)
        if stated.since != since:
            self._tell("the checkpoint before this one is missing, altered or moved", None)
        if stated.size < self._reached or (stated.size == self._reached and not self._batch):
            self._tell("the checkpoint stands in the wrong place", None)
            return
        self._reached = stated.size
        self._settle(stated)
        self._witnesses.take_checkpoint(stated, head._replace(size=stated.size))

    def _settle(self, stated: Checkpoint) -> None:
        batch, self._batch = self._batch, []
        if not self._proved:
            self._resume(stated)
            return
        leaves = [leaf for _, _, leaf in batch]
        result = settle(self._done, leaves, stated.size, stated.root, {})
        if result.frontier is None:
            known = self._witnesses.known(self._done.size, stated.size)
            result = settle(self._done, leaves, stated.size, stated.root, known)
        if len(leaves) > stated.size - self._done.size:
            # Lines that moved before the checkpoint of an earlier batch belong to a later one.
            self._batch = [line for line in batch if line[2].index >= stated.size]
            for name, number, leaf in self._batch:
                self._report.tell("the entry stands in the wrong place", name, number, leaf.index)
        for at, index, message in result.problems:
            where = None if at is None else batch[at]
            self._report.tell(message, where and where[0], where and where[1], index)
        if result.frontier is not None:
            self._reach(result.frontier, stated)
            self._witnesses.take_nodes(result.nodes)
        else:
            self._proved = False
            self._resume(stated)
            if not self._proved:
                self._tell("no root can be recomputed from here on", self._done.size)

    def _resume(self, stated: Checkpoint) -> None:
        """After a batch that proves nothing: go on where the index leads to a signed root."""
        frontier = self._witnesses.frontier(stated)
        if frontier is not None:
            self._reach(frontier, stated)
            self._proved = True

    def _reach(self, frontier: Frontier, stated: Checkpoint) -> None:
        self._done = frontier
        self._report.size, self._report.root = stated.size, stated.root.hex()

    def _tell(self, message: str, index: int | None) -> None:
        self._report.tell(message, self._file, self._line or None, index)


def _stated_key(folder: Path, segments: list[int]) -> VerifierKey | None:
    """The key that the first usable segment header states."""
    for first in segments:
        try:
            for raw in read_lines(segment_path(folder, first)):
                line = parse_line(raw.data)
                if isinstance(line, HeaderLine):
                    return VerifierKey.parse(line.verifier)
                break
        except (OSError, ProofError):
            continue
    return None
