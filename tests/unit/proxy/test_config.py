"""The configuration as an operator meets it: what a file gives, and what a bad one is told."""

import json
from pathlib import Path

import pytest

from proxy.config import (
    Address,
    ConfigError,
    builtin_policies,
    gazetteer_lines,
    load,
    quick,
    read_policy,
    upstream_key,
)
from rules.policy.decide import Facts, Permit, Refusal
from rules.principal import Assurance, Principal

SHA = "ab" * 32
SMALLEST = f"""
identity:
  api_keys:
    - {{name: billing-svc, sha256: {SHA}, subject: svc-billing, tenant: north, roles: [billing],
       workflow: claims}}
upstreams:
  spare: {{url: "embedded:", baa: true}}
"""
NOBODY = Principal("s", "t", frozenset({"r"}), "w", Assurance.LOW, "api_key")


@pytest.fixture(autouse=True)
def _no_key_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def written(folder: Path, text: str, name: str = "pratique.yaml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def problems(folder: Path, text: str) -> list[str]:
    path = written(folder, text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).splitlines() == [str(one) for one in caught.value.problems]
    return [str(one).removeprefix(f"{path}:") for one in caught.value.problems]


def test_the_smallest_file_has_a_default_for_all_the_rest(tmp_path: Path) -> None:
    config = load(written(tmp_path, SMALLEST))
    assert config.listen == Address("127.0.0.1", 8080)
    assert config.admin == Address("127.0.0.1", 9090)
    assert config.data == tmp_path / "pratique-data"
    assert config.policy == "safe-harbor"
    assert [(one.name, one.models, one.targets) for one in config.routes] == [
        ("default", ("*",), ("spare",))
    ]
    assert config.deadlines.total == 600.0
    assert config.limits.body_bytes == 10_485_760
    assert config.forward_headers == ()
    assert config.upstreams["spare"].embedded


def test_every_setting_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVIDER_KEY", "sk-from-env")
    written(tmp_path, "sk-from-file\n", "key")
    written(tmp_path, json.dumps({"keys": [{}]}), "jwks.json")
    written(tmp_path, "policy: own\nrules: [{name: a, effect: permit}]\n", "own.yaml")
    config = load(
        written(
            tmp_path,
            SMALLEST
            + f"""
  openai: {{url: "https://api.openai.com/v1/", api_key_env: PROVIDER_KEY, baa: true, region: us,
           models: {{small: gpt-4o-mini}}}}
  local: {{url: "http://10.1.2.3/v1", api_key_file: key, insecure: true}}
listen: 0.0.0.0:1
admin: "[::1]:2"
data: {tmp_path}/elsewhere
policy: own.yaml
routes:
  - {{name: small, models: small, targets: [openai, spare]}}
  - {{name: rest, targets: [local]}}
deadlines: {{connect: 250ms, first_byte: 1m, idle: 5s, total: 10m}}
limits: {{body_bytes: 1000, in_flight: 2, rate: 0.5, burst: 1}}
forward_headers: [OpenAI-Organization]
""",
        )
    )
    openai, local = config.upstreams["openai"], config.upstreams["local"]
    assert openai.url == "https://api.openai.com/v1"
    assert (openai.baa, openai.region, openai.models) == (True, "us", {"small": "gpt-4o-mini"})
    assert (upstream_key(openai), upstream_key(local)) == ("sk-from-env", "sk-from-file")
    assert upstream_key(config.upstreams["spare"]) is None
    assert "sk-from" not in repr(config) + config.model_dump_json()
    assert (config.listen, config.admin) == (Address("0.0.0.0", 1), Address("::1", 2))  # noqa: S104
    assert config.data == tmp_path / "elsewhere"
    assert read_policy(config.policy, Path("/nowhere")).policy.policy == "own"
    assert [one.targets for one in config.routes] == [("openai", "spare"), ("local",)]
    assert config.routes[0].models == ("small",)
    assert (config.deadlines.connect, config.deadlines.total) == (0.25, 600.0)
    assert (config.limits.rate, config.limits.burst) == (0.5, 1)
    assert config.forward_headers == ("openai-organization",)


def test_identity_is_read(tmp_path: Path) -> None:
    written(tmp_path, json.dumps({"keys": [{}]}), "jwks.json")
    more = """
  jwt: {issuer: "https://idp", audience: pratique, algorithms: [RS256], jwks_file: jwks.json,
        leeway: 10s, claims: {roles: realm_access.roles}, assurance: {aal2: substantial}}
  tenant_classes: {north: gold}
upstreams:"""
    identity = load(written(tmp_path, SMALLEST.replace("\nupstreams:", more))).identity
    assert identity.principals() == {
        SHA: Principal(
            "svc-billing",
            "north",
            frozenset({"billing"}),
            "claims",
            Assurance.LOW,
            "api_key",
            "gold",
        )
    }
    assert identity.jwt is not None
    assert identity.jwt.audience == ("pratique",)
    assert identity.jwt.jwks_file == tmp_path / "jwks.json"
    assert identity.jwt.claims.roles == "realm_access.roles"
    assert identity.jwt.claims.subject == "sub"
    assert identity.jwt.assurance == {"aal2": Assurance.SUBSTANTIAL}
    assert "svc-billing" not in repr(identity)


def test_every_problem_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    said = problems(
        tmp_path,
        """lisen: 127.0.0.1:80
admin: 9090
policy: safe-harbour
identity:
  api_keys:
    - {name: a, key: pk_secret, subject: s, roles: [r], workflow: w}
    - {name: a, sha256: pk_secret, subject: s, tenant: t, roles: [], workflow: w, assurance: lov}
  jwt: {issuer: i, audience: a, algorithms: [none, RS256], jwks_file: missing.json}
upstreams:
  openai: {url: "https://api.openai.com/v1", api_key: sk-secret}
  other:
    url: http://example.org/v1
    api_key_env: sk-secret
  third: {url: "https://h", api_key_env: NOT_SET_ANYWHERE}
  third: {url: "https://h"}
routes:
  - {name: r, targets: [opena, other]}
deadlines: {connect: 2}
limits: {rate: -1, burst: 1.5}
forward_headers: [authorization]
""",
    )
    assert said == [
        "1: lisen: unknown key `lisen`; did you mean `listen`?",
        "2: admin: is not an address; write host and port, as `127.0.0.1:8080`",
        "3: policy: is neither a built-in policy nor a file; did you mean `safe-harbor`?",
        "6: identity.api_keys[0]: `sha256` is missing",
        "6: identity.api_keys[0]: `tenant` is missing",
        "6: identity.api_keys[0].key: a secret must not stand in this file; give its `sha256`",
        "7: identity.api_keys[1].sha256: should be the SHA-256 of the key as 64 hex digits, never"
        " the key itself; `printf %s KEY | sha256sum` gives it",
        "7: identity.api_keys[1].roles: should not be empty",
        "7: identity.api_keys[1].assurance: should be `low`, `substantial` or `high`; did you mean"
        " `low`?",
        "7: identity.api_keys[1].name: is the same as in `identity.api_keys[0]`",
        "8: identity.jwt.algorithms[0]: should be `RS256`, `RS384`, `RS512`, `PS256`, `PS384`,"
        " `PS512`, `ES256`, `ES384`, `ES512`, `EdDSA`, `Ed25519`, `HS256`, `HS384` or `HS512`",
        f"8: identity.jwt.jwks_file: there is no file `missing.json` in `{tmp_path}`",
        "10: upstreams.openai.api_key: a secret must not stand in this file; say where it is with"
        " `api_key_env` or `api_key_file`",
        "12: upstreams.other.url: would send calls in plain text to another machine; use https, or"
        " `insecure: true`",
        "13: upstreams.other.api_key_env: should be the name of an environment variable, never the"
        " key itself; if a key stood here, replace it at its provider",
        "14: upstreams.third.api_key_env: the environment variable `NOT_SET_ANYWHERE` is not set",
        "15: the key `third` stands here for the second time (first on line 14)",
        "17: routes[0].targets[0]: there is no upstream `opena`; did you mean `openai`?",
        "18: deadlines.connect: is not a duration; write a number and a unit, as `250ms`, `2s`,"
        " `10m`",
        "19: limits.rate: should be greater than 0",
        "19: limits.burst: should be a whole number",
        "20: forward_headers[0]: `authorization` is never forwarded; take it out",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "should be a mapping"),
        ("- a", "should be a mapping"),
        ("a: [", "cannot be read as YAML"),
        ("upstreams: {}\nidentity: {}", "nobody could call"),
        ("upstreams: {}\nidentity: {}", "upstreams: should not be empty"),
        ("upstreams: 3", "upstreams: should be a mapping"),
        (SMALLEST + "listen: a:1\nadmin: a:1\n", "`listen` and `admin` are the same address"),
        (SMALLEST + "routes: []", "routes: should not be empty"),
        (
            SMALLEST + "routes: [{name: a, targets: [spare]}, {name: a, targets: [spare]}]",
            "routes[1].name: is the same as in `routes[0]`",
        ),
        (
            SMALLEST.replace("baa: true", "api_key_file: pratique.yaml"),
            "the embedded provider takes no key",
        ),
        (
            SMALLEST.replace('"embedded:"', '"https://h", api_key_env: HOME, api_key_file: x'),
            "there is no file `x`",
        ),
        (
            SMALLEST.replace(
                '"embedded:"', '"https://h", api_key_env: HOME, api_key_file: pratique.yaml'
            ),
            "has both `api_key_env` and `api_key_file`",
        ),
        (
            SMALLEST.replace('"embedded:"', '"https://h", api_key_file: pratique.yaml'),
            "7: upstreams.spare.api_key_file: holds more than one word",
        ),
        (
            SMALLEST.replace("upstreams:", "    - {name: billing-svc, sha256: " + "0" * 64
            + ", subject: s, tenant: t, roles: r, workflow: w}\nupstreams:"),
            "roles: should be a list",
        ),
        (
            SMALLEST.replace("upstreams:", "    - {name: billing-svc, sha256: " + "0" * 64
            + ", subject: s, tenant: t, roles: [r], workflow: w}\nupstreams:"),
            "6: identity.api_keys[1].name: is the same as in `identity.api_keys[0]`",
        ),
        (
            SMALLEST.replace("\nupstreams:", "\n  jwt: {issuer: i, audience: a, algorithms: [RS256]"
            "}\nupstreams:"),
            "needs exactly one of `jwks_file` and `jwks_url`",
        ),
        (
            SMALLEST.replace("\nupstreams:", "\n  jwt: {issuer: i, audience: a, algorithms: [HS256]"
            ", jwks_url: 'https://h/jwks'}\nupstreams:"),
            "cannot come from a URL",
        ),
        (SMALLEST.replace("spare:", "Spare Part:"), "upstreams.Spare Part: holds a character"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used(tmp_path: Path, text: str, said: str) -> None:
    assert said in "\n".join(problems(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read: no such file"):
        load(tmp_path / "none.yaml")


def test_a_key_file_is_read_anew_and_its_loss_is_told(tmp_path: Path) -> None:
    key = written(tmp_path, "one", "key")
    text = SMALLEST.replace('"embedded:"', '"https://h/v1", api_key_file: key')
    upstream = load(written(tmp_path, text)).upstreams["spare"]
    key.write_text("two\n")
    assert upstream_key(upstream) == "two"
    key.write_text(" \n")
    with pytest.raises(ConfigError, match="holds no key"):
        upstream_key(upstream)
    key.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        upstream_key(upstream)


def test_a_few_words_make_a_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    urls = ["https://api.openai.com", "http://127.0.0.1:8000/v1", "http://127.0.0.1:9/", "embedded"]
    config = quick(urls, "safe-harbor", "127.0.0.1:0", "127.0.0.1:0", Path("d"), SHA)
    assert {name: one.url for name, one in config.upstreams.items()} == {
        "api.openai.com": "https://api.openai.com/v1",
        "127.0.0.1": "http://127.0.0.1:8000/v1",
        "127.0.0.1-2": "http://127.0.0.1:9/v1",
        "embedded": "embedded:",
    }
    assert config.routes[0].targets == tuple(config.upstreams)
    assert [upstream_key(one) for one in config.upstreams.values()] == ["sk-env"] * 3 + [None]
    principal = config.identity.principals()[SHA]
    assert (principal.subject, principal.tenant) == ("first-try", "default")
    assert (principal.roles, principal.workflow) == ({"developer"}, "default")
    assert config.data == Path.cwd() / "d"


def test_a_few_words_without_a_provider_key_send_none() -> None:
    config = quick(["http://127.0.0.1:1"], "passthrough", "a:1", "a:2", Path("d"), SHA)
    assert upstream_key(config.upstreams["127.0.0.1"]) is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.org", "plain text to another machine"),
        ("example.org", "is not a URL"),
        ("https://[::1", "is not a URL"),
        ("https://[::1:", "is not a URL"),
    ],
)
def test_a_few_words_that_cannot_be_used(url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        quick([url], "safe-harbor", "a:1", "a:2", Path("d"), SHA)
    assert str(caught.value).startswith("command line: upstreams.")


def test_the_policies_that_come_with_the_program() -> None:
    assert builtin_policies() == ("passthrough", "safe-harbor")
    safe, through = (read_policy(name, Path()) for name in ("safe-harbor", "passthrough"))
    assert (safe.needs_scan, through.needs_scan) == (True, False)
    plain = Facts(NOBODY, "m", frozenset({"phi"}), wants_logprobs=True)
    permit = safe.decide(plain)
    assert isinstance(permit, Permit)
    assert permit.obligations.minimize["*"].operator == "tokenize"
    assert permit.obligations.restore
    for label in ("secrets", "unreadable"):
        assert isinstance(safe.decide(Facts(NOBODY, "m", frozenset({label}))), Refusal)
    passed = through.decide(plain)
    assert isinstance(passed, Permit)
    assert not passed.obligations.minimize
    assert passed.obligations.logprobs == "pass"


def test_the_problems_of_a_policy_have_lines(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "policy: p\nrules:\n  - name: a\n    effect: permitt\n  - name: b\n    efect: permit\n",
    )
    with pytest.raises(ConfigError) as caught:
        read_policy("pratique.yaml", tmp_path)
    assert [str(one).removeprefix(f"{path}:") for one in caught.value.problems] == [
        "4: rules[0].effect: should be `permit` or `forbid`; did you mean `permit`?",
        "5: rules[1]: `effect` is missing",
        "6: rules[1].efect: unknown key `efect`; did you mean `effect`?",
    ]


@pytest.mark.parametrize(
    "text", ["policy: p\npolicy: q\nrules: [{name: a, effect: permit}]", "a: [", ""]
)
def test_a_policy_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text, "own.yaml")
    with pytest.raises(ConfigError, match=r"own\.yaml:[0-9]+: "):
        read_policy(str(path), Path())


def test_the_lists_of_names_hold_entries_and_no_notes() -> None:
    first, last, common = gazetteer_lines()
    assert first
    assert last
    assert common
    assert not any(line.startswith("#") or not line for line in [*first, *last, *common])
