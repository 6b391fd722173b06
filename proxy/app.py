"""The composition root: the only place that knows which adapters stand behind the ports.

A `Sidecar` is the whole program for one configuration. It opens its evidence first and its doors
last, and closes in the opposite order, so that no call is ever taken that cannot be put on record.
"""

import asyncio
import contextlib
import functools
import gc
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TextIO

from aiohttp import web

try:
    import uvloop
except ModuleNotFoundError:  # not made for every platform; asyncio's own loop serves there
    uvloop = None  # type: ignore[assignment] # the absence of a module has no better type

from adapters.errors import StoreUnavailable
from adapters.identity.api_key import ApiKeyAuthenticator, digest, new_key
from adapters.identity.chain import Chain
from adapters.identity.jwks import FileKeys as JwksFile
from adapters.identity.jwks import KeySource, UrlKeys
from adapters.identity.jwt import ClaimNames, JwtAuthenticator, TokenTerms
from adapters.keys.file import open_keys
from adapters.ports import Authenticator, Upstream
from adapters.stores.memory import MemoryLimiter
from adapters.stores.segments.report import LogReport
from adapters.stores.segments.store import SegmentStore
from adapters.stores.segments.verify import verify_log
from adapters.upstreams.http import HttpUpstream
from adapters.upstreams.scripted import ScriptedProvider
from proxy.admin.server import application as admin_application
from proxy.config import Config, ConfigError, gazetteer_lines, read_policy, upstream_key
from proxy.config_model import Identity, Jwt
from proxy.config_model import Upstream as UpstreamConfig
from proxy.exchange import Ports
from proxy.health import Health
from proxy.ingress.http import FrontServer
from proxy.ingress.openai_chat import FrontDoor
from proxy.ledger import Ledger
from proxy.log import Log
from proxy.metrics import Metrics
from proxy.snapshot import DeadlineSettings, Snapshot
from proxy.tasks import drain
from rules.audit.commit import record_key
from rules.audit.entry import Change
from rules.classify.analyze import Analyzer
from rules.classify.gazetteer import Gazetteer

KEY_NAME: Final = "pratique"
EVIDENCE: Final = "evidence"
KEYS: Final = "keys"
STOP_FILE: Final = "STOP"
# An invented note with something of each kind, so that no caller pays for the first scan of all.
WARM_UP: Final = (
    "Patient: Jane Example, DOB 01/02/1950, MRN: 00112233, SSN 219-09-9999, (312) 555-0100, "
    "jane@example.org, 12 Oak Street, Springfield, IL 62704. Seen by Dr. John Sample on 2026-01-02."
)
# Together below the 30 s that Kubernetes gives by default: calls under way, then their outcomes.
SHUTDOWN_SECONDS: Final = 20.0
DRAIN_SECONDS: Final = 5.0
KEEP_ALIVE_SECONDS: Final = 75.0

# What commands need of the adapters, so that only this file names them.
__all__ = ["LogReport", "Sidecar", "digest", "new_key", "serve", "verify"]


class SystemClock:
    """Implements `ports.Clock`; the only reader of the machine's clocks."""

    wall = staticmethod(time.time)  # noqa: TID251 - this is the clock that others are given
    monotonic = staticmethod(time.monotonic)


class Sidecar:
    """One running proxy. `url` and `admin_url` are known once it has started.

    `embedded` holds the embedded providers by upstream name, for those who look behind the scene.
    """

    def __init__(
        self, config: Config, log_stream: TextIO | None = None, *, capture_embedded: bool = False
    ) -> None:
        """Prepare; nothing is opened yet."""
        self._config = config
        self._clock = SystemClock()
        self.log = Log(self._clock, log_stream)
        self._metrics = Metrics()
        self._capture = capture_embedded
        self._draining = False
        self._opened = contextlib.AsyncExitStack()
        self.embedded: dict[str, ScriptedProvider] = {}
        self.url = ""
        self.admin_url = ""

    async def start(self) -> None:
        """Open everything and listen. Raises ConfigError, StoreUnavailable or OSError."""
        async with contextlib.AsyncExitStack() as opened:
            await self._open(opened)
            self._opened = opened.pop_all()
        # What lives now lives for good: the collector need not look at it again.
        gc.collect()
        gc.freeze()

    async def stop(self) -> None:
        """Take no more calls, let those under way end, write their outcomes, close."""
        self._draining = True
        await self._opened.aclose()

    async def _open(self, opened: contextlib.AsyncExitStack) -> None:
        config = self._config
        snapshot = self._compile()
        snapshot.analyzer.scan(WARM_UP)
        keys = open_keys(config.keys or config.data / KEYS, KEY_NAME)
        store = await asyncio.to_thread(SegmentStore, config.data / EVIDENCE, keys)
        ledger = Ledger(store, keys, self._clock)
        opened.push_async_callback(ledger.close)
        recovered = await ledger.recover()
        await self._note_policy(ledger, snapshot)
        authenticator = _authenticator(config.identity, self._clock)
        opened.push_async_callback(authenticator.close)
        upstreams = await self._upstreams(opened)
        ports = Ports(
            authenticator=authenticator,
            limiter=MemoryLimiter(
                config.limits.rate, config.limits.burst, config.limits.in_flight, self._clock
            ),
            ledger=ledger,
            upstreams=upstreams,
            health=Health(self._clock),
            metrics=self._metrics,
            clock=self._clock,
            log=self.log,
            killed=_kill_switch(config.data / STOP_FILE),
            record_key=functools.partial(record_key, keys.commitment_secret),
        )
        opened.push_async_callback(drain, DRAIN_SECONDS)
        self.log.info(
            "opened", folder=str(config.data), policy=snapshot.policy.policy.policy,
            policy_hash=snapshot.policy.policy_hash, key=str(keys.verifier), count=recovered,
        )  # fmt: skip
        await self._listen(opened, ports, snapshot, ledger)

    async def _listen(
        self, opened: contextlib.AsyncExitStack, ports: Ports, snapshot: Snapshot, ledger: Ledger
    ) -> None:
        admin = web.AppRunner(
            admin_application(self._metrics, ledger, ports.authenticator, lambda: self._draining),
            access_log=None,
        )
        server = FrontServer(
            FrontDoor(ports, lambda: snapshot),
            handler_cancellation=True,
            access_log=None,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            max_line_size=16384,
            max_field_size=32768,
        )
        front = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_SECONDS)
        self.admin_url = await _site(opened, admin, "admin", self._config.admin)
        self.url = await _site(opened, front, "listen", self._config.listen)
        self.log.info("listening", address=self.url.removeprefix("http://"))
        self.log.info("admin_listening", address=self.admin_url.removeprefix("http://"))

    def _compile(self) -> Snapshot:
        config = self._config
        deadlines = config.deadlines
        return Snapshot(
            policy=read_policy(config.policy, Path()),
            analyzer=Analyzer(Gazetteer.from_lines(*gazetteer_lines())),
            routes=config.compiled_routes(),
            deadlines=DeadlineSettings(
                deadlines.connect, deadlines.first_byte, deadlines.idle, deadlines.total
            ),
            body_bytes=config.limits.body_bytes,
            forward_headers=frozenset(config.forward_headers),
        )

    async def _note_policy(self, ledger: Ledger, snapshot: Snapshot) -> None:
        """Put on record under which policy calls are decided from here on."""
        policy = snapshot.policy
        now = self._clock.wall()
        await ledger.change(
            Change(
                change_id=f"start-{int(now * 1000):011x}-{os.getpid():x}",
                time=now,
                what="policy",
                name=policy.policy.policy,
                digest=policy.policy_hash,
            )
        )

    async def _upstreams(self, opened: contextlib.AsyncExitStack) -> dict[str, Upstream]:
        upstreams: dict[str, Upstream] = {}
        for name, one in self._config.upstreams.items():
            url = one.url
            if one.embedded:
                provider = ScriptedProvider(capture=self._capture)
                await provider.start()
                opened.push_async_callback(provider.stop)
                self.embedded[name] = provider
                url = provider.url
            upstream = HttpUpstream(name, url, _credential(one), one.models)
            opened.push_async_callback(upstream.close)
            upstreams[name] = upstream
        return upstreams


def verify(folder: Path, verifier: str | None = None) -> LogReport:
    """Verify the evidence of a data folder (or a folder that is the log itself), offline.

    Raises ProofError for a `verifier` that is no verifier key, OSError for an unreadable folder.
    """
    inner = folder / EVIDENCE
    return verify_log(inner if inner.is_dir() else folder, verifier)


def serve(config: Config, started: Callable[[str, str], None]) -> None:
    """Run a sidecar until SIGTERM or SIGINT; tell `started` its URL and its admin URL.

    Raises StoreUnavailable or OSError at the start.
    """

    async def run() -> None:
        sidecar = Sidecar(config)
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        sidecar.log.adopt_library_logging()
        await sidecar.start()
        started(sidecar.url, sidecar.admin_url)
        await stopped.wait()
        sidecar.log.info("stopping")
        await sidecar.stop()
        sidecar.log.info("stopped")

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(run())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    return None if uvloop is None else uvloop.new_event_loop


async def _site(
    opened: contextlib.AsyncExitStack, runner: web.BaseRunner, name: str, address: tuple[str, int]
) -> str:
    """Listen on `address`; return the URL with the port that it really is.

    Raises OSError that says which of the two addresses it was.
    """
    await runner.setup()
    opened.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, address[0], address[1])
    try:
        await site.start()
    except OSError as error:
        where = f"cannot listen on {address[0]}:{address[1]}"
        why = os.strerror(error.errno) if error.errno else "it cannot be used"
        message = f"{where}: {why.lower()}; choose another (`{name}` in the config, or --{name})"
        raise OSError(error.errno, message) from None
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _credential(upstream: UpstreamConfig) -> Callable[[], str | None]:
    """A key from the environment stays; one from a file is read again when the file changes."""
    path = upstream.api_key_file
    if path is None:
        key = upstream_key(upstream)
        return lambda: key
    seen: tuple[int, str | None] = (-1, None)

    def current() -> str | None:
        nonlocal seen
        try:
            changed = os.stat(path).st_mtime_ns
            if changed != seen[0]:
                seen = (changed, upstream_key(upstream))
        except (OSError, ConfigError):
            # A secret that is being replaced is gone for a moment; the last good one still serves.
            pass
        return seen[1]

    current()
    return current


def _kill_switch(path: Path) -> Callable[[], bool]:
    """While a file of this name exists, no call is taken."""
    name = str(path)
    return lambda: os.path.exists(name)


def _authenticator(identity: Identity, clock: SystemClock) -> Authenticator:
    kinds: list[Authenticator] = []
    if identity.api_keys:
        kinds.append(ApiKeyAuthenticator(identity.principals()))
    if identity.jwt is not None:
        kinds.append(_jwt(identity.jwt, identity.tenant_classes, clock))
    return Chain(kinds)


def _jwt(jwt: Jwt, tenant_classes: Mapping[str, str], clock: SystemClock) -> JwtAuthenticator:
    keys: KeySource
    if jwt.jwks_file is not None:
        keys = JwksFile(jwt.jwks_file, jwt.algorithms, clock)
    elif jwt.jwks_url is not None:
        keys = UrlKeys(jwt.jwks_url, jwt.algorithms, clock)
    else:
        raise StoreUnavailable("identity", "no source of keys is configured")
    claims = jwt.claims
    terms = TokenTerms(
        issuer=jwt.issuer,
        audience=jwt.audience,
        algorithms=jwt.algorithms,
        leeway=jwt.leeway,
        claims=ClaimNames(
            claims.subject, claims.tenant, claims.roles, claims.workflow, claims.assurance
        ),
        assurance=jwt.assurance,
        tenant_classes=tenant_classes,
    )
    return JwtAuthenticator(terms, keys, clock)
