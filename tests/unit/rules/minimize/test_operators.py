import pytest
from pydantic import ValidationError

from rules.minimize.operators import OPERATORS, OperatorSpec


@pytest.mark.parametrize(
    ("entity", "value", "left"),
    [
        ("DATE_TIME", "03/04/1985", "1985"),
        ("DATE_TIME", "March 4, 2019", "2019"),
        ("DATE_TIME", "1985-03-04T10:00:00", "1985"),
        ("DATE_TIME", "19850304", "1985"),
        ("DATE_TIME", "20240229123000", "2024"),
        ("DATE_TIME", "3/4/85", ""),
        ("DATE_TIME", "2019 to 2020", ""),
        ("DATE_TIME", "12 March", ""),
        ("DATE_TIME", "04/05/1931", ""),
        ("ZIP_CODE", "02139", "021"),
        ("ZIP_CODE", "02139-4307", "021"),
        ("ZIP_CODE", "021394307", "021"),
        ("ZIP_CODE", "03601", "000"),
        ("ZIP_CODE", "89301-0001", "000"),
        ("ZIP_CODE", "2139", ""),
        ("ZIP_CODE", "02139 or 10001", ""),
        ("AGE_OVER_89", "ninety-four years", "90+"),
        ("AGE_OVER_89", "94", "90+"),
        ("PERSON", "Anna O'Donnell", ""),
        ("US_SSN", "123-45-6789", ""),
    ],
)
def test_generalize_keeps_only_what_safe_harbor_allows(entity: str, value: str, left: str) -> None:
    assert OperatorSpec(operator="generalize").apply(entity, value) == left


def test_first_year_let_through_can_be_set() -> None:
    spec = OperatorSpec(operator="generalize", earliest_year=1950)
    assert spec.apply("DATE_TIME", "1949-01-01") == ""
    assert spec.apply("DATE_TIME", "1950-01-01") == "1950"


@pytest.mark.parametrize(
    ("spec", "left"),
    [
        (OperatorSpec(operator="redact"), ""),
        (OperatorSpec(operator="keep"), "123456"),
        (OperatorSpec(operator="mask"), "******"),
        (OperatorSpec(operator="mask", masking_char="#", chars_to_mask=4), "####56"),
        (OperatorSpec(operator="mask", chars_to_mask=2, from_end=True), "1234**"),
        (OperatorSpec(operator="mask", chars_to_mask=99), "******"),
        (OperatorSpec(operator="replace", new_value="a number"), "a number"),
    ],
)
def test_operators_leave(spec: OperatorSpec, left: str) -> None:
    assert spec.apply("ACCOUNT_NUMBER", "123456") == left


def test_value_stays_readable_when_kept_or_masked_in_part() -> None:
    assert OperatorSpec(operator="keep").leaves("1234")
    assert OperatorSpec(operator="mask", chars_to_mask=3).leaves("1234")
    assert not OperatorSpec(operator="mask", chars_to_mask=4).leaves("1234")
    assert not OperatorSpec(operator="mask").leaves("1234")
    assert not OperatorSpec(operator="redact").leaves("1234")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"operator": "redact", "new_value": "x"}, "`redact` takes no `new_value`"),
        ({"operator": "mask", "earliest_year": 1950}, "`mask` takes no `earliest_year`"),
        ({"operator": "replace"}, "needs a `new_value`"),
        ({"operator": "mask", "masking_char": "**"}, "at most 1 character"),
        ({"operator": "mask", "chars_to_mask": 0}, "greater than or equal to 1"),
        ({"operator": "redact", "colour": "red"}, "Extra inputs are not permitted"),
    ],
)
def test_parameter_that_would_do_nothing_is_an_error(given: dict, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        OperatorSpec.model_validate(given)


def test_spec_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        OperatorSpec(operator="keep").operator = "redact"  # type: ignore[misc]  # the point of it


def test_tokenize_asks_for_the_token_of_entity_and_value() -> None:
    params = {"entity_type": "PERSON", "token": lambda entity, value: f"{entity}={value}"}
    assert OPERATORS["tokenize"].operate("Anna", params) == "PERSON=Anna"


def test_tokenize_cannot_be_applied_without_a_numbering() -> None:
    with pytest.raises(KeyError):
        OperatorSpec(operator="tokenize").apply("PERSON", "Anna")


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_operator_goes_by_its_own_name_as_presidio_asks(name: str) -> None:
    operator = OPERATORS[name]
    operator.validate({"new_value": "x", "masking_char": "*", "chars_to_mask": 1, "from_end": True})
    assert operator.operator_name() == name
    assert operator.operator_type().name == "Anonymize"
