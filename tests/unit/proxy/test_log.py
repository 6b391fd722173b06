"""The log takes what it knows and nothing else."""

import io
import json
import types

import pytest

from proxy.log import Log

CLOCK = types.SimpleNamespace(wall=lambda: 1.5, monotonic=lambda: 0.0)


def test_an_event_is_one_json_line():
    stream = io.StringIO()
    Log(CLOCK, stream).info("call", call="pr-1", status=200)
    assert json.loads(stream.getvalue()) == {
        "time": 1.5, "level": "info", "event": "call", "call": "pr-1", "status": 200,
    }  # fmt: skip


def test_a_field_that_is_not_on_the_list_cannot_be_logged():
    stream = io.StringIO()
    with pytest.raises(ValueError, match="prompt"):
        Log(CLOCK, stream).error("x", prompt="Maria Gonzalez")
    assert stream.getvalue() == ""
