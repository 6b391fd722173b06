"""What a verification tells: everything that is wrong, by file, line and entry."""

from dataclasses import dataclass, field
from typing import Final

MAX_PROBLEMS: Final = 1_000
TAIL_NOTE: Final = (
    "not covered without an outside anchor: whoever holds this disk can cut off the log's end, and"
    " whoever holds the signing key too can rewrite all of it so that it holds; a checkpoint (size"
    " and root) kept elsewhere shows either"
)
OWN_KEY_NOTE: Final = (
    "the key was taken from the log itself: that the log holds under it does not say whose it is;"
    " give the verifier key that was kept elsewhere"
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: in which file and line, about which entry, where these are known."""

    file: str | None
    line: int | None
    index: int | None
    message: str

    def __str__(self) -> str:
        place = [self.file or ""]
        if self.line is not None:
            place.append(f"line {self.line}")
        if self.index is not None:
            place.append(f"entry {self.index}")
        where = ", ".join(part for part in place if part)
        return f"{where}: {self.message}" if where else self.message


@dataclass(slots=True)
class LogReport:
    """The result of `verify_log`.

    `size` and `root` (hex) are of the newest checkpoint that holds; `entries` and `checkpoints`
    count lines; `open_intents` are (call id, index) without an outcome, which is not an error;
    `key` is the verifier key and `fingerprint` its RFC 7638 thumbprint; `notes` say what the
    reader should know without it being wrong.
    """

    entries: int = 0
    checkpoints: int = 0
    calls: int = 0
    open_intents: tuple[tuple[str, int], ...] = ()
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    key: str = ""
    fingerprint: str = ""
    size: int = 0
    root: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def tell(self, message: str, file: str | None, line: int | None, index: int | None) -> None:
        """Add a problem; a log of garbage does not fill the memory with them."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(file, line, index, message))
        elif len(self.problems) == MAX_PROBLEMS:
            self.problems.append(Problem(None, None, None, "there are more problems than listed"))


def span(start: int, stop: int) -> str:
    """Return words for the entries `start <= index < stop`."""
    return f"entry {start}" if stop - start == 1 else f"entries {start} to {stop - 1}"
