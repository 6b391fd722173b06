import pytest

from adapters.wire.openai_chat_free import FreeStrings, is_free, is_padding

TEXTS = {
    "id": ("id",),
    "name": ("choices", 0, "message", "tool_calls", 0, "function", "name"),
    "reason": ("choices", 0, "finish_reason"),
    "model": ("model",),
    "data": ("choices", 0, "message", "audio", "data"),
    "image": ("choices", 0, "message", "content", 0, "image_url", "url"),
}


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("id", "chatcmpl-DPTCTUGiPPm37BdONIE1N4vrh2YZ7"), ("id", "call_wB0C4FAOjxYgTNJrQT9NzzZ9"),
        ("id", "chatcmpl-4ef92b12-fb9d-486f-8b98-af9b5ecac736"), ("id", "rew01jq49"),
        ("id", "33be18fc-3842-486c-8c29-dd8e578f7f20"), ("id", "7334c29da064437e9d158710cdefbae6"),
        ("id", "gen-1732145678-aBcDeFgHiJkLmNoPqRsT"),
        ("name", "get_weather"), ("reason", "content_filter"), ("reason", "MAX_TOKENS"),
        ("model", "gpt-4o-2024-08-06"), ("model", "claude-sonnet-4-5-20250929"),
        ("model", "openai/gpt-oss-120b"),
        ("data", "B7oH6rUO9kQMWKmZOE/vO5bKz16j1SCeo+" * 40 + "=="),
        ("image", "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAA" * 20),
    ],
)  # fmt: skip
def test_what_the_protocol_puts_there_passes(place, text):
    assert not is_free(TEXTS[place], text)


@pytest.mark.parametrize("place", TEXTS)
@pytest.mark.parametrize(
    "text",
    [
        "219-09-9999", "chatcmpl-219-09-9999", "219099999", "call_219099999", "SSN 219-09-9999",
        "gen-219-09-9999", "write to a@b.org", "sees Anna Lee", "617.555.0123", "m_617-555-0123",
        "data:text/plain,219-09-9999", "data:text/plain;base64,219-09-9999",
        "data:text/plain;n=219-09-9999;base64,iVBORw0KGgoAAAANSUhEUgAA" * 4,
        "ABCD" * 30 + "219-09-9999",
    ],
)  # fmt: skip
def test_an_identifier_in_its_place_is_looked_at(place, text):
    assert is_free(TEXTS[place], text)


@pytest.mark.parametrize("place", ["id", "name", "reason"])
@pytest.mark.parametrize("text", ["PERSON_1", "call_PERSON_1", "see_SSN_12B", "[PERSON_1]"])
def test_a_token_in_its_place_is_looked_at(place, text):
    assert is_free(TEXTS[place], text)


def test_what_nobody_knows_is_looked_at_and_logprobs_are_not():
    assert is_free(("citations", 0), "a")
    assert is_free(("choices", 0, "delta", "x"), "a")
    assert not is_free(("choices", 0, "logprobs", "content", 0, "token"), "219-09-9999")


@pytest.mark.parametrize(
    ("written", "padding"),
    [(b"", True), (b"aB3k", True), (b"a" * 64, True), (b"a" * 65, False), (b"12345", False),
     (b"1234", True), (b"a b", False), (b"a-b", False), (b"\\u0041", False), (b"\xc3\xa9", False)],
)  # fmt: skip
def test_padding_is_short_and_means_nothing(written, padding):
    assert is_padding(written) is padding


def test_short_strings_are_remembered_within_bounds():
    looks = []

    def look(text: str) -> str:
        looks.append(text)
        return text + "!"

    free = FreeStrings(look)
    assert free.passed(["a"]) == ["a!"]
    assert free.passed(["a", "b", "a"]) == ["a!", "b!", "a!"]
    assert free.passed([]) == []
    assert looks == ["a", "b"]
    many = [f"{n}" for n in range(1000)]
    assert len(free.passed(many)) == 1000
    assert repr(free) == "FreeStrings(256 remembered)"
    long = "x" * 300
    assert FreeStrings(str).passed([long]) == [long]
    fresh = FreeStrings(str)
    fresh.passed([long])
    assert repr(fresh) == "FreeStrings(0 remembered)"


def test_what_the_look_raises_passes():
    def refuse(text: str) -> str:
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        FreeStrings(refuse).passed(["a", "b"])
