"""Stage 9: the first candidate to give a first byte. After that, an error is an outcome.

Each attempt is on record whatever became of it; a candidate that fails is told to its breaker.
"""

from adapters.errors import AdapterError, UpstreamBroken, UpstreamRefused, UpstreamTimeout
from adapters.ports import Deadlines, UpstreamAnswer
from proxy.errors import UpstreamExhausted
from proxy.exchange import Exchange
from rules.audit.entry import Attempt
from rules.routing.retry import Deliver, Fail, Failure, Result, is_healthy, next_step
from rules.routing.select import Target


async def dispatch(exchange: Exchange) -> None:
    """Set `answer` and `upstream`, or raise UpstreamExhausted when no candidate has an answer."""
    settings = exchange.snapshot.deadlines
    ends_at = exchange.started + settings.total
    deadlines = Deadlines(settings.connect, settings.first_byte, settings.idle, ends_at)
    targets = exchange.candidates.targets
    last: AdapterError | None = None
    for position, target in enumerate(targets):
        more = position + 1 < len(targets)
        if not exchange.ports.health.admits(target.name, exchange.call.model) and more:
            continue
        outcome = await _attempt(exchange, target, deadlines)
        if isinstance(outcome, AdapterError):
            last = outcome
            result = Result(_FAILURES[type(outcome)])
        else:
            result = Result(outcome.status)
        _tell(exchange, target.name, result)
        left = ends_at - exchange.ports.clock.monotonic()
        step = next_step(result, more=more, seconds_left=left)
        if isinstance(step, Deliver) and not isinstance(outcome, AdapterError):
            exchange.answer, exchange.upstream = outcome, target.name
            return
        if isinstance(step, Fail):
            raise UpstreamExhausted(step.code, str(last))
        if not isinstance(outcome, AdapterError):
            await outcome.close()
    raise UpstreamExhausted("upstream_unreachable", "no upstream took the call")


_FAILURES: dict[type[AdapterError], Failure] = {
    UpstreamTimeout: Failure.TIMEOUT,
    UpstreamRefused: Failure.UNREACHABLE,
    UpstreamBroken: Failure.BROKEN,
}


async def _attempt(
    exchange: Exchange, target: Target, deadlines: Deadlines
) -> UpstreamAnswer | AdapterError:
    """Make one attempt and put it on the exchange; an error of the upstream is returned."""
    clock = exchange.ports.clock.monotonic
    upstream = exchange.ports.upstreams[target.name]
    began = clock()
    status: int | None = None
    error = "client_gone"  # unless the attempt ends by itself
    try:
        answer = await upstream.send(
            exchange.minimization.minimized, exchange.permit, exchange.intent, deadlines
        )
    except (UpstreamTimeout, UpstreamRefused, UpstreamBroken) as failure:
        error = _FAILURES[type(failure)].value
        return failure
    except BaseException:
        exchange.ports.health.abandoned(target.name, exchange.call.model)
        raise
    else:
        status = answer.status
        return answer
    finally:
        took = clock() - began
        exchange.upstream_seconds += took
        exchange.attempts.append(
            Attempt(target.name, status, None if status is not None else error, took)
        )


def _tell(exchange: Exchange, name: str, result: Result) -> None:
    if is_healthy(result):
        exchange.ports.health.succeeded(name, exchange.call.model)
    else:
        exchange.ports.health.failed(name, exchange.call.model)
