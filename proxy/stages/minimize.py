"""Stage 6: what leaves. After this stage nothing reads the original call to send it.

The guards for the way back are made here too: a schema that they cannot use is told to the caller
before anything has left.
"""

import asyncio

from proxy.errors import FixedTextRefused
from proxy.exchange import Exchange
from proxy.stages.classify import OFFLOAD_CHARACTERS
from proxy.stages.headers import outbound_headers
from rules.minimize.apply import Envelope
from rules.minimize.apply import minimize as apply_operators
from rules.minimize.operators import KEEP
from rules.output.leakage import KnownValues
from rules.output.passage import Passage, needed
from rules.output.stream_guard import Watch
from rules.policy.document import EVERY


async def minimize(exchange: Exchange) -> None:
    """Set `minimization` and `passage`.

    Raises FixedTextRefused for an identifier outside the body, SchemaError for an unusable schema.
    """
    operators = exchange.permit.obligations.minimize
    request = exchange.request
    for place, entity in exchange.outside:
        spec = operators.get(entity) or operators.get(EVERY)
        if spec is not None and spec.operator != KEEP:
            raise FixedTextRefused(place)
    envelope = Envelope(
        path=request.path,
        query=request.query,
        headers=outbound_headers(request.headers, exchange.snapshot.forward_headers),
    )
    call, findings = exchange.call, exchange.findings
    if len(call.document.raw) > OFFLOAD_CHARACTERS:
        exchange.minimization = await asyncio.to_thread(
            apply_operators, call, findings, operators, envelope
        )
    else:
        exchange.minimization = apply_operators(call, findings, operators, envelope)
    exchange.passage = _passage(exchange)


def _passage(exchange: Exchange) -> Passage | None:
    """Return the guards and restoring for the answer, or None where it may pass byte for byte."""
    obligations = exchange.permit.obligations
    call, tokens = exchange.call, exchange.minimization.tokens
    restores = obligations.restore and len(tokens) > 0
    if not needed(obligations, tokens=restores, schema=call.schema is not None):
        return None
    watch = Watch(
        scan=exchange.snapshot.analyzer.scan,
        known=KnownValues(slot.text for slot in call.slots),
        entities=obligations.guards.leakage_entities,
    )
    return Passage(
        obligations.guards,
        watch,
        restorer=tokens.restorer if restores else None,
        schema=call.schema,
        json_text=call.wants_json,
    )
