"""There is no place in a request where an identifier passes without a look."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import WireError
from adapters.wire.openai_chat import read_call
from adapters.wire.openai_chat_places import REQUEST, Node


def places(node: Node = REQUEST, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for step, below in node.inner.items():
        if step:
            yield (*path, str(step))
            yield from places(below, (*path, str(step)))


PLACES = sorted(places())
IDENTIFIERS = st.sampled_from(
    ["123-45-6789", "77120345", "ssn:123-45-6789", "MRN-77120345", "Anna Lee", "1951-03-14",
     "anna.lee@clinic.example", "(555) 867-5309", "data:text/plain;base64,Anna Lee 123-45-6789"]
)  # fmt: skip
AROUND = st.sampled_from(["", "call_", "user_", "gpt-", "v", " ", "x/", "auto:"])


def put(path: tuple[str, ...], text: str, *, listed: bool) -> dict:
    value: object = text
    for step in reversed(path[1:]):
        value = {step: [value] if listed else value}
    request: dict = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    if path[0] == "messages":
        request["messages"] = [{"role": "user", **value}] if isinstance(value, dict) else value
    else:
        request[path[0]] = [value] if listed else value
    return request


def slots(request: dict) -> list[str] | None:
    try:
        return [slot.text for slot in read_call(json.dumps(request).encode()).slots]
    except WireError:
        return None


@given(st.sampled_from(PLACES), IDENTIFIERS, AROUND, st.booleans())
def test_an_identifier_in_any_place_of_the_protocol_is_read_or_refused(
    path: tuple[str, ...], identifier: str, around: str, listed: bool
) -> None:
    text = around + identifier
    found = slots(put(path, text, listed=listed))
    assert found is None or text in found


@pytest.mark.parametrize("path", PLACES, ids=".".join)
def test_a_number_of_social_security_is_read_or_refused_in_every_place(path):
    for listed in (False, True):
        found = slots(put(path, "123-45-6789", listed=listed))
        assert found is None or "123-45-6789" in found
