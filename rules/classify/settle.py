"""Settles findings that overlap, so that each character belongs to one finding at most.

Nothing that any recognizer found is left uncovered: where kinds compete, the winner takes the
whole stretch.
"""

from collections.abc import Iterable

from rules.classify.recognizer import Finding


def settle(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings without overlaps, by slot and start.

    Findings of one kind that touch or overlap become one. Where different kinds overlap, the higher
    score wins, then the longer finding, and its span grows over both.
    """
    settled: list[Finding] = []
    best_width = 0  # of the finding that gave the last stretch its kind, before it grew
    for finding in sorted(findings, key=lambda f: (f.slot, f.start, -f.end, -f.score, f.entity)):
        width = finding.end - finding.start
        last = settled[-1] if settled else None
        if last is None or not _meet(last, finding):
            settled.append(finding)
            best_width = width
            continue
        wins = (finding.score, width) > (last.score, best_width)
        winner = finding if wins else last
        if wins:
            best_width = width
        end = max(last.end, finding.end)
        settled[-1] = Finding(last.slot, last.start, end, winner.entity, winner.score)
    return settled


def _meet(left: Finding, right: Finding) -> bool:
    if left.slot != right.slot:
        return False
    return right.start < left.end or (right.start == left.end and right.entity == left.entity)
