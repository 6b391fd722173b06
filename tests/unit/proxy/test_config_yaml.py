"""YAML: what it means here, and where it is wrong."""

import pytest

from proxy.config_yaml import MAX_BYTES, Problem, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: off", {"a": "off"}),
        ("a: yes", {"a": "yes"}),
        ("a: true", {"a": True}),
        ("a: False", {"a": False}),
        ("a: 'true'", {"a": "true"}),
        ("a:", {"a": None}),
        ("a: ~", {"a": None}),
        ("a: 12", {"a": 12}),
        ("a: -3", {"a": -3}),
        ("a: 0644", {"a": 644}),
        ("a: 1.5", {"a": 1.5}),
        ("a: 1e3", {"a": 1000.0}),
        ("a: 10:30", {"a": "10:30"}),
        ("a: 2026-01-02", {"a": "2026-01-02"}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: .inf", {"a": ".inf"}),
        ("a: 99999999999999999999", {"a": "99999999999999999999"}),
        ("a: =", {"a": "="}),
        ("a: [1, {b: c}]", {"a": [1, {"b": "c"}]}),
        ("1: a", {"1": "a"}),
        ("\ufeffa: 1", {"a": 1}),
        ("a: |\n  x\n  \ty\n", {"a": "x\n\ty\n"}),
    ],
)
def test_what_a_text_means(text: str, value: object) -> None:
    document = parse(text.encode(), "f")
    assert (document.value, document.problems) == (value, [])


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", 4, "the key `c` stands here for the second time (first on"),
        ("a:\n\tb: 1\n", 2, "a tab at the beginning of a line"),
        ("a: [1\nb: 2\n", 2, "cannot be read as YAML"),
        ("a: &x 1\nb: *x\n", 2, "aliases are not known here"),
        ("a: !!python/object:os.system x\n", 1, "tags (`!…`) are not known here"),
        ("a: !!binary eA==\n", 1, "tags (`!…`) are not known here"),
        ("a: !!set {x: null}\n", 1, "tags (`!…`) are not known here"),
        ("a: !!int x\n", 1, "is not of the kind `int`"),
        ("a: 1\n---\nb: 2\n", 2, "expected a single document"),
        ("[a, b]: 1\n", 1, "a key should be a word"),
        ("a: \x00", 0, "a character that is not allowed"),
        ("a: " + "[" * 70 + "]" * 70, 1, "nested deeper than"),
        ("a: " + "[" * 50_000, 0, "nested deeper than"),
        ("x" * (MAX_BYTES + 1), 0, "is longer than"),
    ],
)
def test_what_is_wrong_with_a_text(text: str, line: int, said: str) -> None:
    problems = parse(text.encode(), "f").problems
    assert said in " ".join(str(problem) for problem in problems)
    assert problems[0].line == line


def test_bytes_that_are_no_text() -> None:
    assert parse(b"a: 1\nb: \xff\n", "f").problems == [Problem("f", 2, "is not UTF-8 text")]


def test_every_tab_and_every_duplicate_is_reported() -> None:
    tabs = parse(b"a:\n\tb: 1\n\tc: 1\n", "f").problems
    assert [problem.line for problem in tabs] == [2, 3]
    twice = parse(b"a: 1\nb: 1\na: 2\nb: 2\n", "f").problems
    assert [problem.line for problem in twice] == [3, 4]


def test_a_merge_key_is_a_key_like_any_other() -> None:
    assert parse(b"<<: {a: 1}", "f").value == {"<<": {"a": 1}}


def test_each_part_has_its_line() -> None:
    document = parse(b"a:\n  b:\n    - x\n    - c: 1\n\nd: 2\n", "f")
    lines = [document.line_of(place) for place in ((), ("a",), ("a", "b", 1, "c"), ("d",))]
    assert lines == [1, 1, 4, 6]
    assert document.line_of(("a", "b", 0, "missing", "deeper")) == 3
    assert document.line_of(("nowhere",)) == 1


def test_a_problem_reads_as_one_line() -> None:
    assert str(Problem("f", 3, "is wrong", "mend it")) == "f:3: is wrong; mend it"
    assert str(Problem("f", 0, "is wrong")) == "f: is wrong"
