"""Commitments prove what is known and hide what is not."""

from rules.audit.commit import RunningCommitment, commit, matches, record_key


def test_a_known_text_is_proved_and_a_guess_is_not() -> None:
    key = record_key(b"s" * 32, "call-1")
    made = commit(key, b"the prompt")
    assert matches(key, b"the prompt", made)
    assert not matches(key, b"the prompt.", made)
    assert not matches(key, b"the prompt", "\N{EM DASH}")


def test_the_same_text_looks_different_in_every_record() -> None:
    secret = b"s" * 32
    assert record_key(secret, "call-1") != record_key(secret, "call-2")
    assert commit(record_key(secret, "call-1"), b"x") != commit(record_key(secret, "call-2"), b"x")


def test_pieces_commit_to_the_whole() -> None:
    key = record_key(b"s" * 32, "call-1")
    running = RunningCommitment(key)
    running.update(b"the ")
    assert running.text() == commit(key, b"the ")
    running.update(b"answer")
    assert running.text() == commit(key, b"the answer")


def test_the_format_names_the_algorithm() -> None:
    # RFC 4231 test case 2 checks the HMAC itself.
    assert commit(b"Jefe", b"what do ya want for nothing?") == (
        "hmac-sha256:W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="
    )
