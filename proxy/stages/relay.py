"""Stage 10: the answer comes ashore, through guards and restoring, to the client or a buffer.

A stream begins for the client when its first piece may leave, so that an answer refused before that
still gets a proper status. A stream that its provider cut short is never ended cleanly.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

from adapters.errors import AdapterError, UpstreamBroken, WireError
from proxy.exchange import Exchange, Held, StreamCodec
from proxy.stages.headers import returned_headers
from rules.audit.commit import RunningCommitment, commit
from rules.chat import Completion, Cut

LOGPROBS_DROPPED = "logprobs_dropped"
# Above this size an answer takes milliseconds, and other calls must not wait for it.
OFFLOAD_BYTES = 128 * 1024
# What a stream may come to where policy holds it back whole.
BUFFER_BYTES = 64 * 1024 * 1024


async def relay(exchange: Exchange) -> None:
    """Set `completion`, and `held` or (for a stream that has left) `status`. Raises Cut."""
    answer = exchange.answer
    if answer.status >= 400:
        await _relay_error(exchange)
    elif dict(answer.headers).get("content-type", "").startswith("text/event-stream"):
        await _relay_stream(exchange)
    else:
        await _relay_whole(exchange)


async def _relay_error(exchange: Exchange) -> None:
    """A provider's own error goes to the caller as it is, so that its SDK can map it."""
    body = await _read(exchange)
    restore = _restore(exchange)
    if restore is not None:
        body = exchange.dialect.error_restored(body, restore)
    exchange.completion = Completion()
    exchange.held = Held(exchange.answer.status, tuple(_headers(exchange)), body)


async def _relay_whole(exchange: Exchange) -> None:
    body = await _read(exchange)
    drop_logprobs = _drops_logprobs(exchange)
    passage = exchange.passage
    if passage is None and not drop_logprobs:
        # Nothing is asked of this answer, so an odd one is the caller's to judge.
        try:
            exchange.completion = exchange.dialect.read_answer(body).completion
        except WireError:
            exchange.completion = Completion()
    else:
        if len(body) > OFFLOAD_BYTES:
            body = await asyncio.to_thread(_rewritten, exchange, body, drop_logprobs)
        else:
            body = _rewritten(exchange, body, drop_logprobs)
        if passage is not None:
            exchange.warnings += passage.warnings()
    exchange.held = Held(exchange.answer.status, tuple(_headers(exchange)), body)


def _rewritten(exchange: Exchange, body: bytes, drop_logprobs: bool) -> bytes:
    codec = exchange.dialect.read_answer(body)
    exchange.completion = codec.completion
    keep = _keeps_logprobs(exchange)
    return codec.rewrite(exchange.passage, _restore(exchange), drop_logprobs, keep_logprobs=keep)


async def _relay_stream(exchange: Exchange) -> None:
    codec = exchange.dialect.stream(
        exchange.passage,
        _restore(exchange),
        drop_logprobs=_drops_logprobs(exchange),
        keep_logprobs=_keeps_logprobs(exchange),
    )
    buffered: bytearray | None = (
        bytearray() if exchange.permit.obligations.release == "buffer" else None
    )
    commitment = RunningCommitment(exchange.record_key)
    try:
        async for piece in _timed(exchange, exchange.answer.chunks()):
            commitment.update(piece)
            await _forward(exchange, codec.feed(piece), buffered)
        await _forward(exchange, codec.finish(), buffered)
    except (Cut, AdapterError):
        # What came before the fault in the same piece has been judged and may still go.
        await _forward(exchange, codec.unsent, buffered)
        raise
    finally:
        exchange.completion = codec.completion
        exchange.answer_commitments = {"answer": commitment.text()}
    _check_end(exchange, codec)
    if buffered is not None:
        if exchange.passage is not None:
            exchange.warnings += exchange.passage.warnings()
        headers = tuple(_headers(exchange))
        exchange.held = Held(exchange.answer.status, headers, bytes(buffered))
        return
    if not exchange.reply.started:
        await _start(exchange)
    if exchange.passage is not None:
        # Too late for a header; the outcome has them.
        exchange.warnings += exchange.passage.warnings()
    await exchange.reply.end()


async def _forward(exchange: Exchange, data: bytes, buffered: bytearray | None) -> None:
    if not data:
        return
    if buffered is not None:
        buffered += data
        if len(buffered) > BUFFER_BYTES:
            place = exchange.upstream
            raise UpstreamBroken(place, f"upstream `{place}` sent an answer that is too large")
        return
    if not exchange.reply.started:
        await _start(exchange)
    await exchange.reply.write(data)


async def _start(exchange: Exchange) -> None:
    exchange.status = exchange.answer.status
    await exchange.reply.start(exchange.answer.status, _headers(exchange))


def _check_end(exchange: Exchange, codec: StreamCodec) -> None:
    """An error inside the stream has reached the caller; a stream cut short must not look whole."""
    if codec.error is None and not codec.completion.complete:
        place = exchange.upstream
        raise UpstreamBroken(place, f"upstream `{place}` ended its stream before it was complete")


async def _read(exchange: Exchange) -> bytes:
    clock = exchange.ports.clock.monotonic
    began = clock()
    try:
        body = await exchange.answer.read()
    finally:
        exchange.upstream_seconds += clock() - began
    exchange.answer_commitments = {"answer": commit(exchange.record_key, body)}
    return body


async def _timed(exchange: Exchange, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the pieces, and count the time spent waiting for them as the upstream's."""
    clock = exchange.ports.clock.monotonic
    while True:
        began = clock()
        try:
            piece = await anext(pieces, None)
        finally:
            exchange.upstream_seconds += clock() - began
        if piece is None:
            return
        yield piece


def _restore(exchange: Exchange) -> Callable[[str], str] | None:
    """What strings outside of lanes go through: the same guards and restoring."""
    return None if exchange.passage is None else exchange.passage.whole


def _keeps_logprobs(exchange: Exchange) -> bool:
    return exchange.call.wants_logprobs and exchange.permit.obligations.logprobs == "pass"


def _drops_logprobs(exchange: Exchange) -> bool:
    drops = exchange.call.wants_logprobs and exchange.permit.obligations.logprobs == "drop"
    if drops and LOGPROBS_DROPPED not in exchange.warnings:
        exchange.warnings.append(LOGPROBS_DROPPED)
    return drops


def _headers(exchange: Exchange) -> list[tuple[str, str]]:
    headers = returned_headers(exchange.answer.headers)
    headers.append(("x-pratique-receipt", exchange.call_id))
    headers.append(("x-pratique-upstream", exchange.upstream))
    ours = exchange.ports.clock.monotonic() - exchange.started - exchange.upstream_seconds
    headers.append(("server-timing", f"pratique;dur={ours * 1000:.3f}"))
    if exchange.warnings:
        headers.append(("x-pratique-warning", ", ".join(exchange.warnings)))
    return headers
