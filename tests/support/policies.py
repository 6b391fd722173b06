"""Policies for tests, written as their users would write them."""

from pathlib import Path


def write_policy(folder: Path, obligations: str, before: str = "") -> str:
    """Write a policy that permits all with these obligations; returns its file's name."""
    lines = ["policy: test", "rules:"]
    lines += [f"  {line}" for line in before.splitlines()]
    lines += ["  - name: everybody", "    effect: permit", f"    obligations: {obligations}"]
    (folder / "policy.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return "policy.yaml"
