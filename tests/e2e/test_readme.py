"""What the README shows works as it stands there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "proxy", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=60,
        env={**os.environ, "FIRST_KEY": "sk-x", "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip


def test_the_configuration_and_the_policy_are_in_order(tmp_path):
    for block in re.findall(r"```yaml\n# (\S+\.yaml)(.*?)```", README, re.DOTALL):
        (tmp_path / block[0].rstrip(":")).write_text("#" + block[1], encoding="utf-8")
    assert {p.name for p in tmp_path.iterdir()} == {"pratique.yaml", "policy.yaml"}
    result = run(tmp_path, "check", "pratique.yaml")
    assert result.returncode == 0, result.stderr
    assert run(tmp_path, "check", "policy.yaml").returncode == 0


def test_the_call_that_is_explained(tmp_path):
    shown = re.search(r"^\s+(\{\"model\".*\})$", README, re.MULTILINE)[1]
    json.loads(shown)
    (tmp_path / "call.json").write_text(shown, encoding="utf-8")
    result = run(tmp_path, "explain", "call.json")
    assert result.returncode == 0
    assert "[PERSON_1]" in result.stdout
    assert "Gonzalez" not in result.stdout
