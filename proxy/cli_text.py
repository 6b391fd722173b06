"""How the answers of commands look as text. Nothing here decides anything."""

from collections.abc import Sequence

from proxy.app import LogReport
from proxy.config_yaml import Problem
from proxy.offline import Explanation, indented


def problems_text(problems: Sequence[Problem]) -> str:
    """Return all problems, one a line, and their number."""
    count = len(problems)
    lines = [str(problem) for problem in problems]
    return "\n".join([*lines, f"{count} problem{'s' if count != 1 else ''}", ""])


def explanation_text(explanation: Explanation) -> str:
    """Return what a call would meet, and the body that would leave."""
    lines = [
        f"decision  {'permit' if explanation.permitted else 'refuse'}",
        f"rule      {explanation.rule}",
        f"policy    {explanation.policy}",
        f"because   {explanation.words}",
        f"labels    {', '.join(explanation.labels) or '(none)'}",
    ]
    for position, (entity, operator, count) in enumerate(explanation.found):
        lines.append(f"{'found' if position == 0 else '':10}{count} x {entity}: {operator}")
    if explanation.leaving is None:
        lines.append("leaves    nothing")
    else:
        lines += ["leaves", indented(explanation.leaving)]
    return "\n".join(lines)


def report_text(report: LogReport) -> str:
    """Return what a verification found: the verdict first, then every problem, then the notes."""
    count = len(report.problems)
    if report.ok:
        verdict = "the log holds"
    elif not report.entries and not report.checkpoints:
        verdict = "there is no log to verify here"
    else:
        verdict = f"THE LOG DOES NOT HOLD: {count} problem{'s' if count != 1 else ''}"
    lines = [
        verdict,
        f"  entries {report.entries}, checkpoints {report.checkpoints}, calls {report.calls},"
        f" open intents {len(report.open_intents)}",
        f"  root {report.root}",
        f"  key {report.key}",
    ]
    lines += [f"  ! {problem}" for problem in report.problems]
    lines += [f"  note: {note}" for note in report.notes]
    return "\n".join(lines)
