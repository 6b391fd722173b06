"""A policy document: rules that permit or forbid, and the obligations that come with a permit.

A policy is data: frozen, without behaviour beyond its own consistency. `load` reads it, `decide`
applies it. Every word in it is checked when it is read, so that a rule that can never match, or an
operator nobody knows, is an error at load and not a hole at run time.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from rules.classify.catalogue import ENTITIES, LABELS
from rules.minimize.operators import OPERATORS, OperatorSpec
from rules.policy.flaws import FlawError, did_you_mean
from rules.principal import Assurance

EVERY: Final = "*"


class Frozen(BaseModel):
    """The base of all documents: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Effect(StrEnum):
    """What a rule says about the calls that it matches. A forbid overrides every permit."""

    PERMIT = "permit"
    FORBID = "forbid"


class Action(StrEnum):
    """What to do when a guard finds something: nothing is looked for, tell, or stop."""

    OFF = "off"
    WARN = "warn"
    REFUSE = "refuse"


def _one_of(kind: str, known: Iterable[str]) -> Callable[[str], str]:
    """A check that a word is known; the flaw names it and what was probably meant."""
    words = tuple(sorted(known))

    def check(word: str) -> str:
        if word not in words:
            every = f"known: {', '.join(f'`{one}`' for one in words)}"
            raise FlawError(f"unknown {kind} `{word}`", did_you_mean(word, words) or every)
        return word

    return check


_check_operator: Final = _one_of("operator", OPERATORS)


def _short_form(value: object) -> object:
    """Let `tokenize` stand for `{operator: tokenize}`."""
    return {"operator": value} if isinstance(value, str) else value


def _known_operator(spec: OperatorSpec) -> OperatorSpec:
    _check_operator(spec.operator)
    return spec


Globs = Annotated[tuple[str, ...], Field(min_length=1)]
Label = Annotated[str, AfterValidator(_one_of("label", LABELS))]
EntityName = Annotated[str, AfterValidator(_one_of("entity", ENTITIES))]
EntityOrEvery = Annotated[str, AfterValidator(_one_of("entity", (*ENTITIES, EVERY)))]
Operation = Annotated[OperatorSpec, BeforeValidator(_short_form), AfterValidator(_known_operator)]


class Condition(Frozen):
    """Which calls a rule is about. A field left out matches all; all fields given must match.

    `tenants`, `workflows`, `models` and `tools` are globs (`gpt-4*`); `roles` and `labels` match if
    the call has any of them; `assurance` is the least that is asked.
    """

    tenants: Globs | None = None
    roles: Globs | None = None
    workflows: Globs | None = None
    models: Globs | None = None
    tools: Globs | None = None
    labels: Annotated[tuple[Label, ...], Field(min_length=1)] | None = None
    assurance: Assurance | None = None


class Guards(Frozen):
    """What is looked for in an answer, and what happens when it is found.

    `leakage`: identifiers of the kinds `leakage_entities` that the request did not hold.
    `json_schema`: an answer that breaks the JSON Schema its caller asked for.
    """

    leakage: Action = Action.OFF
    leakage_entities: tuple[EntityName, ...] = (
        "US_SSN", "MEDICAL_RECORD_NUMBER", "MEMBER_ID", "PHONE_NUMBER", "EMAIL_ADDRESS",
        "CREDIT_CARD", "US_ITIN", "API_KEY",
    )  # fmt: skip
    json_schema: Action = Action.OFF


class ProviderTerms(Frozen):
    """Which upstreams may have the call: by name (globs), by region, and with a BAA in force.

    `baa` is the business associate agreement of 45 CFR 164.504(e). `if_phi` asks for one only where
    identifiers are left in what is sent.
    """

    names: Globs = (EVERY,)
    regions: Globs = (EVERY,)
    baa: Literal["always", "if_phi", "never"] = "if_phi"


class Obligation(Frozen):
    """What a permit asks of the call it permits.

    `minimize` maps an entity, or `*` for all others, to an operator; empty means that nothing is
    looked for and the body passes byte for byte. `restore` puts values back into the answer.
    `release: buffer` withholds an answer until all of it has been seen. `logprobs` repeat an answer
    piece by piece, beyond the reach of restoring and guards: `drop` takes them out with a warning.
    """

    minimize: dict[EntityOrEvery, Operation] = Field(default_factory=dict)
    restore: bool = True
    release: Literal["stream", "buffer"] = "stream"
    guards: Guards = Guards()
    providers: ProviderTerms = ProviderTerms()
    tools: Globs = (EVERY,)
    logprobs: Literal["pass", "drop", "refuse"] = "drop"


class Rule(Frozen):
    """One statement: calls that match `match` are permitted or forbidden.

    `reason` is told to the caller whom the rule refuses, so it must not hold anything secret.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)]
    effect: Effect
    match: Condition = Condition()
    reason: str = ""
    obligations: Obligation | None = None

    @model_validator(mode="after")
    def _obligations_belong_to_permits(self) -> "Rule":
        if self.effect is Effect.FORBID and self.obligations is not None:
            raise FlawError("a rule that forbids cannot have obligations")
        return self


class Policy(Frozen):
    """A named, versioned list of rules; what no rule permits is refused.

    That no two rules have one name is checked where a document is read, in `load`.
    """

    policy: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)]
    version: str = "1"
    description: str = ""
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
