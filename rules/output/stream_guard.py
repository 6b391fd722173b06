"""Two guards over one lane of an answer, sans-I/O: pieces of text go in, what may leave comes out.

A guard that withholds lets nothing out before it is judged: no character of an identifier of up to
WINDOW characters leaves before the whole identifier was seen. A guard that only warns holds nothing
back. What is found is the same however the lane is cut into pieces.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from rules.chat import Cut
from rules.classify.recognizer import Finding
from rules.output.leakage import KnownValues, leaks, unescaped
from rules.output.schema import Problem

# The longest identifier with spaces in it, a postal address on one line, takes some 120 characters.
WINDOW: Final = 160
# Text before an identifier that gives it its meaning (`member id:`) and is scanned along with it.
CONTEXT: Final = 80
# A scan has a price of its own, so it waits for this many new characters: a dozen deltas or so. Who
# holds nothing back can wait longer, since nobody waits for it.
STEP: Final = 64
LEISURELY_STEP: Final = 1024
# An unbroken run of these is one word (a key, a URL) and is judged whole, up to RUN characters.
RUN: Final = 1024
_WORD: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+/=@%~:#?&"
)
# An answer that has to be read whole must end somewhere: 8 Mi characters.
LONGEST: Final = 8 * 1024 * 1024
TOO_LONG: Final = "too_long"

Scan = Callable[[str], Sequence[Finding]]


@dataclass(frozen=True, slots=True)
class Watch:
    """What counts as a leak in one call: how to look, what its request held, and which kinds."""

    scan: Scan
    known: KnownValues
    entities: Collection[str]


class LeakageGuard:
    """Looks for identifiers that the request did not hold, in a provider's text before restoring.

    `_text` begins with `_judged` characters of context that were judged before; `_due` is its
    length at which the next look pays.
    """

    __slots__ = ("_due", "_judged", "_step", "_text", "_watch", "found", "withholds")

    def __init__(self, watch: Watch, *, withholds: bool) -> None:
        """Guard one lane."""
        self._watch = watch
        self.withholds = withholds
        self._text = ""
        self._judged = 0
        self._step = STEP if withholds else LEISURELY_STEP
        self._due = WINDOW + self._step
        self.found: Counter[str] = Counter()

    def feed(self, text: str) -> str:
        """Take the next piece and return what may leave now. Raises Cut if it withholds."""
        self._text += text
        if len(self._text) < self._due:
            return "" if self.withholds else text
        judged = self._judge(self._limit())
        return judged if self.withholds else text

    def finish(self) -> str:
        """Judge what is left and return it where it was withheld. Raises Cut if it withholds."""
        judged = self._judge(len(self._text))
        return judged if self.withholds else ""

    def last(self, text: str) -> str:
        """Take the last piece and judge all that is left; return what may leave now. Raises Cut."""
        self._text += text
        judged = self._judge(len(self._text))
        return judged if self.withholds else text

    def _limit(self) -> int:
        """Return how far text can be judged: a window from its end, and not within a word."""
        limit = at = len(self._text) - WINDOW
        text = self._text
        while at > self._judged and text[at] in _WORD and text[at - 1] in _WORD:
            at -= 1
            if limit - at == RUN:
                return limit
        return at

    def _judge(self, limit: int) -> str:
        """Count, or cut for, the leaks that begin before `limit`; return the text up to there."""
        text = self._text
        if limit > self._judged:
            leaked = self._leaks(limit)
            self.found.update(leaked)
            if leaked and self.withholds:
                raise leakage_cut(leaked)
            passed = text[self._judged : limit]
            start = max(0, limit - CONTEXT)
            self._text = text[start:]
            self._judged = limit - start
        else:
            passed = ""
        self._due = len(self._text) + self._step
        return passed

    def _leaks(self, limit: int) -> list[str]:
        text, judged = self._text, self._judged
        if "\\" in text:
            limit = len(unescaped(text[:limit]))
            judged = len(unescaped(text[:judged]))
            text = unescaped(text)
        findings = [
            finding
            for finding in self._watch.scan(text)
            if finding.start < limit and finding.end > judged
        ]
        if not findings:
            return []
        if not self.withholds:
            # One that reaches into the context was counted when its beginning was judged.
            findings = [finding for finding in findings if finding.start >= judged]
        return [f.entity for f in leaks(text, findings, self._watch.known, self._watch.entities)]


class SchemaGuard:
    """Holds an answer to the caller's JSON Schema; it reads the text after restoring, all of it.

    `found` is None until an answer was read to its end.
    """

    __slots__ = ("_length", "_pieces", "_problems", "found", "withholds")

    def __init__(self, problems: Callable[[str], Sequence[Problem]], *, withholds: bool) -> None:
        """Guard one lane with `problems`, which says what is wrong with a whole answer."""
        self._problems = problems
        self.withholds = withholds
        self._pieces: list[str] = []
        self._length = 0
        self.found: Counter[str] | None = None

    def feed(self, text: str) -> str:
        """Take the next piece and return what may leave now. Raises Cut if it withholds."""
        self._length += len(text)
        if self._length <= LONGEST:
            self._pieces.append(text)
        elif self.withholds:
            self.found = Counter([TOO_LONG])
            raise schema_cut([Problem(TOO_LONG)])
        return "" if self.withholds else text

    def finish(self) -> str:
        """Judge the whole answer and return it where it was withheld. Raises Cut if it withholds.

        An empty answer, or one of white space only, is not held to the schema: it says no more than
        that the model did something else, such as to call a tool.
        """
        text = "".join(self._pieces)
        if text.strip():
            problems = [Problem(TOO_LONG)] if self._length > LONGEST else self._problems(text)
            self.found = Counter(problem.keyword for problem in problems)
            if problems and self.withholds:
                raise schema_cut(problems)
        return text if self.withholds else ""


def leakage_cut(entities: Sequence[str]) -> Cut:
    """Return the verdict on an answer that holds identifiers of these kinds."""
    kinds = ", ".join(sorted(set(entities)))
    message = f"it holds an identifier that the request did not hold ({kinds})"
    return Cut("leakage", "output_leakage", message)


def schema_cut(problems: Sequence[Problem]) -> Cut:
    """Return the verdict on an answer that breaks its schema in these ways."""
    ways = ", ".join(f"{p.keyword} at {p.pointer}" if p.pointer else p.keyword for p in problems)
    message = f"it does not follow the JSON Schema of the request ({ways})"
    return Cut("json_schema", "output_schema", message)
