"""The admin port: probes, metrics, receipts. Apart from the data plane, so that it can be closed.

Probes tell of this process alone: readiness must not depend on a provider's health, or one
provider's incident would take every sidecar out of service. Liveness ends when evidence can never
be written again, so that the process is restarted and the log recovered. A receipt names who asked,
so it is given only to a credential of the same tenant.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from adapters.errors import AdapterError, CredentialRefused, StoreUnavailable
from adapters.ports import Authenticator
from proxy.ledger import Ledger
from proxy.metrics import Metrics

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(
    metrics: Metrics, ledger: Ledger, authenticator: Authenticator, draining: Callable[[], bool]
) -> web.Application:
    """Return the admin application."""
    app = web.Application()
    app.router.add_get("/livez", _live(ledger))
    app.router.add_get("/readyz", _ready(ledger, draining))
    app.router.add_get("/metrics", _metrics(metrics))
    app.router.add_get("/receipts/{call_id}", _receipts(ledger, authenticator))
    return app


def _live(ledger: Ledger) -> Handler:
    async def live(_: web.Request) -> web.Response:
        alive = not ledger.dead
        return web.json_response({"live": alive}, status=200 if alive else 503)

    return live


def _ready(ledger: Ledger, draining: Callable[[], bool]) -> Handler:
    async def ready(_: web.Request) -> web.Response:
        checks = {"evidence": ledger.writable, "accepting": not draining()}
        status = 200 if all(checks.values()) else 503
        return web.json_response({"ready": status == 200, "checks": checks}, status=status)

    return ready


def _metrics(metrics: Metrics) -> Handler:
    async def expose(_: web.Request) -> web.Response:
        body = await asyncio.to_thread(metrics.expose)
        return web.Response(body=body, headers={"content-type": CONTENT_TYPE_LATEST})

    return expose


def _receipts(ledger: Ledger, authenticator: Authenticator) -> Handler:
    async def receipt(request: web.Request) -> web.Response:
        try:
            principal = await authenticator.authenticate(request.headers)
        except CredentialRefused as error:
            return _error(401, error.code, str(error))
        except AdapterError:
            return _error(503, "identity_unavailable", "credentials cannot be checked now")
        if principal is None:
            return _error(401, "missing_credential", "a credential of the tenant is needed")
        try:
            found = await ledger.receipt(request.match_info["call_id"], principal.tenant)
        except StoreUnavailable:
            return _error(
                503, "evidence_unavailable", "the index cannot be read; a restart mends it"
            )
        if found is None:
            return _error(404, "no_such_receipt", "this tenant has no call with that id")
        return web.json_response(found)

    return receipt


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
