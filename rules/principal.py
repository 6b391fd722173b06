"""Who asks: the identity to which every call is tied.

A principal is made by an authenticator and never changed. Its `repr` leaves the subject out, since
a subject may be a person's name or address and reprs end up in logs.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Assurance(StrEnum):
    """How sure the authenticator is of the subject, after NIST SP 800-63B (AAL 1 to 3)."""

    LOW = "low"
    SUBSTANTIAL = "substantial"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Principal:
    """One authenticated caller: `subject` within `tenant`, acting in `roles` for `workflow`.

    `method` names how it was proved (`api_key`, `jwt`); `tenant_class` is the low-cardinality
    label under which the tenant appears in metrics.
    """

    subject: str = field(repr=False)
    tenant: str
    roles: frozenset[str]
    workflow: str
    assurance: Assurance
    method: str
    tenant_class: str = "standard"
