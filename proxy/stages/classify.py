"""Stage 4: what the call holds. Skipped where nothing in the policy depends on it."""

import asyncio

from proxy.exchange import Exchange

# Above this many characters a scan takes milliseconds, and other calls must not wait for it.
OFFLOAD_CHARACTERS = 128 * 1024


async def classify(exchange: Exchange) -> None:
    """Set `findings` and `labels`."""
    call = exchange.call
    unreadable = frozenset({"unreadable"}) if call.unreadable else frozenset()
    if not exchange.snapshot.policy.needs_scan:
        exchange.findings = ()
        exchange.labels = unreadable
        return
    analyzer = exchange.snapshot.analyzer
    if sum(len(slot.text) for slot in call.slots) > OFFLOAD_CHARACTERS:
        analysis = await asyncio.to_thread(analyzer.analyze, call.slots)
    else:
        analysis = analyzer.analyze(call.slots)
    exchange.findings = analysis.findings
    exchange.labels = analysis.labels | unreadable
