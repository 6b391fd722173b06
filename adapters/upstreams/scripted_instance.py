"""Makes an instance of a simple JSON Schema out of what a prompt holds.

Enough for the schemas of tools and structured answers; deterministic, and bounded in depth. It
must never be used to validate: that is `rules/output/schema.py`.
"""

from collections.abc import Mapping
from typing import Any, Final

from adapters.upstreams.scripted_prose import Found

_MAX_DEPTH: Final = 12


def instance(schema: Mapping[str, Any], found: Found) -> Any:
    """Return a value that satisfies `schema`, with the prompt's values where their names fit."""
    return _make(schema, schema, "", found, 0)


def _make(schema: Any, root: Mapping[str, Any], name: str, found: Found, depth: int) -> Any:
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        return None
    schema = _resolved(schema, root)
    if "const" in schema:
        return schema["const"]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind == "object":
        properties = schema.get("properties")
        if not isinstance(properties, Mapping):
            return {}
        return {
            inner: _make(below, root, inner, found, depth + 1)
            for inner, below in properties.items()
        }
    if kind == "array":
        count = min(max(1, _integer(schema.get("minItems"))), 8)
        items = schema.get("items", {})
        return [_make(items, root, name, found, depth + 1) for _ in range(count)]
    return _scalar(kind, schema, name, found)


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a local `$ref`, and take the first branch of a choice that is not null."""
    for _ in range(_MAX_DEPTH):
        reference = schema.get("$ref")
        branches = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if isinstance(reference, str) and reference.startswith("#/"):
            target: Any = root
            for step in reference[2:].split("/"):
                target = target.get(step, {}) if isinstance(target, Mapping) else {}
        elif isinstance(branches, list):
            kept = (one for one in branches if isinstance(one, Mapping))
            target = next((one for one in kept if one.get("type") != "null"), {})
        else:
            break
        schema = target if isinstance(target, Mapping) else {}
    return schema


def _scalar(kind: str, schema: Mapping[str, Any], name: str, found: Found) -> Any:
    if kind == "null":
        return None
    if kind == "boolean":
        return True
    if kind in ("integer", "number"):
        above = _integer(schema.get("exclusiveMinimum", -1))
        return max(_integer(schema.get("minimum")), above + 1, 0)
    return _words(name.lower(), found)


def _integer(value: Any) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _words(name: str, found: Found) -> str:
    """Return the value of the prompt that a property of this name would hold."""
    wanted = (
        (("doctor", "provider", "physician", "clinician"), found.people[1:][-1:]),
        (("mrn", "record", "patient_id"), found.records),
        (("member", "policy", "subscriber"), found.members),
        (("name", "patient", "person"), found.people),
        (("date", "dob", "birth", "day", "when"), found.dates[-1:]),
        (("drug", "medic", "prescription"), found.drugs),
        (("diagnos", "problem", "condition", "reason"), found.problems),
        (("lab", "result", "finding", "value"), found.labs),
    )
    for words, values in wanted:
        if any(word in name for word in words) and values:
            return values[0]
    if "summary" in name or "note" in name or "text" in name:
        return f"{found.patient} is stable and will be seen again."
    return "not stated"
