"""The entries of the evidence log: what is kept of a call, and in which bytes.

The content is closed and versioned. No text of a call, no value found in one and no error text
enters: values appear as counts by type and as keyed commitments (`rules.audit.commit`). Strings
that a caller or a provider chooses freely are kept only where they follow a narrow grammar. The
bytes made here are hashed as they stand; nothing is ever canonicalized or re-serialised.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from rules.audit import base64_strict
from rules.chat import Usage, is_model_name
from rules.principal import Principal

VERSION: Final = 1
STATUSES: Final = frozenset({"answered", "refused", "failed", "client_gone", "cut", "unknown"})
UNPRINTED: Final = "(unprinted)"

_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,63}", re.ASCII)
# The finish reasons of the dialects spoken here; any other is provider text and becomes `other`.
_FINISH: Final = frozenset(
    {
        "stop", "length", "tool_calls", "content_filter", "function_call", "end_turn",
        "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "completed",
        "incomplete", "failed", "cancelled", "max_output_tokens", "safety", "recitation",
        "guardrail_intervened", "content_filtered", "cut", "model_context_window_exceeded",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class IntentRef:
    """Proof that an intent is durable: its place in the log and its leaf hash (32 bytes).

    Made only by the ledger (`proxy/ledger.py`), after the intent has reached the disk.
    """

    call_id: str
    index: int
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at an upstream: HTTP `status` or `error` (a stable word), and its `seconds`."""

    upstream: str
    status: int | None
    error: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class GuardRun:
    """A guard that really ran: its `action`, counts by finding type, and its verdict.

    `verdict` is `emitted`, `warned`, `cut`, or `exempt` where there was nothing to judge.
    """

    guard: str
    action: str
    findings: Mapping[str, int]
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What is about to leave, written before anything does.

    `time` is seconds since the epoch; `entities` maps entity type to operator to count;
    `commitments` maps a name (`received`, `sent`) to a commitment from `rules.audit.commit`.
    Names of tools may hold anything, so only their number is kept.
    """

    call_id: str
    time: float
    principal: Principal
    dialect: str
    model: str
    stream: bool
    policy: str
    policy_hash: str
    rule: str
    entities: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    residual: frozenset[str] = frozenset()
    tools: tuple[str, ...] = ()
    commitments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a call ended; for a call that was refused, its only entry.

    `status` is one of `STATUSES`; `http_status` what the caller was sent (0 for nothing); `code`
    the stable error code; `tenant` is read only where there is no principal; `seconds` the whole
    call and `upstream_seconds` the part spent waiting for providers; `released` the verdict on a
    held answer (None where none was held); `complete` whether the answer reached its end.
    """

    call_id: str
    time: float
    status: str
    http_status: int
    code: str | None = None
    principal: Principal | None = None
    tenant: str = ""
    dialect: str = ""
    model: str = ""
    policy: str = ""
    policy_hash: str = ""
    rule: str = ""
    attempts: tuple[Attempt, ...] = ()
    guards: tuple[GuardRun, ...] = ()
    upstream: str | None = None
    usage: Usage | None = None
    finish_reasons: tuple[str, ...] = ()
    tools_called: tuple[str, ...] = ()
    seconds: float = 0.0
    upstream_seconds: float = 0.0
    released: bool | None = None
    complete: bool = False
    warnings: tuple[str, ...] = ()
    commitments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of what governs calls: `what` (`policy`, `key`, `start` …), the `name` of it in the
    configuration, and the `digest` of its new content. `change_id` is unique within the log.
    """

    change_id: str
    time: float
    what: str
    name: str
    digest: str


def encode_change(entry: Change) -> bytes:
    """Return the payload of a change of configuration, which the ledger signs."""
    return orjson.dumps(
        {
            "v": VERSION,
            "kind": "config",
            "call_id": entry.change_id,
            "time": round(entry.time, 6),
            "tenant": "",
            "what": _word(entry.what),
            "name": entry.name,
            "digest": entry.digest,
        }
    )


def encode_intent(entry: Intent) -> bytes:
    """Return the leaf of an intent: JSON, fields in a fixed order."""
    return orjson.dumps(
        {
            "v": VERSION,
            "kind": "intent",
            "call_id": entry.call_id,
            "time": round(entry.time, 6),
            "tenant": entry.principal.tenant,
            "principal": _principal(entry.principal),
            "dialect": entry.dialect,
            "model": _model(entry.model),
            "stream": entry.stream,
            "policy": {"name": entry.policy, "hash": entry.policy_hash, "rule": entry.rule},
            "entities": {
                entity: dict(sorted(operators.items()))
                for entity, operators in sorted(entry.entities.items())
            },
            "labels": sorted(entry.labels),
            "residual": sorted(entry.residual),
            "tools": len(entry.tools),
            "commitments": dict(entry.commitments),
        }
    )


def encode_outcome(entry: Outcome, intent: IntentRef | None) -> bytes:
    """Return the payload of an outcome, which the ledger signs (`rules.audit.jws`).

    With an intent it carries that intent's place and leaf hash (base64). Raises ValueError for a
    status outside `STATUSES`: the content is closed.
    """
    if entry.status not in STATUSES:
        raise ValueError("an outcome has a status outside the closed list")
    return orjson.dumps(
        {
            "v": VERSION,
            "kind": "outcome",
            "call_id": entry.call_id,
            "time": round(entry.time, 6),
            "tenant": entry.tenant if entry.principal is None else entry.principal.tenant,
            "intent": None if intent is None else _intent_ref(intent),
            "status": entry.status,
            "http_status": entry.http_status,
            "code": _optional_word(entry.code),
            "principal": None if entry.principal is None else _principal(entry.principal),
            "dialect": entry.dialect,
            "model": _model(entry.model),
            "policy": {"name": entry.policy, "hash": entry.policy_hash, "rule": entry.rule},
            "attempts": [_attempt(attempt) for attempt in entry.attempts],
            "guards": [_guard(run) for run in entry.guards],
            "upstream": entry.upstream,
            "usage": _usage(entry.usage),
            "finish_reasons": [_finish(reason) for reason in entry.finish_reasons],
            "tools_called": len(entry.tools_called),
            "seconds": round(entry.seconds, 6),
            "upstream_seconds": round(entry.upstream_seconds, 6),
            "released": entry.released,
            "complete": entry.complete,
            "warnings": [_word(warning) for warning in entry.warnings],
            "commitments": dict(entry.commitments),
        }
    )


def _intent_ref(intent: IntentRef) -> dict[str, Any]:
    return {"index": intent.index, "leaf": base64_strict.encode(intent.leaf_hash)}


def _principal(principal: Principal) -> dict[str, Any]:
    return {
        "subject": principal.subject,
        "roles": sorted(principal.roles),
        "workflow": principal.workflow,
        "assurance": principal.assurance.value,
        "method": principal.method,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "upstream": attempt.upstream,
        "status": attempt.status,
        "error": _optional_word(attempt.error),
        "seconds": round(attempt.seconds, 6),
    }


def _guard(run: GuardRun) -> dict[str, Any]:
    return {
        "guard": run.guard,
        "action": run.action,
        "findings": dict(sorted(run.findings.items())),
        "verdict": run.verdict,
    }


def _usage(usage: Usage | None) -> dict[str, int] | None:
    return None if usage is None else {"prompt": usage.prompt, "completion": usage.completion}


def _model(name: str) -> str:
    """A model's name is caller text, and kept only where it can be nothing else."""
    return name if not name or is_model_name(name) else UNPRINTED


def _finish(reason: str) -> str:
    return reason if reason.lower() in _FINISH else "other"


def _word(word: str) -> str:
    return word if _WORD.fullmatch(word) else UNPRINTED


def _optional_word(word: str | None) -> str | None:
    return None if word is None else _word(word)
