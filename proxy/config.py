"""The configuration: the only reader of its files and of the environment.

A file is read into one frozen value or refused with every problem at once, each with its line. Keys
of providers are not part of that value: `upstream_key` fetches one when it is needed, so that no
`repr`, log or dump of a configuration can show them.
"""

import os
import re
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from proxy.config_model import (
    ApiKey,
    Claims,
    Config,
    Deadlines,
    Identity,
    Jwt,
    Limits,
    Route,
    Surroundings,
    Upstream,
)
from proxy.config_values import EMBEDDED, Address
from proxy.config_yaml import Document, Problem, parse
from rules.policy.flaws import Flaw, dotted, flaws, repeated
from rules.policy.load import CompiledPolicy, FlawedPolicyError, compile_policy

__all__ = [
    "Address",
    "ApiKey",
    "Claims",
    "Config",
    "ConfigError",
    "Deadlines",
    "Identity",
    "Jwt",
    "Limits",
    "Problem",
    "Route",
    "Upstream",
    "builtin_policies",
    "examine",
    "examine_policy",
    "gazetteer_lines",
    "load",
    "quick",
    "read_document",
    "read_policy",
    "upstream_key",
]

_QUICK: Final = "command line"
_QUICK_KEY: Final = "OPENAI_API_KEY"
_INLINE_SECRETS: Final = frozenset({"api_key", "apikey", "key", "password", "secret", "token"})
# Lists whose entries are told apart by one of their keys.
_UNIQUE: Final = (
    (("routes",), "name"),
    (("identity", "api_keys"), "name"),
    (("identity", "api_keys"), "sha256"),
)
_POLICIES: Final = resources.files("rules.policy") / "builtin"
_LISTS: Final = resources.files("rules.classify") / "lists"


class ConfigError(Exception):
    """The configuration cannot be used; `problems` holds all that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def load(path: Path) -> Config:
    """Read the configuration at `path`. Raises ConfigError with every problem of it."""
    config, problems = examine(read_document(path), path.absolute().parent)
    if config is None or problems:
        raise ConfigError(problems)
    return config


def quick(
    upstreams: Sequence[str], policy: str, listen: str, admin: str, data: Path, key_sha256: str
) -> Config:
    """Return a configuration made of a few words, for trying things out.

    Each of `upstreams` is a URL, with or without `/v1` at its end, or `embedded`; all of them are
    given the key in `OPENAI_API_KEY` where that is set. The one caller is known by the key with the
    SHA-256 `key_sha256`, in hex. Raises ConfigError.
    """
    caller = {
        "name": "first-try",
        "sha256": key_sha256,
        "subject": "first-try",
        "tenant": "default",
        "roles": ["developer"],
        "workflow": "default",
    }
    document = Document(_QUICK)
    document.value = {
        "listen": listen,
        "admin": admin,
        "data": str(data),
        "policy": policy,
        "identity": {"api_keys": [caller]},
        "upstreams": _quick_upstreams(upstreams),
    }
    config, problems = examine(document, Path.cwd())
    if config is None or problems:
        raise ConfigError(problems)
    return config


def upstream_key(upstream: Upstream) -> str | None:
    """Return the provider key that `upstream` is to be called with, as it is now, or None.

    Raises ConfigError where the file cannot be read or holds nothing, or the variable is not set.
    """
    if upstream.api_key_file is not None:
        key = _read(upstream.api_key_file).decode("utf-8", "replace").strip()
        return _usable(key, str(upstream.api_key_file))
    if upstream.api_key_env is not None:
        return _usable(os.environ.get(upstream.api_key_env, "").strip(), upstream.api_key_env)
    return None


def read_policy(name_or_path: str, relative_to: Path) -> CompiledPolicy:
    """Return the built-in policy of that name, or the one in that file, ready to decide.

    Raises ConfigError with every problem of the document.
    """
    if name_or_path in builtin_policies():
        content = (_POLICIES / f"{name_or_path}.yaml").read_bytes()
        document = parse(content, f"built-in policy `{name_or_path}`")
    else:
        path = relative_to / name_or_path
        content = _read(path)
        document = parse(content, str(path))
    policy, problems = examine_policy(document, content)
    if policy is None:
        raise ConfigError(problems)
    return policy


def builtin_policies() -> tuple[str, ...]:
    """Return the names of the policies that come with the program."""
    names = (entry.name for entry in _POLICIES.iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def gazetteer_lines() -> tuple[list[str], list[str], list[str]]:
    """Return the entries of the lists of first names, last names and common words."""
    return _entries("first_names"), _entries("last_names"), _entries("common_words")


def read_document(path: Path) -> Document:
    """Return what the YAML file at `path` says; one that cannot be read is a problem in it."""
    try:
        return parse(_read(path), str(path))
    except ConfigError as error:
        return Document(str(path), problems=list(error.problems))


def examine(document: Document, folder: Path) -> tuple[Config | None, tuple[Problem, ...]]:
    """Return the configuration in `document` where it has one, and every problem found."""
    value = document.value
    if document.problems and value is None:
        return None, tuple(document.problems)
    upstreams = value.get("upstreams") if isinstance(value, dict) else None
    names = tuple(map(str, upstreams)) if isinstance(upstreams, dict) else ()
    if isinstance(value, dict) and "routes" not in value:
        value = {**value, "routes": [{"name": "default", "targets": list(names)}] if names else []}
    around = Surroundings(folder, names, builtin_policies(), os.environ)
    config: Config | None = None
    found: tuple[Flaw, ...] = ()
    try:
        config = Config.model_validate(value, context=around)
        found = _unusable_keys(config)
    except ValidationError as error:
        found = flaws(error, Config)
    for place, key in _UNIQUE:
        found = (*found, *repeated(value, place, key))
    return config, _problems(document, found)


def examine_policy(
    document: Document, content: bytes
) -> tuple[CompiledPolicy | None, tuple[Problem, ...]]:
    """Return the policy in `document` where it can be used, and every problem found."""
    if document.problems and document.value is None:
        return None, tuple(document.problems)
    try:
        policy = compile_policy(document.value, content)
    except FlawedPolicyError as error:
        return None, _problems(document, error.flaws)
    problems = _problems(document, ())
    return (None if problems else policy), problems


def _problems(document: Document, found: Iterable[Flaw]) -> tuple[Problem, ...]:
    """All problems of a document in the order of its lines."""
    located = [Problem(document.file, document.line_of(flaw.place), *_said(flaw)) for flaw in found]
    return tuple(sorted([*document.problems, *located], key=lambda problem: problem.line))


def _said(flaw: Flaw) -> tuple[str, str]:
    where = dotted(flaw.place)
    message = f"{where}: {flaw.message}" if where else flaw.message
    word = str(flaw.place[-1]).lower() if flaw.place else ""
    if flaw.message.startswith("unknown key") and word in _INLINE_SECRETS:
        advice = (
            "give its `sha256`"
            if "api_keys" in flaw.place
            else ("say where it is with `api_key_env` or `api_key_file`")
        )
        return f"{where}: a secret must not stand in this file", advice
    return message, flaw.suggestion


def _unusable_keys(config: Config) -> tuple[Flaw, ...]:
    found: list[Flaw] = []
    for name, upstream in config.upstreams.items():
        try:
            upstream_key(upstream)
        except ConfigError as error:
            place = ("upstreams", name, "api_key_file")
            found.extend(Flaw(place, problem.message) for problem in error.problems)
    return tuple(found)


def _usable(key: str, place: str) -> str:
    if not key:
        raise ConfigError([Problem(place, 0, "holds no key")])
    if re.fullmatch(r"[\x21-\x7e]+", key) is None:
        raise ConfigError([Problem(place, 0, "holds more than one word, or not plain ASCII")])
    return key


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        said = (error.strerror or "an error").lower()
        raise ConfigError([Problem(str(path), 0, f"cannot be read: {said}")]) from None


def _entries(name: str) -> list[str]:
    text = (_LISTS / f"{name}.txt").read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _quick_upstreams(urls: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for url in urls:
        embedded = url in (EMBEDDED, "embedded")
        settings = {"url": url if embedded or _has_path(url) else f"{url.rstrip('/')}/v1"}
        if not embedded and os.environ.get(_QUICK_KEY, "").strip():
            settings["api_key_env"] = _QUICK_KEY
        name = stem = "embedded" if embedded else _quick_name(url)
        count = 1
        while name in found:
            count += 1
            name = f"{stem}-{count}"
        found[name] = settings
    return found


def _has_path(url: str) -> bool:
    try:
        return urlsplit(url).path not in ("", "/")
    except ValueError:
        return True


def _quick_name(url: str) -> str:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    return re.sub(r"[^a-z0-9.-]", "-", host.lower()).strip("-.")[:60] or "upstream"
