"""Credentials: keys and tokens that some service would let anyone in with.

They are no health information, yet nobody means to send them to a model. Prefixes are those that
the services document for secret scanning.
"""

from typing import Final

from rules.classify.form import Form, whole


def _mixed(value: str) -> bool:
    """A secret has letters and digits; a placeholder such as `your-api-key-here` has no digits."""
    return any(map(str.isdigit, value)) and any(map(str.isalpha, value))


SECRETS: Final = (
    Form("API_KEY", r"\bsk-[A-Za-z0-9_-]{16,}", 0.95, whole(_mixed)),
    Form("API_KEY", r"\b(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{10,}", 0.95),
    Form("API_KEY", r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})", 0.98),
    Form("API_KEY", r"\bglpat-[A-Za-z0-9_-]{20,}", 0.98),
    Form("API_KEY", r"\b(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}\b", 0.95),
    Form("API_KEY", r"\bAIza[A-Za-z0-9_-]{35}", 0.95),
    Form("API_KEY", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}", 0.95),
    Form("API_KEY", r"\bhf_[A-Za-z0-9]{30,}", 0.95),
    Form("API_KEY", r"\bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,}", 0.95),
    Form("API_KEY", r"\bnpm_[A-Za-z0-9]{36}\b", 0.95),
    # RFC 7519: a JSON Web Token starts with the base64url of `{"`.
    Form("API_KEY", r"\beyJ[A-Za-z0-9_-]{17,}(?:\.[A-Za-z0-9_-]*){0,4}", 0.95),
    # RFC 7468: the label, and all of the key that follows it.
    Form(
        "API_KEY",
        r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY-----[A-Za-z0-9+/=\s]*"
        r"(?:-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY-----)?",
        0.99,
    ),
    Form(
        "API_KEY",
        r"(?i:\b(?:aws_)?(?:api[ _-]?key|secret(?:[ _-]?(?:access[ _-]?)?key)?|access[ _-]?token"
        r"|auth[ _-]?token|client[ _-]?secret|passw(?:or)?d|pwd|bearer)"
        r"[\s\"']{0,2}(?:[:=]|is|\s)[\s\"':=]{0,4})"
        r"(?P<API_KEY>[A-Za-z0-9+/=_.!@#$%^&*~-]{8,})",
        0.7,
        whole(_mixed),
    ),
)
