import pytest

from rules.chat import Call, Cut, SlotKind, TextSlot, is_model_name
from rules.json_text import JsonText


@pytest.mark.parametrize(
    "name",
    ["gpt-4o", "gpt-4o-2024-08-06", "claude-3-5-sonnet-20241022", "anthropic/claude-sonnet-4.6",
     "01-ai/yi-large", "claude-3-opus@20240229", "gemini-2.5-flash-preview-09-2025", "m:online",
     "ft:gpt-4o-mini-2024-07-18:acme::9abc1234", "gpt-4-0125-preview", "qwen2.5-vl-72b"],
)  # fmt: skip
def test_names_of_models_are_names(name: str) -> None:
    assert is_model_name(name)


@pytest.mark.parametrize(
    "text",
    ["", "Anna O'Donnell", "77120345", "gpt-4o-ssn:123-45-6789/Anna", "m-77120345", "m-1951-03-14",
     "m-19510314", "m-03-14-1951", "m-555-867-5309", "m-2024-08-06123", "m" * 130, "m-120241301",
     "anna.lee@clinic.example"],
)  # fmt: skip
def test_what_may_hold_somebodys_number_is_none(text: str) -> None:
    assert not is_model_name(text)


def test_a_call_does_not_show_what_it_says() -> None:
    slot = TextSlot(0, "user", SlotKind.TEXT, "Anna")
    call = Call("openai.chat", JsonText(b'"Anna"'), "m", True, (slot,))
    assert repr(call) == "Call(openai.chat, stream=True, 1 slots)"
    assert "Anna" not in repr(slot)


def test_a_cut_says_which_guard_and_why() -> None:
    cut = Cut("leakage", "leaked", "an identifier was not in the request")
    assert (cut.guard, cut.code) == ("leakage", "leaked")
    assert str(cut) == "an identifier was not in the request"
