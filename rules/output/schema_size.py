"""How large a JSON Schema is once its references are followed, since that is what checking costs.

A few lines of `$ref` that double each other stand for billions of subschemas: a text that does not
follow such a schema would keep a validator busy for hours. References other than to a place in the
same document by JSON pointer (RFC 6901) cannot be followed here and count as unusable.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

MAX_DEPTH: Final = 256
# What would make a reference mean another place than the pointer that it looks like.
_ELSEWHERE: Final = ("$dynamicRef", "$recursiveRef")


class SchemaError(Exception):
    """A schema cannot be used: not valid, not self-contained, or too costly to check against."""


@dataclass(frozen=True, slots=True)
class Size:
    """`nodes`: its objects, with every reference written out once; `recursive`: there is no end."""

    nodes: int
    recursive: bool


def size(schema: Mapping[str, Any]) -> Size:
    """Measure `schema`. Raises SchemaError where references lead elsewhere or too deep."""
    walk = _Walk(schema)
    nodes = walk.weigh(schema, 0)
    return Size(nodes, walk.recursive)


class _Walk:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self.recursive = False
        self._root = root
        self._id = "id" if "draft-04" in str(root.get("$schema")) else "$id"
        self._known: dict[str, int] = {}
        self._under_way: set[str] = set()

    def weigh(self, node: object, depth: int) -> int:
        if depth > MAX_DEPTH:
            raise SchemaError("the JSON Schema of this call is nested too deep")
        if isinstance(node, list):
            return sum(self.weigh(inner, depth + 1) for inner in node)
        if not isinstance(node, Mapping):
            return 0
        if node is not self._root and isinstance(node.get(self._id), str):
            raise SchemaError("the JSON Schema of this call holds another document")
        if any(isinstance(node.get(key), str) for key in _ELSEWHERE):
            raise SchemaError("the JSON Schema of this call has a reference without a fixed target")
        nodes = 1 + sum(self.weigh(inner, depth + 1) for inner in node.values())
        reference = node.get("$ref")
        if isinstance(reference, str):
            nodes += self._follow(reference, depth)
        return nodes

    def _follow(self, reference: str, depth: int) -> int:
        if reference in self._under_way:
            self.recursive = True
            return 1
        if reference not in self._known:
            self._under_way.add(reference)
            self._known[reference] = self.weigh(self._target(reference), depth + 1)
            self._under_way.discard(reference)
        return self._known[reference]

    def _target(self, reference: str) -> object:
        pointer = unquote(reference.removeprefix("#"))
        if not reference.startswith("#") or (pointer and not pointer.startswith("/")):
            raise SchemaError("the JSON Schema of this call refers to something outside itself")
        node: object = self._root
        for part in pointer.split("/")[1:]:
            word = part.replace("~1", "/").replace("~0", "~")
            if isinstance(node, Mapping) and word in node:
                node = node[word]
            elif isinstance(node, list) and word.isdecimal() and int(word) < len(node):
                node = node[int(word)]
            else:
                raise SchemaError("the JSON Schema of this call refers to something it lacks")
        return node
