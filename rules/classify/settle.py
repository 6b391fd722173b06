"""Settles findings that overlap, so that each character belongs to one finding at most.

Nothing that any recognizer found is left uncovered: where kinds compete, the winner takes the
whole stretch.
"""

from collections.abc import Iterable
from typing import Final

from rules.classify.recognizer import Finding

_NOTHING: Final = Finding(-1, 0, 0, "", 0.0)


def settle(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings without overlaps, by slot and start.

    Findings of one kind that touch or overlap become one. Where different kinds overlap, the higher
    score wins, then the longer finding, and its span grows over both.
    """
    settled: list[Finding] = []
    best_width = 0  # of the finding that gave the last stretch its kind, before it grew
    last = _NOTHING
    for finding in sorted(findings, key=_order):
        slot, start, end, entity, score = finding
        width = end - start
        if slot != last.slot or start > last.end or (start == last.end and entity != last.entity):
            settled.append(finding)
            last, best_width = finding, width
            continue
        if (score, width) > (last.score, best_width):
            last = Finding(slot, last.start, max(last.end, end), entity, score)
            best_width = width
        elif end > last.end:
            last = last._replace(end=end)
        settled[-1] = last
    return settled


def _order(finding: Finding) -> tuple[int, int, int, float, str]:
    slot, start, end, entity, score = finding
    return slot, start, -end, -score, entity
