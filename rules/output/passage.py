"""The way of an answer from provider to caller: each lane through guards, with restoring between.

Leakage is looked for in what the provider wrote; then tokens become values again; then the caller's
schema, which speaks of values, is checked. A guard that stops an answer stops all of it for good,
and so does a guard that fails. Reports name only guards that really ran.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from rules.chat import Cut, Lane, LaneKind
from rules.output.schema import Schema, SchemaError
from rules.output.stream_guard import LeakageGuard, SchemaGuard, Watch
from rules.policy.document import Action, Guards, Obligation

LEAKAGE: Final = "leakage"
JSON_SCHEMA: Final = "json_schema"
# What stands in a report where a schema could not be used and the policy only warns.
UNUSABLE: Final = "unusable_schema"
# What stands there where a guard failed over text that had left already.
FAILED: Final = "guard_failed"


class Restorer(Protocol):
    """Puts values back into one lane of an answer, cut anywhere."""

    def feed(self, text: str) -> str:
        """Take the next piece; return what is settled."""
        ...

    def finish(self) -> str:
        """The lane has ended; return the rest."""
        ...


@dataclass(frozen=True, slots=True)
class GuardReport:
    """A guard that really ran: its `action`, its findings counted by kind, and its verdict.

    The kinds are entities or broken keywords; the verdict is `emitted`, `warned`, `cut`, or
    `exempt` where the answer ended without a text that the guard could have judged.
    """

    guard: str
    action: str
    findings: Mapping[str, int]
    verdict: str


def needed(obligation: Obligation, *, tokens: bool, schema: bool) -> bool:
    """True when an answer has to be read at all; False lets it pass byte for byte.

    `tokens`: something was tokenized; `schema`: the caller asked for a JSON Schema.
    """
    guards = obligation.guards
    return (
        (tokens and obligation.restore)
        or guards.leakage is not Action.OFF
        or (schema and guards.json_schema is not Action.OFF)
    )


class Passage:
    """Implements `rules.chat.LaneEditor` for one answer, of which nothing is kept once it ended."""

    __slots__ = (
        "_counts", "_ended", "_guards", "_json_text", "_restorer", "_schema", "_stop", "_strands",
        "_watch",
    )  # fmt: skip

    def __init__(
        self,
        guards: Guards,
        watch: Watch,
        *,
        restorer: Callable[[bool], Restorer] | None,
        schema: Mapping[str, Any] | None = None,
        json_text: bool = False,
    ) -> None:
        """Stand ready for one answer.

        `watch` says how leaks are looked for, if `guards` ask for it;
        `restorer` makes one for a lane of JSON source (True) or of plain text, None leaves tokens
        as they are; `schema` is the caller's, `json_text` says that the caller asked for JSON.
        Raises SchemaError if `guards` would refuse by a schema that cannot be used.
        """
        self._guards = guards
        self._watch = watch
        self._restorer = restorer
        self._json_text = json_text or schema is not None
        self._strands: dict[Lane, _Strand] = {}
        self._ended: set[Lane] = set()
        self._counts: dict[str, Counter[str]] = {}
        self._stop: Cut | None = None
        self._schema = self._compiled(schema)

    def _compiled(self, schema: Mapping[str, Any] | None) -> Schema | None:
        if schema is None or self._guards.json_schema is Action.OFF:
            return None
        try:
            return Schema(schema)
        except SchemaError:
            if self._guards.json_schema is Action.REFUSE:
                raise
            self._counts[JSON_SCHEMA] = Counter([UNUSABLE])
            return None

    def __repr__(self) -> str:
        return f"Passage({len(self._strands)} lanes open)"

    def feed(self, lane: Lane, text: str) -> str:
        """Take the next piece of a lane; return what may leave now. Raises Cut.

        A lane begins with its first character. One that has ended cannot go on: what it said before
        is no longer there to be judged along with what it says now.
        """
        self._check_open()
        if not text:
            return ""
        strand = self._strands.get(lane) or self._open(lane)
        try:
            return strand.feed(text)
        except BaseException as error:
            self._close(error)
            raise

    def finish(self, lane: Lane) -> str:
        """The lane has ended; return the rest of what may leave. Raises Cut."""
        self._check_open()
        self._ended.add(lane)
        strand = self._strands.get(lane)
        if strand is None:
            return ""
        try:
            rest = strand.finish()
        except BaseException as error:
            self._close(error)
            raise
        self._add(self._strands.pop(lane))
        return rest

    def whole(self, text: str) -> str:
        """Pass a string that belongs to no lane, such as a citation. Raises Cut."""
        self._check_open()
        strand = self._strand(is_json=False, schema=None)
        try:
            return strand.last(text)
        except BaseException as error:
            self._close(error)
            raise
        finally:
            self._add(strand)

    def report(self) -> tuple[GuardReport, ...]:
        """Tell which guards ran and what they found; to be asked once the answer has ended.

        Text that left under a guard that only warns, in a lane that never ended, is judged now.
        """
        exempt = self._is_exempt()
        for strand in self._strands.values():
            strand.settle()
            self._add(strand)
        self._strands.clear()
        actions = {LEAKAGE: self._guards.leakage, JSON_SCHEMA: self._guards.json_schema}
        reports = [
            GuardReport(guard, action.value, dict(self._counts[guard]), self._verdict(guard))
            for guard, action in actions.items()
            if guard in self._counts
        ]
        if exempt:
            action = self._guards.json_schema.value
            reports.append(GuardReport(JSON_SCHEMA, action, {}, "exempt"))
        return tuple(reports)

    def _is_exempt(self) -> bool:
        """True when an answer has ended, not been cut, and held nothing for a schema to judge."""
        judged = JSON_SCHEMA in self._counts or any(s.schema for s in self._strands.values())
        return self._schema is not None and bool(self._ended) and not judged and self._stop is None

    def warnings(self) -> tuple[str, ...]:
        """Return what guards that only warn have found so far: `leakage:US_SSN`, `json_schema`."""
        words: list[str] = []
        if self._guards.leakage is Action.WARN:
            words += (f"{LEAKAGE}:{entity}" for entity in sorted(self._counts.get(LEAKAGE, ())))
        if self._guards.json_schema is Action.WARN and self._counts.get(JSON_SCHEMA):
            words.append(JSON_SCHEMA)
        return tuple(words)

    def _verdict(self, guard: str) -> str:
        if self._stop is not None and self._stop.guard == guard:
            return "cut"
        return "warned" if self._counts[guard] else "emitted"

    def _check_open(self) -> None:
        if self._stop is not None:
            raise Cut(self._stop.guard, self._stop.code, str(self._stop))

    def _close(self, error: BaseException) -> None:
        """Let nothing out any more; a guard that failed counts as one that forbids."""
        if isinstance(error, Cut):
            self._stop = error
        else:
            self._stop = Cut("passage", "guard_failed", "it could not be judged")

    def _add(self, strand: "_Strand") -> None:
        if strand.leakage is not None:
            self._counts.setdefault(LEAKAGE, Counter()).update(strand.leakage.found)
        if strand.schema is not None and strand.schema.found is not None:
            self._counts.setdefault(JSON_SCHEMA, Counter()).update(strand.schema.found)

    def _open(self, lane: Lane) -> "_Strand":
        if lane in self._ended:
            self._stop = Cut("passage", "lane_reopened", "it went on after its end")
            raise self._stop
        is_text = lane.kind is LaneKind.TEXT
        is_json = lane.kind is LaneKind.ARGUMENTS or (is_text and self._json_text)
        schema = None
        if self._schema is not None and is_text:
            withholds = self._guards.json_schema is Action.REFUSE
            schema = SchemaGuard(self._schema.problems, withholds=withholds)
        strand = self._strands[lane] = self._strand(is_json, schema)
        return strand

    def _strand(self, is_json: bool, schema: SchemaGuard | None) -> "_Strand":
        leakage = None
        if self._guards.leakage is not Action.OFF:
            withholds = self._guards.leakage is Action.REFUSE
            leakage = LeakageGuard(self._watch, withholds=withholds)
        restorer = None if self._restorer is None else self._restorer(is_json)
        return _Strand(leakage, restorer, schema)


class _Strand:
    """What one lane passes through, in this order; each part may be missing."""

    __slots__ = ("leakage", "restorer", "schema")

    def __init__(
        self, leakage: LeakageGuard | None, restorer: Restorer | None, schema: SchemaGuard | None
    ) -> None:
        self.leakage = leakage
        self.restorer = restorer
        self.schema = schema

    def feed(self, text: str) -> str:
        if self.leakage is not None:
            text = self.leakage.feed(text)
        if self.restorer is not None and text:
            text = self.restorer.feed(text)
        if self.schema is not None and text:
            text = self.schema.feed(text)
        return text

    def finish(self) -> str:
        return self._end("" if self.leakage is None else self.leakage.finish())

    def last(self, text: str) -> str:
        """Do what `feed` and then `finish` do, with one look at the text instead of two."""
        return self._end(text if self.leakage is None else self.leakage.last(text))

    def _end(self, text: str) -> str:
        if self.restorer is not None:
            text = (self.restorer.feed(text) if text else "") + self.restorer.finish()
        if self.schema is not None:
            text = (self.schema.feed(text) if text else "") + self.schema.finish()
        return text

    def settle(self) -> None:
        """Judge what has left already; what was withheld never left and needs no judgement."""
        if self.leakage is not None and not self.leakage.withholds:
            try:
                self.leakage.finish()
            except Exception:  # noqa: BLE001 - a guard that fails must not keep the report from being made
                self.leakage.found[FAILED] += 1
