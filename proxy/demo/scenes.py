"""The calls that the demo makes, each through the real `openai` SDK, and what must hold of each.

All people here are invented. A scene says what it plants: values that must not reach the provider,
and values that must be back in what the application gets.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import openai
import orjson

from adapters.upstreams.scripted import ScriptedProvider

NOTE = """\
Discharge note
Patient: Anna O'Donnell   DOB: 03/14/1951   MRN: 00482913
Admitted 2026-11-02, discharged 2026-11-06 by Dr. Miguel Santos.
Address: 48 Willow Creek Road, Springfield, IL 62704
Phone (217) 555-0142, anna.odonnell@example.org

Mrs. O'Donnell came with community-acquired pneumonia and type 2 diabetes (HbA1c 8.1 %).
Treated with ceftriaxone and azithromycin, metformin continued. Afebrile since 2026-11-04.
Follow-up with Dr. Santos on 2026-11-13."""

CLAIM = """Member ID: W4471 820915, claim no. CLM-2026-118204, SSN 219-09-9999.
Why was the claim of John Whitfield for the visit on 10/21/2026 denied, and what should he send?"""


@dataclass(frozen=True)
class Clients:
    """One SDK client a role, all pointed at the sidecar by base URL and nothing else."""

    clinician: openai.AsyncOpenAI
    billing: openai.AsyncOpenAI
    volunteer: openai.AsyncOpenAI
    primary: ScriptedProvider
    spare: ScriptedProvider


@dataclass
class Shown:
    """What happened in one scene, for the eye and for the checks."""

    sent: str = ""
    seen: str = ""
    got: str = ""
    receipt: str = ""
    added_ms: float | None = None
    checks: list[tuple[str, bool]] = field(default_factory=list)

    def check(self, claim: str, holds: bool) -> None:
        """Note whether `claim` held."""
        self.checks.append((claim, holds))


@dataclass(frozen=True)
class Scene:
    """A titled call. `hidden` must not reach the provider; `returned` must be in the answer."""

    title: str
    play: Callable[[Clients, Shown], Awaitable[None]]
    hidden: Sequence[str] = ()
    returned: Sequence[str] = ()


def _last_seen(provider: ScriptedProvider) -> dict[str, Any]:
    body = provider.received[-1][1]
    parsed: dict[str, Any] = orjson.loads(body)
    return parsed


def _texts(body: dict[str, Any]) -> str:
    return "\n".join(
        message["content"] for message in body["messages"] if isinstance(message["content"], str)
    )


def _note_headers(shown: Shown, headers: Any) -> None:
    shown.receipt = headers.get("x-pratique-receipt", "")
    for part in headers.get("server-timing", "").split(","):
        name, _, value = part.strip().partition(";dur=")
        if name == "pratique":
            shown.added_ms = float(value)
    shown.check("a receipt came back", shown.receipt.startswith("pr-"))


async def _summary(clients: Clients, shown: Shown) -> None:
    shown.sent = NOTE
    raw = await clients.clinician.chat.completions.with_raw_response.create(
        model="gpt-4o",
        messages=[
            {"role": "system", "content": "You write discharge summaries for the family doctor."},
            {"role": "user", "content": NOTE},
        ],
    )
    shown.got = raw.parse().choices[0].message.content or ""
    shown.seen = _texts(_last_seen(clients.primary)).split("\n", 1)[1]
    _note_headers(shown, raw.headers)


async def _claim(clients: Clients, shown: Shown) -> None:
    shown.sent = CLAIM
    raw = await clients.billing.chat.completions.with_raw_response.create(
        model="gpt-4o", messages=[{"role": "user", "content": CLAIM}]
    )
    shown.got = raw.parse().choices[0].message.content or ""
    shown.seen = _texts(_last_seen(clients.primary))
    shown.check("the SSN was taken out, not tokenized", "SSN_1" not in shown.seen)
    _note_headers(shown, raw.headers)


async def _stream(clients: Clients, shown: Shown) -> None:
    shown.sent = NOTE.splitlines()[1] + "\nIn one paragraph, please: what happened, what is next?"
    raw = await clients.clinician.chat.completions.with_raw_response.create(
        model="gpt-4o", stream=True, messages=[{"role": "user", "content": shown.sent}]
    )
    _note_headers(shown, raw.headers)
    pieces = [
        chunk.choices[0].delta.content
        async for chunk in raw.parse()
        if chunk.choices and chunk.choices[0].delta.content
    ]
    shown.got = "".join(pieces)
    shown.seen = _texts(_last_seen(clients.primary))
    shown.check(f"the answer came as a stream ({len(pieces)} pieces)", len(pieces) > 3)


async def _tool(clients: Clients, shown: Shown) -> None:
    shown.sent = (
        "Book a follow-up for Anna O'Donnell (MRN 00482913) with Dr. Miguel Santos on 2026-11-13."
    )
    raw = await clients.clinician.chat.completions.with_raw_response.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": shown.sent}],
        tools=[
            {
                "type": "function",
                "function": {
                    "name": "book_appointment",
                    "description": "Book an appointment for a patient.",
                    "parameters": {
                        "type": "object",
                        "properties": {
                            "patient": {"type": "string", "description": "full name"},
                            "mrn": {"type": "string"},
                            "date": {"type": "string"},
                        },
                        "required": ["patient", "mrn", "date"],
                    },
                },
            }
        ],
    )
    calls = raw.parse().choices[0].message.tool_calls or []
    shown.seen = _texts(_last_seen(clients.primary))
    shown.check("the model called the tool", len(calls) == 1)
    for call in calls:
        if call.type == "function":
            shown.got = f"{call.function.name}({call.function.arguments})"
            arguments = orjson.loads(call.function.arguments)
            shown.check(
                "its arguments are JSON with the real name",
                arguments.get("patient") == "Anna O'Donnell",
            )
    _note_headers(shown, raw.headers)


async def _refused(clients: Clients, shown: Shown) -> None:
    shown.sent = "Is Anna O'Donnell, born 03/14/1951, still on the ward?"
    before = len(clients.primary.received)
    try:
        await clients.volunteer.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": shown.sent}]
        )
    except openai.PermissionDeniedError as error:
        shown.got = f"{type(error).__name__} {error.status_code} {error.code}: {error.message}"
        _note_headers(shown, error.response.headers)
        shown.check("the refusal names the rule", "volunteers-see-no-patients" in error.message)
    shown.check("the SDK raised PermissionDeniedError", bool(shown.got))
    shown.seen = "(nothing: the call was refused before it left)"
    shown.check("nothing reached the provider", len(clients.primary.received) == before)


async def _failover(clients: Clients, shown: Shown) -> None:
    shown.sent = "Summarize for Anna O'Donnell: metformin 500 mg twice daily, HbA1c 8.1 %."
    clients.primary.fail_next(1, 503)
    before = len(clients.spare.received)
    raw = await clients.clinician.chat.completions.with_raw_response.create(
        model="gpt-4o", messages=[{"role": "user", "content": shown.sent}]
    )
    shown.got = raw.parse().choices[0].message.content or ""
    shown.seen = _texts(_last_seen(clients.spare))
    answered = len(clients.spare.received) == before + 1
    shown.check("the first provider said 503, the second answered", answered)
    _note_headers(shown, raw.headers)


_NAMES = ("O'Donnell", "Santos", "00482913", "03/14/1951")

SCENES: Sequence[Scene] = (
    Scene(
        "a discharge-note summary",
        _summary,
        hidden=(*_NAMES, "2026-11-02", "Willow Creek", "555-0142", "example.org"),
        returned=("Anna O'Donnell",),
    ),
    Scene(
        "a claim question with a member id",
        _claim,
        hidden=("820915", "118204", "219-09-9999", "Whitfield", "10/21/2026"),
        returned=("W4471 820915",),
    ),
    Scene("a streamed answer", _stream, hidden=_NAMES, returned=("Anna O'Donnell",)),
    Scene(
        "a tool call",
        _tool,
        hidden=("O'Donnell", "00482913", "Santos", "2026-11-13"),
        returned=("Anna O'Donnell", "00482913"),
    ),
    Scene("a role that policy refuses", _refused),
    Scene(
        "a provider that fails over",
        _failover,
        hidden=("O'Donnell",),
        returned=("Anna O'Donnell",),
    ),
)


async def play(scene: Scene, clients: Clients) -> Shown:
    """Make the scene's call and check what must hold of it."""
    shown = Shown()
    async with asyncio.timeout(20):
        await scene.play(clients, shown)
    for value in scene.hidden:
        for provider in (clients.primary, clients.spare):
            if any(value.encode() in body for _, body in provider.received):
                shown.check("no planted identifier reached a provider", holds=False)
    if scene.hidden:
        clean = not any(value in shown.seen for value in scene.hidden)
        shown.check(f"the provider saw none of {len(scene.hidden)} planted identifiers", clean)
    for value in scene.returned:
        shown.check("the application got real values back", value in shown.got)
    return shown
