"""The commands, run as a person would run them."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import aiohttp
import openai
import pytest

from tests.support.sidecar import SidecarProcess, write_config


def run(*arguments: str, given: str = "", folder: Path | None = None, **env: str):
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "proxy", *arguments],
        input=given, capture_output=True, text=True, timeout=120, cwd=folder,
        env={**dict(__import__("os").environ), "TEST_PROVIDER_KEY": "sk-x", **env},
    )  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path, {"main": "http://127.0.0.1:9/v1"})


def test_check_is_silent_about_a_good_file(config):
    result = run("check", str(config))
    assert (result.returncode, result.stderr) == (0, "")
    assert "in order" in result.stdout


def test_check_tells_every_problem_with_its_line(config):
    text = config.read_text().replace("upstreams:", "upstreems:")
    config.write_text(text + "limits: {rate: none}\n")
    result = run("check", str(config))
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    where = 1 + text.splitlines().index("upstreems:")
    assert any(f"{config}:{where}:" in line and "`upstreams`" in line for line in lines)
    assert any(f"{config}:{len(text.splitlines()) + 1}:" in line for line in lines)


def test_serve_refuses_a_bad_config_with_the_same_words(config):
    config.write_text(config.read_text() + "polcy: x\n")
    result = run("serve", "--config", str(config))
    assert result.returncode == 1
    assert "did you mean `policy`" in result.stderr
    assert "Traceback" not in result.stderr


def test_key_new_keeps_only_the_hash(tmp_path):
    result = run("key", "new", "--name", "billing", "--role", "billing")
    key = next(w for w in result.stdout.split() if w.startswith("pk_"))
    assert result.stdout.count(key) == 1
    assert "sha256: " in result.stdout


def test_explain_shows_what_would_leave(tmp_path):
    call = tmp_path / "call.json"
    call.write_text(json.dumps({"model": "gpt-4o", "messages": [
        {"role": "user", "content": "Patient: Maria Gonzalez, MRN: 77120345"}]}))  # fmt: skip
    result = run("explain", str(call))
    assert result.returncode == 0
    assert "[PERSON_1]" in result.stdout
    assert "Gonzalez" not in result.stdout
    assert "1 x MEDICAL_RECORD_NUMBER: tokenize" in result.stdout


def test_explain_says_who_is_refused_and_why(config, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "policy: p\nrules:\n  - {name: clinicians, effect: permit, match: {roles: [clinician]}}\n"
    )
    config.write_text(config.read_text().replace("safe-harbor", "policy.yaml"))
    call = '{"model": "m", "messages": [{"role": "user", "content": "hello"}]}'
    assert run("explain", "-", "--config", str(config), given=call).returncode == 0
    refused = run("explain", "-", "--config", str(config), "--role", "billing", given=call)
    assert refused.returncode == 1
    assert "not_permitted" in refused.stdout


def test_verify_of_a_folder_without_a_log(tmp_path):
    result = run("verify", str(tmp_path))
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    missing = run("verify", str(tmp_path / "nowhere"))
    assert missing.returncode == 2
    assert "nowhere" in missing.stderr


@pytest.mark.parametrize("arguments", [("serve",), ("explain", "missing.json")])
def test_what_is_missing_is_named_in_one_line(arguments):
    result = run(*arguments)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1


async def test_a_first_try_without_a_file(tmp_path):
    sidecar = SidecarProcess(
        "serve", "--upstream", "embedded", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
        "--data", str(tmp_path / "data"),
    )  # fmt: skip
    try:
        async with asyncio.timeout(20):  # the key is printed once the sidecar listens
            while not any(one.startswith("key, shown once: ") for one in sidecar.printed):
                await asyncio.to_thread(sidecar.output_came.wait, 20)
        (line,) = [one for one in sidecar.printed if one.startswith("key, shown once: ")]
        key = line.rpartition(" ")[2].strip()
        async with openai.AsyncOpenAI(base_url=sidecar.url + "/v1", api_key=key) as client:
            answer = await client.chat.completions.create(
                model="any",
                messages=[{"role": "user", "content": "Patient: Maria Gonzalez. Summarize."}],
            )
        assert "Maria Gonzalez" in answer.choices[0].message.content
        written = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
        assert key.encode() not in written
    finally:
        assert sidecar.stop() == 0
    held = run("verify", str(tmp_path / "data"))
    assert held.returncode == 0
    assert "the log holds" in held.stdout


async def test_two_sidecars_cannot_write_one_log(tmp_path):
    arguments = (
        "serve", "--upstream", "embedded", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
        "--data", str(tmp_path / "data"), "--key", "k" * 40,
    )  # fmt: skip
    sidecar = SidecarProcess(*arguments)
    try:
        second = run(*arguments)
        assert second.returncode == 2
        assert "Traceback" not in second.stderr
        async with (
            aiohttp.ClientSession() as session,
            session.get(sidecar.admin_url + "/readyz") as response,
        ):
            assert response.status == 200
    finally:
        sidecar.stop()


def test_the_demo_holds():
    result = run("demo", "--no-color", COLUMNS="120")
    assert result.returncode == 0, result.stdout
    assert "every check held" in result.stdout
    assert "✗" not in result.stdout


def test_help_names_every_command():
    text = run("--help").stdout
    assert all(
        command in text for command in ("serve", "demo", "check", "explain", "verify", "key")
    )
