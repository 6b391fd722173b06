"""YAML into plain values, with the line on which each of them stands.

Follows the core schema of YAML 1.2 where PyYAML follows 1.1, so `off` is a word, `10:30` is text
and a date is not a date. Duplicate keys, tabs, tags, aliases and a second document are problems,
not surprises; nothing is constructed but mappings, lists, text, numbers, booleans and null.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from rules.policy.flaws import Place

MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 64
_PLAIN: Final = "tag:yaml.org,2002:"
_SCALARS: Final = frozenset({"str", "int", "float", "bool", "null"})


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: in which file, on which line (0 where there is none), and what."""

    file: str
    line: int
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        advice = f"; {self.suggestion}" if self.suggestion else ""
        return f"{where}: {self.message}{advice}"


@dataclass(slots=True)
class Document:
    """A parsed file: its `value`, where each part stands, and the `problems` of the text itself."""

    file: str
    value: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line_of(self, place: Place) -> int:
        """Return the line of what is at `place`, or of the nearest thing around it (0 if none)."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 0)


class _Loader(yaml.SafeLoader):
    """Splits text into nodes; the way from nodes to values is ours."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse an alias, with which a short text can stand for an endless value."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call] # not in the stubs
            raise yaml.MarkedYAMLError(problem="aliases are not known here", problem_mark=mark)
        return super().compose_node(parent, index)


for _kind, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("int", r"[-+]?[0-9]{1,18}", "-+0123456789"),
    ("float", r"[-+]?[0-9]{1,18}(\.[0-9]*)?([eE][-+]?[0-9]{1,3})?", "-+0123456789"),
):
    _Loader.add_implicit_resolver(
        _PLAIN + _kind, re.compile(f"^(?:{_pattern})$"), [*_first, *([""] * (_kind == "null"))]
    )


def parse(content: bytes, file: str) -> Document:
    """Return what `content` says; a text that cannot be read has `problems` and no value."""
    document = Document(file, lines={(): 1})
    if len(content) > MAX_BYTES:
        document.problems.append(Problem(file, 0, f"is longer than {MAX_BYTES} bytes"))
        return document
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        document.problems.append(Problem(file, line, "is not UTF-8 text"))
        return document
    try:
        node = _Loader(text).get_single_node()
        if node is not None:
            document.value = _value(node, (), document)
    except yaml.YAMLError as error:
        document.problems.extend(_syntax(error, text, file))
    except RecursionError:
        document.problems.append(_too_deep(file, 0))
    return document


def _too_deep(file: str, line: int) -> Problem:
    return Problem(file, line, f"is nested deeper than {MAX_DEPTH} levels")


def _syntax(error: yaml.YAMLError, text: str, file: str) -> list[Problem]:
    tabs = [
        Problem(file, number, "a tab at the beginning of a line", "YAML is indented with spaces")
        for number, line in enumerate(text.splitlines(), 1)
        if line.lstrip(" ").startswith("\t")
    ]
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark is not None else 0
    if any(problem.line == line for problem in tabs):
        return tabs
    return [*tabs, Problem(file, line, f"cannot be read as YAML: {_said(error)}")]


def _said(error: yaml.YAMLError) -> str:
    # The reader's errors quote what they stumble over, so that only the kinds of it are told.
    said = [getattr(error, name, None) for name in ("context", "problem")]
    return ", ".join(filter(None, said)) or "a character that is not allowed"


def _value(node: yaml.Node, place: Place, document: Document) -> Any:
    line = node.start_mark.line + 1
    document.lines.setdefault(place, line)
    if len(place) > MAX_DEPTH:
        document.problems.append(_too_deep(document.file, line))
        return None
    if isinstance(node, yaml.MappingNode) and node.tag == f"{_PLAIN}map":
        return _mapping(node, place, document)
    if isinstance(node, yaml.SequenceNode) and node.tag == f"{_PLAIN}seq":
        return [_value(one, (*place, at), document) for at, one in enumerate(node.value)]
    kind = node.tag.removeprefix(_PLAIN)
    if not isinstance(node, yaml.ScalarNode) or kind not in _SCALARS:
        document.problems.append(Problem(document.file, line, "tags (`!…`) are not known here"))
        return None
    return _scalar(kind, node.value, line, document)


def _scalar(kind: str, text: str, line: int, document: Document) -> Any:
    if kind == "str":
        return text
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    try:
        return int(text) if kind == "int" else float(text)
    except ValueError:  # only where an explicit tag claims a kind that the text is not
        document.problems.append(Problem(document.file, line, f"is not of the kind `{kind}`"))
        return None


def _mapping(node: yaml.MappingNode, place: Place, document: Document) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            document.problems.append(Problem(document.file, line, "a key should be a word"))
            continue
        key = key_node.value
        if key in found:
            first = document.lines[(*place, key)]
            said = f"the key `{key}` stands here for the second time (first on line {first})"
            document.problems.append(Problem(document.file, line, said))
            continue
        document.lines[(*place, key)] = line
        found[key] = _value(value_node, (*place, key), document)
    return found
