"""The two ways in which a rule can say no to its input. Neither carries a value from a call."""


class PolicyError(Exception):
    """A policy document cannot be used; `problems` lists every reason, one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class ProofError(Exception):
    """A receipt, checkpoint or inclusion proof does not hold; the message says which part."""
