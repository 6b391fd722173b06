"""What can be done to an identifier before a call leaves.

Operators are Presidio's classes, called one span at a time; its engine is left out, since findings
come here settled. What Presidio lacks is added in its own form. No operator derives a code from a
value: 45 CFR 164.514(c) forbids that for de-identified data.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from presidio_anonymizer.operators import Keep, Mask, Operator, OperatorType, Redact, Replace
from pydantic import BaseModel, ConfigDict, Field, model_validator

# Three-digit ZIP areas with 20,000 people or fewer, which 45 CFR 164.514(b)(2)(i)(B)
# turns into 000: those of the census of 2000 and of 2010 together.
_SMALL_ZIP3: Final = frozenset(
    {
        "036", "059", "063", "102", "203", "205", "369", "556", "692", "790",
        "821", "823", "830", "831", "878", "879", "884", "890", "893",
    }
)  # fmt: skip
_ZIP: Final = re.compile(r"(?<![0-9])([0-9]{3})[0-9]{2}(?:-?[0-9]{4})?(?![0-9])")
# A year alone among other digits, or at the head of an HL7 time stamp (YYYYMMDD…).
_YEAR: Final = re.compile(
    r"(?<![0-9])((?:1[89]|20)[0-9]{2})"
    r"(?:(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[0-9]{2}){0,3})?(?![0-9])"
)


class Generalize(Operator):
    """Puts a wider category in the place of a value, as Safe Harbor allows it.

    A date becomes its year, a ZIP code its first three digits, an age over 89 `90+` (45 CFR
    164.514(b)(2)(i)(B) and (C)). Whatever cannot be read with certainty, or has no wider category,
    becomes nothing. Years before `earliest_year` become nothing too, because they can tell of an
    age over 89.
    """

    def operate(self, text: str, params: Mapping[str, Any] | None = None) -> str:
        """Return the category of `text`, which is an entity of kind `params["entity_type"]`."""
        given = params or {}
        match given.get("entity_type"):
            case "DATE_TIME":
                years = set(_YEAR.findall(text))
                year = years.pop() if len(years) == 1 else ""
                return year if year >= str(given.get("earliest_year", EARLIEST_YEAR)) else ""
            case "ZIP_CODE":
                zips = set(_ZIP.findall(text))
                zip3 = zips.pop() if len(zips) == 1 else ""
                return "000" if zip3 in _SMALL_ZIP3 else zip3
            case "AGE_OVER_89":
                return "90+"
        return ""

    def validate(self, params: Mapping[str, Any] | None = None) -> None:
        """Accept anything: `OperatorSpec` has checked the parameters."""

    def operator_name(self) -> str:
        """Return `generalize`."""
        return "generalize"

    def operator_type(self) -> OperatorType:
        """Return Presidio's word for an operator that hides."""
        return OperatorType.Anonymize


class Tokenize(Operator):
    """Puts a token in the place of a value, to be turned back in the answer."""

    def operate(self, text: str, params: Mapping[str, Any] | None = None) -> str:
        """Return what `params["token"]`, a function of entity and value, has for `text`."""
        given = params or {}
        token: str = given["token"](given["entity_type"], text)
        return token

    def validate(self, params: Mapping[str, Any] | None = None) -> None:
        """Accept anything: a token has no parameters."""

    def operator_name(self) -> str:
        """Return `tokenize`."""
        return "tokenize"

    def operator_type(self) -> OperatorType:
        """Return Presidio's word for an operator that hides."""
        return OperatorType.Anonymize


EARLIEST_YEAR: Final = 1940
KEEP: Final = "keep"
TOKENIZE: Final = "tokenize"

OPERATORS: Final[Mapping[str, Operator]] = MappingProxyType(
    {
        operator.operator_name(): operator
        for operator in (Keep(), Redact(), Mask(), Replace(), Generalize(), Tokenize())
    }
)

_PARAMETERS: Final = MappingProxyType(
    {
        "mask": frozenset({"masking_char", "chars_to_mask", "from_end"}),
        "replace": frozenset({"new_value"}),
        "generalize": frozenset({"earliest_year"}),
    }
)


class OperatorSpec(BaseModel):
    """An operator by name, with the parameters that it takes and no others.

    `new_value` is what `replace` puts in; `masking_char` (one character, `*`), `chars_to_mask` (all
    where it is not given) and `from_end` shape a `mask`; `earliest_year` is the first year that
    `generalize` lets through. An unknown operator is the policy document's to refuse, since it can
    name the entity.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    operator: str
    new_value: str | None = Field(default=None, min_length=1, max_length=200)
    masking_char: str | None = Field(default=None, min_length=1, max_length=1)
    chars_to_mask: int | None = Field(default=None, ge=1)
    from_end: bool | None = None
    earliest_year: int | None = Field(default=None, ge=1000, le=9999)

    @model_validator(mode="after")
    def _parameters_belong_to_the_operator(self) -> "OperatorSpec":
        given = self.model_dump(exclude={"operator"}, exclude_none=True)
        for parameter in given:
            if parameter not in _PARAMETERS.get(self.operator, frozenset()):
                raise ValueError(f"operator `{self.operator}` takes no `{parameter}`")
        if self.operator == "replace" and self.new_value is None:
            raise ValueError("operator `replace` needs a `new_value`")
        return self

    def leaves(self, value: str) -> bool:
        """True when some of `value` stays readable: it is kept, or masked only in part."""
        if self.operator == "mask":
            return self.chars_to_mask is not None and self.chars_to_mask < len(value)
        return self.operator == KEEP

    def apply(self, entity: str, value: str) -> str:
        """Return what leaves in the place of `value`. Raises KeyError for `tokenize`, which needs
        a numbering (see `Tokenize`), and for an operator nobody knows."""
        params = {
            "entity_type": entity,
            "new_value": self.new_value,
            "masking_char": self.masking_char or "*",
            "chars_to_mask": self.chars_to_mask or len(value),
            "from_end": self.from_end or False,
            "earliest_year": self.earliest_year or EARLIEST_YEAR,
        }
        text: str = OPERATORS[self.operator].operate(text=value, params=params)
        return text
