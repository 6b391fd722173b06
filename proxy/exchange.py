"""Exchange: all that is known of one call, and the only thing that stages hand to each other.

A field is set once, by the stage named beside it; to read one early or set it twice raises
`EarlyRead`, so that the order of `proxy.pipeline` is enforced and not hoped for. The `repr` fits a
log line and holds nothing that came from the caller.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar, overload

from adapters.ports import Authenticator, Clock, Limiter, Reservation, Upstream, UpstreamAnswer
from proxy.errors import EarlyRead
from proxy.health import Health
from proxy.ledger import Ledger
from proxy.log import Log
from proxy.metrics import Metrics
from proxy.snapshot import Snapshot
from rules.audit.entry import Attempt, IntentRef
from rules.chat import Call, Completion, LaneEditor
from rules.classify.recognizer import Finding
from rules.minimize.apply import Minimization
from rules.output.passage import Passage
from rules.policy.decide import Decision, Permit
from rules.principal import Principal
from rules.routing.select import Candidates, Route

T = TypeVar("T")


class Once(Generic[T]):
    """A field that is set exactly once and cannot be read before.

    A value lies in the exchange's own dictionary, where reading finds it without coming by here:
    only an early read does.
    """

    __slots__ = ("_name",)

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, exchange: None, owner: type) -> "Once[T]": ...
    @overload
    def __get__(self, exchange: "Exchange", owner: type) -> T: ...
    def __get__(self, exchange: "Exchange | None", owner: type) -> "T | Once[T]":
        if exchange is None:
            return self
        raise EarlyRead(f"`{self._name}` is not known yet")


class StreamCodec(Protocol):
    """One stream of a dialect on its way to the caller, sans-I/O."""

    error: str | None
    unsent: bytes

    @property
    def completion(self) -> Completion:
        """What is known of the answer so far."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the upstream; return what may be sent now. Raises Cut, WireError."""
        ...

    def finish(self) -> bytes:
        """The upstream has ended; return the rest. Raises Cut, WireError."""
        ...


class AnswerCodec(Protocol):
    """One whole answer of a dialect."""

    completion: Completion

    def rewrite(
        self,
        editor: LaneEditor | None,
        restore: Callable[[str], str] | None,
        drop_logprobs: bool,
        *,
        keep_logprobs: bool,
    ) -> bytes:
        """Return the body with every lane passed through `editor`. Raises Cut, WireError."""
        ...


class Dialect(Protocol):
    """What a client dialect must be able to do; a module of `adapters.wire` is one."""

    @property
    def DIALECT(self) -> str:  # noqa: N802 - a module's constant
        """Its stable name."""
        ...

    def read_call(self, body: bytes) -> Call:
        """Parse a request. Raises WireError."""
        ...

    def read_answer(self, body: bytes) -> AnswerCodec:
        """Parse a whole answer. Raises WireError."""
        ...

    def stream(
        self,
        editor: LaneEditor | None,
        restore: Callable[[str], str] | None,
        *,
        drop_logprobs: bool,
        keep_logprobs: bool,
    ) -> StreamCodec:
        """Begin a stream."""
        ...

    def error_restored(self, body: bytes, restore: Callable[[str], str]) -> bytes:
        """Return a provider's error body with tokens given back."""
        ...

    def error_body(
        self, code: str, message: str, error_type: str, param: str | None = None
    ) -> bytes:
        """Return an error of our own as a body."""
        ...

    def error_event(
        self, code: str, message: str, error_type: str, param: str | None = None
    ) -> bytes:
        """Return an error of our own as the last event of a stream."""
        ...


class Reply(Protocol):
    """The way back to the client."""

    @property
    def started(self) -> bool:
        """True once the status line may have left."""
        ...

    async def whole(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        """Send a complete response."""
        ...

    async def start(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        """Begin a streamed response."""
        ...

    async def write(self, data: bytes) -> None:
        """Send a piece; waits while the client is slow."""
        ...

    async def end(self) -> None:
        """End a streamed response cleanly."""
        ...

    async def tear(self) -> None:
        """Let what was written arrive, then break the connection without a clean end."""
        ...

    def abort(self) -> None:
        """Break the connection at once."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """What arrived: the head of the request, and how to read its body."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)
    length: int | None
    read: Callable[[int], Awaitable[bytes]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ports:
    """The outside world as stages may use it."""

    authenticator: Authenticator
    limiter: Limiter
    ledger: Ledger
    upstreams: Mapping[str, Upstream]
    health: Health
    metrics: Metrics
    clock: Clock
    log: Log
    killed: Callable[[], bool]
    record_key: Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Door:
    """Through which door a call came: its dialect, and the outside world behind it.

    `classified` is False for an endpoint that nobody has classified; it ends in a refusal.
    """

    dialect: Dialect
    classified: bool
    ports: Ports


@dataclass(frozen=True, slots=True)
class Held:
    """A whole response that `hold` releases: nothing of it has left yet."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)


class Exchange:
    """One call from its first byte to its last entry."""

    principal = Once[Principal]()  # identify
    reservation = Once[Reservation]()  # admit
    call = Once[Call]()  # ingress
    findings = Once[tuple[Finding, ...]]()  # classify
    outside = Once[tuple[tuple[str, str], ...]]()  # classify: (place, kind), beside the body
    labels = Once[frozenset[str]]()  # classify
    decision = Once[Decision]()  # decide: a permit or a refusal
    permit = Once[Permit]()  # decide: only where it permits
    minimization = Once[Minimization]()  # minimize
    passage = Once[Passage | None]()  # minimize: guards and restoring, None where there are neither
    record_key = Once[bytes]()  # record: of the commitments to this call's bytes
    commitments = Once[Mapping[str, str]]()  # record: to what came and what leaves
    intent = Once[IntentRef]()  # record: durable from here on
    route = Once[Route]()  # route
    candidates = Once[Candidates]()  # route
    answer = Once[UpstreamAnswer]()  # dispatch: the first byte is there
    upstream = Once[str]()  # dispatch: who gave it
    completion = Once[Completion]()  # relay
    answer_commitments = Once[Mapping[str, str]]()  # relay: to what the provider said
    held = Once[Held]()  # relay: what `hold` may release
    released = Once[bool]()  # hold: the verdict
    status = Once[int]()  # hold, relay or rescue: what the client was told
    outcome = Once[str]()  # pipeline: answered, refused, failed, cut, client_gone
    code = Once[str | None]()  # pipeline: the stable code of an error

    def __init__(
        self, call_id: str, request: Request, reply: Reply, door: Door, snapshot: Snapshot
    ) -> None:
        self.call_id = call_id
        self.request = request
        self.reply = reply
        self.dialect = door.dialect
        self.classified = door.classified
        self.ports = door.ports
        self.snapshot = snapshot
        self.started = door.ports.clock.monotonic()
        self.started_wall = door.ports.clock.wall()
        self.seconds: dict[str, float] = {}
        self.ended = self.started  # when the client had its response
        self.upstream_seconds = 0.0
        self.attempts: list[Attempt] = []
        self.warnings: list[str] = []

    def __setattr__(self, name: str, value: object) -> None:
        if name in self.__dict__ and name in _ONCE:
            raise EarlyRead(f"`{name}` is known already")
        self.__dict__[name] = value

    def has(self, name: str) -> bool:
        """True if the field called `name` is set."""
        return name in self.__dict__

    def get(self, name: str) -> Any:
        """Return the field called `name`, or None where its stage was never reached."""
        return self.__dict__.get(name)

    def __repr__(self) -> str:
        outcome = self.get("outcome") or "under way"
        known = sum(name in _ONCE for name in self.__dict__)
        return f"Exchange({self.call_id}, {self.dialect.DIALECT}, {outcome}, {known} set)"


_ONCE = frozenset(name for name, field in vars(Exchange).items() if isinstance(field, Once))
