"""`check`: every problem of a configuration and of what it names, without starting anything."""

import json
from pathlib import Path

import pytest

from proxy.config_check import check

CONFIG = """
policy: own.yaml
identity:
  jwt: {issuer: i, audience: a, algorithms: [RS256], jwks_file: jwks.json}
upstreams:
  spare: {url: "embedded:"}
"""
POLICY = "policy: own\nrules:\n  - {name: a, effect: permit}\n"
KEYS = json.dumps({"keys": [{"kty": "RSA"}]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pratique.yaml").write_text(CONFIG)
    (tmp_path / "own.yaml").write_text(POLICY)
    (tmp_path / "jwks.json").write_text(KEYS)
    return tmp_path


def found(folder: Path, name: str = "pratique.yaml") -> list[str]:
    return [str(one).removeprefix(f"{folder}/") for one in check(folder / name)]


def test_a_good_configuration_and_a_good_policy_have_no_problems(folder: Path) -> None:
    assert found(folder) == []
    assert found(folder, "own.yaml") == []


def test_a_configuration_without_tokens_and_files_has_nothing_more_to_look_into(
    folder: Path,
) -> None:
    caller = (
        f"identity: {{api_keys: [{{name: a, sha256: {'0' * 64}, subject: s, tenant: t, roles: [r],"
        " workflow: w}]}\nupstreams: {spare: {url: embedded}}\n"
    )
    (folder / "pratique.yaml").write_text(caller)
    assert found(folder) == []


def test_a_policy_is_checked_by_itself(folder: Path) -> None:
    (folder / "own.yaml").write_text(POLICY.replace("permit", "alow"))
    assert found(folder, "own.yaml") == [
        "own.yaml:3: rules[0].effect: should be `permit` or `forbid`"
    ]


@pytest.mark.parametrize("also_wrong", [False, True])
def test_the_policy_that_is_named_is_checked_too(folder: Path, also_wrong: bool) -> None:
    (folder / "own.yaml").write_text(POLICY.replace("permit", "alow"))
    if also_wrong:
        (folder / "pratique.yaml").write_text(CONFIG + "lisen: 3\n")
    problems = found(folder)
    assert len(problems) == 1 + also_wrong
    assert problems[-1] == "own.yaml:3: rules[0].effect: should be `permit` or `forbid`"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not a key set (RFC 7517)"),
        ("[]", "is not a key set (RFC 7517)"),
        ("{}", "is not a key set (RFC 7517)"),
        ('{"keys": []}', "holds no keys"),
    ],
)
def test_the_file_of_keys_is_looked_into(folder: Path, content: str, said: str) -> None:
    (folder / "jwks.json").write_text(content)
    assert found(folder) == [f"pratique.yaml:4: identity.jwt.jwks_file: {said}"]


def test_what_is_missing_is_told(folder: Path) -> None:
    assert "cannot be read" in found(folder, "none.yaml")[0]
    (folder / "own.yaml").unlink()
    assert found(folder) == [
        "pratique.yaml:2: policy: is neither a built-in policy nor a file; built in are"
        " `passthrough`, `safe-harbor`"
    ]


@pytest.mark.parametrize("text", ["", "- a", "policy: [1]", "a: ["])
def test_a_file_that_is_nothing_of_the_kind(folder: Path, text: str) -> None:
    (folder / "pratique.yaml").write_text(text)
    assert found(folder)
