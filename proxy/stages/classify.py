"""Stage 4: what the call holds. Skipped where nothing in the policy depends on it."""

import asyncio
from urllib.parse import unquote_plus

from proxy.exchange import Exchange
from proxy.stages.headers import unvetted_headers
from rules.classify.catalogue import ENTITIES

# Above these a scan takes milliseconds, and other calls must not wait for it.
OFFLOAD_CHARACTERS = 64 * 1024
OFFLOAD_SLOTS = 1024


async def classify(exchange: Exchange) -> None:
    """Set `findings`, `labels`, and `outside`: kinds found where nothing can be replaced."""
    call = exchange.call
    unreadable = frozenset({"unreadable"}) if call.unreadable else frozenset()
    if not exchange.snapshot.policy.needs_scan:
        exchange.findings, exchange.outside = (), ()
        exchange.labels = unreadable
        return
    analyzer = exchange.snapshot.analyzer
    slots = call.slots
    large = len(slots) > OFFLOAD_SLOTS or len(call.document.raw) > OFFLOAD_CHARACTERS
    if large:
        analysis = await asyncio.to_thread(analyzer.analyze, call.slots)
    else:
        analysis = analyzer.analyze(call.slots)
    exchange.findings = analysis.findings
    exchange.outside = _outside(exchange)
    labels = analysis.labels | unreadable
    for _, entity in exchange.outside:
        labels |= {"phi" if ENTITIES[entity].safe_harbor else "secrets"}
    exchange.labels = labels


def _outside(exchange: Exchange) -> tuple[tuple[str, str], ...]:
    """Return (place, kind) of what stands in the query and in headers that the caller fills."""
    request = exchange.request
    texts = unvetted_headers(request.headers, exchange.snapshot.forward_headers)
    if request.query:
        texts.append(("the query", unquote_plus(request.query)))
    scan = exchange.snapshot.analyzer.scan
    return tuple((place, finding.entity) for place, text in texts for finding in scan(text))
