"""What is counted and timed, for Prometheus.

Labels are of low cardinality by construction: routes, upstreams and tenant classes come from the
configuration, codes and stages from the program; nothing comes from a call. Children are looked up
once and kept, since a look-up by label costs more than the observation.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

ADDED_BUCKETS: Final = (
    .0001, .00025, .0005, .00075, .001, .0015, .002, .003, .005, .0075, .01, .025, .05, .1, .25, 1,
)  # fmt: skip
STAGE_BUCKETS: Final = (
    .00001, .000025, .00005, .0001, .00025, .0005, .001, .0025, .005, .01, .05, .1, .5, 1, 5, 30,
)  # fmt: skip
UPSTREAM_BUCKETS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)


class Metrics:
    """All instruments of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self._calls = Counter(
            "pratique_calls", "Calls that ended.",
            ("route", "tenant_class", "decision", "outcome", "status"), registry=r,
        )  # fmt: skip
        self._stages = Histogram(
            "pratique_stage_seconds", "Seconds in each stage.", ("stage",),
            buckets=STAGE_BUCKETS, registry=r,
        )  # fmt: skip
        self._added = Histogram(
            "pratique_added_seconds", "Seconds of a call that were not the upstream's.",
            ("route",), buckets=ADDED_BUCKETS, registry=r,
        )  # fmt: skip
        self._upstream = Histogram(
            "pratique_upstream_seconds", "Seconds waiting for an upstream.", ("upstream",),
            buckets=UPSTREAM_BUCKETS, registry=r,
        )  # fmt: skip
        self._attempts = Counter(
            "pratique_attempts", "Attempts at an upstream, by how they ended.",
            ("upstream", "result"), registry=r,
        )  # fmt: skip
        self._entities = Counter(
            "pratique_entities", "Identifiers dealt with, by kind and operator.",
            ("entity", "operator"), registry=r,
        )  # fmt: skip
        self._findings = Counter(
            "pratique_guard_findings", "What guards found in answers.", ("guard", "verdict"),
            registry=r,
        )  # fmt: skip
        self._tokens = Counter(
            "pratique_usage_tokens", "Model tokens as the provider counts them.",
            ("upstream", "direction"), registry=r,
        )  # fmt: skip
        self.in_flight = Gauge("pratique_in_flight", "Calls under way.", registry=r)
        self.evidence_failures = Counter(
            "pratique_evidence_failures", "Outcomes that could not be put on record.", registry=r
        )
        self._cache: dict[tuple[str, ...], Counter | Histogram] = {}

    def call_ended(
        self, route: str, tenant_class: str, decision: str, outcome: str, status: int
    ) -> None:
        """Count one call; `status` is 0 where no response was begun."""
        self._counter(self._calls, "c", route, tenant_class, decision, outcome, str(status)).inc()

    def stage(self, stage: str, seconds: float) -> None:
        """Observe the seconds that one stage took."""
        self._histogram(self._stages, "s", stage).observe(seconds)

    def added(self, route: str, seconds: float) -> None:
        """Observe the seconds of a call that were ours."""
        self._histogram(self._added, "a", route).observe(seconds)

    def upstream(self, upstream: str, seconds: float) -> None:
        """Observe the seconds that an upstream took."""
        self._histogram(self._upstream, "u", upstream).observe(seconds)

    def attempt(self, upstream: str, result: str) -> None:
        """Count one attempt; `result` is a status class (`2xx`) or an error word."""
        self._counter(self._attempts, "t", upstream, result).inc()

    def entities(self, entity: str, operator: str, count: int) -> None:
        """Count identifiers that were dealt with."""
        self._counter(self._entities, "e", entity, operator).inc(count)

    def findings(self, guard: str, verdict: str, count: int) -> None:
        """Count what a guard found."""
        self._counter(self._findings, "f", guard, verdict).inc(count)

    def usage(self, upstream: str, prompt: int, completion: int) -> None:
        """Count the tokens that a provider billed."""
        # What a provider says is not believed to be a count only because it should be one.
        self._counter(self._tokens, "p", upstream, "prompt").inc(max(0, prompt))
        self._counter(self._tokens, "p", upstream, "completion").inc(max(0, completion))

    def expose(self) -> bytes:
        """Return the exposition text; slow for many series, so not for the event loop."""
        return generate_latest(self.registry)

    def _counter(self, family: Counter, *labels: str) -> Counter:
        child = self._cache.get(labels)
        if child is None:
            child = self._cache[labels] = family.labels(*labels[1:])
        assert isinstance(child, Counter)  # noqa: S101 - the first label names the family
        return child

    def _histogram(self, family: Histogram, *labels: str) -> Histogram:
        child = self._cache.get(labels)
        if child is None:
            child = self._cache[labels] = family.labels(*labels[1:])
        assert isinstance(child, Histogram)  # noqa: S101 - the first label names the family
        return child
