"""The immutable, compiled form of everything that policy and configuration say.

Built once at load, swapped as a whole, never changed: a call keeps the snapshot it began with.
"""

from dataclasses import dataclass

from rules.classify.analyze import Analyzer
from rules.policy.load import CompiledPolicy
from rules.routing.select import Route


@dataclass(frozen=True, slots=True)
class DeadlineSettings:
    """Seconds that an upstream may take: to connect, to its first byte, between bytes, in all."""

    connect: float
    first_byte: float
    idle: float
    total: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Policy, recognizers, routes and limits under which a call is carried."""

    policy: CompiledPolicy
    analyzer: Analyzer
    routes: tuple[Route, ...]
    deadlines: DeadlineSettings
    body_bytes: int
    forward_headers: frozenset[str]
