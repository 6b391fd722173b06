"""What an operator can set, as frozen values that are checked as they are made.

Every flaw is a `FlawError` with its place, so that all of them can be told at once. Asks whether a
file is there, but reads none; keys of providers never become part of these values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)

from proxy.config_values import (
    EMBEDDED,
    Address,
    EnvironmentName,
    HeaderName,
    Listen,
    Name,
    Names,
    Seconds,
    Sha256Hex,
    Subject,
    UpstreamName,
    plain_url,
    provider_url,
)
from rules.policy.flaws import FlawError, did_you_mean
from rules.principal import Assurance, Principal
from rules.routing.select import Route as RoutePlan
from rules.routing.select import Target

STANDARD_CLASS: Final = "standard"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a configuration is checked against.

    `folder` is where relative paths start; `upstreams` are the names that routes may use;
    `policies` the built-in ones; `environ` the environment's variables.
    """

    folder: Path = Path()
    upstreams: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def of(info: ValidationInfo) -> "Surroundings":
        """Return the surroundings that came with a validation."""
        return info.context if isinstance(info.context, Surroundings) else Surroundings()

    def path(self, text: str) -> Path:
        """Return the path that `text` means in a configuration of this folder."""
        return self.folder / Path(text).expanduser()


class Frozen(BaseModel):
    """The base of every part: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _path(value: Any, info: ValidationInfo) -> Any:
    return Surroundings.of(info).path(value) if isinstance(value, str) else value


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise FlawError(f"there is no file `{path.name}` in `{path.parent}`")
    return path


def _known_upstream(name: str, info: ValidationInfo) -> str:
    known = Surroundings.of(info).upstreams
    if name not in known:
        raise FlawError(f"there is no upstream `{name}`", did_you_mean(name, known))
    return name


def _policy_name(value: str, info: ValidationInfo) -> str:
    """A built-in name as it is, a path made absolute."""
    around = Surroundings.of(info)
    if value in around.policies:
        return value
    path = around.path(value)
    if not path.is_file():
        near = did_you_mean(value, around.policies)
        known = f"built in are {', '.join(f'`{name}`' for name in around.policies)}"
        raise FlawError("is neither a built-in policy nor a file", near or known)
    return str(path.resolve())


def _variable_that_is_set(name: str, info: ValidationInfo) -> str:
    if not Surroundings.of(info).environ.get(name, "").strip():
        raise FlawError(f"the environment variable `{name}` is not set")
    return name


def _provider_url(value: str, info: ValidationInfo) -> str:
    return provider_url(value, insecure=info.data.get("insecure") is True)


FilePath = Annotated[Path, BeforeValidator(_path), AfterValidator(_existing)]
FolderPath = Annotated[Path, BeforeValidator(_path)]


class ApiKey(Frozen):
    """A caller that is known by a key, of which only the SHA-256 is kept."""

    name: Name
    sha256: Sha256Hex
    subject: Subject = Field(repr=False)
    tenant: Name
    roles: Annotated[tuple[Name, ...], Field(min_length=1)]
    workflow: Name
    assurance: Assurance = Assurance.LOW


class Claims(Frozen):
    """Which claim of a token tells what; a dot goes one level down (`realm_access.roles`)."""

    subject: str = "sub"
    tenant: str = "tenant"
    roles: str = "roles"
    workflow: str = "workflow"
    assurance: str = "acr"


class Jwt(Frozen):
    """Callers that bring a token of an identity provider (RFC 7519, RFC 9068).

    `assurance` maps values of the claim that `claims.assurance` names; others count as low. The
    keys come from a file or a URL (RFC 7517).
    """

    issuer: Annotated[str, Field(min_length=1)]
    audience: Names
    algorithms: Annotated[
        tuple[
            Literal[
                "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
                "EdDSA", "Ed25519", "HS256", "HS384", "HS512",
            ],
            ...,
        ],
        Field(min_length=1),
    ]  # fmt: skip
    jwks_file: FilePath | None = None
    jwks_url: Annotated[str, AfterValidator(plain_url)] | None = None
    leeway: Seconds = 30.0
    claims: Claims = Claims()
    assurance: Mapping[str, Assurance] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_source_of_keys(self) -> "Jwt":
        if (self.jwks_file is None) == (self.jwks_url is None):
            raise FlawError("needs exactly one of `jwks_file` and `jwks_url`")
        if self.jwks_url is not None and any(one.startswith("HS") for one in self.algorithms):
            raise FlawError("a secret for HS256, HS384 or HS512 cannot come from a URL")
        return self


class Identity(Frozen):
    """Who may call, and under which label each tenant is counted in metrics."""

    api_keys: tuple[ApiKey, ...] = ()
    jwt: Jwt | None = None
    tenant_classes: Mapping[Name, Name] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _somebody(self) -> "Identity":
        if not self.api_keys and self.jwt is None:
            raise FlawError("nobody could call", "list `api_keys`, or describe `jwt`")
        return self

    def principals(self) -> dict[str, Principal]:
        """Return whom each key stands for, by the SHA-256 of the key in hex."""
        return {
            key.sha256: Principal(
                subject=key.subject,
                tenant=key.tenant,
                roles=frozenset(key.roles),
                workflow=key.workflow,
                assurance=key.assurance,
                method="api_key",
                tenant_class=self.tenant_classes.get(key.tenant, STANDARD_CLASS),
            )
            for key in self.api_keys
        }


class Upstream(Frozen):
    """A provider; `url` + `/chat/completions` is where a chat call goes.

    `models` maps a model's name as it is asked for to the name that is sent. `baa` says that a
    business associate agreement is in force (45 CFR 164.504(e)).
    """

    insecure: bool = False  # before `url`, which is checked against it
    url: Annotated[str, AfterValidator(_provider_url)]
    api_key_env: Annotated[EnvironmentName, AfterValidator(_variable_that_is_set)] | None = None
    api_key_file: FilePath | None = None
    baa: bool = False
    region: Name | None = None
    models: Mapping[str, str] = Field(default_factory=dict)

    @property
    def embedded(self) -> bool:
        """Whether this is the provider that is part of the program."""
        return self.url == EMBEDDED

    @model_validator(mode="after")
    def _at_most_one_key(self) -> "Upstream":
        if self.api_key_env is not None and self.api_key_file is not None:
            raise FlawError("has both `api_key_env` and `api_key_file`", "keep one of them")
        if self.embedded and (self.api_key_env or self.api_key_file):
            raise FlawError("the embedded provider takes no key", "take it out")
        return self


class Route(Frozen):
    """For these models (globs), these upstreams, in this order."""

    name: Name
    models: Names = ("*",)
    targets: Annotated[
        tuple[Annotated[str, AfterValidator(_known_upstream)], ...], Field(min_length=1)
    ]


class Deadlines(Frozen):
    """Seconds that an upstream may take: to connect, to its first byte, between bytes, in all."""

    connect: Seconds = 2.0
    first_byte: Seconds = 60.0
    idle: Seconds = 60.0
    total: Seconds = 600.0


class Limits(Frozen):
    """What is taken at most.

    A body's bytes; calls under way at once; and for each principal calls per second (`rate`), and
    at once after a pause (`burst`).
    """

    body_bytes: Annotated[int, Field(ge=1)] = 10_485_760
    in_flight: Annotated[int, Field(ge=1)] = 256
    rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 100.0
    burst: Annotated[int, Field(ge=1)] = 200


class Config(Frozen):
    """All that an operator sets. `policy` is a built-in name or an absolute path."""

    listen: Listen = Address("127.0.0.1", 8080)
    admin: Listen = Address("127.0.0.1", 9090)
    data: FolderPath = Field(default="./pratique-data", validate_default=True)
    keys: FolderPath | None = None  # `keys` in `data` unless it is told
    policy: Annotated[str, AfterValidator(_policy_name)] = "safe-harbor"
    identity: Identity
    upstreams: Annotated[Mapping[UpstreamName, Upstream], Field(min_length=1)]
    routes: Annotated[tuple[Route, ...], Field(min_length=1)]
    deadlines: Deadlines = Deadlines()
    limits: Limits = Limits()
    forward_headers: tuple[HeaderName, ...] = ()

    @model_validator(mode="after")
    def _two_addresses(self) -> "Config":
        if self.listen.port and self.listen == self.admin:
            raise FlawError("`listen` and `admin` are the same address")
        return self

    def compiled_routes(self) -> tuple[RoutePlan, ...]:
        """Return the routes as routing asks for them, with what is known of each upstream."""
        targets = {
            name: Target(name, baa=one.baa, region=one.region, models=one.models)
            for name, one in self.upstreams.items()
        }
        return tuple(
            RoutePlan(one.name, one.models, tuple(targets[name] for name in one.targets))
            for one in self.routes
        )
