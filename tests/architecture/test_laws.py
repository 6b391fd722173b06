"""The laws of the house, read off the syntax trees."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(p for d in ("proxy", "rules", "adapters") for p in (ROOT / d).rglob("*.py"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in SOURCES:
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def makers_of(name: str) -> set[str]:
    """Files that call the class of this name."""
    return {
        file
        for file, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id == name)
            or (isinstance(node.func, ast.Attribute) and node.func.attr == name)
        )
    }


@pytest.mark.parametrize(
    ("value", "maker"),
    [
        ("Permit", "rules/policy/decide.py"),
        ("Minimized", "rules/minimize/apply.py"),
        ("IntentRef", "proxy/ledger.py"),
    ],
)
def test_what_is_asked_before_sending_has_one_maker(value, maker):
    assert makers_of(value) == {maker}


def test_only_the_upstreams_of_a_permit_are_sent_to():
    """`send` of an upstream is called in one place, which takes its targets from `candidates`."""
    callers = {
        file
        for file, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "send"
        and file.startswith("proxy/")
    }
    assert callers == {"proxy/stages/dispatch.py"}


def test_files_are_short():
    assert [str(p) for p in SOURCES if len(p.read_text().splitlines()) > 350] == []


def test_functions_are_short():
    long = [
        f"{file}:{node.lineno} {node.name}"
        for file, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= 50
    ]
    assert long == []


def test_init_files_are_empty():
    assert [str(p) for p in SOURCES if p.name == "__init__.py" and p.read_text().strip()] == []


def test_no_file_has_a_name_that_says_nothing():
    empty = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
    assert [str(p) for p in SOURCES if p.stem in empty] == []


def test_the_environment_is_read_in_one_file():
    readers = {
        file
        for file, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
        and isinstance(node.value, ast.Name) and node.value.id == "os"
    }  # fmt: skip
    assert readers <= {"proxy/config.py"}


def test_every_code_of_a_refusal_is_in_the_readme():
    words: set[str] = set()
    for file in ("proxy/rescue.py", "proxy/stages/route.py", "rules/policy/decide.py"):
        for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words.add(node.value)
    codes = {w for w in words if re.fullmatch(r"[a-z]+(_[a-z]+)+", w)}
    not_codes = {
        "server_error", "invalid_request_error", "permission_error", "rate_limit_error",
        "answer_refused", "in_flight",
    }  # fmt: skip
    assert sorted(c for c in codes - not_codes if f"`{c}`" not in README) == []


def test_every_command_and_target_is_in_a_readme():
    targets = re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"setup", "demo", "test", "check", "bench"} <= set(targets)
    for command in ("serve", "check", "explain", "verify", "key new", "demo"):
        assert f"pratique {command}" in README or f"make {command}" in README, command


def test_every_dependency_is_locked():
    lock = (ROOT / "uv.lock").read_text()
    project = (ROOT / "pyproject.toml").read_text()
    wanted = re.search(r"^dependencies = \[(.*?)^\]", project, re.MULTILINE | re.DOTALL)[1]
    for name in re.findall(r'"([a-z0-9-]+)', wanted):
        assert f'name = "{name}"' in lock, name
