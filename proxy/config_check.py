"""All problems of a configuration, or of a policy, at once and without starting anything.

Looks at the file, at the policy document and at the key files that it names. Returns values; who
asked prints them.
"""

from pathlib import Path
from typing import Final

import orjson

from proxy.config import (
    Config,
    ConfigError,
    Problem,
    examine,
    examine_policy,
    read_document,
    read_policy,
)
from proxy.config_yaml import Document

_POLICY_KEYS: Final = frozenset({"policy", "rules"})


def check(path: Path) -> tuple[Problem, ...]:
    """Return every problem of the configuration or policy document at `path`; none when it is good.

    A document with `policy` and `rules` at its top is a policy.
    """
    document = read_document(path)
    value = document.value
    if isinstance(value, dict) and value.keys() >= _POLICY_KEYS:
        return examine_policy(document, b"")[1]
    folder = path.absolute().parent
    config, problems = examine(document, folder)
    if config is None:
        return (*problems, *_policy_alone(document, folder))
    return (*problems, *_policy(config.policy, folder), *_key_set(config, document))


def _policy_alone(document: Document, folder: Path) -> tuple[Problem, ...]:
    """The problems of the policy that a configuration names which is itself not usable."""
    named = document.value.get("policy") if isinstance(document.value, dict) else None
    if not isinstance(named, str) or not (folder / Path(named).expanduser()).is_file():
        return ()
    return _policy(named, folder)


def _policy(name: str, folder: Path) -> tuple[Problem, ...]:
    try:
        read_policy(name, folder)
    except ConfigError as error:
        return error.problems
    return ()


def _key_set(config: Config, document: Document) -> tuple[Problem, ...]:
    """What is wrong with the form of the file of keys that tokens are verified with."""
    jwt = config.identity.jwt
    if jwt is None or jwt.jwks_file is None:
        return ()
    try:
        keys = orjson.loads(jwt.jwks_file.read_bytes())["keys"]
        if isinstance(keys, list) and keys:
            return ()
        said = "holds no keys"
    except OSError:
        said = "cannot be read"
    except (ValueError, KeyError, TypeError):
        said = "is not a key set (RFC 7517)"
    line = document.line_of(("identity", "jwt", "jwks_file"))
    return (Problem(document.file, line, f"identity.jwt.jwks_file: {said}"),)
