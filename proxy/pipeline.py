"""The way of a call. Read this file first: these stages, in this order; nothing else decides it.

Each stage reads what earlier ones have set on the exchange, calls its rule, acts, and sets its own.
An error of any stage becomes a response in one place (`rescue`). The last two stages always run,
for refusals, failures and clients that hang up too, beyond the reach of the client's connection.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from proxy.exchange import Exchange
from proxy.rescue import Rescue, rescue
from proxy.stages.admit import admit
from proxy.stages.classify import classify
from proxy.stages.decide import decide
from proxy.stages.dispatch import dispatch
from proxy.stages.hold import hold
from proxy.stages.identify import identify
from proxy.stages.minimize import minimize
from proxy.stages.observe import observe
from proxy.stages.receive import receive
from proxy.stages.record import record_intent, record_outcome
from proxy.stages.relay import relay
from proxy.stages.route import route
from proxy.tasks import spawn

Stage = Callable[[Exchange], Awaitable[None]]

STAGES: Final[tuple[tuple[str, Stage], ...]] = (
    ("identify", identify),  # who asks; before the body is read, so strangers cost nothing
    ("admit", admit),  # kill switch, size, rate, places
    ("receive", receive),  # bytes become a call in the caller's dialect
    ("classify", classify),  # what identifiers and secrets it holds
    ("decide", decide),  # a permit with obligations, or a refusal
    ("minimize", minimize),  # from here on, only what may leave is sent
    ("record", record_intent),  # the intent is durable before anything leaves
    ("route", route),  # which upstreams may have it, in order
    ("dispatch", dispatch),  # the first of them to give a first byte
    ("relay", relay),  # the answer through guards and restoring, to the client or a buffer
    ("hold", hold),  # what was buffered is released, or not
)
ALWAYS: Final[tuple[tuple[str, Stage], ...]] = (
    ("record_outcome", record_outcome),  # signed, for every call that was identified or refused
    ("observe", observe),  # metrics and one line of log
)


async def carry(exchange: Exchange) -> None:
    """Carry one call to its end. Returns when the client has its response.

    The outcome is written by a task of its own, so that neither a hung-up client can prevent it
    nor a waiting one be kept by it.
    """
    clock = exchange.ports.clock.monotonic
    try:
        for name, stage in STAGES:
            began = clock()
            try:
                await stage(exchange)
            finally:
                exchange.seconds[name] = clock() - began
        exchange.outcome, exchange.code = "answered", None
    except asyncio.CancelledError:
        exchange.outcome, exchange.code = "client_gone", None
        raise
    except ConnectionError:
        # The client's side: an upstream's broken connection arrives here translated.
        exchange.outcome, exchange.code = "client_gone", None
    except Exception as error:  # noqa: BLE001 - the one place where any error becomes a response
        await _respond(exchange, error)
    finally:
        exchange.ended = clock()
        spawn(_conclude(exchange), name="conclude")


async def _respond(exchange: Exchange, error: Exception) -> None:
    """Tell the client what went wrong, in its dialect, in the way that is still open."""
    answer = rescue(error)
    exchange.outcome, exchange.code = answer.outcome, answer.code
    if answer.code == "internal_error":
        exchange.ports.log.error(
            "internal_error", call=exchange.call_id, error=type(error).__name__
        )
    try:
        if exchange.reply.started:
            # The status has left: an error event, then a torn connection, so that no client
            # takes the stream for a finished one.
            dialect = exchange.dialect
            await exchange.reply.write(
                dialect.error_event(answer.code, answer.message, answer.error_type)
            )
            await exchange.reply.tear()
        else:
            exchange.status = answer.status
            body = exchange.dialect.error_body(
                answer.code, answer.message, answer.error_type, answer.param
            )
            await exchange.reply.whole(answer.status, _error_headers(exchange, answer), body)
    except (ConnectionError, asyncio.CancelledError):
        exchange.reply.abort()
    except Exception as defect:  # noqa: BLE001 - no way is open any more; a torn one is honest
        exchange.ports.log.error(
            "response_failed", call=exchange.call_id, error=type(defect).__name__
        )
        exchange.reply.abort()


def _error_headers(exchange: Exchange, answer: Rescue) -> list[tuple[str, str]]:
    headers = [
        ("content-type", "application/json"),
        ("x-pratique-receipt", exchange.call_id),
        ("x-pratique-error", answer.code),
    ]
    if answer.retry_after is not None:
        headers.append(("retry-after", str(max(1, round(answer.retry_after)))))
    if answer.outcome == "cut" or answer.status == 403 or answer.code == "kill_switch":
        # The same call would meet the same end, so SDKs are told not to try again.
        headers.append(("x-should-retry", "false"))
    return headers


async def _conclude(exchange: Exchange) -> None:
    """Close what is open, then run the last stages; a defect in one takes nothing from the next."""
    try:
        if exchange.has("answer"):
            await _survive(exchange, "close", exchange.answer.close())
        for name, stage in ALWAYS:
            await _survive(exchange, name, stage(exchange))
    finally:
        if exchange.has("reservation"):
            exchange.reservation.release()
            exchange.ports.metrics.in_flight.dec()


async def _survive(exchange: Exchange, name: str, work: Awaitable[None]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 - logged by its type; the stages after it still run
        exchange.ports.log.error(
            "stage_failed", call=exchange.call_id, stage=name, error=type(error).__name__
        )
